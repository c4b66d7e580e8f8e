//! Goes through the folders of an image as [`Tree::walk`] does, which is also the order of the inodes' numbers, and so
//! finds all that is in use.

use std::collections::BTreeMap;

use super::checksum;
use super::contents::{Contents, Known};
use super::device::Device;
use super::error::ReadError;
use super::folder;
use super::geometry::Geometry;
use super::inode::{FIRST_FREE, MOST_LINKS, ROOT};
use super::nodes::{LOST_FOUND, LOST_FOUND_MODE, kind_of};
use super::read::Found;
use super::superblock::Superblock;
use crate::tree::{InodeId, Kind, Meta, Tree};

/// Longest path that is followed, in bytes: paths of paths add up.
const LONGEST_PATH: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Walk<'a> {
    contents: Contents<'a>,
    superblock: &'a Superblock,
    /// By number, what is in the tree and no folder, and how many names it says that it has.
    known: BTreeMap<u32, (InodeId, u16)>,
    /// What is yet to be followed, the next last.
    open: Vec<Name>,
    /// Of the name that is looked at; the paths of those in `open` start as it does.
    path: Vec<u8>,
    /// By group.
    folders: Vec<u32>,
}

#[derive(Debug)]
struct Name {
    /// How much of the path is the folder's.
    above: usize,
    name: Vec<u8>,
    number: u32,
    kind: u8,
    parent: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        device: Device<'a>,
        geometry: &'a Geometry,
        superblock: &'a Superblock,
        volume: u32,
    ) -> Self {
        let contents = Contents::new(device, geometry, superblock, volume);
        let folders = vec![0; geometry.groups.len()];
        let (known, open, path) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { contents, superblock, known, open, path, folders }
    }

    /// How many blocks the journal has.
    pub(super) fn journal(&mut self, copy: ([u8; 60], u64)) -> Result<u32, ReadError> {
        self.contents.journal(copy)
    }

    /// The tree, and what is in use.
    pub(super) fn tree(mut self) -> Result<(Tree, Found<'a>), ReadError> {
        let root = self.contents.inode(ROOT)?;
        self.enter(ROOT, ROOT, &root)?;
        let mut tree = Tree::new(root.meta);
        let (mut last, mut has_lost_found) = (FIRST_FREE, false);
        while let Some(name) = self.open.pop() {
            let Name { above, name, number, kind, parent } = name;
            let wrong = || ReadError::Entry { inode: number, folder: parent };
            self.path.truncate(above);
            if above > 0 {
                self.path.push(b'/');
            }
            self.path.extend(name);
            if let Some((id, _)) = self.known.get(&number) {
                if kind_of(&tree.inode(*id).kind) != kind {
                    return Err(wrong());
                }
                tree.link(&self.path, *id)?;
                continue;
            }
            let is_lost_found = self.path == LOST_FOUND;
            if is_lost_found {
                has_lost_found = true;
            } else {
                last += 1;
            }
            if number != if is_lost_found { FIRST_FREE } else { last } {
                return Err(wrong());
            }
            let known = self.contents.inode(number)?;
            if kind_of(&known.kind) != kind {
                return Err(wrong());
            }
            let is_empty = self.enter(number, parent, &known)?;
            if is_lost_found {
                let modified = self.superblock.made;
                let ours = Meta { modified, ..Meta::root(LOST_FOUND_MODE) };
                if kind != folder::FOLDER {
                    return Err(wrong());
                }
                if is_empty && known.meta == ours {
                    continue;
                }
            }
            let id = tree.add(&self.path, known.meta, known.kind)?;
            if kind != folder::FOLDER {
                self.known.insert(number, (id, known.links));
            }
        }
        if !has_lost_found {
            return Err(ReadError::Inode { inode: ROOT, what: "it has no `lost+found`" });
        }
        for (inode, (id, links)) in &self.known {
            if tree.inode(*id).names != u32::from(*links) {
                let what = "it has another number of names than it says";
                return Err(ReadError::Inode { inode: *inode, what });
            }
        }
        Ok((tree, Found { device: self.contents.device, last, folders: self.folders }))
    }

    /// Takes up what is in a folder, whose path is the one that is looked at. Whether that is nothing.
    fn enter(&mut self, number: u32, parent: u32, known: &Known) -> Result<bool, ReadError> {
        let Kind::Folder(_) = known.kind else { return Ok(false) };
        let damaged = |what| ReadError::Inode { inode: number, what };
        let start = checksum::of_inode(self.contents.volume, number);
        let seed = &self.superblock.hash_seed;
        let (entries, up) = folder::decode(&known.blocks, number, seed, start)
            .ok_or(damaged("its blocks are not those of a folder"))?;
        if up != parent {
            return Err(damaged("its `..` is another folder"));
        }
        let folders = entries.iter().filter(|entry| entry.kind == folder::FOLDER).count() + 2;
        let links = if folders > MOST_LINKS as usize { 1 } else { folders };
        if usize::from(known.links) != links {
            return Err(damaged("it has another number of folders than it says"));
        }
        let above = self.path.len();
        if above >= LONGEST_PATH {
            return Err(damaged("its path has over 65,536 bytes"));
        }
        self.open.extend(entries.iter().rev().map(|entry| Name {
            above,
            name: entry.name.to_vec(),
            number: entry.inode,
            kind: entry.kind,
            parent: number,
        }));
        let group = (number - 1) / self.superblock.inodes_per_group;
        self.folders[group as usize] += 1;
        Ok(entries.is_empty())
    }
}
