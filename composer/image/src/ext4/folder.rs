//! The blocks of a folder (kernel documentation, "Directory Entries"): a list in one block, or from two on a list in
//! the order of hashes with an index before it, in which Linux finds a name among millions.

use super::BLOCK;
use super::checksum;
use super::fields::{get_u16, get_u32, put_u16, put_u32};
use super::hash::{self, HALF_MD4, Hash};

/// An entry: a name, its inode, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) inode: u32,
    pub(super) kind: u8,
}

/// What all blocks of a folder depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Folder<'a> {
    /// Its own inode.
    pub(super) inode: u32,
    /// The inode of the folder above; its own for the root.
    pub(super) parent: u32,
    /// The seed of hashes.
    pub(super) seed: &'a [u8; 16],
    /// What checksums of its blocks start with.
    pub(super) checksum: u32,
}

/// `file_type` of a folder.
pub(super) const FOLDER: u8 = 2;
/// Bytes of an entry before its name.
const ENTRY: usize = 8;
/// Bytes of the entry of `.` or `..`.
const DOT: usize = 12;
/// The last bytes of a block of entries look like an entry without inode and name, of this type.
const TAIL: usize = 12;
const TAIL_KIND: u8 = 0xde;
/// Where entries end.
const END: usize = BLOCK - TAIL;
/// Bytes of `dx_root_info`.
const INFO: u8 = 8;
/// Where the index starts: in the first block of a folder, and in each other block of it.
const ROOT_INDEX: usize = 2 * DOT + INFO as usize;
const NODE_INDEX: usize = ENTRY;
/// Bytes of an entry of the index, and of the checksum after all of them.
const SLOT: usize = 8;
/// Entries of the index in the first block and in others (`dx_root_limit`, `dx_node_limit`).
const IN_ROOT: usize = (BLOCK - ROOT_INDEX - SLOT) / SLOT;
const IN_NODE: usize = (BLOCK - NODE_INDEX - SLOT) / SLOT;
/// Marks in the index that the block starts with the hash that the one before ends with.
const CONTINUED: u32 = 1;

/// The blocks of a folder. `None` when it has more entries than an index of two levels can have.
pub(super) fn encode(folder: Folder<'_>, entries: &[Entry<'_>]) -> Option<Vec<Vec<u8>>> {
    let size: usize = entries.iter().map(|entry| size(entry.name)).sum();
    if 2 * DOT + size <= END {
        let mut block = dots(folder);
        list(&mut block, DOT, 2 * DOT, entries);
        seal(&mut block, folder.checksum);
        return Some(vec![block]);
    }
    let mut sorted: Vec<_> =
        entries.iter().map(|entry| (hash::of(folder.seed, entry.name), entry)).collect();
    sorted.sort_unstable_by_key(|(hash, entry)| (*hash, entry.name));
    let (leaves, index) = leaves(&sorted, folder.checksum);
    let mut blocks = vec![dots(folder)];
    blocks.extend(leaves);
    let mut top = index;
    let levels = u8::from(top.len() > IN_ROOT);
    if levels == 1 {
        let nodes = top.chunks(IN_NODE).map(|slots| {
            let mut node = vec![0; BLOCK];
            // To those who know no index it is one empty entry.
            put_u16(&mut node, 4, BLOCK as u16);
            fill(&mut node, NODE_INDEX, IN_NODE, slots, folder.checksum);
            let place = blocks.len() as u32;
            blocks.push(node);
            (slots[0].0, place)
        });
        top = nodes.collect();
        if top.len() > IN_ROOT {
            return None;
        }
    }
    let root = &mut blocks[0];
    put_u16(root, DOT + 4, (BLOCK - DOT) as u16);
    root[2 * DOT + 4] = HALF_MD4;
    root[2 * DOT + 5] = INFO;
    root[2 * DOT + 6] = levels;
    fill(root, ROOT_INDEX, IN_ROOT, &top, folder.checksum);
    Some(blocks)
}

