//! The tables of inodes and folders as they are written: all inodes but folders first, then folders from
//! the innermost out. A folder names the places of inodes, and its inode the place of its listing, so
//! each comes when what it names is packed.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::Codec;
use crate::tree::{Inode, InodeId, Kind, Tree};

use super::attributes::Lists;
use super::error::WriteError;
use super::folder::{self, Entry};
use super::format::NO_INDEX;
use super::inode::{Body, DOTS, FOLDER, Record};
use super::metadata::{Place, Stream};
use super::pack::Contents;

/// Tables of inodes and folders, and what is needed to write them.
pub(super) struct Inodes<'a> {
    tree: &'a Tree,
    /// Every inode with its first path, in the order of paths.
    firsts: Vec<(Vec<u8>, InodeId)>,
    contents: Contents,
    numbers: BTreeMap<InodeId, u32>,
    /// Owners and groups, sorted.
    pub owners: Vec<u32>,
    pub lists: Lists,
    pub inodes: Stream,
    pub folders: Stream,
    places: BTreeMap<InodeId, Place>,
}

impl<'a> Inodes<'a> {
    /// Of a tree whose contents are written; `walk` is the tree's.
    ///
    /// # Errors
    /// When there are more inodes or owners than the format has numbers for.
    pub fn new(
        tree: &'a Tree,
        mut walk: Vec<(Vec<u8>, InodeId)>,
        contents: Contents,
        codec: Codec,
    ) -> Result<Self, WriteError> {
        let mut seen = BTreeSet::new();
        walk.retain(|(_, id)| seen.insert(*id));
        let too_many = |what, count: usize, limit: u32| {
            let (count, limit) = (count as u64, u64::from(limit));
            if count > limit { Err(WriteError::TooMany { what, count, limit }) } else { Ok(()) }
        };
        // One more is the parent of the root.
        too_many("inodes", walk.len(), u32::MAX - 1)?;
        let is_folder = |id: &InodeId| matches!(tree.inode(*id).kind, Kind::Folder(_));
        let (folders, files): (Vec<_>, Vec<_>) =
            walk.iter().map(|(_, id)| *id).partition(|id| is_folder(id));
        let numbers = files.into_iter().chain(folders).zip(1..).collect();
        let metas = || walk.iter().map(|(_, id)| &tree.inode(*id).meta);
        let owners: BTreeSet<u32> = metas().flat_map(|meta| [meta.owner, meta.group]).collect();
        too_many("owners and groups", owners.len(), u16::MAX.into())?;
        let owners = owners.into_iter().collect();
        let (lists, places) = (Lists::default(), BTreeMap::new());
        let (inodes, folders) = (Stream::new(codec), Stream::new(codec));
        Ok(Self { tree, firsts: walk, contents, numbers, owners, lists, inodes, folders, places })
    }

    /// Where each inode is, by number from 1; all are written.
    pub fn places_by_number(&self) -> Vec<Place> {
        let numbered: BTreeMap<u32, Place> =
            self.numbers.iter().map(|(id, number)| (*number, self.places[id])).collect();
        numbered.into_values().collect()
    }

    /// Writes all inodes but folders.
    ///
    /// # Errors
    /// When the format has no place for one, and those of the codec.
    pub fn write_files(&mut self) -> Result<(), WriteError> {
        let mut positions = Vec::new();
        for (path, id) in std::mem::take(&mut self.firsts) {
            let inode = self.tree.inode(id);
            if let Some(body) = self.file_body(&path, id, inode)? {
                positions.push((id, self.write_inode(&path, id, inode.names, body)?));
            } else {
                self.firsts.push((path, id));
            }
        }
        self.settle(positions)
    }

    /// Writes all folders (which are what is left of `firsts`), the innermost first. Gives the root's place.
    ///
    /// # Errors
    /// As [`Inodes::write_files`].
    pub fn write_folders(&mut self) -> Result<Place, WriteError> {
        let mut parents = BTreeMap::from([(self.tree.root(), self.numbers.len() as u32 + 1)]);
        let mut heights: BTreeMap<InodeId, usize> = BTreeMap::new();
        // What is in a folder comes after it.
        for (_, id) in self.firsts.iter().rev() {
            let inner = folders_in(self.tree, *id);
            let height = inner.iter().map(|inner| heights[inner] + 1).max().unwrap_or(0);
            parents.extend(inner.into_iter().map(|inner| (inner, self.numbers[id])));
            heights.insert(*id, height);
        }
        let mut rounds = vec![Vec::new(); heights.values().max().map_or(0, |height| height + 1)];
        for (path, id) in std::mem::take(&mut self.firsts) {
            rounds[heights[&id]].push((path, id));
        }
        for round in rounds {
            let mut listings = Vec::new();
            for (_, id) in &round {
                let position = self.folders.size();
                let (bytes, marks) = folder::encode(position, self.entries(*id));
                let limit = u64::from(u32::MAX - DOTS);
                if bytes.len() as u64 > limit {
                    let what = "bytes of names in a folder";
                    return Err(WriteError::TooMany { what, count: bytes.len() as u64, limit });
                }
                self.folders.push(&bytes);
                listings.push((position, bytes.len() as u32, marks));
            }
            self.folders.settle()?;
            let mut positions = Vec::new();
            for ((path, id), (position, size, marks)) in round.into_iter().zip(listings) {
                let block = |at: u32| self.folders.place(position + u64::from(at)).block as u32;
                let marks = marks.into_iter().map(|mark| (block(mark.at), mark));
                let marks = marks.map(|(block, mark)| (mark, block)).collect();
                let listing = self.folders.place(position);
                check_place(listing.block, "bytes of folders")?;
                let body = Body::Folder { listing, size, parent: parents[&id], marks };
                let links = 2 + folders_in(self.tree, id).len() as u32;
                positions.push((id, self.write_inode(&path, id, links, body)?));
            }
            self.settle(positions)?;
        }
        Ok(self.places[&self.tree.root()])
    }

