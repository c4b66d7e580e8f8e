//! A tree as squashfs: contents first, then the tables, each after those that it speaks of.

use std::io::{Seek, SeekFrom, Write};

use crate::codec::Codec;
use crate::content::Packed;
use crate::extent::{Extents, Part};
use crate::tree::Tree;

use super::attributes::Lists;
use super::error::WriteError;
use super::format::{
    LARGEST_BLOCK, NO_TABLE, PADDING, SMALLEST_BLOCK, SUPERBLOCK, Superblock, compressor_options,
};
use super::inodes::Inodes;
use super::metadata::{Stream, numbered, stored};
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

    let mut inodes = Inodes::new(tree, walk, contents, codec)?;
    inodes.write_files()?;
    let root = inodes.write_folders()?;
    let places = inodes.places_by_number();
    let Inodes { inodes, folders, owners, lists, .. } = inodes;

    let inode_table = image.size();
    image.stream(inodes, "inode table")?;
    let folder_table = image.size();
    image.stream(folders, "folder table")?;
    let entries: Vec<u8> = fragments
        .iter()
        .flat_map(|(start, size)| [start.to_le_bytes(), u64::from(*size).to_le_bytes()])
        .flatten()
        .collect();
    let fragment_table = image.table(codec, &entries, "fragment table")?;
    let entries: Vec<u8> = places.iter().flat_map(|place| place.packed().to_le_bytes()).collect();
    let export_table = image.table(codec, &entries, "export table")?;
    let entries: Vec<u8> = owners.iter().flat_map(|id| id.to_le_bytes()).collect();
    let owner_table = image.table(codec, &entries, "owner table")?;
    let attribute_table =
        if lists.is_empty() { NO_TABLE } else { image.attributes(codec, &lists)? };

    let superblock = Superblock {
        inodes: places.len() as u32,
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

    /// Writes a table that is read by place.
    fn stream(&mut self, table: Stream, what: &'static str) -> Result<(), WriteError> {
        self.write(&table.finish()?.0, what)
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
