//! The inodes of an image with all that can be known before anything has a place: numbers, folders' blocks,
//! attributes, and which blocks of a file have something in them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::attributes::{Attributes, Unfit};
use super::error::WriteError;
use super::filled::filled;
use super::folder::{self, Entry, Folder};
use super::inode::{self, FIRST_FREE, LATEST, MOST_LINKS, ROOT, Record};
use super::{BLOCK, Options, checksum};
use crate::tree::{Inode, InodeId, Kind, Meta, Tree};

/// Where `e2fsck` puts files that it finds without a name. It should not have to make it, on a disk that may be full.
pub(super) const LOST_FOUND: &[u8] = b"lost+found";
/// Its mode, when the tree has none.
pub(super) const LOST_FOUND_MODE: u16 = 0o700;
/// Most bytes of a file: the last of 2^32 block numbers has another meaning (`EXT_MAX_BLOCKS`).
const LARGEST: u64 = 0xffff_ffff * BLOCK as u64;
/// Longest target that stands in the inode.
pub(super) const LONGEST_INSIDE: usize = 59;

/// An inode of an image.
#[derive(Debug)]
pub(super) struct Node {
    /// Its first name.
    pub(super) path: Vec<u8>,
    /// What it is in the tree. The journal and a `lost+found` of ours are nothing there.
    pub(super) id: Option<InodeId>,
    pub(super) number: u32,
    /// What can be said of it before it has a place.
    pub(super) record: Record,
    pub(super) attributes: Attributes,
    pub(super) body: Body,
}

/// What an inode has beside itself.
#[derive(Debug)]
pub(super) enum Body {
    /// Nothing.
    Nothing,
    /// Blocks that are known.
    Blocks(Vec<Vec<u8>>),
    /// Blocks of the content, as runs: the first, and how many.
    Content(Vec<(u32, u32)>),
    /// So many blocks of journal.
    Journal(u32),
}

/// The inodes of a tree in the order of their numbers: the root, `lost+found`, the others as the tree is walked.
pub(super) fn nodes(tree: &Tree, options: &Options) -> Result<Vec<Node>, WriteError> {
    let made = Meta { modified: options.made, ..Meta::root(LOST_FOUND_MODE) };
    let kind = Kind::Folder(BTreeMap::new());
    let ours = Inode { meta: made, kind, names: 1 };
    let numbers = Numbers::new(tree)?;
    let all = numbers.order.par_iter();
    let nodes = all.map_init(Vec::new, |buffer, (path, id)| {
        let inode = id.map_or(&ours, |id| tree.inode(id));
        numbers.node(tree, options, path, *id, inode, buffer)
    });
    // All, and then the first that failed, whichever thread was first.
    nodes.collect::<Vec<_>>().into_iter().collect()
}

/// Which inode of a tree has which number.
#[derive(Debug)]
struct Numbers {
    /// By number, with the first name.
    order: Vec<(Vec<u8>, Option<InodeId>)>,
    /// By inode of the tree.
    numbers: Vec<u32>,
    /// By inode of the tree, the number of the folder it is in. Only folders are asked for.
    parents: Vec<u32>,
}

impl Numbers {
    fn new(tree: &Tree) -> Result<Self, WriteError> {
        let known = tree.find(LOST_FOUND);
        if known.is_some_and(|id| !matches!(tree.inode(id).kind, Kind::Folder(_))) {
            return Err(WriteError::LostFound);
        }
        let mut order = vec![(Vec::new(), Some(tree.root())), (LOST_FOUND.to_vec(), known)];
        let mut numbers = vec![0; tree.inodes().len()];
        numbers[tree.root().index()] = ROOT;
        if let Some(id) = known {
            numbers[id.index()] = FIRST_FREE;
        }
        for (path, id) in tree.walk() {
            if numbers[id.index()] == 0 {
                // A tree counts its inodes with 32 bits, too; only the very last few could be too many.
                let number = order.len() as u64 + u64::from(FIRST_FREE) - 1;
                numbers[id.index()] = u32::try_from(number).map_err(|_| WriteError::Inodes {
                    needed: number,
                    most: u32::MAX.into(),
                    given: number,
                })?;
                order.push((path, Some(id)));
            }
        }
        let mut parents = vec![ROOT; tree.inodes().len()];
        for (inode, number) in tree.inodes().iter().zip(&numbers) {
            if let Kind::Folder(entries) = &inode.kind {
                for id in entries.values() {
                    parents[id.index()] = *number;
                }
            }
        }
        Ok(Self { order, numbers, parents })
    }

    fn number(&self, id: Option<InodeId>) -> u32 {
        id.map_or(FIRST_FREE, |id| self.numbers[id.index()])
    }

