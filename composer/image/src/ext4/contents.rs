//! Reads inodes with what they have: each has to say of itself what its blocks say.

use std::collections::BTreeMap;

use super::attributes::Attributes;
use super::checksum;
use super::device::{Device, bytes};
use super::error::ReadError;
use super::geometry::Geometry;
use super::inode::{self, JOURNAL, Record, format};
use super::map::{self, Extent};
use super::nodes::LONGEST_INSIDE;
use super::options::SMALLEST_JOURNAL;
use super::pieces::Pieces;
use super::superblock::Superblock;
use super::{BLOCK, journal};
use crate::content::Data;
use crate::tree::{Kind, LONGEST_TARGET, Meta};

/// Shortest target that has a block.
const LONGER: usize = LONGEST_INSIDE + 1;
/// How many times the size of the image its files may have.
const MOST_HOLES: u64 = 1_024;

/// An inode that was read.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) meta: Meta,
    /// A folder is empty here.
    pub(super) kind: Kind,
    pub(super) links: u16,
    /// The blocks of a folder.
    pub(super) blocks: Vec<Vec<u8>>,
}

/// The inodes of an image.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) device: Device<'a>,
    geometry: &'a Geometry,
    superblock: &'a Superblock,
    /// What checksums start with.
    pub(super) volume: u32,
    /// Size of all files so far.
    claimed: u64,
}

impl<'a> Contents<'a> {
    pub(super) fn new(
        device: Device<'a>,
        geometry: &'a Geometry,
        superblock: &'a Superblock,
        volume: u32,
    ) -> Self {
        Self { device, geometry, superblock, volume, claimed: 0 }
    }

    /// Reads the journal's inode, and how many blocks it has.
    pub(super) fn journal(&mut self, copy: ([u8; 60], u64)) -> Result<u32, ReadError> {
        let damaged = |what| ReadError::Inode { inode: JOURNAL, what };
        let record = self.record(JOURNAL)?;
        let blocks = record.size / BLOCK as u64;
        let blocks = u32::try_from(blocks).ok().filter(|blocks| *blocks >= SMALLEST_JOURNAL);
        let blocks = blocks.ok_or(damaged("the journal is smaller or larger than can be"))?;
        let expected = Record {
            mode: format::FILE | 0o600,
            owner: 0,
            group: 0,
            size: u64::from(blocks) * BLOCK as u64,
            links: 1,
            flags: inode::EXTENTS,
            attribute_block: 0,
            time: self.superblock.made,
            attributes: [0; inode::ROOM],
            ..record.clone()
        };
        if record != expected || copy != (record.map, record.size) {
            return Err(damaged("it is not the journal's"));
        }
        let extents = self.extents(JOURNAL, &record)?;
        let first = whole(&extents, blocks.into()).ok_or(damaged("the journal has holes"))?;
        if self.device.block(first)? != journal::superblock(blocks, &self.superblock.uuid) {
            return Err(damaged("the journal does not start as an empty one"));
        }
        Ok(blocks)
    }

    /// Reads an inode with its attributes and content.
    pub(super) fn inode(&mut self, number: u32) -> Result<Known, ReadError> {
        let damaged = |what| ReadError::Inode { inode: number, what };
        let record = self.record(number)?;
        let attributes = self.attributes(number, &record)?;
        let meta = Meta {
            mode: record.mode & 0o7777,
            owner: record.owner,
            group: record.group,
            modified: record.time,
            attributes,
        };
        let mut blocks = Vec::new();
        let kind = match record.mode & 0xf000 {
            format::FOLDER => {
                blocks = self.blocks(number, &record, inode::INDEXED)?;
                if (blocks.len() > 1) != (record.flags & inode::INDEXED != 0) {
                    return Err(damaged("large folders have an index, others none"));
                }
                Kind::Folder(BTreeMap::new())
            }
            format::FILE => Kind::File(self.file(number, &record)?),
            format::SYMLINK => Kind::Symlink(self.target(number, &record)?),
            other => {
                let (major, minor) = inode::device(&record.map);
                let kind = match other {
                    format::CHARACTER => Kind::Character { major, minor },
                    format::BLOCK => Kind::Block { major, minor },
                    format::FIFO => Kind::Fifo,
                    format::SOCKET => Kind::Socket,
                    _ => return Err(damaged("its mode is of no kind")),
                };
                let is_device = matches!(other, format::CHARACTER | format::BLOCK);
                let map = if is_device { inode::device_map(major, minor) } else { Some([0; 60]) };
                if record.size != 0 || map != Some(record.map) {
                    return Err(damaged("a device, pipe or socket has no content"));
                }
                self.without_blocks(number, &record)?;
                kind
            }
        };
        Ok(Known { meta, kind, links: record.links, blocks })
    }

    fn record(&self, number: u32) -> Result<Record, ReadError> {
        let damaged = |what| ReadError::Inode { inode: number, what };
        let at = number.checked_sub(1).ok_or(damaged("there is no inode 0"))?;
        let (group, at) =
            (at / self.geometry.inodes_per_group, at % self.geometry.inodes_per_group);
        let tables = self.geometry.groups.get(group as usize);
        let table = tables.ok_or(damaged("no table has it"))?.table;
        let place = table * BLOCK as u64 + u64::from(at) * inode::SIZE as u64;
        let raw = bytes(self.device.image, place, inode::SIZE)?;
        let record = raw.first_chunk().and_then(|raw| Record::decode(raw, self.volume, number));
        record.ok_or(damaged("its checksum or a field is wrong"))
    }

