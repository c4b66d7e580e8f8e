//! Where everything of an image is, and how large the image has to be for it.

use super::attributes::Attributes;
use super::cursor::{Cursor, Run};
use super::error::WriteError;
use super::geometry::{GROUP, Geometry};
use super::inode::{self, FIRST_FREE, JOURNAL, Record, format};
use super::map::{self, Extent};
use super::nodes::{Body, Node};
use super::options::SMALLEST_JOURNAL;
use super::{BLOCK, Journal, Options, Size};

/// A new inode for so many bytes of an image (the default of `mke2fs`).
const BYTES_PER_INODE: u64 = 16_384;

/// Where the blocks of an inode are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) extents: Vec<Extent>,
    /// The blocks of its map, leaves first.
    pub(super) map: Vec<u64>,
    /// The block of its attributes.
    pub(super) attributes: Option<u64>,
}

impl Placed {
    /// How many blocks it has.
    pub(super) fn count(&self) -> u64 {
        let content: u64 = self.extents.iter().map(|extent| u64::from(extent.count)).sum();
        content + self.map.len() as u64 + u64::from(self.attributes.is_some())
    }
}

/// An image's places.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) geometry: Geometry,
    /// Size of the image in bytes; the file system may end before.
    pub(super) size: u64,
    pub(super) journal: Option<(Node, Placed)>,
    /// By place in the list of nodes.
    pub(super) nodes: Vec<Placed>,
    /// Blocks before this one are all in use; those from it on are, where the geometry has reserved them.
    pub(super) end: u64,
    /// How many blocks are free; below 0, how many are missing.
    pub(super) free: i64,
}

impl Places {
    /// Places for `nodes` in an image as large as the options say.
    pub(super) fn new(nodes: &[Node], options: &Options) -> Result<Self, WriteError> {
        if let Journal::Blocks(blocks @ ..SMALLEST_JOURNAL) = options.journal {
            return Err(WriteError::Journal { blocks });
        }
        // The first ten are always in use.
        let needed = nodes.len() as u64 + u64::from(FIRST_FREE) - 2;
        if let Some(given) = options.inodes.map(u64::from).filter(|given| *given < needed) {
            return Err(WriteError::Inodes { needed, most: u32::MAX.into(), given });
        }
        let places = Self::sized(nodes, options, needed)?;
        let most = u64::from(u32::MAX);
        match places.geometry.inodes() {
            // Whole blocks of each group's table are more than was asked for.
            given if given > most => Err(WriteError::Inodes { needed, most, given }),
            _ => Ok(places),
        }
    }

    fn sized(nodes: &[Node], options: &Options, needed: u64) -> Result<Self, WriteError> {
        match options.size {
            Size::Exactly(size) => {
                let blocks = block_count(size / BLOCK as u64)?;
                let share = blocks / (BYTES_PER_INODE / BLOCK as u64);
                let inodes = options.inodes.map_or(needed.max(share), u64::from);
                let full = |blocks| WriteError::Full { needed: blocks * BLOCK as u64, given: size };
                let most = blocks.div_ceil(GROUP) * GROUP;
                if inodes > most && options.inodes.is_some() {
                    return Err(WriteError::Inodes { needed, most, given: inodes });
                }
                let geometry = Geometry::new(blocks, inodes).map_err(|few| full(few.least))?;
                let places = Self::of(nodes, options, geometry, size);
                match places.free {
                    ..0 => Err(full(places.geometry.blocks + places.free.unsigned_abs())),
                    _ => Ok(places),
                }
            }
            Size::Smallest { free } => {
                let inodes = needed.saturating_add(free / BYTES_PER_INODE);
                let inodes = options.inodes.map_or(inodes, u64::from);
                let free = free.div_ceil(BLOCK as u64);
                let mut blocks = free.max(1);
                loop {
                    block_count(blocks)?;
                    let geometry = match Geometry::new(blocks, inodes) {
                        Ok(geometry) => geometry,
                        Err(few) => {
                            blocks = few.least;
                            continue;
                        }
                    };
                    let size = geometry.blocks * BLOCK as u64;
                    let places = Self::of(nodes, options, geometry, size);
                    // Both below 2^63: block numbers have 32 bits.
                    let missing = free as i64 - places.free;
                    if missing <= 0 {
                        return Ok(places);
                    }
                    let geometry = &places.geometry;
                    let mut next = geometry.blocks + missing.unsigned_abs();
                    if next > geometry.groups.len() as u64 * GROUP {
                        // A group that has just begun is left out as long as it is too small.
                        next = next.max(geometry.with_another_group(inodes));
                    }
                    blocks = next;
                }
            }
        }
    }

