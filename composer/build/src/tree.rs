//! A folder of sources with everything below it: its files and the digest of each.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, statat};
use tarsia_manifest::Mark;
use tarsia_manifest::walk::sorted_entries;
use tarsia_model::{Blake3, Code, Diagnostic};

use crate::content::digest_of;

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Whether it may be executed.
    pub executable: bool,
    /// The digest of its content.
    pub digest: Blake3,
    pub(crate) mark: Mark,
}

/// A folder of a tree, without those in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its path in the tree, `/` separated; empty for the tree's own folder.
    pub path: String,
    /// Its files in order of name.
    pub files: Vec<File>,
    /// The names of the folders in it, in order.
    pub(crate) folders: Vec<String>,
    pub(crate) mark: Mark,
}

/// A folder with everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Its folders in order of path.
    pub folders: Vec<Folder>,
    /// A digest over the path, the mode and the content of every file.
    pub digest: Blake3,
}

impl Tree {
    /// The tree of these folders, which are in order.
    pub(crate) fn new(folders: Vec<Folder>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for folder in &folders {
            for text in [folder.path.as_bytes(), &(folder.files.len() as u64).to_le_bytes()] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text);
            }
            for file in &folder.files {
                hasher.update(&(file.name.len() as u64).to_le_bytes());
                hasher.update(file.name.as_bytes());
                hasher.update(&[u8::from(file.executable)]);
                hasher.update(&file.digest.0);
            }
        }
        Self { folders, digest: Blake3(*hasher.finalize().as_bytes()) }
    }

    /// The tree without files whose names end in one of these, and without folders that have no other.
    pub(crate) fn without(&self, ends: &[&str]) -> Self {
        let stays = |file: &&File| !ends.iter().any(|end| file.name.ends_with(end));
        let folders = self.folders.iter().filter_map(|folder| {
            let files: Vec<File> = folder.files.iter().filter(stays).cloned().collect();
            let is_kept = !files.is_empty() || folder.files.is_empty();
            is_kept.then(|| Folder { files, ..folder.clone() })
        });
        Self::new(folders.collect())
    }

    /// Every file with its path in the tree.
    pub fn files(&self) -> impl Iterator<Item = (String, &File)> {
        self.folders.iter().flat_map(|folder| {
            let path = |file: &File| match folder.path.as_str() {
                "" => file.name.clone(),
                path => format!("{path}/{}", file.name),
            };
            folder.files.iter().map(move |file| (path(file), file))
        })
    }
}

/// Whether a folder still is as it was.
pub(crate) fn is_unchanged(root: &Path, folder: &Folder) -> bool {
    // A folder's own mark changes when a name in it comes or goes. From an open folder, the way to
    // each file is short.
    let open = || -> rustix::io::Result<bool> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(CWD, root.join(&folder.path), flags, Mode::empty())?;
        let own = statat(&directory, "", AtFlags::EMPTY_PATH)?;
        if mark_of(&own) != folder.mark {
            return Ok(false);
        }
        let same = |file: &File| {
            let found = statat(&directory, file.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
            found.is_ok_and(|stat| mark_of(&stat) == file.mark)
        };
        Ok(folder.files.par_iter().with_min_len(256).all(same))
    };
    open().unwrap_or(false)
}

/// What the file system says of a file, as `fstatat` tells it.
#[expect(clippy::unnecessary_cast, reason = "the fields have other types on other architectures")]
fn mark_of(stat: &Stat) -> Mark {
    Mark {
        size: stat.st_size as u64,
        modified: Mark::nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        changed: Mark::nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        inode: stat.st_ino as u64,
    }
}

/// Reads a folder of a tree, with the help of what it was before.
pub(crate) fn read_folder(
    root: &Path,
    path: &str,
    before: Option<&Folder>,
    what: &str,
) -> Result<Folder, Diagnostic> {
    let full = root.join(path);
    let shown = |name: &str| match path {
        "" => format!("{what}/{name}"),
        path => format!("{what}/{path}/{name}"),
    };
    let failed = |error: io::Error| {
        let message = format!("the sources of {what} cannot be read: {error}");
        Diagnostic::error(Code::Unreadable, message)
    };
    // The mark is taken first: what changes while this reads gives another mark next time.
    let own = Mark::of(&full.symlink_metadata().map_err(failed)?);
    let (mut names, mut folders) = (Vec::new(), Vec::new());
    for (name, kind) in sorted_entries(&full).map_err(failed)? {
        let Ok(name) = name.into_string() else {
            let message = format!("a file in {} has a name that is not UTF-8", shown(""));
            return Err(Diagnostic::error(Code::BadName, message));
        };
        if name == "target" || name.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            folders.push(name);
        } else if kind.is_file() {
            names.push(name);
        } else {
            let message =
                format!("{} cannot be a source: it is a link or a special file", shown(&name));
            return Err(Diagnostic::error(Code::OutsideWorkspace, message)
                .hint("keep a component's sources as plain files in its own folder".to_owned()));
        }
    }
    let known = |name: &str| {
        let files = &before?.files;
        files.binary_search_by(|file| file.name.as_str().cmp(name)).ok().map(|at| &files[at])
    };
    let file = |name: String| -> io::Result<File> {
        let path = full.join(&name);
        let metadata = path.symlink_metadata()?;
        let now = Mark::of(&metadata);
        let digest = match known(&name) {
            Some(old) if old.mark == now => old.digest,
            _ => digest_of(&path)?,
        };
        Ok(File { name, executable: metadata.mode() & 0o111 != 0, digest, mark: now })
    };
    let files = names.into_par_iter().map(file).collect::<io::Result<_>>().map_err(failed)?;
    Ok(Folder { path: path.to_owned(), files, folders, mark: own })
}
