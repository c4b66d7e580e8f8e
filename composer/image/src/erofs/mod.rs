//! EROFS, the read-only file system of system images: files in blocks of 4 KiB or, compressed with
//! LZ4, in clusters that end with a block, so that a page is read with few blocks.
//!
//! The format is that of Linux 6.1: `Documentation/filesystems/erofs.rst` and `fs/erofs/erofs_fs.h`
//! there (in what follows "erofs_fs.h"). What is written mounts on Linux 6.1 and later and is read by
//! erofs-utils 1.5.
//!
//! An image has, in this order:
//!
//! 1. the *head*: superblock and inode of the root folder, whose number has only 16 bits;
//! 2. attributes that several inodes share;
//! 3. contents of files in the order of their paths, each followed sooner or later by a *run* of
//!    inodes: when a run has grown to 16 MiB, and at the end. An inode has the tail of its content
//!    beside it;
//! 4. folders, and in the last run their inodes.
//!
//! So contents are written as soon as they are compressed, a folder after what is in it, and memory
//! holds one run and a window of contents, however large the tree is. Files of equal content share
//! their blocks; the kernel allows that for compressed ones since 6.0. Without compression, 64 KiB of zeros
//! are stored once for all files.

mod attribute;
mod bundle;
mod disk;
mod folder;
mod index;
mod map;
mod options;
mod pack;
mod read;
mod room;
mod store;
mod write;

pub use options::{Compression, Error, Options};
pub use read::{ReadError, read};
pub use write::write;
