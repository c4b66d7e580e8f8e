//! What each byte of a written file system is for, so that an audit can give every one to its owner.

use crate::tree::InodeId;

/// A run of bytes of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte, from the start of the image.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
    /// What they are.
    pub part: Part,
}

/// What a run of bytes is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Content of a file (or of a folder, a link), and what only it needs.
    Inode(InodeId),
    /// Content of several files that are packed together, each with the bytes it has in it unpacked.
    Shared(Vec<(InodeId, u64)>),
    /// What belongs to no file: `superblock`, `inode table`, `padding`, …
    Structure(&'static str),
}

/// The extents of a whole image: sorted, without gap or overlap, from its first byte to its last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extents(Vec<Extent>);

impl Extents {
    /// The next `size` bytes are `part`; what continues the part before is one with it.
    pub fn push(&mut self, size: u64, part: Part) {
        if size == 0 {
            return;
        }
        if let Some(last) = self.0.last_mut().filter(|last| last.part == part) {
            last.size += size;
            return;
        }
        let offset = self.size();
        self.0.push(Extent { offset, size, part });
    }

    /// Size of what is described so far, in bytes.
    pub fn size(&self) -> u64 {
        self.0.last().map_or(0, |last| last.offset + last.size)
    }

    /// Each, by offset.
    pub fn iter(&self) -> impl Iterator<Item = &Extent> {
        self.0.iter()
    }
}
