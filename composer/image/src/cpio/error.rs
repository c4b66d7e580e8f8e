//! What keeps a tree out of an archive, and what keeps bytes from being one.

use std::io;

use crate::tree::TreeError;

use super::header::{LONGEST_NAME, MAJOR_END, MINOR_END, TRAILER};

/// Why a tree cannot be written, or was not.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format has no place for extended attributes.
    #[error("cpio cannot hold extended attributes: {}", .found.join(", "))]
    Attributes {
        /// Each path with the names of its attributes.
        found: Vec<String>,
    },
    /// The kernel makes one link of each name, whatever the archive says (`do_symlink`).
    #[error("a symbolic link has several names, which an initramfs cannot hold: {}", .paths.join(", "))]
    LinkedSymlink {
        /// The second and later names.
        paths: Vec<String>,
    },
    /// A file at the root that is named like the end of the archive.
    #[error("a file cannot be named `{TRAILER}`: that is the end of a cpio archive")]
    Trailer,
    /// The kernel leaves out what has a longer path.
    #[error("the path `{path}` has {bytes} bytes; an initramfs holds {}", LONGEST_NAME - 1)]
    Path {
        /// The path.
        path: String,
        /// Its size.
        bytes: usize,
    },
    /// The format has 32 bits for it.
    #[error("`{path}` has {what} {value}; cpio holds {}", u32::MAX)]
    Number {
        /// The path.
        path: String,
        /// `a size in bytes of`, `the time of change`.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// The kernel has 12 bits for a driver and 20 for a device (`MKDEV`).
    #[error(
        "the device `{path}` has the numbers {major}:{minor}; an initramfs holds numbers below \
         {MAJOR_END}:{MINOR_END}"
    )]
    Device {
        /// The path.
        path: String,
        /// Number of its driver.
        major: u32,
        /// Number of the device.
        minor: u32,
    },
    /// More inodes than can be numbered.
    #[error("the tree has more than 4,294,967,295 inodes")]
    TooMany,
    /// The content of a file could not be read.
    #[error("`{path}` could not be read")]
    Read {
        /// The path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("the cpio archive could not be written")]
    Write(#[source] io::Error),
}

/// Why bytes are no archive. Offsets are in bytes from the start.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading failed, or the archive ends inside an entry.
    #[error("the cpio archive could not be read at {offset}")]
    Read {
        /// Where.
        offset: u64,
        /// Why; `UnexpectedEof` when it ends too early.
        source: io::Error,
    },
    /// An entry starts with something else than "070701".
    #[error("the entry at {offset} starts with `{found}`, not with `070701`")]
    Magic {
        /// Start of the entry.
        offset: u64,
        /// What is there.
        found: String,
    },
    /// A field is not eight hex digits.
    #[error("the entry at {offset}: `{name}` is `{found}`, not eight hex digits")]
    Digits {
        /// Start of the entry.
        offset: u64,
        /// The field.
        name: &'static str,
        /// What is there.
        found: String,
    },
    /// A field has a value that it cannot have here.
    #[error("the entry at {offset}: `{name}` is {value:#x}")]
    Field {
        /// Start of the entry.
        offset: u64,
        /// The field.
        name: &'static str,
        /// Its value.
        value: u32,
    },
    /// A name without its NUL, or with another inside.
    #[error("the entry at {offset}: its name does not end with its only NUL")]
    Name {
        /// Start of the entry.
        offset: u64,
    },
    /// Padding is not zero.
    #[error("the padding at {offset} is not zero")]
    Padding {
        /// Where the padding starts.
        offset: u64,
    },
    /// Something that only another entry may say, said twice or not as often as promised.
    #[error("the entry at {offset}: {why}")]
    Links {
        /// Start of the entry.
        offset: u64,
        /// What does not fit.
        why: String,
    },
    /// The paths make no tree.
    #[error("the entry at {offset} has no place in a tree")]
    Tree {
        /// Start of the entry.
        offset: u64,
        /// Why.
        source: TreeError,
    },
}

/// A path as text for a message.
pub(super) fn shown(path: &[u8]) -> String {
    if path.is_empty() { "/".to_owned() } else { path.escape_ascii().to_string() }
}
