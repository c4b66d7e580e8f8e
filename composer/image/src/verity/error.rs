//! What keeps data from having a hash tree, and where data and tree do not fit each other.

use std::fmt;
use std::io;

use super::layout::BLOCK;
use super::superblock::LONGEST_SALT;

/// Which block is not what the root hash stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A block of the hash tree.
    Hashes {
        /// 0 has the digests of the data.
        level: usize,
        /// Number of the block in its level.
        block: u64,
    },
    /// A block of the data.
    Data {
        /// Its number.
        block: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hashes { level, block } => {
                write!(f, "block {block} of level {level} of the hash tree")
            }
            Self::Data { block } => write!(f, "block {block} of the data"),
        }
    }
}

/// Why there is no hash tree, or why it is not that of the data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data is empty or no whole number of blocks.
    #[error("{size} bytes of data are not one or more blocks of {BLOCK}")]
    Size {
        /// Size of the data in bytes.
        size: u64,
    },
    /// A salt that a superblock cannot hold.
    #[error("a salt of {bytes} bytes; at most {LONGEST_SALT} are possible")]
    Salt {
        /// Size of the salt.
        bytes: usize,
    },
    /// Reading failed.
    #[error("{what} could not be read at {offset}")]
    Read {
        /// `the data` or `the hash tree`.
        what: &'static str,
        /// Where, in bytes.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The hash tree could not be written.
    #[error("the hash tree could not be written")]
    Write(#[source] io::Error),
    /// A field of the superblock has a value that Tarsia does not write.
    #[error("the superblock's `{field}` is {found}, not {expected}")]
    Superblock {
        /// The field.
        field: &'static str,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// The tree has another size than that of such data.
    #[error("the hash tree has {found} bytes; that of the data has {expected}")]
    TreeSize {
        /// Its size in bytes.
        found: u64,
        /// The size it should have.
        expected: u64,
    },
    /// A block was changed.
    #[error("{0} is not what the root hash stands for")]
    Changed(Place),
}
