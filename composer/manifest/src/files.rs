//! Where manifests come from: a workspace on disk, or memory in tests. The loader sees only
//! [`Files`], so that it stays a function of what the files hold.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::PathBuf;

use tarsia_model::Blake3;

/// A workspace's files, by paths relative to its root with `/` between the parts. A path may lead
/// out of the workspace, into another catalogue.
pub trait Files: Sync {
    /// The true place of a catalogue's folder.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` when there is no such folder.
    fn home(&self, folder: &str) -> io::Result<Home>;

    /// What a folder holds, sorted by name.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` when there is no such folder.
    fn list(&self, folder: &str, home: &Home) -> io::Result<Vec<Entry>>;

    /// What stands at a path, without reading it.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` when there is nothing, not even a link.
    fn stat(&self, path: &str, home: &Home) -> io::Result<Stat>;

    /// The content of a file, cut off after `limit` bytes.
    ///
    /// # Errors
    /// Those of the file system.
    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>>;
}

/// The true place of a catalogue's folder, without links: what its files' links may not leave.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home(pub PathBuf);

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; what is not UTF-8 in it is replaced.
    pub name: String,
    /// What it is, after following links.
    pub kind: EntryKind,
    /// Whether it is a link: then `kind` can change without a change to the folder.
    pub linked: bool,
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link that leads out of the catalogue.
    Outside,
    /// A symbolic link that leads nowhere, a device, a socket or a pipe.
    Other,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is, after following links.
    pub kind: EntryKind,
    /// What changes with it.
    pub mark: Mark,
}

/// What the file system says of a file or folder that changes whenever it is changed; only ever
/// compared with an earlier one, to skip reading what is known. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Size in bytes.
    pub size: u64,
    /// When its content was changed; programs can set it.
    pub modified: i64,
    /// When anything of it was changed; programs cannot set it.
    pub changed: i64,
    /// Its number in the file system.
    pub inode: u64,
}

impl Mark {
    /// What the file system says.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let (modified, changed) = (metadata.mtime(), metadata.ctime());
        Self {
            size: metadata.size(),
            modified: Self::nanoseconds(modified, metadata.mtime_nsec()),
            changed: Self::nanoseconds(changed, metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    /// Without a time that programs cannot set, nothing is ever settled.
    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: i64::MAX, changed: i64::MAX, inode: 0 }
    }

    /// A time of the file system: seconds and nanoseconds since 1970.
    pub const fn nanoseconds(seconds: i64, rest: i64) -> i64 {
        seconds.saturating_mul(1_000_000_000).saturating_add(rest)
    }

    /// Whether a later change is sure to give another mark, when what it marks was read after the
    /// moment `start`. Clocks of file systems are coarse, so what was changed up to a second before
    /// does not count as settled.
    pub const fn is_settled(&self, start: i64) -> bool {
        const SLACK: i64 = 1_000_000_000;
        let limit = start.saturating_sub(SLACK);
        self.modified < limit && self.changed < limit
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

impl Memory {
    /// Names and kinds in a folder; no folder is empty.
    fn inside(&self, folder: &str) -> io::Result<BTreeMap<&str, EntryKind>> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut entries = BTreeMap::new();
        let paths = self.0.range(prefix.clone()..).map(|(path, _)| path);
        for inner in paths.map_while(|path| path.strip_prefix(&prefix)) {
            match inner.split_once('/') {
                Some((name, _)) => entries.insert(name, EntryKind::Folder),
                None => entries.insert(inner, EntryKind::File),
            };
        }
        if entries.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(entries) }
    }
}

impl Files for Memory {
    fn home(&self, folder: &str) -> io::Result<Home> {
        let folder = folder.trim_end_matches('/');
        if folder != "." {
            self.inside(folder)?;
        }
        Ok(Home(PathBuf::from(folder)))
    }

    fn list(&self, folder: &str, _: &Home) -> io::Result<Vec<Entry>> {
        let entry =
            |(name, kind): (&str, EntryKind)| Entry { name: name.to_owned(), kind, linked: false };
        Ok(self.inside(folder)?.into_iter().map(entry).collect())
    }

    /// Memory has no clock: the mark is made from the content.
    fn stat(&self, path: &str, _: &Home) -> io::Result<Stat> {
        let (kind, content) = match self.0.get(path) {
            Some(bytes) => (EntryKind::File, Blake3::of(bytes)),
            None => {
                let names: Vec<&str> = self.inside(path)?.into_keys().collect();
                (EntryKind::Folder, Blake3::of(names.join("\0").as_bytes()))
            }
        };
        let mut inode = [0; 8];
        inode.copy_from_slice(&content.0[..8]);
        Ok(Stat { kind, mark: Mark { inode: u64::from_le_bytes(inode), ..Mark::default() } })
    }

    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        let bytes = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes[..bytes.len().min(limit)].to_vec())
    }
}