    fn attributes(
        &mut self,
        number: u32,
        record: &Record,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadError> {
        let place = u64::from(record.attribute_block);
        let mut block = None;
        if place != 0 {
            self.device.claim(number, place, 1)?;
            block = Some(self.device.block(place)?);
        }
        let block = block.as_deref().map(|block| (block, place));
        let attributes = Attributes::decode(&record.attributes, block, self.volume);
        let what = "its attributes are damaged";
        attributes.ok_or(ReadError::Inode { inode: number, what })
    }

    /// The extents of an inode; its blocks are its own from then on.
    fn extents(&mut self, number: u32, record: &Record) -> Result<Vec<Extent>, ReadError> {
        let damaged = |what| ReadError::Inode { inode: number, what };
        let device = &mut self.device;
        let node = |place| {
            device.claim(number, place, 1)?;
            device.block(place)
        };
        let start = checksum::of_inode(self.volume, number);
        let map = map::decode(&record.map, node, start)?;
        let (extents, nodes) = map.ok_or(damaged("its map is damaged"))?;
        let mut count = nodes.len() as u64 + u64::from(record.attribute_block != 0);
        for extent in &extents {
            self.device.claim(number, extent.physical, extent.count.into())?;
            count += u64::from(extent.count);
        }
        if count != record.blocks {
            return Err(damaged("it has another number of blocks than it says"));
        }
        Ok(extents)
    }

    /// The blocks of a folder or link.
    fn blocks(
        &mut self,
        number: u32,
        record: &Record,
        may: u32,
    ) -> Result<Vec<Vec<u8>>, ReadError> {
        let damaged = |what| ReadError::Inode { inode: number, what };
        if record.flags & !may != inode::EXTENTS {
            return Err(damaged("its flags are not those of its kind"));
        }
        let extents = self.extents(number, record)?;
        let count = record.size.div_ceil(BLOCK as u64);
        whole(&extents, count).ok_or(damaged("it has holes, or another size than it says"))?;
        let places = extents
            .iter()
            .flat_map(|extent| extent.physical..extent.physical + u64::from(extent.count));
        places.map(|place| self.device.block(place)).collect()
    }

    fn file(&mut self, number: u32, record: &Record) -> Result<Data, ReadError> {
        let damaged = |what| ReadError::Inode { inode: number, what };
        if record.flags != inode::EXTENTS {
            return Err(damaged("its flags are not those of its kind"));
        }
        let extents = self.extents(number, record)?;
        let end = extents.last().map_or(0, |last| u64::from(last.logical) + u64::from(last.count));
        if end > record.size.div_ceil(BLOCK as u64) {
            return Err(damaged("it has blocks after its end"));
        }
        self.after_end(number, record.size, extents.last())?;
        self.claimed = self.claimed.saturating_add(record.size);
        if self.claimed > self.device.image.size().saturating_mul(MOST_HOLES) {
            return Err(ReadError::Holes { claimed: self.claimed });
        }
        let at = extents.first().map_or(0, |first| first.physical) * BLOCK as u64;
        let pieces = Pieces::new(self.device.image, extents, record.size);
        let pieces = pieces.map_err(|source| ReadError::Image { at, size: 0, source })?;
        Ok(Data::new(pieces))
    }

    /// What a file has in its last block after its end is zero.
    fn after_end(&self, number: u32, size: u64, last: Option<&Extent>) -> Result<(), ReadError> {
        let Some(last) = last else { return Ok(()) };
        let end = u64::from(last.logical) + u64::from(last.count);
        // At most a block: the caller knows that no block is after the last.
        let rest = (end * BLOCK as u64).saturating_sub(size) as usize;
        let block = self.device.block(last.physical + u64::from(last.count) - 1)?;
        if block[BLOCK - rest..].iter().any(|byte| *byte != 0) {
            return Err(ReadError::Inode { inode: number, what: "something is after its end" });
        }
        Ok(())
    }

    fn target(&mut self, number: u32, record: &Record) -> Result<Vec<u8>, ReadError> {
        let damaged = ReadError::Inode { inode: number, what: "it is no link to anything" };
        let size = usize::try_from(record.size).unwrap_or(usize::MAX);
        let mut target = match size {
            1..=LONGEST_INSIDE => {
                self.without_blocks(number, record)?;
                record.map.to_vec()
            }
            LONGER..=LONGEST_TARGET => self.blocks(number, record, 0)?.concat(),
            _ => return Err(damaged),
        };
        let rest = target.split_off(size);
        if rest.iter().any(|byte| *byte != 0) {
            return Err(damaged);
        }
        Ok(target)
    }

    /// An inode that has nothing but attributes beside it.
    fn without_blocks(&self, number: u32, record: &Record) -> Result<(), ReadError> {
        let own = u64::from(record.attribute_block != 0);
        if record.flags == 0 && record.blocks == own {
            return Ok(());
        }
        Err(ReadError::Inode { inode: number, what: "it has blocks or flags, which it needs not" })
    }
}

/// The first block, when the extents have the blocks 0 to `count` of a file and no other.
fn whole(extents: &[Extent], count: u64) -> Option<u64> {
    let mut next = 0;
    for extent in extents {
        if u64::from(extent.logical) != next {
            return None;
        }
        next += u64::from(extent.count);
    }
    extents.first().filter(|_| next == count).map(|first| first.physical)
}
