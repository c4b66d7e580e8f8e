//! A tree as squashfs. Contents first, then all inodes but folders, then folders from the innermost out:
//! a folder names the places of inodes, and its inode the place of its listing, so each is written when
//! what it names is packed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, SeekFrom, Write};

use crate::codec::Codec;
use crate::content::Packed;
use crate::extent::{Extents, Part};
use crate::tree::{Inode, InodeId, Kind, Tree};

use super::attributes::Lists;
use super::error::WriteError;
use super::folder::{self, Entry};
use super::format::{
    LARGEST_BLOCK, NO_INDEX, NO_TABLE, PADDING, SMALLEST_BLOCK, SUPERBLOCK, Superblock,
    compressor_options,
};
use super::inode::{Body, DOTS, FOLDER, Record};
use super::metadata::{Place, Stream, numbered, stored};
use super::pack::Contents;
use super::piece::Maker;

/// How to write an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What everything is compressed with.
    pub codec: Codec,
    /// Size of blocks of contents in bytes: a power of 2, 4,096 to 1,048,576.
    pub block_size: u32,
    /// When the image was made, in seconds since 1970.
    pub time: u32,
}

impl Options {
    /// Blocks of 128 KiB, as `mksquashfs` makes them, at time 0.
    pub const fn new(codec: Codec) -> Self {
        Self { codec, block_size: 128 << 10, time: 0 }
    }
}

/// Writes `tree` from the start of `out`. What was packed before is taken from `packed`, and what is
/// packed is left there; that never changes a byte. Gives what each byte is for.
///
/// # Errors
/// When the tree has something that squashfs cannot hold, a content cannot be read, or `out` not written.
pub fn write(
    tree: &Tree,
    options: &Options,
    packed: &dyn Packed,
    out: &mut (impl Write + Seek),
) -> Result<Extents, WriteError> {
    let Options { codec, block_size, time } = *options;
    if !block_size.is_power_of_two() || !(SMALLEST_BLOCK..=LARGEST_BLOCK).contains(&block_size) {
        return Err(WriteError::BlockSize { size: block_size });
    }
    codec.check()?;
    let walk = tree.walk();
    let mut image = Image { out, extents: Extents::default() };
    image.write(&[0; SUPERBLOCK], "superblock")?;
    let settings = compressor_options(codec);
    if !settings.is_empty() {
        image.write(&stored(&settings), "compressor options")?;
    }
    let mut contents = Contents::collect(tree, &walk, block_size);
    let maker = Maker { codec, block_size, store: packed };
    let fragments = contents.write(maker, image.out, &mut image.extents)?;

    let mut tables = Tables::new(tree, walk, contents, codec)?;
    tables.write_files()?;
    let root = tables.write_folders()?;
    let Tables { inodes, folders, places, numbers, owners, lists, .. } = tables;

    let (inode_table, folder_table) =
        (image.size(), image.size() + inodes.finish_into(&mut image, "inode table")?);
    folders.finish_into(&mut image, "folder table")?;
    let entries: Vec<u8> = fragments
        .iter()
        .flat_map(|(start, size)| [start.to_le_bytes(), u64::from(*size).to_le_bytes()])
        .flatten()
        .collect();
    let fragment_table = image.table(codec, &entries, "fragment table")?;
    let mut by_number = vec![0_u64; numbers.len()];
    for (id, number) in &numbers {
        by_number[*number as usize - 1] = places[id].packed();
    }
    let entries: Vec<u8> = by_number.iter().flat_map(|place| place.to_le_bytes()).collect();
    let export_table = image.table(codec, &entries, "export table")?;
    let entries: Vec<u8> = owners.iter().flat_map(|id| id.to_le_bytes()).collect();
    let owner_table = image.table(codec, &entries, "owner table")?;
    let attribute_table =
        if lists.is_empty() { NO_TABLE } else { image.attributes(codec, &lists)? };

    let superblock = Superblock {
        inodes: numbers.len() as u32,
        time,
        block_size,
        fragments: fragments.len() as u32,
        codec,
        owners: owners.len() as u16,
        root: root.packed(),
        size: image.size(),
        owner_table,
        attribute_table,
        inode_table,
        folder_table,
        fragment_table,
        export_table,
    };
    let padding = image.size().next_multiple_of(PADDING) - image.size();
    image.write(&vec![0; padding as usize], "padding")?;
    image.out.seek(SeekFrom::Start(0)).map_err(WriteError::Out)?;
    image.out.write_all(&superblock.bytes()).map_err(WriteError::Out)?;
    image.out.flush().map_err(WriteError::Out)?;
    Ok(image.extents)
}

/// The file that is written, with what is in it so far.
struct Image<'a, W> {
    out: &'a mut W,
    extents: Extents,
}

impl<W: Write> Image<'_, W> {
    fn size(&self) -> u64 {
        self.extents.size()
    }

    fn write(&mut self, bytes: &[u8], what: &'static str) -> Result<(), WriteError> {
        self.out.write_all(bytes).map_err(WriteError::Out)?;
        self.extents.push(bytes.len() as u64, Part::Structure(what));
        Ok(())
    }

    /// Writes a table that is read by number; gives the offset of its index.
    fn table(
        &mut self,
        codec: Codec,
        entries: &[u8],
        what: &'static str,
    ) -> Result<u64, WriteError> {
        let start = self.size();
        let (bytes, index) = numbered(codec, entries, start)?;
        self.write(&bytes, what)?;
        Ok(start + index)
    }

    /// Writes attributes, and the table of their lists, whose index has a header: where the lists are,
    /// and how many (`squashfs_xattr_id_table`).
    fn attributes(&mut self, codec: Codec, lists: &Lists) -> Result<u64, WriteError> {
        let values_start = self.size();
        let (values, entries) = lists.tables(codec)?;
        self.write(&values, "attribute table")?;
        let start = self.size();
        let (mut bytes, index) = numbered(codec, &entries, start)?;
        let header = [values_start, u64::from(lists.len())].map(u64::to_le_bytes).concat();
        bytes.splice(index as usize..index as usize, header);
        self.write(&bytes, "attribute table")?;
        Ok(start + index)
    }
}

impl Stream {
    /// Writes the table; gives its size in bytes.
    fn finish_into<W: Write>(
        self,
        image: &mut Image<'_, W>,
        what: &'static str,
    ) -> Result<u64, WriteError> {
        let (bytes, _) = self.finish()?;
        image.write(&bytes, what)?;
        Ok(bytes.len() as u64)
    }
}

/// Tables of inodes and folders, and what is needed to write them.
struct Tables<'a> {
    tree: &'a Tree,
    /// Every inode with its first path, in the order of paths.
    firsts: Vec<(Vec<u8>, InodeId)>,
    contents: Contents,
    numbers: BTreeMap<InodeId, u32>,
    /// Owners and groups, sorted.
    owners: Vec<u32>,
    lists: Lists,
    inodes: Stream,
    folders: Stream,
    places: BTreeMap<InodeId, Place>,
}

impl<'a> Tables<'a> {
    fn new(
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

    /// Writes all inodes but folders.
    fn write_files(&mut self) -> Result<(), WriteError> {
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
    fn write_folders(&mut self) -> Result<Place, WriteError> {
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
