//! Writes an image: everything has its place and its bytes before the first is written, and is then written in the
//! order of places.

use std::io::{Seek, Write};
use std::ops::Range;

use super::checksum;
use super::error::WriteError;
use super::geometry::{DESCRIPTOR, GROUP};
use super::group::{self, Usage};
use super::inode::{self, FIRST_FREE, JOURNAL, ROOT};
use super::nodes::{Body, Node, nodes, shown};
use super::output::Output;
use super::place::{Placed, Places};
use super::superblock::{OFFSET, Superblock};
use super::{BLOCK, Options, journal, map};
use crate::content::Data;
use crate::extent::{Extents, Part};
use crate::tree::{InodeId, Kind, Tree};

/// How much of a file is read at a time, in blocks.
const PIECE: u32 = 256;

/// Writes the image of a tree from where `out` stands. What is not written there, because it is zero, has to read as zero:
/// `out` is a new file, say.
///
/// A tree without `lost+found` gets an empty one. Blocks of zeros in files take no place.
///
/// # Errors
/// When the tree has what ext4 cannot hold, the options contradict it or each other, reading or writing fails.
pub fn write(
    tree: &Tree,
    options: &Options,
    out: &mut (impl Write + Seek),
) -> Result<Extents, WriteError> {
    if options.label.len() > 16 || options.label.contains(&0) {
        return Err(WriteError::Label { bytes: options.label.len() });
    }
    if options.made > inode::LATEST {
        return Err(WriteError::Made { seconds: options.made });
    }
    let nodes = nodes(tree, options)?;
    let places = Places::new(&nodes, options)?;
    let volume = checksum::of_volume(&options.uuid);
    let image = Image { tree, options, nodes: &nodes, places: &places, volume };
    let mut out = Output::new(out);
    let mut pieces = image.pieces();
    pieces.sort_unstable_by_key(|piece| piece.start);
    for piece in pieces {
        image.gap(&mut out, piece.start * BLOCK as u64);
        image.put(&mut out, &piece.what)?;
    }
    image.gap(&mut out, places.geometry.blocks * BLOCK as u64);
    out.skip(places.size - out.size(), Part::Structure("beyond the file system"));
    out.finish()
}

/// What stands somewhere.
struct Piece<'a> {
    /// The first block.
    start: u64,
    what: What<'a>,
}

