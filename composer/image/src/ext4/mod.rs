//! ext4, for partitions that a device writes to: `write` makes an image from a [`Tree`](crate::tree::Tree), `read` reads
//! strictly what it makes.
//!
//! The format is that of the Linux kernel's `Documentation/filesystems/ext4/` (cited below by
//! section) with fixed choices: blocks of 4 KiB, inodes of 256 bytes, 32-bit block numbers, extents,
//! `metadata_csum`, `flex_bg` with 16 groups, `sparse_super`, hashed folders, a journal or none. Linux
//! mounts it read-write since 3.18; `e2fsck` finds nothing to say (docs/decisions/0009-ext4.md).
//!
//! Nothing but the tree and the options decides the bytes: inodes are numbered and placed in the order of
//! [`Tree::walk`](crate::tree::Tree::walk), one cursor gives out the blocks.

mod access;
mod attributes;
mod checksum;
mod contents;
mod cursor;
mod device;
mod error;
mod fields;
mod filled;
mod folder;
mod geometry;
mod group;
mod hash;
mod inode;
mod journal;
mod map;
mod nodes;
mod options;
mod output;
mod pieces;
mod place;
mod read;
mod superblock;
mod walk;
mod write;

pub use error::{ReadError, WriteError};
pub use options::{Journal, Options, Size};
pub use read::{Ext4, read};
pub use write::write;

/// Size of a block in bytes.
pub const BLOCK: usize = 4_096;
