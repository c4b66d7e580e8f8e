//! Reading of a partition table. Both copies, both checksums of each and every byte around them have to be
//! as a writer would make them: a table that firmware would have to repair is none.

use super::error::Copy;
use super::write::{ENTRY, HEADER, REVISION, SIGNATURE, protective_mbr};
use super::{GptError, Partition, Table};
use crate::content::Data;
use crate::layout::{Sector, TABLE};
use crate::uuid::Uuid;

/// Reads the table of a disk. Takes about 40 KiB of memory, whatever the disk's size.
///
/// Tools may leave sectors unused before the first and after the last partition; everything else is as
/// [`super::write`] does it.
///
/// # Errors
/// The first rule that is broken.
pub fn read(image: &Data) -> Result<Table, GptError> {
    let sector = [Sector::S512, Sector::S4096].into_iter().find(|sector| {
        matches!(piece(image, sector.bytes(), SIGNATURE.len()), Ok(found) if found == SIGNATURE)
    });
    let sector = sector.ok_or(GptError::NoTable)?;
    let (size, bytes) = (image.size(), sector.bytes());
    if !size.is_multiple_of(bytes) {
        return Err(GptError::Broken { size, sector: bytes });
    }
    let sectors = size / bytes;
    if sector.end_usable(sectors).is_none() {
        return Err(GptError::Tiny { sectors, sector: bytes });
    }
    let last = sectors - 1;
    let front = piece(image, 0, (sector.first_usable() * bytes) as usize)?;
    let back_size = TABLE + bytes;
    let back = piece(image, size - back_size, back_size as usize)?;
    let (mbr, front) = front.split_at(bytes as usize);
    let (primary, entries) = front.split_at(bytes as usize);
    let (backup_entries, backup) = back.split_at(TABLE as usize);

    let mut table = Table { sector, sectors, id: Uuid::NIL, partitions: Vec::new() };
    let mut expected = protective_mbr(&table);
    // Where the end is said as if the disk had a geometry, that is as good.
    if let Some(geometry) = end_by_geometry(last)
        && mbr[451..454] == geometry
    {
        expected[451..454].copy_from_slice(&geometry);
    }
    if let Some(offset) = (0..mbr.len()).find(|at| mbr[*at] != expected[*at]) {
        let (found, expected) = (mbr[offset], expected[offset]);
        return Err(GptError::Mbr { offset, found, expected });
    }
    let head = Head { copy: Copy::Primary, own: 1, other: last, array: 2 };
    let usable = head.read(&table, primary, entries)?;
    let head = Head { copy: Copy::Backup, own: last, other: 1, array: last - sector.table() };
    let backup_usable = head.read(&table, backup, backup_entries)?;
    if usable != backup_usable {
        return Err(GptError::Differs { what: "usable sectors or the GUID of the disk" });
    }
    if entries != backup_entries {
        return Err(GptError::Differs { what: "entries" });
    }
    table.id = usable.id;
    let mut unused = false;
    let (chunks, _) = entries.as_chunks::<ENTRY>();
    for (number, entry) in (1..).zip(chunks) {
        match partition(number, entry)? {
            Some(_) if unused => {
                return Err(GptError::Entry {
                    number,
                    why: "is used, and the one before it is not",
                });
            }
            Some(partition) => table.partitions.push(partition),
            None => unused = true,
        }
    }
    table.check_within(usable.first, usable.last + 1)?;
    Ok(table)
}

/// The end in the protective MBR as some tools write it: head, sector, cylinder of a disk of 255 heads and 63
/// sectors per track, which PC firmware made up for disks without a geometry.
fn end_by_geometry(last: u64) -> Option<[u8; 3]> {
    let (cylinder, head, sector) = (last / (255 * 63), last / 63 % 255, last % 63 + 1);
    let high = u8::try_from(cylinder >> 8).ok().filter(|high| *high < 4)?;
    Some([head as u8, sector as u8 | high << 6, cylinder as u8])
}

/// What both headers have to say in the same way.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Usable {
    first: u64,
    last: u64,
    id: Uuid,
}