/// Blocks of entries in the order of hashes, each as full as can be, and the index over them: the first hash of each with
/// its place among the folder's blocks.
fn leaves(sorted: &[(Hash, &Entry<'_>)], inode: u32) -> (Vec<Vec<u8>>, Vec<(u32, u32)>) {
    let (mut blocks, mut index) = (Vec::new(), Vec::new());
    let (mut rest, mut before) = (sorted, None);
    while let Some((first, _)) = rest.first() {
        let mut used = 0;
        let fits = rest.iter().take_while(|(_, entry)| {
            used += size(entry.name);
            used <= END
        });
        let (now, after) = rest.split_at(fits.count());
        let entries: Vec<_> = now.iter().map(|(_, entry)| (*entry).clone()).collect();
        let mut block = vec![0; BLOCK];
        list(&mut block, 0, 0, &entries);
        seal(&mut block, inode);
        blocks.push(block);
        let continued = if before == Some(first.major) { CONTINUED } else { 0 };
        index.push((first.major | continued, blocks.len() as u32));
        before = now.last().map(|(hash, _)| hash.major);
        rest = after;
    }
    (blocks, index)
}

/// A block that starts with `.` and `..`.
fn dots(folder: Folder<'_>) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    put(&mut block, 0, DOT, &Entry { name: b".", inode: folder.inode, kind: FOLDER });
    put(&mut block, DOT, DOT, &Entry { name: b"..", inode: folder.parent, kind: FOLDER });
    block
}

/// Writes entries from `at` on, and lets the last of the block, which is at `last` if there are none, reach to the end.
fn list(block: &mut [u8], mut last: usize, mut at: usize, entries: &[Entry<'_>]) {
    for entry in entries {
        put(block, at, size(entry.name), entry);
        last = at;
        at += size(entry.name);
    }
    put_u16(block, last + 4, (END - last) as u16);
}

fn put(block: &mut [u8], at: usize, size: usize, entry: &Entry<'_>) {
    put_u32(block, at, entry.inode);
    put_u16(block, at + 4, size as u16);
    block[at + 6] = entry.name.len() as u8;
    block[at + 7] = entry.kind;
    block[at + ENTRY..][..entry.name.len()].copy_from_slice(entry.name);
}

fn seal(block: &mut [u8], inode: u32) {
    let sum = checksum::crc(inode, &block[..END]);
    put_u16(block, END + 4, TAIL as u16);
    block[END + 7] = TAIL_KIND;
    put_u32(block, END + ENTRY, sum);
}

/// Writes an index (`dx_countlimit`, `dx_entry`, `dx_tail`). The first entry needs no hash; its place has the counts.
fn fill(block: &mut [u8], start: usize, room: usize, slots: &[(u32, u32)], inode: u32) {
    for (at, (hash, place)) in slots.iter().enumerate() {
        put_u32(block, start + at * SLOT, *hash);
        put_u32(block, start + at * SLOT + 4, *place);
    }
    put_u16(block, start, room as u16);
    put_u16(block, start + 2, slots.len() as u16);
    let sum = checksum::crc(inode, &block[..start + slots.len() * SLOT]);
    // The tail's reserved word and the place of the checksum itself.
    let sum = checksum::crc(sum, &[0; SLOT]);
    put_u32(block, start + room * SLOT + 4, sum);
}

const fn size(name: &[u8]) -> usize {
    (ENTRY + name.len()).next_multiple_of(4)
}

/// All entries of a folder's blocks but `.` and `..`, as they stand there, with the parent's inode. An index needs no eye: to a
/// reader of lists it is empty. `None` when they are not what [`encode`] writes.
pub(super) fn decode<'a>(
    blocks: &'a [Vec<u8>],
    inode: u32,
    seed: &[u8; 16],
    checksum: u32,
) -> Option<(Vec<Entry<'a>>, u32)> {
    let mut entries = Vec::new();
    for block in blocks {
        let mut at = 0;
        while at < BLOCK {
            let entry = block.get(at..)?;
            let length = usize::from(get_u16(entry.get(..ENTRY)?, 4));
            let name = entry.get(ENTRY..)?.get(..usize::from(entry[6]))?;
            if length < ENTRY || !length.is_multiple_of(4) {
                return None;
            }
            if get_u32(entry, 0) != 0 {
                entries.push(Entry { name, inode: get_u32(entry, 0), kind: entry[7] });
            }
            at += length;
        }
    }
    let [_, up, rest @ ..] = entries.as_slice() else { return None };
    let parent = up.inode;
    let mut sorted = rest.to_vec();
    sorted.sort_unstable_by_key(|entry| entry.name);
    let again = encode(Folder { inode, parent, seed, checksum }, &sorted)?;
    let distinct = sorted.windows(2).all(|pair| pair[0].name != pair[1].name);
    (distinct && again == blocks).then_some((sorted, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 16] = [7; 16];

    fn round(count: u32, length: usize) -> Vec<Vec<u8>> {
        let names: Vec<_> = (0..count).map(|at| format!("{at:0length$}").into_bytes()).collect();
        let entries: Vec<_> =
            names.iter().zip(20..).map(|(name, inode)| Entry { name, inode, kind: 1 }).collect();
        let folder = Folder { inode: 12, parent: 2, seed: &SEED, checksum: 5 };
        let blocks = encode(folder, &entries).expect("few enough");
        assert_eq!(decode(&blocks, 12, &SEED, 5), Some((entries, 2)));
        assert_eq!(decode(&blocks, 12, &SEED, 6), None, "it is another inode's");
        blocks
    }

    #[test]
    fn one_block_is_a_list_and_more_have_an_index() {
        assert_eq!(round(0, 1).len(), 1);
        // 4,084 bytes of which 24 are for `.` and `..`; 20 for each of these.
        assert_eq!(round(203, 12).len(), 1);
        assert_eq!(round(204, 12).len(), 1 + 1);
        assert_eq!(round(205, 12).len(), 1 + 2);
        let blocks = round(15 * 507, 255);
        assert_eq!((blocks.len(), blocks[0][2 * DOT + 6]), (1 + 507, 0));
        let blocks = round(15 * 507 + 1, 255);
        assert_eq!((blocks.len(), blocks[0][2 * DOT + 6]), (1 + 508 + 1, 1));
        let blocks = round(15 * 511, 255);
        assert_eq!((blocks.len(), blocks[0][2 * DOT + 6]), (1 + 511 + 2, 1));
    }

    #[test]
    fn a_hash_that_continues_in_the_next_block_is_marked() {
        let name = [b'x'; 255];
        let entry = Entry { name: &name, inode: 12, kind: 1 };
        // 15 entries fill a block.
        let sorted: Vec<_> = [[2; 15], [4; 15], [4; 15]]
            .concat()
            .into_iter()
            .map(|major| (Hash { major, minor: 0 }, &entry))
            .collect();
        let (blocks, index) = leaves(&sorted, 5);
        assert_eq!(blocks.len(), 3);
        assert_eq!(index, [(2, 1), (4, 2), (4 | CONTINUED, 3)]);
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let blocks = round(300, 12);
        for block in 0..blocks.len() {
            for at in 0..BLOCK {
                let mut damaged = blocks.clone();
                damaged[block][at] ^= 0x41;
                assert_eq!(decode(&damaged, 12, &SEED, 5), None, "{block} {at}");
            }
        }
    }
}
