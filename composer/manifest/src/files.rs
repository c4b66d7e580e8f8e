//! Where manifests come from: a workspace on disk, or memory in tests. The loader sees only
//! [`Files`], so that it stays a function of what the files hold.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::walk::sorted_dir;

/// A workspace's files, by paths relative to its root with `/` between the parts.
pub trait Files: Sync {
    /// What a folder holds, sorted by name.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` when there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>>;

    /// The content of a file, cut off after `limit` bytes.
    ///
    /// # Errors
    /// Those of the file system.
    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>>;
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; what is not UTF-8 in it is replaced.
    pub name: String,
    /// What it is, after following links.
    pub kind: EntryKind,
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link that leads out of the workspace.
    Outside,
    /// A symbolic link that leads nowhere, a device, a socket or a pipe.
    Other,
}

/// A workspace on disk.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
    canonical: PathBuf,
}

impl Disk {
    /// The workspace at this root.
    ///
    /// # Errors
    /// Those of looking at the root.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        let canonical = root.canonicalize()?;
        Ok(Self { root, canonical })
    }

    fn kind(&self, path: &Path) -> EntryKind {
        let linked = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if linked && path.canonicalize().is_ok_and(|target| !target.starts_with(&self.canonical)) {
            return EntryKind::Outside;
        }
        match path.metadata() {
            Ok(metadata) if metadata.is_file() => EntryKind::File,
            Ok(metadata) if metadata.is_dir() => EntryKind::Folder,
            _ => EntryKind::Other,
        }
    }
}

impl Files for Disk {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let entry = |path: PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Entry { name, kind: self.kind(&path) }
        };
        Ok(sorted_dir(&self.root.join(folder))?.into_iter().map(entry).collect())
    }

    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(self.root.join(path))?;
        file.take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A workspace in memory: contents by path.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl<P: Into<String>, B: Into<Vec<u8>>> FromIterator<(P, B)> for Memory {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        Self(files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect())
    }
}

impl Files for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut entries: BTreeMap<&str, EntryKind> = BTreeMap::new();
        for inner in self.0.keys().filter_map(|path| path.strip_prefix(&prefix)) {
            match inner.split_once('/') {
                Some((name, _)) => entries.insert(name, EntryKind::Folder),
                None => entries.insert(inner, EntryKind::File),
            };
        }
        if entries.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let entry = |(name, kind): (&str, EntryKind)| Entry { name: name.to_owned(), kind };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        let bytes = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes[..bytes.len().min(limit)].to_vec())
    }
}
