//! Reading an EROFS image, strictly: what [`super::write`] would not have written is refused, as far as
//! it can be told from the image alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::attribute;
use super::disk::{self, BLOCK, Head, Layout, SLOT, Super};
use super::folder::{self, Entry};
use super::index;
use super::map::{Kind as Held, Range, Stored};
use super::pack::SEGMENT;
use super::store::CHUNK;
use crate::content::Data;
use crate::tree::{InodeId, Kind, LONGEST_TARGET, Meta, Tree, TreeError};

/// Bytes of attributes in a tree, beyond which an image has to be large: inodes may share them, so a
/// small image could ask for any amount of memory.
const ATTRIBUTES: u64 = 256 << 20;

/// Why bytes are no image of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not whole blocks, or none.
    #[error("an image of {size} bytes is not made of blocks of 4,096 bytes")]
    Size {
        /// Size of the image.
        size: u64,
    },
    /// The superblock is not one, is damaged, or has features that are not known.
    #[error("the superblock is damaged, or has features that this reader does not know")]
    Super,
    /// The image was cut or has something after it.
    #[error("the image has {size} bytes; its superblock says {expected}")]
    Cut {
        /// Size of the image.
        size: u64,
        /// Size by the superblock.
        expected: u64,
    },
    /// An inode cannot be used.
    #[error("inode {inode} at byte {at}: {why}", at = u128::from(*inode) * 32)]
    Inode {
        /// Its number.
        inode: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The number of inodes is wrong.
    #[error("the image has {found} inodes; its superblock says {expected}")]
    Inodes {
        /// How many were found.
        found: u64,
        /// How many there should be.
        expected: u64,
    },
    /// More attributes than are held in memory.
    #[error("the inodes have more than {most} bytes of attributes together")]
    Attributes {
        /// How many are possible for an image of this size.
        most: u64,
    },
    /// A content cannot be read.
    #[error("the content of inode {inode} cannot be read: {error}")]
    Content {
        /// Its number.
        inode: u64,
        /// Why.
        error: io::Error,
    },
    /// The names do not make a tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The image cannot be read.
    #[error("the image cannot be read: {0}")]
    Read(#[from] io::Error),
}

/// Reads an image. Contents are read once for their digests, and again when they are asked for.
///
/// # Errors
/// When it is damaged, or nothing that [`super::write`] makes.
pub fn read(image: &Data) -> Result<Tree, ReadError> {
    let size = image.size();
    if size < BLOCK || !size.is_multiple_of(BLOCK) {
        return Err(ReadError::Size { size });
    }
    let mut first = vec![0; BLOCK as usize];
    image.read_at(0, &mut first)?;
    let start = Super::get(&first).ok_or(ReadError::Super)?;
    let packed = start.features & disk::COMPRESSED == disk::COMPRESSED;
    let known = disk::COMPRESSED | disk::CHUNKS | disk::TAILS;
    if start.features & !known != 0
        || packed != (start.cluster > 0)
        || start.features & disk::COMPRESSED != 0 && !packed
        || start.nanoseconds >= 1_000_000_000
        || start.cluster > 256
        || start.name[15] != 0
    {
        return Err(ReadError::Super);
    }
    let expected = u64::from(start.blocks) * BLOCK;
    if expected != size {
        return Err(ReadError::Cut { size, expected });
    }
    Reader { image, start, attributes: 0, entries: BTreeMap::new() }.tree()
}

struct Reader<'a> {
    image: &'a Data,
    start: Super,
    /// Bytes of attributes so far.
    attributes: u64,
    /// Shared attributes that were used, and where each ends.
    entries: BTreeMap<u64, u64>,
}

/// An inode, and what of it stands after its head.
struct Inode {
    number: u64,
    head: Head,
    /// Where its attributes end.
    end: u64,
}

/// A folder that is being read.
struct Level {
    number: u64,
    /// Names that are still to be read.
    rest: std::vec::IntoIter<(Vec<u8>, u64, u8)>,
    /// Size of the path of the folder it is in.
    above: usize,
    folders: u32,
    links: u32,
}

