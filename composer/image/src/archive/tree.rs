//! Entries into a [`Tree`]: what a package brings becomes a part of an image.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::shown;
use super::{ArchiveError, Entry, EntryKind, Sink};
use crate::content::Data;
use crate::tree::{Kind, Meta, Tree};

/// Where the contents of files go.
pub trait Keep {
    /// Keeps what `content` reads to its end, which is after `size` bytes.
    ///
    /// # Errors
    /// Those of reading and of keeping; that it ended early.
    fn keep(&mut self, content: &mut dyn Read, size: u64) -> io::Result<Data>;
}

/// Keeps contents in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl Keep for InMemory {
    fn keep(&mut self, content: &mut dyn Read, size: u64) -> io::Result<Data> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Data::of(bytes))
    }
}

/// Collects entries for a tree.
#[derive(Debug)]
pub struct TreeSink<K> {
    keep: K,
    root: Meta,
    /// In order of path, so that folders stand before what is in them.
    nodes: BTreeMap<Vec<u8>, (Meta, Kind)>,
    links: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<K: Keep> TreeSink<K> {
    /// Collects, with the contents kept by `keep`.
    pub const fn new(keep: K) -> Self {
        Self { keep, root: Meta::root(0o755), nodes: BTreeMap::new(), links: Vec::new() }
    }

    /// The tree.
    ///
    /// # Errors
    /// When the entries did not come from an archive that was read to its end, and do not fit together.
    pub fn finish(self) -> Result<Tree, ArchiveError> {
        let mut tree = Tree::new(self.root);
        for (path, (meta, kind)) in self.nodes {
            tree.folders_above(&path, &Meta::root(0o755))?;
            tree.add(&path, meta, kind)?;
        }
        for (path, target) in self.links {
            tree.folders_above(&path, &Meta::root(0o755))?;
            let absent = || ArchiveError::Absent { path: shown(&target) };
            tree.link(&path, tree.find(&target).ok_or_else(absent)?)?;
        }
        Ok(tree)
    }
}

impl<K: Keep> Sink for TreeSink<K> {
    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ArchiveError> {
        let kind = match &entry.kind {
            EntryKind::Folder if entry.path.is_empty() => {
                self.root = entry.meta.clone();
                return Ok(());
            }
            EntryKind::Folder => Kind::Folder(BTreeMap::new()),
            EntryKind::File(size) => {
                let kept = self.keep.keep(content, *size);
                Kind::File(kept.map_err(|source| match source.downcast::<ArchiveError>() {
                    Ok(own) => own,
                    Err(source) => ArchiveError::Keep { path: shown(&entry.path), source },
                })?)
            }
            EntryKind::Symlink(target) => Kind::Symlink(target.clone()),
            EntryKind::HardLink(target) => {
                self.links.push((entry.path.clone(), target.clone()));
                return Ok(());
            }
            EntryKind::Character { major, minor } => {
                Kind::Character { major: *major, minor: *minor }
            }
            EntryKind::Block { major, minor } => Kind::Block { major: *major, minor: *minor },
            EntryKind::Fifo => Kind::Fifo,
        };
        self.nodes.insert(entry.path.clone(), (entry.meta.clone(), kind));
        Ok(())
    }
}
