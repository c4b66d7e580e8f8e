//! Folders for what is being fetched. One that a process left behind when it was killed is removed by the next.

use std::io;
use std::path::Path;

use fs_err as fs;
use rustix::fs::{FlockOperation, flock};
use tarsia_manifest::walk::sorted_entries;
use tempfile::TempDir;

const LOCK: &str = "lock";

/// A folder of this process; gone with it when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    _lock: fs::File,
}

impl Scratch {
    /// Makes one in `parent`, and removes those that nobody holds.
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        for (name, kind) in sorted_entries(parent)? {
            let left = parent.join(name);
            // Without a lock, its maker has only just begun.
            if kind.is_dir()
                && let Ok(lock) = fs::File::open(left.join(LOCK))
                && flock(lock.file(), FlockOperation::NonBlockingLockExclusive).is_ok()
            {
                // Somebody else may be removing it, too.
                let _ = fs::remove_dir_all(left);
            }
        }
        let folder = tempfile::Builder::new().prefix("source-").tempdir_in(parent)?;
        let lock = fs::File::create(folder.path().join(LOCK))?;
        flock(lock.file(), FlockOperation::LockExclusive)?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let left = parent.path().join("source-left");
        fs::create_dir(&left).expect("a folder");
        fs::write(left.join(LOCK), "").expect("a file");
        let one = Scratch::new(parent.path()).expect("made");
        let two = Scratch::new(parent.path()).expect("made");
        assert!(!left.exists(), "nobody held it");
        assert!(one.path().exists() && two.path().exists());
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
    }
}
