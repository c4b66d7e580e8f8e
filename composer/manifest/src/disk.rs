//! A workspace on disk. A link is followed as long as it stays in its catalogue; everything else
//! costs one look.

use std::fs::Metadata;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::files::{Entry, EntryKind, Files, Home, Mark, Stat};
use crate::walk::sorted_entries;

/// A workspace on disk.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The workspace at this root.
    ///
    /// # Errors
    /// Those of looking at the root.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        root.canonicalize()?;
        Ok(Self { root })
    }
}

/// What a link leads to.
fn follow(path: &Path, home: &Home) -> (EntryKind, Mark) {
    if path.canonicalize().is_ok_and(|target| !target.starts_with(&home.0)) {
        return (EntryKind::Outside, Mark::default());
    }
    path.metadata()
        .map_or((EntryKind::Other, Mark::default()), |target| (kind(&target), Mark::of(&target)))
}

fn kind(metadata: &Metadata) -> EntryKind {
    if metadata.is_file() {
        EntryKind::File
    } else if metadata.is_dir() {
        EntryKind::Folder
    } else {
        EntryKind::Other
    }
}

impl Files for Disk {
    fn home(&self, folder: &str) -> io::Result<Home> {
        let home = self.root.join(folder).canonicalize()?;
        if home.is_dir() { Ok(Home(home)) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    fn list(&self, folder: &str, home: &Home) -> io::Result<Vec<Entry>> {
        let folder = self.root.join(folder);
        let entries = sorted_entries(&folder)?.into_iter().map(|(name, kind)| {
            let linked = kind.is_symlink();
            let kind = if linked {
                follow(&folder.join(&name), home).0
            } else if kind.is_file() {
                EntryKind::File
            } else if kind.is_dir() {
                EntryKind::Folder
            } else {
                EntryKind::Other
            };
            Entry { name: name.to_string_lossy().into_owned(), kind, linked }
        });
        Ok(entries.collect())
    }

    fn stat(&self, path: &str, home: &Home) -> io::Result<Stat> {
        let path = self.root.join(path);
        let metadata = path.symlink_metadata()?;
        let (kind, mark) = if metadata.is_symlink() {
            follow(&path, home)
        } else {
            (kind(&metadata), Mark::of(&metadata))
        };
        Ok(Stat { kind, mark })
    }

    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(1024);
        let file = std::fs::File::open(self.root.join(path))?;
        file.take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
