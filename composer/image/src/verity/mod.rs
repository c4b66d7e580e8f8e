//! dm-verity: a tree of SHA-256 digests over the blocks of a file system, so that a kernel that knows
//! the digest of its root reads no changed block (Linux, Documentation/admin-guide/device-mapper/
//! verity.rst; hash type 1 of drivers/md/dm-verity-target.c). The superblock is that of cryptsetup
//! (docs/on-disk-format of its wiki, "DMVerity"; lib/verity/verity.c, `struct verity_sb`).

mod error;
mod layout;
mod superblock;
mod table;
mod verify;
mod write;

pub use error::{Error, Place};
pub use layout::{BLOCK, size};
pub use superblock::{LONGEST_SALT, Superblock, read};
pub use table::{Table, TableError};
pub use verify::verify;
pub use write::{Root, write};

/// What a hash tree depends on beside the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Put before each block before it is digested; at most [`LONGEST_SALT`] bytes.
    pub salt: Vec<u8>,
    /// Starts with a superblock of this UUID, which takes a block.
    pub superblock: Option<[u8; 16]>,
}
