//! Reads an image strictly: each structure has to be what [`write`](super::write()) makes of what it says, down to the last
//! bit, and all of them have to agree. What is in free blocks is not looked at.

use super::checksum;
use super::device::{Device, bytes};
use super::error::ReadError;
use super::geometry::{GROUP, Geometry};
use super::group::{self, Usage};
use super::inode::{self, FIRST_FREE, JOURNAL, PER_BLOCK};
use super::superblock::{OFFSET, SIZE, Superblock};
use super::walk::Walk;
use super::{BLOCK, Journal, Options, Size};
use crate::content::Data;
use crate::tree::Tree;

/// An image as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ext4 {
    /// The files; their contents are read from the image when they are asked for. A `lost+found` just like the one
    /// that [`write`](super::write()) adds is not in it.
    pub tree: Tree,
    /// The options that make the same image again.
    pub options: Options,
}

/// Reads an image that [`write`](super::write()) made. Reads all of its files once, for their digests.
///
/// # Errors
/// The first thing found that [`write`](super::write()) does not write: another program's images, and its own after they were
/// mounted, are refused; and files that have over 1,024 times as many bytes as the image.
pub fn read(image: &Data) -> Result<Ext4, ReadError> {
    let raw = bytes(image, OFFSET as u64, SIZE)?;
    let raw: &[u8; SIZE] = raw.as_slice().try_into().map_err(|_| ReadError::Magic { found: 0 })?;
    let superblock = Superblock::decode(raw)?;
    let geometry = geometry(image, &superblock)?;
    let volume = checksum::of_volume(&superblock.uuid);
    let mut device = Device::new(image, geometry.blocks);
    for run in &geometry.reserved {
        device.claim(0, run.start, run.count)?;
    }
    let mut walk = Walk::new(device, &geometry, &superblock, volume);
    let journal = match superblock.journal {
        Some(copy) => Journal::Blocks(walk.journal(copy)?),
        None => Journal::None,
    };
    let (tree, found) = walk.tree()?;
    let tables = Tables { superblock: &superblock, geometry: &geometry, volume, found };
    tables.check(journal.blocks(0))?;
    let options = Options {
        uuid: superblock.uuid,
        hash_seed: superblock.hash_seed,
        label: superblock.label,
        made: superblock.made,
        size: Size::Exactly(image.size()),
        inodes: Some(superblock.inodes),
        journal,
    };
    Ok(Ext4 { tree, options })
}

/// The geometry of an image, when the superblock's counts and the image's size lead to one.
fn geometry(image: &Data, superblock: &Superblock) -> Result<Geometry, ReadError> {
    let Superblock { inodes, blocks, inodes_per_group: per_group, .. } = *superblock;
    let size = image.size();
    let wrong = || ReadError::Sizes { size, blocks, inodes, per_group };
    if u64::from(blocks) > size / BLOCK as u64 || size / BLOCK as u64 > u32::MAX.into() {
        return Err(wrong());
    }
    let geometry = Geometry::new(size / BLOCK as u64, inodes.into()).map_err(|_| wrong())?;
    let same = geometry.blocks == u64::from(blocks)
        && geometry.inodes() == u64::from(inodes)
        && geometry.inodes_per_group == per_group;
    if same { Ok(geometry) } else { Err(wrong()) }
}

/// What a walk through all folders found to be in use.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) device: Device<'a>,
    /// The largest number of an inode; all up to it are in use.
    pub(super) last: u32,
    /// By group.
    pub(super) folders: Vec<u32>,
}

/// The tables of all groups, against what is in use.
struct Tables<'a> {
    superblock: &'a Superblock,
    geometry: &'a Geometry,
    volume: u32,
    found: Found<'a>,
}

impl Tables<'_> {
    fn check(&self, journal: u32) -> Result<(), ReadError> {
        let geometry = self.geometry;
        let (mut descriptors, mut free_blocks) = (Vec::new(), 0);
        for (group, tables) in geometry.groups.iter().enumerate() {
            let inodes = self.inode_bitmap(group);
            let blocks = self.found.device.bitmap(group);
            self.expect(tables.blocks, blocks, "block bitmap")?;
            self.expect(tables.inodes, &inodes, "inode bitmap")?;
            self.unused_inodes(group)?;
            let inodes = &inodes[..geometry.inodes_per_group as usize / 8];
            let free = |bits: &[u8]| bits.iter().map(|byte| byte.count_zeros()).sum::<u32>();
            free_blocks += free(blocks);
            let usage = Usage {
                free_blocks: free(blocks),
                free_inodes: free(inodes),
                folders: self.found.folders[group],
            };
            let bitmaps = [blocks, inodes];
            descriptors.extend(group::descriptor(self.volume, group, *tables, usage, bitmaps));
        }
        descriptors.resize(geometry.descriptor_blocks() as usize * BLOCK, 0);
        let superblock = Superblock {
            free_blocks,
            free_inodes: geometry.inodes() as u32 - self.found.last,
            overhead: geometry.overhead() as u32 + journal,
            ..self.superblock.clone()
        };
        for group in geometry.superblocks() {
            let mut block = vec![0; BLOCK];
            let at = if group == 0 { OFFSET } else { 0 };
            block[at..at + SIZE].copy_from_slice(&superblock.encode(group));
            self.expect(group * GROUP, &block, "superblock")?;
            for (place, block) in (group * GROUP + 1..).zip(descriptors.chunks(BLOCK)) {
                self.expect(place, block, "group descriptors")?;
            }
        }
        Ok(())
    }

    fn inode_bitmap(&self, group: usize) -> Vec<u8> {
        let count = u64::from(self.geometry.inodes_per_group);
        let used = u64::from(self.found.last).saturating_sub(group as u64 * count).min(count);
        group::bitmap(count, Some(0..used))
    }

    /// Inodes that are not in use, and those that are never, have nothing in them.
    fn unused_inodes(&self, group: usize) -> Result<(), ReadError> {
        let table = self.geometry.groups[group].table;
        let first = group as u64 * u64::from(self.geometry.inodes_per_group) + 1;
        for at in 0..self.geometry.table_blocks() {
            // Both fit: the image has the block.
            let number = (first + at * PER_BLOCK as u64) as u32;
            let mut block = None;
            for (number, slot) in (number..number + PER_BLOCK as u32).zip(0..) {
                let expected = match number {
                    inode::ROOT => continue,
                    JOURNAL if self.superblock.journal.is_some() => continue,
                    ..FIRST_FREE => inode::unused(self.volume, number),
                    _ if number <= self.found.last => continue,
                    _ => [0; inode::SIZE],
                };
                let block = match &mut block {
                    Some(block) => block,
                    none => none.insert(self.found.device.block(table + at)?),
                };
                if block[slot * inode::SIZE..][..inode::SIZE] != expected {
                    return Err(ReadError::Table { block: table + at, what: "inode table" });
                }
            }
        }
        Ok(())
    }

    fn expect(&self, block: u64, expected: &[u8], what: &'static str) -> Result<(), ReadError> {
        match self.found.device.block(block)? == expected {
            true => Ok(()),
            false => Err(ReadError::Table { block, what }),
        }
    }
}
