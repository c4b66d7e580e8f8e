//! Writing of a partition table: what stands before the partitions, and what after them.

use super::{GptError, Table};
use crate::layout::TABLE;

/// "EFI PART" (UEFI 2.10 table 5-5).
pub(super) const SIGNATURE: [u8; 8] = *b"EFI PART";
/// Revision 1.0 of the header.
pub(super) const REVISION: u32 = 0x0001_0000;
/// Size of the header in bytes.
pub(super) const HEADER: usize = 92;
/// Size of an entry in bytes.
pub(super) const ENTRY: usize = 128;

/// The two ends of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Protective MBR, header and table: the first sectors of the disk.
    pub front: Vec<u8>,
    /// Backups of table and header: its last sectors.
    pub back: Vec<u8>,
}

/// Writes the table.
///
/// # Errors
/// The first rule that the table breaks.
pub fn write(table: &Table) -> Result<Written, GptError> {
    table.check()?;
    let entries = entries(table);
    let last = table.sectors - 1;
    let (primary, backup) = (header(table, &entries, 1, last, 2), {
        header(table, &entries, last, 1, last - table.sector.table())
    });
    let front = [protective_mbr(table), primary, entries.clone()].concat();
    Ok(Written { front, back: [entries, backup].concat() })
}

/// The first sector: to programs that know no GPT, the disk is one partition of a type they do not know (UEFI
/// 2.10 section 5.2.3). What has no boot code is zero.
pub(super) fn protective_mbr(table: &Table) -> Vec<u8> {
    let mut mbr = vec![0; table.sector.bytes() as usize];
    let size = u32::try_from(table.sectors - 1).unwrap_or(u32::MAX);
    let record = &mut mbr[446..462];
    // Cylinder 0, head 0, sector 2; the disk has no geometry to say its end in.
    record[1..4].copy_from_slice(&[0x00, 0x02, 0x00]);
    record[4] = 0xee;
    record[5..8].copy_from_slice(&[0xff, 0xff, 0xff]);
    record[8..12].copy_from_slice(&1u32.to_le_bytes());
    record[12..16].copy_from_slice(&size.to_le_bytes());
    mbr[510..512].copy_from_slice(&[0x55, 0xaa]);
    mbr
}

/// The sector of a header (UEFI 2.10 table 5-5).
fn header(table: &Table, entries: &[u8], own: u64, other: u64, array: u64) -> Vec<u8> {
    let last_usable = table.sectors - 2 - table.sector.table();
    let mut header = Vec::with_capacity(table.sector.bytes() as usize);
    header.extend(SIGNATURE);
    header.extend(REVISION.to_le_bytes());
    header.extend((HEADER as u32).to_le_bytes());
    // The checksum of the header, which it has with zeros here, and reserved bytes.
    header.extend([0; 8]);
    for place in [own, other, table.sector.first_usable(), last_usable] {
        header.extend(place.to_le_bytes());
    }
    header.extend(table.id.guid());
    header.extend(array.to_le_bytes());
    header.extend((TABLE as u32 / ENTRY as u32).to_le_bytes());
    header.extend((ENTRY as u32).to_le_bytes());
    header.extend(crc32fast::hash(entries).to_le_bytes());
    let checksum = crc32fast::hash(&header);
    header[16..20].copy_from_slice(&checksum.to_le_bytes());
    header.resize(table.sector.bytes() as usize, 0);
    header
}

/// The entries (UEFI 2.10 table 5-6), unused ones zero.
fn entries(table: &Table) -> Vec<u8> {
    let mut entries = Vec::with_capacity(TABLE as usize);
    for partition in &table.partitions {
        entries.extend(partition.kind.guid());
        entries.extend(partition.id.guid());
        entries.extend(partition.first.to_le_bytes());
        entries.extend((partition.first + partition.sectors - 1).to_le_bytes());
        entries.extend(partition.attributes.to_le_bytes());
        entries.extend(partition.name.encode_utf16().flat_map(u16::to_le_bytes));
        entries.resize(entries.len().next_multiple_of(ENTRY), 0);
    }
    entries.resize(TABLE as usize, 0);
    entries
}