    fn node(
        &self,
        tree: &Tree,
        options: &Options,
        path: &[u8],
        id: Option<InodeId>,
        inode: &Inode,
        buffer: &mut Vec<u8>,
    ) -> Result<Node, WriteError> {
        let Inode { meta, kind, names } = inode;
        let number = self.number(id);
        if meta.modified > LATEST {
            return Err(WriteError::Time { path: shown(path), seconds: meta.modified });
        }
        let attributes = Attributes::new(&meta.attributes).map_err(|unfit| match unfit {
            Unfit::Name(name, why) => {
                WriteError::Attribute { path: shown(path), name: shown(&name), why }
            }
            Unfit::Size(bytes) => WriteError::Attributes { path: shown(path), bytes },
        })?;
        let mut record = Record {
            mode: inode::format_of(kind) | meta.mode & 0o7777,
            owner: meta.owner,
            group: meta.group,
            size: 0,
            links: 0,
            blocks: 0,
            flags: 0,
            map: [0; 60],
            attribute_block: 0,
            time: meta.modified,
            attributes: attributes.inside(),
        };
        let mut links = *names;
        let body =
            match kind {
                Kind::Folder(entries) => {
                    let folder = Folder {
                        inode: number,
                        parent: id.map_or(ROOT, |id| self.parents[id.index()]),
                        seed: &options.hash_seed,
                        checksum: checksum::of_inode(checksum::of_volume(&options.uuid), number),
                    };
                    let entries = self.entries(tree, entries, number == ROOT);
                    let folders =
                        entries.iter().filter(|entry| entry.kind == folder::FOLDER).count();
                    links = u32::try_from(folders).unwrap_or(u32::MAX).saturating_add(2);
                    if links > MOST_LINKS {
                        // "More than can be counted" (`dir_nlink`).
                        links = 1;
                    }
                    let blocks = folder::encode(folder, &entries);
                    let blocks = blocks.ok_or_else(|| WriteError::Folder {
                        path: shown(path),
                        entries: entries.len(),
                    })?;
                    if blocks.len() > 1 {
                        record.flags |= inode::INDEXED;
                    }
                    record.size = (blocks.len() * BLOCK) as u64;
                    Body::Blocks(blocks)
                }
                Kind::File(data) if data.size() > LARGEST => {
                    return Err(WriteError::FileSize { path: shown(path), size: data.size() });
                }
                Kind::File(data) => {
                    record.size = data.size();
                    let content = |source| WriteError::Content { path: shown(path), source };
                    Body::Content(filled(data, buffer).map_err(content)?)
                }
                Kind::Symlink(target) => {
                    record.size = target.len() as u64;
                    if target.len() <= LONGEST_INSIDE {
                        record.map[..target.len()].copy_from_slice(target);
                        Body::Nothing
                    } else {
                        let mut block = target.clone();
                        block.resize(BLOCK, 0);
                        Body::Blocks(vec![block])
                    }
                }
                Kind::Character { major, minor } | Kind::Block { major, minor } => {
                    let (major, minor) = (*major, *minor);
                    record.map = inode::device_map(major, minor)
                        .ok_or_else(|| WriteError::Device { path: shown(path), major, minor })?;
                    Body::Nothing
                }
                Kind::Fifo | Kind::Socket => Body::Nothing,
            };
        if links > MOST_LINKS {
            return Err(WriteError::Names { path: shown(path), names: links });
        }
        record.links = links as u16;
        if !matches!(body, Body::Nothing) {
            record.flags |= inode::EXTENTS;
        }
        Ok(Node { path: path.to_vec(), id, number, record, attributes, body })
    }

    /// The entries of a folder; the root's have `lost+found` among them.
    fn entries<'a>(
        &self,
        tree: &Tree,
        entries: &'a BTreeMap<Vec<u8>, InodeId>,
        is_root: bool,
    ) -> Vec<Entry<'a>> {
        let mut all: Vec<_> = entries
            .iter()
            .map(|(name, id)| Entry {
                name,
                inode: self.numbers[id.index()],
                kind: kind_of(&tree.inode(*id).kind),
            })
            .collect();
        if is_root && !entries.contains_key(LOST_FOUND) {
            let at = all.partition_point(|entry| entry.name < LOST_FOUND);
            all.insert(at, Entry { name: LOST_FOUND, inode: FIRST_FREE, kind: folder::FOLDER });
        }
        all
    }
}

/// `file_type` of an entry (kernel documentation, "Directory Entries").
pub(super) const fn kind_of(kind: &Kind) -> u8 {
    match kind {
        Kind::File(_) => 1,
        Kind::Folder(_) => folder::FOLDER,
        Kind::Character { .. } => 3,
        Kind::Block { .. } => 4,
        Kind::Fifo => 5,
        Kind::Socket => 6,
        Kind::Symlink(_) => 7,
    }
}

/// A path or name as text for a message.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).escape_debug().to_string()
}
