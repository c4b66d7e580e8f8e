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
