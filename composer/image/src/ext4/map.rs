//! Where the blocks of a file are: its tree of extents (kernel documentation, "Extent Tree").

use super::BLOCK;
use super::checksum;
use super::fields::{get_u16, get_u32, put_u16, put_u32};

/// Neighbouring blocks of a file that are neighbours in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first, in the file.
    pub(super) logical: u32,
    /// The first, in the image.
    pub(super) physical: u64,
    /// How many; at most [`LONGEST`].
    pub(super) count: u32,
}

/// Most blocks of an extent; more would mean that they were never written (`EXT_INIT_MAX_LEN`).
pub(super) const LONGEST: u64 = 1 << 15;
const MAGIC: u16 = 0xf30a;
/// Bytes of a node's header and of each entry.
const ENTRY: usize = 12;
/// Entries of the root, which stands in the inode.
const IN_ROOT: usize = 60 / ENTRY - 1;
/// Entries of a node that is a block; what is left is its checksum.
const IN_NODE: usize = BLOCK / ENTRY - 1;
const CHECKSUM: usize = ENTRY + IN_NODE * ENTRY;
/// Deepest tree that Linux takes (`EXT4_MAX_EXTENT_DEPTH`).
const DEEPEST: u16 = 5;

/// How many blocks the tree over `extents` takes.
pub(super) fn node_count(extents: usize) -> usize {
    let (mut level, mut nodes) = (extents, 0);
    while level > IN_ROOT {
        level = level.div_ceil(IN_NODE);
        nodes += level;
    }
    nodes
}

/// The root, and the blocks of the tree, for which `places` has the numbers: leaves first, each level full but for its
/// last node. `inode` is what the inode's checksums start with.
pub(super) fn encode(extents: &[Extent], places: &[u64], inode: u32) -> ([u8; 60], Vec<Vec<u8>>) {
    let mut level: Vec<_> = extents.iter().map(leaf_entry).collect();
    let mut nodes = Vec::with_capacity(places.len());
    let mut places = places.iter();
    let mut depth = 0;
    while level.len() > IN_ROOT {
        let chunks = level.chunks(IN_NODE).zip(places.by_ref());
        let above = chunks.map(|(entries, place)| {
            let mut node = vec![0; BLOCK];
            fill(&mut node, entries, IN_NODE, depth);
            let sum = checksum::crc(inode, &node[..CHECKSUM]);
            put_u32(&mut node, CHECKSUM, sum);
            nodes.push(node);
            index_entry(&entries[0], *place)
        });
        level = above.collect();
        depth += 1;
    }
    let mut root = [0; 60];
    fill(&mut root, &level, IN_ROOT, depth);
    (root, nodes)
}

fn fill(node: &mut [u8], entries: &[[u8; ENTRY]], room: usize, depth: u16) {
    let header = [(0, MAGIC), (2, entries.len() as u16), (4, room as u16), (6, depth)];
    for (at, value) in header {
        put_u16(node, at, value);
    }
    for (slot, entry) in node[ENTRY..].chunks_mut(ENTRY).zip(entries) {
        slot.copy_from_slice(entry);
    }
}

fn leaf_entry(extent: &Extent) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    put_u32(&mut entry, 0, extent.logical);
    put_u16(&mut entry, 4, extent.count as u16);
    put_u16(&mut entry, 6, (extent.physical >> 32) as u16);
    put_u32(&mut entry, 8, extent.physical as u32);
    entry
}

/// The entry for a node at `place` whose first entry is `first`: both kinds start with the first block of the file.
fn index_entry(first: &[u8; ENTRY], place: u64) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..4].copy_from_slice(&first[..4]);
    put_u32(&mut entry, 4, place as u32);
    put_u16(&mut entry, 8, (place >> 32) as u16);
    entry
}

/// The extents of a tree, and where its nodes are, leaves first.
pub(super) type Map = (Vec<Extent>, Vec<u64>);

/// Reads a tree of the shape that [`encode`] gives it.
/// `block` reads a node and claims its block, so that no tree can lead into itself.
pub(super) fn decode<E>(
    root: &[u8; 60],
    mut block: impl FnMut(u64) -> Result<Vec<u8>, E>,
    inode: u32,
) -> Result<Option<Map>, E> {
    let Some((mut level, depth)) = entries(root, IN_ROOT) else { return Ok(None) };
    if depth > DEEPEST {
        return Ok(None);
    }
    let (mut places, mut nodes) = (Vec::new(), Vec::new());
    for below in (0..depth).rev() {
        let (mut numbers, mut next, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for entry in &level {
            let number = u64::from(get_u32(entry, 4)) | u64::from(get_u16(entry, 8)) << 32;
            let node = block(number)?;
            match entries(&node, IN_NODE) {
                Some((more, depth)) if depth == below => next.extend(more),
                _ => return Ok(None),
            }
            numbers.push(number);
            found.push(node);
        }
        numbers.append(&mut places);
        found.append(&mut nodes);
        (level, places, nodes) = (next, numbers, found);
    }
    let extents: Vec<_> = level
        .iter()
        .map(|entry| Extent {
            logical: get_u32(entry, 0),
            physical: u64::from(get_u32(entry, 8)) | u64::from(get_u16(entry, 6)) << 32,
            count: u32::from(get_u16(entry, 4)),
        })
        .collect();
    let sound = |extent: &Extent| extent.count > 0 && u64::from(extent.count) <= LONGEST;
    let end = |extent: &Extent| u64::from(extent.logical) + u64::from(extent.count);
    let sorted = extents.windows(2).all(|pair| end(&pair[0]) <= u64::from(pair[1].logical));
    let same = encode(&extents, &places, inode) == (*root, nodes);
    Ok((same && sorted && extents.iter().all(sound)).then_some((extents, places)))
}

/// The entries of a node with its depth, when its header is one.
fn entries(node: &[u8], room: usize) -> Option<(Vec<[u8; ENTRY]>, u16)> {
    let count = usize::from(get_u16(node, 2));
    if get_u16(node, 0) != MAGIC || count > room || usize::from(get_u16(node, 4)) != room {
        return None;
    }
    let (slots, _) = node[ENTRY..].as_chunks::<ENTRY>();
    Some((slots[..count].to_vec(), get_u16(node, 6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_every_depth_come_back() {
        for (count, depth) in [
            (0, 0),
            (1, 0),
            (4, 0),
            (5, 1),
            (340, 1),
            (341, 1),
            (1_360, 1),
            (1_361, 2),
            (340 * 340, 2),
            (4 * 340 * 340 + 1, 3),
        ] {
            let extent =
                |at: u32| Extent { logical: 3 * at, physical: 1_000 + 2 * u64::from(at), count: 2 };
            let extents: Vec<_> = (0..count).map(extent).collect();
            let places: Vec<_> = (0..node_count(extents.len()) as u64).map(|at| 9 + at).collect();
            let (root, nodes) = encode(&extents, &places, 5);
            assert_eq!(nodes.len(), places.len());
            assert_eq!(get_u16(&root, 6), depth);
            let read = |number: u64| Ok::<_, ()>(nodes[(number - 9) as usize].clone());
            assert_eq!(decode(&root, read, 5), Ok(Some((extents, places.clone()))));
            let elsewhere = decode(&root, read, 6).expect("readable");
            assert_eq!(elsewhere.is_some(), places.is_empty());
        }
    }
}
