//! A folder of sources with everything below it: its files and the digest of each.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use fs_err as fs;
use rayon::prelude::*;
use tarsia_manifest::Mark;
use tarsia_manifest::walk::sorted_entries;
use tarsia_model::{Blake3, Code, Diagnostic};

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
    let path = root.join(&folder.path);
    let same = |path: &Path, known: Mark| {
        path.symlink_metadata().is_ok_and(|metadata| mark(&metadata) == known)
    };
    // A folder's own mark changes when a name in it comes or goes.
    same(&path, folder.mark)
        && folder
            .files
            .par_iter()
            .with_min_len(256)
            .all(|file| same(&path.join(&file.name), file.mark))
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
    let own = mark(&full.symlink_metadata().map_err(failed)?);
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
        let now = mark(&metadata);
        let digest = match known(&name) {
            Some(old) if old.mark == now => old.digest,
            _ => digest_of(&path)?,
        };
        Ok(File { name, executable: metadata.mode() & 0o111 != 0, digest, mark: now })
    };
    let files = names.into_par_iter().map(file).collect::<io::Result<_>>().map_err(failed)?;
    Ok(Folder { path: path.to_owned(), files, folders, mark: own })
}

/// The digest of a file's content. Large files are hashed by several threads.
pub(crate) fn digest_of(path: &Path) -> io::Result<Blake3> {
    const LARGE: usize = 1 << 20;
    let bytes = fs::read(path)?;
    if bytes.len() < LARGE {
        return Ok(Blake3::of(&bytes));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_rayon(&bytes);
    Ok(Blake3(*hasher.finalize().as_bytes()))
}

/// What the file system says of a file.
pub(crate) fn mark(metadata: &Metadata) -> Mark {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000) + rest;
    Mark {
        size: metadata.len(),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}
