//! The way from the root of an image through all folders, on which the tree is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::content::Data;
use crate::tree::{InodeId, Kind, Meta, Tree, TreeError};

use super::attributes::{self, Attributes};
use super::error::ReadError;
use super::folder::{self, Entry};
use super::format::NO_INDEX;
use super::inode::{Body, FOLDER, Record};
use super::metadata::Place;
use super::read::Tables;
use super::stored::Stored;

/// A name that was found in a folder and not looked at yet.
struct Name {
    /// Path of the folder, and its number.
    folder: Arc<Vec<u8>>,
    parent: u32,
    name: Vec<u8>,
    inode: Place,
    number: u32,
    kind: u16,
}

/// An inode that was read.
struct Known {
    id: InodeId,
    record: Record,
}

/// A visit of an image.
pub(super) struct Visit {
    tables: Tables,
    tree: Tree,
    /// By place. What folders and files have beside the tree is forgotten.
    known: BTreeMap<Place, Known>,
    open: Vec<Name>,
    /// How many bytes of inodes and listings were read; no byte is in two.
    inode_bytes: usize,
    listing_bytes: usize,
}

impl Visit {
    /// Starts at the root.
    ///
    /// # Errors
    /// When the root is no folder, or damaged.
    pub fn new(mut tables: Tables) -> Result<Self, ReadError> {
        let place = Place::unpacked(tables.image.superblock.root);
        let (record, inode_bytes) = tables.record(place)?;
        let tree = Tree::new(tables.meta(&record)?);
        if record.body.kind() != FOLDER {
            let (what, why) = ("kind of the root", "it is a folder");
            return Err(ReadError::Field { what, found: record.body.kind().into(), why });
        }
        let (known, open) = (BTreeMap::new(), Vec::new());
        let mut visit = Self { tables, tree, known, open, inode_bytes, listing_bytes: 0 };
        let above = visit.tables.image.superblock.inodes.wrapping_add(1);
        visit.folder(&Arc::default(), above, &record)?;
        visit.remember(place, visit.tree.root(), record)?;
        Ok(visit)
    }

    /// Looks at everything.
    ///
    /// # Errors
    /// When anything is damaged.
    pub fn tree(mut self) -> Result<Tree, ReadError> {
        while let Some(name) = self.open.pop() {
            self.name(&name)?;
        }
        let inodes = self.tables.image.superblock.inodes;
        differs("number of inodes", self.known.len() as u64, inodes.into())?;
        for Known { id, record } in self.known.values() {
            if record.body.kind() != FOLDER {
                let names = self.tree.inode(*id).names;
                differs("number of names of an inode", record.links.into(), names.into())?;
            }
        }
        Ok(self.tree)
    }

    fn name(&mut self, name: &Name) -> Result<(), ReadError> {
        let slash: &[u8] = if name.folder.is_empty() { b"" } else { b"/" };
        let path = [&name.folder, slash, &name.name].concat();
        if let Some(known) = self.known.get(&name.inode) {
            name.check(&known.record)?;
            if known.record.body.kind() == FOLDER {
                let path = String::from_utf8_lossy(&path).escape_debug().to_string();
                return Err(TreeError::FolderLink { path }.into());
            }
            return Ok(self.tree.link(&path, known.id)?);
        }
        let (mut record, size) = self.tables.record(name.inode)?;
        name.check(&record)?;
        self.inode_bytes += size;
        overlapping("inode table", self.inode_bytes, self.tables.inodes.bytes().len())?;
        let meta = self.tables.meta(&record)?;
        let kind = self.tables.kind(&mut record.body)?;
        let id = self.tree.add(&path, meta, kind)?;
        if record.body.kind() == FOLDER {
            self.folder(&Arc::new(path), name.parent, &record)?;
        }
        self.remember(name.inode, id, record)
    }

    /// Opens a folder, for the names in it.
    fn folder(
        &mut self,
        path: &Arc<Vec<u8>>,
        above: u32,
        record: &Record,
    ) -> Result<(), ReadError> {
        let Body::Folder { listing, size, parent, marks } = &record.body else { return Ok(()) };
        differs("number of the folder above", (*parent).into(), above.into())?;
        if *size == 0 {
            differs("number of links of an empty folder", record.links.into(), 2)?;
            return differs("number of marks of an empty folder", marks.len() as u64, 0);
        }
        self.listing_bytes += *size as usize;
        overlapping("folder table", self.listing_bytes, self.tables.folders.bytes().len())?;
        let mut from = self.tables.folders.at(*listing)?;
        let start = from.position();
        let entries = folder::decode(&mut from, *size)?;
        for (mark, block) in marks {
            let run = entries.partition_point(|(run, _)| *run < mark.at);
            let first = entries.get(run).filter(|(run, _)| *run == mark.at);
            let is_first = first.is_some_and(|(_, entry)| entry.name == mark.name);
            let place = self.tables.folders.block_of(start + mark.at as usize);
            if !is_first || place != Some((*block).into()) {
                let (what, why) = ("mark of a folder", "no run of names starts there");
                return Err(ReadError::Field { what, found: mark.at.into(), why });
            }
        }
        let folders = entries.iter().filter(|(_, entry)| entry.kind == FOLDER).count() as u64;
        differs("number of links of a folder", record.links.into(), folders + 2)?;
        self.tables.budget.take(entries.len() * size_of::<Name>())?;
        self.open.extend(entries.into_iter().rev().map(|(_, entry)| {
            let Entry { name, inode, number, kind } = entry;
            let (folder, parent, name) = (Arc::clone(path), record.number, name.to_vec());
            Name { folder, parent, name, inode, number, kind }
        }));
        Ok(())
    }