    /// What is in a folder; all its inodes have places.
    fn entries(&self, folder: InodeId) -> impl Iterator<Item = Entry<'a>> {
        let names = match &self.tree.inode(folder).kind {
            Kind::Folder(names) => Some(names),
            _ => None,
        };
        names.into_iter().flatten().map(|(name, id)| Entry {
            name,
            inode: self.places[id],
            number: self.numbers[id],
            kind: kind(&self.tree.inode(*id).kind),
        })
    }

    /// Adds an inode to the table; gives its position.
    fn write_inode(
        &mut self,
        path: &[u8],
        id: InodeId,
        links: u32,
        body: Body,
    ) -> Result<u64, WriteError> {
        let Inode { meta, .. } = self.tree.inode(id);
        let modified = u32::try_from(meta.modified)
            .map_err(|_| WriteError::Time { path: shown(path), seconds: meta.modified })?;
        let attributes = match meta.attributes.is_empty() {
            true => NO_INDEX,
            false => self.lists.number(&meta.attributes, &shown(path))?,
        };
        // Both are there: the list was made from all inodes.
        let owner = |id: u32| self.owners.binary_search(&id).unwrap_or_else(|at| at) as u16;
        let record = Record {
            mode: meta.mode & 0o7777,
            owner: owner(meta.owner),
            group: owner(meta.group),
            modified,
            number: self.numbers[&id],
            links,
            attributes,
            body,
        };
        let position = self.inodes.size();
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        self.inodes.push(&bytes);
        Ok(position)
    }

    /// Packs the inodes so far, and notes where they are.
    fn settle(&mut self, positions: Vec<(InodeId, u64)>) -> Result<(), WriteError> {
        self.inodes.settle()?;
        for (id, position) in positions {
            let place = self.inodes.place(position);
            check_place(place.block, "bytes of inodes")?;
            self.places.insert(id, place);
        }
        Ok(())
    }

    /// What an inode that is no folder is.
    fn file_body(
        &self,
        path: &[u8],
        id: InodeId,
        inode: &Inode,
    ) -> Result<Option<Body>, WriteError> {
        Ok(Some(match &inode.kind {
            Kind::Folder(_) => return Ok(None),
            Kind::File(data) => {
                let Some(placed) = self.contents.placed(id) else { return Ok(None) };
                Body::File {
                    start: placed.start,
                    size: data.size(),
                    holes: placed.holes,
                    fragment: placed.fragment,
                    offset: placed.offset,
                    blocks: placed.blocks.clone(),
                }
            }
            Kind::Symlink(target) => Body::Symlink(target.clone()),
            Kind::Character { major, minor } => Body::Character(device(path, *major, *minor)?),
            Kind::Block { major, minor } => Body::Block(device(path, *major, *minor)?),
            Kind::Fifo => Body::Fifo,
            Kind::Socket => Body::Socket,
        }))
    }
}

/// Places of blocks in tables are 32 bits in inodes and listings.
fn check_place(block: u64, what: &'static str) -> Result<(), WriteError> {
    let limit = u64::from(u32::MAX);
    if block > limit { Err(WriteError::TooMany { what, count: block, limit }) } else { Ok(()) }
}

fn folders_in(tree: &Tree, folder: InodeId) -> Vec<InodeId> {
    match &tree.inode(folder).kind {
        Kind::Folder(names) => {
            let is_folder = |id: &InodeId| kind(&tree.inode(*id).kind) == FOLDER;
            names.values().copied().filter(is_folder).collect()
        }
        _ => Vec::new(),
    }
}

/// Number of the kind, in listings.
fn kind(kind: &Kind) -> u16 {
    match kind {
        Kind::Folder(_) => FOLDER,
        Kind::File(_) => 2,
        Kind::Symlink(_) => 3,
        Kind::Block { .. } => 4,
        Kind::Character { .. } => 5,
        Kind::Fifo => 6,
        Kind::Socket => 7,
    }
}

/// The number of a device in 32 bits (`new_encode_dev`, include/linux/kdev_t.h).
fn device(path: &[u8], major: u32, minor: u32) -> Result<u32, WriteError> {
    if major > 0xfff || minor > 0xf_ffff {
        return Err(WriteError::Device { path: shown(path), major, minor });
    }
    Ok(minor & 0xff | major << 8 | (minor & !0xff) << 12)
}

fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path).escape_debug())
}
