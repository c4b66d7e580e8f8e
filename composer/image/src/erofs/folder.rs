//! Blocks of folders (erofs_fs.h, `struct erofs_dirent`): in each block the entries, sorted, and after
//! them their names. Linux searches blocks and entries by halves, so `.` and `..` stand among the names
//! where their bytes put them.

use super::disk::{BLOCK, u16_at, u64_at};
use crate::tree::LONGEST_NAME;

/// Size of an entry without its name.
const ENTRY: usize = 12;

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub name: &'a [u8],
    /// Number of its inode.
    pub inode: u64,
    /// What it leads to, as [`super::disk::kind_bits`] has it.
    pub kind: u8,
}

/// Sorted names in the blocks they go to.
fn blocks<'a>(names: &[&'a [u8]]) -> Vec<Vec<&'a [u8]>> {
    let mut blocks: Vec<Vec<&[u8]>> = vec![Vec::new()];
    let mut used = 0;
    for name in names {
        let size = ENTRY + name.len();
        if used + size > BLOCK as usize {
            blocks.push(Vec::new());
            used = 0;
        }
        used += size;
        blocks.last_mut().expect("there is one").push(name);
    }
    blocks
}

/// Size in bytes of a folder of these sorted names, `.` and `..` among them.
pub fn size(names: &[&[u8]]) -> u64 {
    let blocks = blocks(names);
    let last = blocks.last().map_or(0, |last| last.iter().map(|name| ENTRY + name.len()).sum());
    (blocks.len() as u64 - 1) * BLOCK + last as u64
}

/// The bytes of a folder of sorted entries, `.` and `..` among them.
pub fn bytes(entries: &[Entry<'_>]) -> Vec<u8> {
    let names: Vec<&[u8]> = entries.iter().map(|entry| entry.name).collect();
    let mut bytes = Vec::new();
    let mut rest = entries;
    for block in blocks(&names) {
        let (here, after) = rest.split_at(block.len());
        rest = after;
        // The last block is as long as it is; each before is filled up.
        bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), 0);
        let mut name_at = ENTRY * here.len();
        for entry in here {
            bytes.extend(entry.inode.to_le_bytes());
            bytes.extend((name_at as u16).to_le_bytes());
            bytes.extend([entry.kind, 0]);
            name_at += entry.name.len();
        }
        here.iter().for_each(|entry| bytes.extend(entry.name));
    }
    bytes
}

/// The entries of a folder; nothing when [`bytes`] would not have written it.
pub fn read(folder: &[u8]) -> Option<Vec<Entry<'_>>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for block in folder.chunks(BLOCK as usize) {
        let first = usize::from(u16_at(block, 8)?);
        let count = first / ENTRY;
        if count == 0 || !first.is_multiple_of(ENTRY) {
            return None;
        }
        for at in 0..count {
            let start = usize::from(u16_at(block, ENTRY * at + 8)?);
            let end = match at + 1 < count {
                true => usize::from(u16_at(block, ENTRY * (at + 1) + 8)?),
                false => {
                    let rest = block.get(start..)?;
                    start + rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len())
                }
            };
            let name = block.get(start..end).filter(|name| !name.is_empty())?;
            if name.len() > LONGEST_NAME || entries.last().is_some_and(|last| last.name >= name) {
                return None;
            }
            let inode = u64_at(block, ENTRY * at)?;
            let kind = *block.get(ENTRY * at + 10)?;
            entries.push(Entry { name, inode, kind });
        }
    }
    (bytes(&entries) == folder).then_some(entries)
}
