//! Listings of folders in their table (section 3.4): entries by name, in runs that share a header. And
//! the marks that the kernel finds a name in a large folder by, without unpacking all of it.

use super::error::ReadError;
use super::format::METADATA;
use super::metadata::Place;
use super::table::Cursor;

/// `SQUASHFS_DIR_COUNT`: how many entries a run has at most.
const LONGEST_RUN: usize = 256;
/// How many marks the 16 bits of an inode count.
const MOST_MARKS: usize = u16::MAX as usize;

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Its name; 1 to 255 bytes.
    pub name: &'a [u8],
    /// Where its inode is.
    pub inode: Place,
    /// The number of its inode.
    pub number: u32,
    /// The kind of its inode, as short inodes have it.
    pub kind: u16,
}

/// Where a run starts that is the first in its block of metadata (`squashfs_dir_index`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Offset of the run in the listing, in bytes.
    pub at: u32,
    /// Name of its first entry.
    pub name: Vec<u8>,
}

/// A listing that will stand at `position` of the unpacked table, and its marks.
///
/// A run ends after 256 entries, where the next inode is in another block or its number does not fit
/// the difference of 16 bits, and at the end of a block of metadata, so that each block has a mark.
pub(super) fn encode<'a>(
    position: u64,
    entries: impl Iterator<Item = Entry<'a>>,
) -> (Vec<u8>, Vec<Mark>) {
    struct Run {
        at: usize,
        count: usize,
        block: u64,
        number: u32,
    }
    let mut bytes: Vec<u8> = Vec::new();
    let mut marks = Vec::new();
    let mut run: Option<Run> = None;
    let block_of = |at: usize| (position + at as u64) / METADATA as u64;
    let mut marked = block_of(0);
    for entry in entries {
        let here = block_of(bytes.len());
        let difference =
            |run: &Run| i16::try_from(i64::from(entry.number) - i64::from(run.number)).ok();
        let open = run.as_ref().filter(|run| {
            run.count < LONGEST_RUN && run.block == entry.inode.block && block_of(run.at) == here
        });
        let difference = open.and_then(difference).unwrap_or_else(|| {
            if here != marked && marks.len() < MOST_MARKS {
                marks.push(Mark { at: bytes.len() as u32, name: entry.name.to_vec() });
                marked = here;
            }
            let block = entry.inode.block;
            run = Some(Run { at: bytes.len(), count: 0, block, number: entry.number });
            for word in [0, block as u32, entry.number] {
                bytes.extend(word.to_le_bytes());
            }
            0
        });
        if let Some(run) = &mut run {
            bytes[run.at..run.at + 4].copy_from_slice(&(run.count as u32).to_le_bytes());
            run.count += 1;
        }
        bytes.extend(entry.inode.offset.to_le_bytes());
        bytes.extend(difference.to_le_bytes());
        bytes.extend(entry.kind.to_le_bytes());
        bytes.extend((entry.name.len() as u16 - 1).to_le_bytes());
        bytes.extend(entry.name);
    }
    (bytes, marks)
}

/// Reads a listing of `size` bytes, with the offset in it of each entry's run.
///
/// # Errors
/// When it is none, or its names are not sorted.
pub(super) fn decode<'a>(
    from: &mut Cursor<'a>,
    size: u32,
) -> Result<Vec<(u32, Entry<'a>)>, ReadError> {
    let bad = |what, found: u64, why| Err(ReadError::Field { what, found, why });
    let mut from = from.part(size.into(), "listing of a folder")?;
    let mut found: Vec<(u32, Entry<'a>)> = Vec::new();
    while !from.is_at_end() {
        let run = from.passed() as u32;
        let [last, block, number] = [from.word()?, from.word()?, from.word()?];
        if last as usize >= LONGEST_RUN {
            return bad("count of entries in a run", u64::from(last) + 1, "there are at most 256");
        }
        for _ in 0..=last {
            let [offset, difference] = [from.half()?, from.half()?];
            let [kind, last] = [from.half()?, from.half()?];
            let name = from.take(u64::from(last) + 1, "name in a folder")?;
            let number = number.wrapping_add_signed(difference.cast_signed().into());
            if found.last().is_some_and(|(_, before)| before.name >= name) {
                return bad(
                    "listing's entry",
                    found.len() as u64,
                    "its name is not after the one before",
                );
            }
            if name.contains(&b'/') {
                return bad("listing's entry", found.len() as u64, "its name has a `/`");
            }
            let inode = Place { block: block.into(), offset };
            found.push((run, Entry { name, inode, number, kind }));
        }
    }
    Ok(found)
}