/// What one header has to say.
struct Head {
    copy: Copy,
    own: u64,
    other: u64,
    array: u64,
}

impl Head {
    fn read(&self, table: &Table, bytes: &[u8], entries: &[u8]) -> Result<Usable, GptError> {
        let copy = self.copy;
        let mut blank = bytes[..HEADER].to_vec();
        blank[16..20].fill(0);
        let u32_at = |at: usize| u64::from(u32::from_le_bytes(array(bytes, at)));
        let u64_at = |at: usize| u64::from_le_bytes(array(bytes, at));
        let signature = u64::from_le_bytes(SIGNATURE);
        // In the order of their places, the checksum before what it covers.
        let fields = [
            ("Signature", u64_at(0), signature),
            ("HeaderCRC32", u32_at(16), u64::from(crc32fast::hash(&blank))),
            ("Revision", u32_at(8), u64::from(REVISION)),
            ("HeaderSize", u32_at(12), HEADER as u64),
            ("Reserved", u32_at(20), 0),
            ("MyLBA", u64_at(24), self.own),
            ("AlternateLBA", u64_at(32), self.other),
            ("PartitionEntryLBA", u64_at(72), self.array),
            ("NumberOfPartitionEntries", u32_at(80), TABLE / ENTRY as u64),
            ("SizeOfPartitionEntry", u32_at(84), ENTRY as u64),
            ("PartitionEntryArrayCRC32", u32_at(88), u64::from(crc32fast::hash(entries))),
        ];
        if let Some((field, found, expected)) =
            fields.into_iter().find(|(_, found, expected)| found != expected)
        {
            return Err(GptError::Field { copy, field, found, expected });
        }
        if let Some(offset) = (HEADER..bytes.len()).find(|at| bytes[*at] != 0) {
            return Err(GptError::Trailing { copy, offset });
        }
        let (first, last) = (u64_at(40), u64_at(48));
        let (least, most) = (table.sector.first_usable(), table.sectors - 2 - table.sector.table());
        if first < least || last > most || first > last {
            return Err(GptError::Usable { copy, first, last, least, most });
        }
        Ok(Usable { first, last, id: Uuid::from_guid(array(bytes, 56)) })
    }
}

/// An entry, unless it is unused.
fn partition(number: usize, entry: &[u8; ENTRY]) -> Result<Option<Partition>, GptError> {
    let wrong = |why| GptError::Entry { number, why };
    let kind = Uuid::from_guid(array(entry, 0));
    if kind == Uuid::NIL {
        return match entry.iter().all(|byte| *byte == 0) {
            true => Ok(None),
            false => Err(wrong("is unused and not zero")),
        };
    }
    let (first, last) =
        (u64::from_le_bytes(array(entry, 32)), u64::from_le_bytes(array(entry, 40)));
    let sectors = last.checked_sub(first).and_then(|more| more.checked_add(1));
    let (units, _) = entry[56..].as_chunks::<2>();
    let mut units: Vec<u16> = units.iter().copied().map(u16::from_le_bytes).collect();
    if let Some(end) = units.iter().position(|unit| *unit == 0) {
        if units[end..].iter().any(|unit| *unit != 0) {
            return Err(wrong("has a name that goes on after its NUL"));
        }
        units.truncate(end);
    }
    Ok(Some(Partition {
        kind,
        id: Uuid::from_guid(array(entry, 16)),
        name: String::from_utf16(&units).map_err(|_| wrong("has a name that is not UTF-16"))?,
        first,
        sectors: sectors.ok_or_else(|| wrong("ends before it starts"))?,
        attributes: u64::from_le_bytes(array(entry, 48)),
    }))
}

fn piece(image: &Data, offset: u64, size: usize) -> Result<Vec<u8>, GptError> {
    let mut bytes = vec![0; size];
    let read = image.read_at(offset, &mut bytes);
    read.map_err(|source| GptError::Read { offset, size, source })?;
    Ok(bytes)
}

/// `N` bytes from `at` on, which are known to be there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}
