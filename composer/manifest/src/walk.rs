//! The only place that lists directories: sorted, because their order differs between hosts.

use std::io;
use std::path::{Path, PathBuf};

/// The entries of a directory, sorted by the bytes of their names.
///
/// # Errors
/// Those of reading the directory.
pub fn sorted_dir(folder: &Path) -> io::Result<Vec<PathBuf>> {
    #[expect(clippy::disallowed_methods, reason = "this is the sorted walk others are sent to")]
    let entries = std::fs::read_dir(folder)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort_unstable();
    Ok(paths)
}

/// Every file below a directory with its path relative to it, sorted; symbolic links to files count
/// as files, those to directories are not followed.
///
/// # Errors
/// Those of reading the directories.
pub fn sorted_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(next) = pending.pop() {
        for path in sorted_dir(&next)? {
            if path.symlink_metadata()?.is_dir() {
                pending.push(path);
            } else if path.is_file()
                && let Ok(inner) = path.strip_prefix(folder)
            {
                files.push(inner.to_owned());
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}
