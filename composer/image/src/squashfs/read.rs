//! Reads squashfs as a tree, and believes nothing: every number is held against the others and against
//! the size of what it counts, so that damage is found and never followed.

use std::sync::Arc;

use crate::content::Data;
use crate::tree::Tree;

use super::attributes;
use super::error::ReadError;
use super::format::{NO_TABLE, SUPERBLOCK, Superblock};
use super::stored::Image;
use super::table::{Budget, Table, metadata_block};
use super::visit::Visit;

/// Size of the header before the index of the table of attributes (`squashfs_xattr_id_table`).
const ATTRIBUTES_HEADER: u64 = 16;
/// Size of an entry of the table of fragments (`squashfs_fragment_entry`).
const FRAGMENT_ENTRY: usize = 16;

/// Everything in an image but contents.
#[derive(Debug)]
pub(super) struct Tables {
    pub image: Arc<Image>,
    pub inodes: Table,
    pub folders: Table,
    pub owners: Vec<u32>,
    /// Place of each inode, by number from 1, when there is such a table.
    pub places: Option<Vec<u64>>,
    /// Names and values, and the table of lists of them.
    pub attributes: Option<(Table, Table)>,
    pub budget: Budget,
}

/// Reads an image. Contents stay where they are and are unpacked again when they are read; each is
/// unpacked once for its digest. Memory is bounded by the size of the image.
///
/// Images of other programs are read too, when they have what 4.0 has: gzip, xz or zstd (with options
/// as they like), tables in the order in which the kernel wants them.
///
/// # Errors
/// When the bytes are no image, or any part of it is damaged or contradicts another.
pub fn read(image: &Data) -> Result<Tree, ReadError> {
    Visit::new(Tables::read(image)?)?.tree()
}

impl Tables {
    fn read(data: &Data) -> Result<Self, ReadError> {
        let what = "superblock";
        let size = SUPERBLOCK as u64;
        if data.size() < size {
            return Err(ReadError::Outside { what, offset: 0, size, limit: data.size() });
        }
        let mut bytes = [0; SUPERBLOCK];
        let io = |source| ReadError::Io { offset: 0, size, source };
        data.read_at(0, &mut bytes).map_err(io)?;
        let superblock = Superblock::read(&bytes)?;
        if superblock.size > data.size() {
            let (size, limit) = (superblock.size, data.size());
            return Err(ReadError::Outside { what: "file system", offset: 0, size, limit });
        }
        padding(data, superblock.size)?;
        let mut image = Image::new(data.clone(), superblock);
        let image_ref = &mut image;
        options(image_ref, &bytes)?;
        let mut budget = Budget::new(superblock.size);

        // From the last table to the first: each ends where the next starts.
        let (attributes, end) = attribute_tables(image_ref, &mut budget)?;
        let count = (superblock.owners.into(), 4);
        let (owners, end) = Table::numbered(
            image_ref,
            &mut budget,
            "owner table",
            count,
            superblock.owner_table,
            end,
        )?;
        let (places, end) = match superblock.export_table {
            NO_TABLE => (None, end),
            index => {
                let count = (superblock.inodes.into(), 8);
                let (table, start) =
                    Table::numbered(image_ref, &mut budget, "export table", count, index, end)?;
                let places = table.bytes().as_chunks().0.iter();
                (Some(places.map(|place| u64::from_le_bytes(*place)).collect()), start)
            }
        };
        let end = match superblock.fragments {
            0 => end,
            fragments => {
                let (what, count) = ("fragment table", (fragments.into(), FRAGMENT_ENTRY));
                let index = superblock.fragment_table;
                let (table, start) =
                    Table::numbered(image_ref, &mut budget, what, count, index, end)?;
                image_ref.fragments = table
                    .bytes()
                    .as_chunks::<FRAGMENT_ENTRY>()
                    .0
                    .iter()
                    .map(|entry| {
                        let (start, size) = (entry.first_chunk(), entry[8..].first_chunk());
                        let start = start.map_or(0, |start| u64::from_le_bytes(*start));
                        (start, size.map_or(0, |size| u32::from_le_bytes(*size)))
                    })
                    .collect();
                start
            }
        };
        let (inodes, folders) = (superblock.inode_table, superblock.folder_table);
        if inodes < size || inodes > folders || folders > end {
            let (what, size) = ("inode table", folders.saturating_sub(inodes));
            return Err(ReadError::Outside { what, offset: inodes, size, limit: end });
        }
        let inodes = Table::read(image_ref, &mut budget, "inode table", inodes, folders)?;
        let folders = Table::read(image_ref, &mut budget, "folder table", folders, end)?;
        let owners =
            owners.bytes().as_chunks().0.iter().map(|id| u32::from_le_bytes(*id)).collect();
        Ok(Self { image: Arc::new(image), inodes, folders, owners, places, attributes, budget })
    }
}

/// Attributes and the table of their lists, and where the first of them starts.
fn attribute_tables(
    image: &Image,
    budget: &mut Budget,
) -> Result<(Option<(Table, Table)>, u64), ReadError> {
    let superblock = &image.superblock;
    let index = superblock.attribute_table;
    if index == NO_TABLE {
        return Ok((None, superblock.size));
    }
    let what = "attribute table";
    let header = image.bytes(index, ATTRIBUTES_HEADER, what)?;
    let long = |at: usize| header[at..].first_chunk().map_or(0, |long| u64::from_le_bytes(*long));
    // The upper half of the second is not used.
    let (values_start, count) = (long(0), long(8) & u64::from(u32::MAX));
    // The header stands between blocks and index.
    let (entries, start) = Table::numbered_after(
        image,
        budget,
        what,
        (count, attributes::ENTRY),
        (index, index + ATTRIBUTES_HEADER),
        superblock.size,
    )?;
    if values_start > start {
        let size = ATTRIBUTES_HEADER;
        return Err(ReadError::Outside { what, offset: values_start, size, limit: start });
    }
    let values = Table::read(image, budget, "attributes", values_start, start)?;
    Ok((Some((values, entries)), values_start))
}

/// That options of the compressor, when there are any, are a block of metadata. What they say is of use
/// for none who unpacks.
fn options(image: &Image, superblock: &[u8; SUPERBLOCK]) -> Result<(), ReadError> {
    /// `SQUASHFS_COMP_OPT`, in the flags at byte 24.
    const OPTIONS: u8 = 1 << 2;
    if superblock[25] & OPTIONS == 0 {
        return Ok(());
    }
    let (at, end) = (SUPERBLOCK as u64, image.superblock.inode_table.min(image.superblock.size));
    metadata_block(image, at, end).map(|_| ())
}

/// That nothing but zeros follows the file system.
fn padding(data: &Data, mut at: u64) -> Result<(), ReadError> {
    /// How much is looked at at once, in bytes.
    const STEP: u64 = 64 << 10;
    while at < data.size() {
        let size = STEP.min(data.size() - at);
        let mut bytes = vec![0; size as usize];
        data.read_at(at, &mut bytes).map_err(|source| ReadError::Io {
            offset: at,
            size,
            source,
        })?;
        if let Some(byte) = bytes.iter().position(|byte| *byte != 0) {
            let (what, why) = ("byte after the file system", "there are only zeros");
            return Err(ReadError::Field { what, found: bytes[byte].into(), why });
        }
        at += size;
    }
    Ok(())
}