    fn remember(&mut self, place: Place, id: InodeId, record: Record) -> Result<(), ReadError> {
        let number = u64::from(record.number);
        let inodes = u64::from(self.tables.image.superblock.inodes);
        if number == 0 || number > inodes {
            let (what, why) = ("number of an inode", "there are fewer, from 1");
            return Err(ReadError::Field { what, found: number, why });
        }
        // Places differ, so with this table numbers do, too.
        if let Some(places) = &self.tables.places {
            let listed = places.get(number as usize - 1).copied().unwrap_or(0);
            differs("place of an inode in the export table", listed, place.packed())?;
        }
        self.known.insert(place, Known { id, record });
        Ok(())
    }
}

impl Name {
    /// That an inode is the one the name is said to have.
    fn check(&self, record: &Record) -> Result<(), ReadError> {
        differs("kind in a listing", self.kind.into(), record.body.kind().into())?;
        differs("number in a listing", self.number.into(), record.number.into())
    }
}

impl Tables {
    /// An inode, and its size in bytes.
    fn record(&self, place: Place) -> Result<(Record, usize), ReadError> {
        let mut from = self.inodes.at(place)?;
        let record = Record::decode(&mut from, self.image.superblock.block_size)?;
        Ok((record, from.passed()))
    }

    fn meta(&mut self, record: &Record) -> Result<Meta, ReadError> {
        let owner = |number: u16| {
            let id = self.owners.get(usize::from(number)).copied();
            id.ok_or(ReadError::Outside {
                what: "owner",
                offset: number.into(),
                size: 1,
                limit: self.owners.len() as u64,
            })
        };
        let (owner, group) = (owner(record.owner)?, owner(record.group)?);
        let attributes = self.attributes(record.attributes)?;
        Ok(Meta { mode: record.mode, owner, group, modified: record.modified.into(), attributes })
    }

    fn attributes(&mut self, number: u32) -> Result<Attributes, ReadError> {
        if number == NO_INDEX {
            return Ok(Attributes::new());
        }
        let entry = self.attributes.as_ref().and_then(|(values, entries)| {
            let entries = entries.bytes().as_chunks().0;
            Some((values, entries.get(number as usize)?))
        });
        let (values, entry) = entry.ok_or(ReadError::Outside {
            what: "list of attributes",
            offset: number.into(),
            size: 1,
            limit: self
                .attributes
                .as_ref()
                .map_or(0, |(_, entries)| (entries.bytes().len() / attributes::ENTRY) as u64),
        })?;
        let attributes = attributes::decode(values, entry)?;
        let size = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.budget.take(size)?;
        Ok(attributes)
    }

    /// What an inode is in the tree. What is large is taken from it.
    fn kind(&self, body: &mut Body) -> Result<Kind, ReadError> {
        Ok(match body {
            Body::Folder { .. } => Kind::Folder(BTreeMap::new()),
            Body::File { start, size, holes, fragment, offset, blocks } => {
                let fragment = (*fragment != NO_INDEX).then_some((*fragment, *offset));
                let blocks = std::mem::take(blocks);
                let block_size = u64::from(self.image.superblock.block_size);
                let zeros = blocks.iter().enumerate().filter(|(_, block)| **block == 0);
                let zeros: u64 =
                    zeros.map(|(at, _)| block_size.min(*size - at as u64 * block_size)).sum();
                // mksquashfs says one less of a file that is nothing but zeros.
                if *holes > 0 && !(*holes == zeros || *holes + 1 == zeros && zeros == *size) {
                    differs("number of bytes in holes", *holes, zeros)?;
                }
                Kind::File(Data::new(Stored::new(&self.image, *size, *start, &blocks, fragment)?))
            }
            Body::Symlink(target) => Kind::Symlink(std::mem::take(target)),
            Body::Block(device) => {
                let (major, minor) = device_numbers(*device);
                Kind::Block { major, minor }
            }
            Body::Character(device) => {
                let (major, minor) = device_numbers(*device);
                Kind::Character { major, minor }
            }
            Body::Fifo => Kind::Fifo,
            Body::Socket => Kind::Socket,
        })
    }
}

/// Driver and device (`new_decode_dev`, include/linux/kdev_t.h).
const fn device_numbers(device: u32) -> (u32, u32) {
    ((device & 0xf_ff00) >> 8, (device & 0xff) | (device >> 12 & 0xf_ff00))
}

fn differs(what: &'static str, found: u64, wanted: u64) -> Result<(), ReadError> {
    if found == wanted { Ok(()) } else { Err(ReadError::Differs { what, found, wanted }) }
}

/// That what was read of a table is not more than it has: then something was read twice.
fn overlapping(what: &'static str, read: usize, all: usize) -> Result<(), ReadError> {
    if read <= all {
        return Ok(());
    }
    Err(ReadError::Differs { what, found: read as u64, wanted: all as u64 })
}
