//! One thing of an archive, after it was looked at.

use std::io::Read;

use super::ArchiveError;
use crate::tree::Meta;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A regular file of so many bytes.
    File(u64),
    /// A symbolic link, with its target as it was written.
    Symlink(Vec<u8>),
    /// Another name of a file that came before; its path.
    HardLink(Vec<u8>),
    /// A character device.
    Character {
        /// Number of its driver.
        major: u32,
        /// Number of the device.
        minor: u32,
    },
    /// A block device.
    Block {
        /// Number of its driver.
        major: u32,
        /// Number of the device.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// A file, folder or link of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the root: no `/` at either end, no empty part, no `.` and no `..`. Empty for the root.
    pub path: Vec<u8>,
    /// Owner, mode, time, attributes.
    pub meta: Meta,
    /// What it is.
    pub kind: EntryKind,
}

/// Where the entries of an archive go.
///
/// What it is given before the archive was read to its end may yet turn out to be part of one that is
/// refused: links are judged last. A sink that writes something anybody else can see has to wait.
pub trait Sink {
    /// Takes an entry; `content` has the bytes of a regular file and is empty for all else. Each path comes
    /// once. The folders above it may never come: then they have mode 0755 and belong to root.
    ///
    /// # Errors
    /// Why it cannot be taken; nothing more is read then.
    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ArchiveError>;
}