enum What<'a> {
    /// The superblock at the start of a group.
    Superblock(u64),
    Descriptors,
    /// Bitmaps and the inode table of a group.
    BlockBitmap(usize),
    InodeBitmap(usize),
    Table(usize),
    /// A block of a map.
    Map(&'a Node, Vec<u8>),
    /// A block of attributes.
    Attributes(&'a Node, u64),
    /// A block of a folder or link.
    Known(&'a Node, &'a [u8]),
    /// Blocks of a file: the first, and how many.
    Content(&'a Node, u32, u32),
    /// Blocks of the journal, and whether the first of all is among them.
    Journal(u32, bool),
}

struct Image<'a> {
    tree: &'a Tree,
    options: &'a Options,
    nodes: &'a [Node],
    places: &'a Places,
    /// What checksums start with.
    volume: u32,
}

impl<'a> Image<'a> {
    /// Every piece that is not free.
    fn pieces(&self) -> Vec<Piece<'a>> {
        let geometry = &self.places.geometry;
        let mut pieces = Vec::new();
        let mut push = |start, what| pieces.push(Piece { start, what });
        for group in geometry.superblocks() {
            push(group * GROUP, What::Superblock(group));
            push(group * GROUP + 1, What::Descriptors);
        }
        for (group, tables) in geometry.groups.iter().enumerate() {
            push(tables.blocks, What::BlockBitmap(group));
            push(tables.inodes, What::InodeBitmap(group));
            push(tables.table, What::Table(group));
        }
        for (node, placed) in self.all() {
            if let Some(place) = placed.attributes {
                push(place, What::Attributes(node, place));
            }
            if !placed.map.is_empty() {
                let (_, blocks) = self.map(node, placed);
                for (place, block) in placed.map.iter().zip(blocks) {
                    push(*place, What::Map(node, block));
                }
            }
            for extent in &placed.extents {
                match &node.body {
                    Body::Nothing => {}
                    Body::Journal(_) => {
                        push(extent.physical, What::Journal(extent.count, extent.logical == 0));
                    }
                    Body::Content(_) => {
                        let what = What::Content(node, extent.logical, extent.count);
                        push(extent.physical, what);
                    }
                    Body::Blocks(blocks) => {
                        let own = &blocks[extent.logical as usize..][..extent.count as usize];
                        for (place, block) in (extent.physical..).zip(own) {
                            push(place, What::Known(node, block));
                        }
                    }
                }
            }
        }
        pieces
    }

    fn put<W: Write + Seek>(&self, out: &mut Output<W>, what: &What<'_>) -> Result<(), WriteError> {
        match what {
            What::Superblock(group) => {
                let before = if *group == 0 { OFFSET } else { 0 };
                out.skip(before as u64, Part::Structure("padding"));
                let superblock = self.superblock().encode(*group);
                out.put(&superblock, Part::Structure("superblock"))?;
                let after = BLOCK - before - superblock.len();
                out.skip(after as u64, Part::Structure("padding"));
                Ok(())
            }
            What::Descriptors => {
                let descriptors = self.descriptors();
                let padding = self.places.geometry.descriptor_blocks() * BLOCK as u64;
                let padding = padding - descriptors.len() as u64;
                out.put(&descriptors, Part::Structure("group descriptors"))?;
                out.skip(padding, Part::Structure("padding"));
                Ok(())
            }
            What::BlockBitmap(group) => {
                out.put(&self.block_bitmap(*group), Part::Structure("block bitmap"))
            }
            What::InodeBitmap(group) => {
                out.put(&self.inode_bitmap(*group), Part::Structure("inode bitmap"))
            }
            What::Table(group) => self.table(out, *group),
            What::Map(node, block) => out.put(block, part(node)),
            What::Attributes(node, place) => {
                out.put(&node.attributes.block(self.volume, *place), part(node))
            }
            What::Known(node, block) => out.put(block, part(node)),
            What::Content(node, first, count) => self.content(out, node, *first, *count),
            What::Journal(count, is_first) => {
                let mut zeros = u64::from(*count) * BLOCK as u64;
                let part = || Part::Structure("journal");
                if *is_first {
                    let blocks = self.options.journal.blocks(self.places.geometry.blocks);
                    out.put(&journal::superblock(blocks, &self.options.uuid), part())?;
                    zeros -= BLOCK as u64;
                }
                out.skip(zeros, part());
                Ok(())
            }
        }
    }

    /// What is free up to byte `until`.
    fn gap<W: Write + Seek>(&self, out: &mut Output<W>, until: u64) {
        out.skip(until - out.size(), Part::Structure("free"));
    }

    fn superblock(&self) -> Superblock {
        let (geometry, options) = (&self.places.geometry, self.options);
        let journal = self.places.journal.as_ref();
        let journal_blocks = options.journal.blocks(geometry.blocks);
        Superblock {
            inodes: geometry.inodes() as u32,
            blocks: geometry.blocks as u32,
            free_blocks: self.places.free as u32,
            free_inodes: (geometry.inodes() - self.last_inode()) as u32,
            inodes_per_group: geometry.inodes_per_group,
            made: options.made,
            uuid: options.uuid,
            label: options.label.clone(),
            hash_seed: options.hash_seed,
            journal: journal.map(|(node, placed)| (self.map(node, placed).0, node.record.size)),
            overhead: geometry.overhead() as u32 + journal_blocks,
        }
    }

    fn descriptors(&self) -> Vec<u8> {
        let geometry = &self.places.geometry;
        let mut folders = vec![0; geometry.groups.len()];
        for node in
            self.nodes.iter().filter(|node| node.record.mode >> 12 == inode::format::FOLDER >> 12)
        {
            folders[((node.number - 1) / geometry.inodes_per_group) as usize] += 1;
        }
        let mut all = Vec::with_capacity(geometry.groups.len() * DESCRIPTOR);
        for (group, (tables, folders)) in geometry.groups.iter().zip(folders).enumerate() {
            let (blocks, inodes) = (self.block_bitmap(group), self.inode_bitmap(group));
            let inodes = &inodes[..geometry.inodes_per_group as usize / 8];
            let free = |bits: &[u8]| bits.iter().map(|byte| byte.count_zeros()).sum();
            let usage = Usage { free_blocks: free(&blocks), free_inodes: free(inodes), folders };
            all.extend(group::descriptor(self.volume, group, *tables, usage, [&blocks, inodes]));
        }
        all
    }

    fn block_bitmap(&self, group: usize) -> Vec<u8> {
        let geometry = &self.places.geometry;
        let own = geometry.group(group);
        let within = |range: Range<u64>| {
            range.start.clamp(own.start, own.end()) - own.start
                ..range.end.clamp(own.start, own.end()) - own.start
        };
        let first = geometry.reserved.partition_point(|run| run.end() <= own.start);
        let reserved = geometry.reserved[first..].iter().take_while(|run| run.start < own.end());
        let reserved = reserved.map(|run| within(run.start..run.end()));
        group::bitmap(own.count, reserved.chain(Some(within(0..self.places.end))))
    }

    fn inode_bitmap(&self, group: usize) -> Vec<u8> {
        let count = u64::from(self.places.geometry.inodes_per_group);
        let before = group as u64 * count;
        let used = self.last_inode().saturating_sub(before).min(count);
        group::bitmap(count, Some(0..used))
    }

    /// The largest number of an inode; all up to it are in use.
    fn last_inode(&self) -> u64 {
        self.nodes.last().map_or(0, |node| node.number).into()
    }

    fn table<W: Write + Seek>(&self, out: &mut Output<W>, group: usize) -> Result<(), WriteError> {
        let geometry = &self.places.geometry;
        let first = group as u64 * u64::from(geometry.inodes_per_group) + 1;
        let end = first + u64::from(geometry.inodes_per_group);
        for number in first..end.min(self.last_inode() + 1) {
            // An inode's number has 32 bits.
            let number = number as u32;
            match self.node(number) {
                Some((node, placed)) => {
                    let mut record = node.record.clone();
                    if !matches!(node.body, Body::Nothing) {
                        record.map = self.map(node, placed).0;
                    }
                    record.blocks = placed.count();
                    record.attribute_block = placed.attributes.unwrap_or(0) as u32;
                    out.put(&record.encode(self.volume, number), part(node))?;
                }
                None => {
                    out.put(&inode::unused(self.volume, number), Part::Structure("inode table"))?;
                }
            }
        }
        let used = (self.last_inode() + 1).clamp(first, end) - first;
        let size = geometry.table_blocks() * BLOCK as u64 - used * inode::SIZE as u64;
        out.skip(size, Part::Structure("inode table"));
        Ok(())
    }

    /// Blocks of a file.
    fn content<W: Write + Seek>(
        &self,
        out: &mut Output<W>,
        node: &Node,
        first: u32,
        count: u32,
    ) -> Result<(), WriteError> {
        let Some(data) = node.id.and_then(|id| self.data(id)) else { return Ok(()) };
        let mut buffer = Vec::new();
        for at in (first..first + count).step_by(PIECE as usize) {
            let blocks = PIECE.min(first + count - at);
            let start = u64::from(at) * BLOCK as u64;
            let size = blocks as usize * BLOCK;
            let filled = (data.size() - start).min(size as u64) as usize;
            buffer.resize(filled, 0);
            let content = |source| WriteError::Content { path: shown(&node.path), source };
            data.read_at(start, &mut buffer).map_err(content)?;
            buffer.resize(size, 0);
            out.put(&buffer, part(node))?;
        }
        Ok(())
    }

    fn data(&self, id: InodeId) -> Option<&Data> {
        match &self.tree.inode(id).kind {
            Kind::File(data) => Some(data),
            _ => None,
        }
    }

    /// The map of an inode: its root, and its blocks.
    fn map(&self, node: &Node, placed: &Placed) -> ([u8; 60], Vec<Vec<u8>>) {
        let start = checksum::of_inode(self.volume, node.number);
        map::encode(&placed.extents, &placed.map, start)
    }

    fn all(&self) -> impl Iterator<Item = (&'a Node, &'a Placed)> + use<'a> {
        let journal = self.places.journal.iter().map(|(node, placed)| (node, placed));
        journal.chain(self.nodes.iter().zip(&self.places.nodes))
    }

    /// What has a number.
    fn node(&self, number: u32) -> Option<(&'a Node, &'a Placed)> {
        let at = match number {
            JOURNAL => return self.places.journal.as_ref().map(|(node, placed)| (node, placed)),
            ROOT => 0,
            _ => number.checked_sub(FIRST_FREE - 1)? as usize,
        };
        let known = |at: usize| Some((self.nodes.get(at)?, self.places.nodes.get(at)?));
        known(at).filter(|(node, _)| node.number == number)
    }
}

/// Whose the bytes of an inode are.
fn part(node: &Node) -> Part {
    match node.id {
        Some(id) => Part::Inode(id),
        None if node.number == JOURNAL => Part::Structure("journal"),
        None => Part::Structure("lost+found"),
    }
}
