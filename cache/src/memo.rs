//! A file that makes the next run quicker and may be lost at any time: whoever reads it judges for
//! themselves whether it is whole. Unlike blobs it is replaced, always by a rename, so that any number
//! of processes may use it at once and each finds one of the versions.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use fs_err as fs;
use tempfile::NamedTempFile;

/// A file in the cache folder.
#[derive(Debug)]
pub struct Memo {
    path: PathBuf,
    /// The next version, while it is not in place; none when the folder cannot be written to.
    next: OnceLock<Option<NamedTempFile>>,
}

impl Memo {
    /// The file at this path; its folder is made when something is first written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), next: OnceLock::new() }
    }

    /// What it holds; none when it cannot be read, for whatever reason.
    pub fn read(&self) -> Option<Vec<u8>> {
        fs::read(&self.path).ok()
    }

    /// The time by the clock of the folder's file system, in nanoseconds since 1970: that of the next
    /// version, which this makes. None when the folder cannot be written to.
    pub fn now(&self) -> Option<i64> {
        let next = self.next.get_or_init(|| self.make().ok()).as_ref()?;
        let time = next.as_file().metadata().and_then(|metadata| metadata.modified()).ok()?;
        i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
    }

    fn make(&self) -> io::Result<NamedTempFile> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        NamedTempFile::new_in(folder)
    }

    /// Replaces what it holds.
    ///
    /// # Errors
    /// Those of the file system; then it holds what it held.
    pub fn write(mut self, bytes: &[u8]) -> io::Result<()> {
        let next = self.next.take().flatten();
        let mut next = next.map_or_else(|| self.make(), Ok)?;
        next.write_all(bytes)?;
        next.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_finds_a_whole_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("made/memo");
        assert_eq!(Memo::new(&path).read(), None);
        let versions = [vec![1u8; 40_000], vec![2u8; 70_000]];
        std::thread::scope(|scope| {
            for version in &versions {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let memo = Memo::new(&path);
                        assert!(memo.now().is_some());
                        assert!(memo.read().is_none_or(|found| versions.contains(&found)));
                        memo.write(version).expect("written");
                    }
                });
            }
        });
        std::fs::remove_file(&path).expect("written");
        let folder = path.parent().expect("a folder");
        std::fs::remove_dir(folder).expect("no temporary file stays");
    }

    #[test]
    fn without_a_folder_it_is_never_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let memo = Memo::new(file.join("memo"));
        assert_eq!((memo.read(), memo.now()), (None, None));
        assert!(memo.write(b"x").is_err());
    }
}
