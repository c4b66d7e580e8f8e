//! The real disk, but for what it does when it is to be synced.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use tarsia_cache::LocalFiles;
use tarsia_cache::files::{Draft, Facts, Files, Guard, Lock, Space};

type Sync = Arc<dyn Fn() -> io::Result<()> + Send + std::marker::Sync>;

/// A disk.
pub struct Disk(pub Sync);

struct File(Box<dyn Draft>, Sync);

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Draft for File {
    fn sync(&mut self) -> io::Result<()> {
        self.1()?;
        self.0.sync()
    }

    fn make_executable(&mut self) -> io::Result<()> {
        self.0.make_executable()
    }
}

impl Files for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Draft>> {
        Ok(Box::new(File(LocalFiles.create(path)?, Arc::clone(&self.0))))
    }

    fn held(&self, path: &Path) -> io::Result<bool> {
        LocalFiles.held(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        LocalFiles.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalFiles.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalFiles.remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        LocalFiles.create_folder(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        LocalFiles.remove_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.0()?;
        LocalFiles.sync_folder(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        LocalFiles.list(path)
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        LocalFiles.facts(path)
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        LocalFiles.touch(path)
    }

    fn lock(&self, path: &Path, kind: Lock) -> io::Result<Box<dyn Guard>> {
        LocalFiles.lock(path, kind)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        LocalFiles.space(path)
    }
}
