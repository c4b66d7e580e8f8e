//! The only place that lists directories: sorted, because their order differs between hosts.

use std::ffi::OsString;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

/// Names and types in a directory, sorted by the bytes of the names; links are not followed.
///
/// # Errors
/// Those of reading the directory.
pub fn sorted_entries(folder: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    #[expect(clippy::disallowed_methods, reason = "this is the sorted walk others are sent to")]
    let entries = std::fs::read_dir(folder)?;
    let named = entries.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name(), entry.file_type()?))
    });
    let mut named: Vec<(OsString, FileType)> = named.collect::<io::Result<_>>()?;
    named.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(named)
}

/// The entries of a directory, sorted by the bytes of their names.
///
/// # Errors
/// Those of reading the directory.
pub fn sorted_dir(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = sorted_entries(folder)?;
    Ok(entries.into_iter().map(|(name, _)| folder.join(name)).collect())
}