    fn of(nodes: &[Node], options: &Options, geometry: Geometry, size: u64) -> Self {
        let mut cursor = Cursor::new(&geometry.reserved);
        let journal = journal_node(options, geometry.blocks).map(|node| {
            let placed = placed(&node, &mut cursor);
            (node, placed)
        });
        // What is looked through for names is together, at the start.
        let mut places = vec![Placed::default(); nodes.len()];
        for files in [false, true] {
            for (node, place) in nodes.iter().zip(&mut places) {
                if matches!(node.body, Body::Content(_)) == files {
                    *place = placed(node, &mut cursor);
                }
            }
        }
        let own = journal.iter().map(|(_, placed)| placed).chain(&places);
        let used = geometry.overhead() + own.map(Placed::count).sum::<u64>();
        // Both are below 2^63.
        let free = geometry.blocks as i64 - used as i64;
        let end = cursor.at();
        Self { geometry, size, journal, nodes: places, end, free }
    }
}

/// Places for one inode.
fn placed(node: &Node, cursor: &mut Cursor<'_>) -> Placed {
    let attributes = node.attributes.has_block().then(|| cursor.take_one());
    let mut extents = Vec::new();
    match &node.body {
        Body::Nothing => {}
        Body::Blocks(blocks) => extend(&mut extents, 0, blocks.len() as u64, cursor),
        Body::Journal(count) => extend(&mut extents, 0, u64::from(*count), cursor),
        Body::Content(runs) => {
            for (start, count) in runs {
                extend(&mut extents, *start, u64::from(*count), cursor);
            }
        }
    }
    let map = (0..map::node_count(extents.len())).map(|_| cursor.take_one()).collect();
    Placed { extents, map, attributes }
}

fn extend(extents: &mut Vec<Extent>, first: u32, count: u64, cursor: &mut Cursor<'_>) {
    let mut logical = first;
    for Run { mut start, mut count } in cursor.take(count) {
        while count > 0 {
            let size = count.min(map::LONGEST);
            extents.push(Extent { logical, physical: start, count: size as u32 });
            logical += size as u32;
            start += size;
            count -= size;
        }
    }
}

/// The inode of the journal in a file system of `blocks`.
fn journal_node(options: &Options, blocks: u64) -> Option<Node> {
    let count = options.journal.blocks(blocks);
    let record = Record {
        mode: format::FILE | 0o600,
        owner: 0,
        group: 0,
        size: u64::from(count) * BLOCK as u64,
        links: 1,
        blocks: 0,
        flags: inode::EXTENTS,
        map: [0; 60],
        attribute_block: 0,
        time: options.made,
        attributes: [0; inode::ROOM],
    };
    (count > 0).then(|| Node {
        path: Vec::new(),
        id: None,
        number: JOURNAL,
        record,
        attributes: Attributes::default(),
        body: Body::Journal(count),
    })
}

/// A number of blocks that the superblock can hold.
fn block_count(blocks: u64) -> Result<u64, WriteError> {
    if blocks > u32::MAX.into() { Err(WriteError::TooLarge { blocks }) } else { Ok(blocks) }
}
