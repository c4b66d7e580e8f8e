//! The file operations on the local disk.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::files::{Draft, Facts, Files, Guard, Lock, Space};

/// Files of the local disk. Locks are those of `flock(2)`: the kernel ends them with their process.
#[derive(Clone, Copy, Debug)]
pub struct LocalFiles;

#[derive(Debug)]
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // A process being started shares the open file until it becomes another program; without
        // this it would keep the lock so long.
        let _ = self.0.unlock();
    }
}

impl Guard for Locked {}

impl Write for Locked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Draft for Locked {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn make_executable(&mut self) -> io::Result<()> {
        let mut permissions = self.0.metadata()?.permissions();
        let mode = permissions.mode();
        permissions.set_mode(mode | (mode & 0o444) >> 2);
        self.0.set_permissions(permissions)
    }
}

/// `flock` ends early when a signal is handled.
fn patiently(mut lock: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            ended => return ended,
        }
    }
}

impl Files for LocalFiles {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Draft>> {
        loop {
            let file = OpenOptions::new().write(true).create_new(true).open(path)?;
            patiently(|| file.lock())?;
            // Whoever removes what nobody holds may have done so before it was held.
            if file.metadata()?.nlink() > 0 {
                return Ok(Box::new(Locked(file)));
            }
        }
    }

    fn held(&self, path: &Path) -> io::Result<bool> {
        let file = File::open(path)?;
        match file.try_lock() {
            Ok(()) => file.unlock().map(|()| false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        match File::open(path)?.sync_all() {
            // A file system without a notion of this (`fsync(2)`, EINVAL).
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "sorted here")]
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut names = std::fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        let metadata = std::fs::metadata(path)?;
        let seconds = metadata.mtime().saturating_mul(1_000_000_000);
        Ok(Facts {
            size: metadata.len(),
            used: seconds.saturating_add(metadata.mtime_nsec()),
            executable: metadata.permissions().mode() & 0o100 != 0,
            folder: metadata.is_dir(),
        })
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        };
        Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?)
    }

    fn lock(&self, path: &Path, kind: Lock) -> io::Result<Box<dyn Guard>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        patiently(|| match kind {
            Lock::Shared => file.lock_shared(),
            Lock::Exclusive => file.lock(),
        })?;
        Ok(Box::new(Locked(file)))
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let found = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Space { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }
}
