//! squashfs 4.0: a compressed file system that is only read (Linux, `Documentation/filesystems/squashfs.rst`,
//! of which "section" in this folder speaks; structures and constants: `fs/squashfs/squashfs_fs.h`).
//! Little endian throughout.
//!
//! An image is, in this order (section 3): the superblock; options of the compressor, when they are not
//! the usual; contents of files, as blocks and as fragments, which many small files share; and, in
//! blocks of 8 KiB that are compressed each by itself, the inodes, the folders, and tables to find
//! fragments, inodes, owners and extended attributes by number.
//!
//! What is written depends on the tree and the options alone. Equal contents are stored once. What was
//! compressed for an earlier image is taken from a store when it is there ([`Packed`]), and small files
//! are grouped so that one that changes disturbs few others (`group.rs`).
//!
//! [`Packed`]: crate::content::Packed

mod attributes;
mod error;
mod folder;
mod format;
mod group;
mod inode;
mod inodes;
mod metadata;
mod pack;
mod piece;
mod read;
mod stored;
mod table;
mod visit;
mod write;

pub use error::{ReadError, WriteError};
pub use read::read;
pub use write::{Options, write};