impl Reader<'_> {
    fn tree(mut self) -> Result<Tree, ReadError> {
        let root = self.inode(u64::from(self.start.root))?;
        if root.head.mode & 0o170_000 != 0o040_000 {
            return Err(root.error("the root is no folder"));
        }
        let mut tree = Tree::new(self.meta(&root)?);
        let mut path = Vec::new();
        let mut folders = BTreeSet::from([root.number]);
        let mut others: BTreeMap<u64, (InodeId, u32)> = BTreeMap::new();
        let mut levels = vec![self.level(&root, root.number, 0)?];
        while let Some(level) = levels.last_mut() {
            let Some((name, number, kind)) = level.rest.next() else {
                if level.links != 2 + level.folders {
                    let why = "its number of links is not that of its folders";
                    return Err(ReadError::Inode { inode: level.number, why });
                }
                path.truncate(level.above);
                levels.pop();
                continue;
            };
            let above = path.len();
            if above > 0 {
                path.push(b'/');
            }
            path.extend(name);
            if let Some((id, _)) = others.get(&number) {
                if disk::kind_bits(&tree.inode(*id).kind).1 != kind {
                    let why = "a name has another kind of it";
                    return Err(ReadError::Inode { inode: number, why });
                }
                tree.link(&path, *id)?;
                path.truncate(above);
                continue;
            }
            let inode = self.inode(number)?;
            let meta = self.meta(&inode)?;
            let content = self.kind(&inode)?;
            if disk::kind_bits(&content) != (inode.head.mode & 0o170_000, kind) {
                return Err(inode.error("a name has another kind of it"));
            }
            let is_folder = matches!(content, Kind::Folder(_));
            let id = tree.add(&path, meta, content)?;
            if !is_folder {
                others.insert(number, (id, inode.head.links));
                path.truncate(above);
                continue;
            }
            if !folders.insert(number) {
                return Err(inode.error("the folder has a second name"));
            }
            level.folders += 1;
            let parent = level.number;
            levels.push(self.level(&inode, parent, above)?);
        }
        for (number, (id, links)) in &others {
            if tree.inode(*id).names != *links {
                let why = "its number of links is not that of its names";
                return Err(ReadError::Inode { inode: *number, why });
            }
        }
        let found = (folders.len() + others.len()) as u64;
        match found == self.start.inodes {
            true => Ok(tree),
            false => Err(ReadError::Inodes { found, expected: self.start.inodes }),
        }
    }

    /// Opens a folder.
    fn level(&self, inode: &Inode, parent: u64, above: usize) -> Result<Level, ReadError> {
        let bytes = self.small(inode, self.image.size())?;
        let bad = || inode.error("the folder's names are damaged");
        let entries = folder::read(&bytes).ok_or_else(bad)?;
        let dots = [(&b"."[..], inode.number), (b"..", parent)];
        let dots = dots.map(|(name, inode)| Entry { name, inode, kind: 2 });
        if dots.iter().any(|dot| !entries.contains(dot)) {
            return Err(inode.error("the folder does not name itself and the one it is in"));
        }
        let names = entries.iter().filter(|entry| !matches!(entry.name, b"." | b".."));
        let names: Vec<_> =
            names.map(|entry| (entry.name.to_vec(), entry.inode, entry.kind)).collect();
        let links = inode.head.links;
        let number = inode.number;
        Ok(Level { number, rest: names.into_iter(), above, folders: 0, links })
    }

    /// Bytes of the image; nothing when they are not all inside.
    fn bytes(&self, at: u64, size: u64) -> Result<Option<Vec<u8>>, ReadError> {
        if !self.holds(at, size) {
            return Ok(None);
        }
        let mut bytes = vec![0; size as usize];
        self.image.read_at(at, &mut bytes)?;
        Ok(Some(bytes))
    }

    fn holds(&self, at: u64, size: u64) -> bool {
        at.checked_add(size).is_some_and(|end| end <= self.image.size())
    }

    fn inode(&self, number: u64) -> Result<Inode, ReadError> {
        let bad = |why| ReadError::Inode { inode: number, why };
        let at = number.checked_mul(SLOT).ok_or(bad("it is beyond the image"))?;
        let left = self.image.size().saturating_sub(at).min(2 * SLOT);
        let bytes = self.bytes(at, left)?.ok_or(bad("it is beyond the image"))?;
        let head = Head::get(&bytes, self.start.built, self.start.nanoseconds);
        let head = head.ok_or(bad("it is damaged"))?;
        let end = at + head.stored() + attribute::body_size(head.attributes) as u64;
        if end > self.image.size() {
            return Err(bad("its attributes are beyond the image"));
        }
        Ok(Inode { number, head, end })
    }

    fn meta(&mut self, inode: &Inode) -> Result<Meta, ReadError> {
        let head = &inode.head;
        Ok(Meta {
            mode: head.mode & 0o7777,
            owner: head.owner,
            group: head.group,
            modified: head.modified.unwrap_or(self.start.built),
            attributes: self.attributes(inode)?,
        })
    }

    fn attributes(&mut self, inode: &Inode) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadError> {
        let mut attributes = BTreeMap::new();
        let size = attribute::body_size(inode.head.attributes) as u64;
        if size == 0 {
            return Ok(attributes);
        }
        let bad = || inode.error("its attributes are damaged");
        let body = self.bytes(inode.end - size, size)?.ok_or_else(bad)?;
        let (numbers, mut own) = attribute::read_body(&body).ok_or_else(bad)?;
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            found.push(self.shared(number)?.ok_or_else(bad)?);
        }
        while !own.is_empty() {
            let size = attribute::entry_size(own).filter(|size| *size <= own.len());
            let (entry, rest) = own.split_at(size.ok_or_else(bad)?);
            found.push(attribute::read_entry(entry).ok_or_else(bad)?);
            own = rest;
        }
        if found.is_empty() {
            return Err(bad());
        }
        for (name, value) in found {
            self.attributes += (name.len() + value.len()) as u64;
            let most = self.image.size().saturating_add(ATTRIBUTES);
            if self.attributes > most {
                return Err(ReadError::Attributes { most });
            }
            if attributes.insert(name, value).is_some() {
                return Err(inode.error("it has an attribute twice"));
            }
        }
        Ok(attributes)
    }

    /// The shared attribute of a number; no two may overlap.
    fn shared(&mut self, number: u32) -> Result<Option<attribute::Pair>, ReadError> {
        let area = u64::from(self.start.attributes) * BLOCK;
        let at = area + u64::from(number) * 4;
        let Some(size) = self.bytes(at, 4)?.and_then(|start| attribute::entry_size(&start)) else {
            return Ok(None);
        };
        let end = at + size as u64;
        let before = self.entries.range(..end).next_back();
        let overlaps = before.is_some_and(|(start, known)| *start != at && *known > at);
        if area == 0 || overlaps {
            return Ok(None);
        }
        self.entries.insert(at, end);
        Ok(self.bytes(at, size as u64)?.and_then(|entry| attribute::read_entry(&entry)))
    }

    fn kind(&self, inode: &Inode) -> Result<Kind, ReadError> {
        let head = &inode.head;
        let (major, minor) = disk::device_numbers(head.at);
        let kind = match head.mode & 0o170_000 {
            0o040_000 => return Ok(Kind::Folder(BTreeMap::new())),
            0o100_000 => {
                let stored = Stored::of(self.image, self.ranges(inode)?);
                let error = |error| ReadError::Content { inode: inode.number, error };
                return Ok(Kind::File(Data::new(stored.map_err(error)?)));
            }
            0o120_000 => return Ok(Kind::Symlink(self.small(inode, LONGEST_TARGET as u64)?)),
            0o020_000 => Kind::Character { major, minor },
            0o060_000 => Kind::Block { major, minor },
            0o010_000 => Kind::Fifo,
            0o140_000 => Kind::Socket,
            _ => return Err(inode.error("it is of no kind")),
        };
        let numbered = matches!(kind, Kind::Character { .. } | Kind::Block { .. });
        let fits = numbered || head.at == 0;
        match head.layout == Layout::Plain && head.size == 0 && fits {
            true => Ok(kind),
            false => Err(inode.error("a device, pipe or socket has no content")),
        }
    }

    /// The content of a folder or link, of at most so many bytes.
    fn small(&self, inode: &Inode, most: u64) -> Result<Vec<u8>, ReadError> {
        if !matches!(inode.head.layout, Layout::Plain | Layout::Inline) || inode.head.size > most {
            return Err(inode.error("a folder or link is not stored like that"));
        }
        let mut bytes = Vec::new();
        for range in self.ranges(inode)? {
            bytes.extend(self.bytes(range.at, range.size)?.unwrap_or_default());
        }
        Ok(bytes)
    }

    /// Where the content of an inode is, all of it inside the image.
    fn ranges(&self, inode: &Inode) -> Result<Vec<Range>, ReadError> {
        let size = inode.head.size;
        let ranges = match inode.head.layout {
            Layout::Plain => {
                self.blocks(inode, u64::from(inode.head.at), size)?.into_iter().collect()
            }
            Layout::Inline => {
                let tail = size % BLOCK;
                let mut ranges: Vec<_> = self
                    .blocks(inode, u64::from(inode.head.at), size - tail)?
                    .into_iter()
                    .collect();
                ranges.push(self.tail(inode, inode.end, tail, Held::Plain, tail)?);
                ranges
            }
            Layout::Chunks => self.chunks(inode)?,
            Layout::Packed => self.packed(inode)?,
        };
        Ok(ranges)
    }

    /// Blocks that are zero after their content.
    fn blocks(&self, inode: &Inode, block: u64, size: u64) -> Result<Option<Range>, ReadError> {
        let at = block * BLOCK;
        let end = size.checked_next_multiple_of(BLOCK).filter(|end| self.holds(at, *end));
        let end = end.ok_or_else(|| inode.error("its content is beyond the image"))?;
        if size == 0 {
            return match block {
                0 => Ok(None),
                _ => Err(inode.error("it has a place for nothing")),
            };
        }
        let rest = self.bytes(at + size, end - size)?.unwrap_or_default();
        if at == 0 || rest.iter().any(|byte| *byte != 0) {
            return Err(inode.error("its content is the superblock, or not all of its blocks"));
        }
        Ok(Some(Range { size, at, kind: Held::Plain }))
    }

    /// The tail beside an inode.
    fn tail(
        &self,
        inode: &Inode,
        at: u64,
        stored: u64,
        kind: Held,
        size: u64,
    ) -> Result<Range, ReadError> {
        let fits = stored > 0 && at % BLOCK + stored <= BLOCK && self.holds(at, stored);
        match fits {
            true => Ok(Range { size, at, kind }),
            false => Err(inode.error("what is stored beside it is empty, or not in one block")),
        }
    }

    fn chunks(&self, inode: &Inode) -> Result<Vec<Range>, ReadError> {
        let size = inode.head.size;
        let bad = || inode.error("its chunks are damaged");
        let count = size.div_ceil(CHUNK);
        let fits = self.start.features & disk::CHUNKS != 0
            && inode.head.at == (CHUNK / BLOCK).trailing_zeros()
            && count <= self.image.size();
        let map = if fits { self.bytes(inode.end, count * 4)? } else { None };
        let map = map.ok_or_else(bad)?;
        let mut ranges = Vec::with_capacity(count as usize);
        for (number, block) in map.chunks_exact(4).enumerate() {
            let block = disk::u32_at(block, 0).ok_or_else(bad)?;
            let size = (size - number as u64 * CHUNK).min(CHUNK);
            ranges.push(self.blocks(inode, block.into(), size)?.ok_or_else(bad)?);
        }
        Ok(ranges)
    }

    fn packed(&self, inode: &Inode) -> Result<Vec<Range>, ReadError> {
        let size = inode.head.size;
        let bad = || inode.error("the index of its compressed content is damaged");
        let start = inode.end.next_multiple_of(8);
        let fits = self.start.cluster > 0 && size > 0 && size / BLOCK < self.image.size();
        let bytes = if fits { self.bytes(start, index::size(size))? } else { None };
        let (places, tail) =
            index::read(&bytes.ok_or_else(bad)?, size, self.start.cluster > 1).ok_or_else(bad)?;
        if tail.is_some() && self.start.features & disk::TAILS == 0 {
            return Err(bad());
        }
        let mut blocks = 0;
        let mut ranges = Vec::with_capacity(places.len());
        for (number, place) in places.iter().enumerate() {
            let size = u64::from(place.run.unpacked);
            let stored = place.run.stored;
            if stored == 0 || size > SEGMENT || place.run.blocks() > self.start.cluster.into() {
                return Err(bad());
            }
            let kind = if place.run.packed { Held::Packed(stored) } else { Held::Plain };
            if tail.is_some() && number + 1 == places.len() {
                let at = start + index::size(inode.head.size);
                ranges.push(self.tail(inode, at, stored.into(), kind, size)?);
                continue;
            }
            blocks += place.run.blocks();
            if place.run.packed {
                let at = u64::from(place.block) * BLOCK;
                if at == 0 || !self.holds(at, place.run.blocks() * BLOCK) {
                    return Err(inode.error("its content is beyond the image"));
                }
                ranges.push(Range { size, at, kind });
            } else {
                let found = self.blocks(inode, place.block.into(), size)?;
                ranges.push(found.ok_or_else(bad)?);
            }
        }
        if blocks != u64::from(inode.head.at) {
            return Err(inode.error("its number of blocks is not that of its content"));
        }
        Ok(ranges)
    }
}

impl Inode {
    fn error(&self, why: &'static str) -> ReadError {
        ReadError::Inode { inode: self.number, why }
    }
}
