//! Entries of an archive into a folder of the machine, for programs that read files.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use tarsia_image::archive::{ArchiveError, Entry, EntryKind, Sink};

/// Writes into a folder that is empty and nobody else's. Files get mode 0755 or 0644 and the archive's time;
/// owners, attributes and all other bits stay behind. Symbolic links come last, so that none is there while
/// anything is written.
#[derive(Debug)]
pub(super) struct FolderSink<'a> {
    folder: &'a Path,
    links: Vec<(PathBuf, Vec<u8>)>,
}

impl<'a> FolderSink<'a> {
    pub(super) const fn new(folder: &'a Path) -> Self {
        Self { folder, links: Vec::new() }
    }

    /// Writes what had to wait. The archive was read to its end.
    pub(super) fn finish(self) -> io::Result<()> {
        for (path, target) in self.links {
            make_way(&path)?;
            symlink(OsStr::from_bytes(&target), &path)?;
        }
        Ok(())
    }

    fn put(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let path = self.folder.join(OsStr::from_bytes(&entry.path));
        match &entry.kind {
            EntryKind::Folder => fs::create_dir_all(&path),
            EntryKind::File(_) => {
                make_way(&path)?;
                let mode = if entry.meta.mode & 0o111 == 0 { 0o644 } else { 0o755 };
                // Never what is there already, and never through a link.
                let mut options = std::fs::OpenOptions::new();
                let mut file = options.write(true).create_new(true).mode(mode).open(&path)?;
                io::copy(content, &mut file)?;
                // Whatever the user's umask takes away.
                file.set_permissions(std::fs::Permissions::from_mode(mode))?;
                file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(entry.meta.modified))
            }
            EntryKind::HardLink(target) => {
                make_way(&path)?;
                fs::hard_link(self.folder.join(OsStr::from_bytes(target)), &path)
            }
            EntryKind::Symlink(target) => {
                self.links.push((path, target.clone()));
                Ok(())
            }
            EntryKind::Character { .. } | EntryKind::Block { .. } | EntryKind::Fifo => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "it is no file"))
            }
        }
    }
}

impl Sink for FolderSink<'_> {
    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ArchiveError> {
        self.put(entry, content).map_err(|source| match source.downcast::<ArchiveError>() {
            Ok(own) => own,
            Err(source) => {
                let path = String::from_utf8_lossy(&entry.path).escape_debug().to_string();
                ArchiveError::Keep { path, source }
            }
        })
    }
}

fn make_way(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
