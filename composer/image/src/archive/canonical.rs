//! Writes a folder as a tar archive that depends on nothing but names, contents and which files may be
//! executed: what came from git, or lies in a folder, gets a digest by it.

use std::io::{self, Read, Write};
use std::path::Path;

use ::tar::{Builder, EntryType, Header};

/// An archive while it is written. Entries come in the order of their paths' bytes; folders are not written,
/// they follow from what is in them. Owner, group and time are 0; modes are 0755 or 0644.
///
/// The form is GNU tar's, with its long names: tar 1.28 and later, and bsdtar, read it. It is part of
/// digests in lock files and does not change.
pub struct Canonical<W: Write> {
    builder: Builder<W>,
}

impl<W: Write> Canonical<W> {
    /// Starts an archive.
    pub fn new(writer: W) -> Self {
        Self { builder: Builder::new(writer) }
    }

    /// Adds a file of so many bytes.
    ///
    /// # Errors
    /// Those of reading and writing; that the path is absolute or leads upwards.
    pub fn file(
        &mut self,
        path: &Path,
        executable: bool,
        size: u64,
        content: impl Read,
    ) -> io::Result<()> {
        let mut header = plain(EntryType::Regular, if executable { 0o755 } else { 0o644 });
        header.set_size(size);
        let mut content = content.take(size);
        self.builder.append_data(&mut header, path, &mut content)?;
        // A file that shrinks while it is read would shift all that follows.
        if content.limit() > 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// As for files.
    pub fn symlink(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let mut header = plain(EntryType::Symlink, 0o777);
        self.builder.append_link(&mut header, path, target)
    }

    /// Ends the archive and gives the writer back.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self) -> io::Result<W> {
        self.builder.into_inner()
    }
}

fn plain(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    header
}
