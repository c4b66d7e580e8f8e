//! The file operations as the store uses them: errors say what was tried with which file, and a file
//! that was not finished does not stay.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tarsia_model::Blake3;

use crate::CacheError;
use crate::files::{Draft, Facts, Files, Guard, Lock, Space};

/// How much is read at once: large enough for the disk, small beside what a process has.
const PIECE: usize = 64 << 10;

/// For how much room is taken before it is known that there is so much to read.
const TRUSTED: usize = 64 << 20;

#[derive(Clone)]
pub(crate) struct Disk {
    files: Arc<dyn Files>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}

fn named<T>(operation: &'static str, path: &Path, result: io::Result<T>) -> Result<T, CacheError> {
    result.map_err(|source| CacheError::Io { operation, path: path.to_owned(), source })
}

impl Disk {
    pub(crate) fn new(files: Arc<dyn Files>) -> Self {
        Self { files }
    }

    pub(crate) fn held(&self, path: &Path) -> Result<bool, CacheError> {
        named("see who holds", path, self.files.held(path))
    }

    pub(crate) fn open(&self, path: &Path) -> Result<Reader, CacheError> {
        let file = named("open", path, self.files.open(path))?;
        Ok(Reader { file, path: path.to_owned() })
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), CacheError> {
        named("rename a file to", to, self.files.rename(from, to))
    }

    pub(crate) fn remove(&self, path: &Path) -> Result<(), CacheError> {
        named("remove", path, self.files.remove(path))
    }

    /// Makes a folder unless it is there.
    pub(crate) fn create_folder(&self, path: &Path) -> Result<(), CacheError> {
        match self.files.create_folder(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => named("make the folder", path, made),
        }
    }

    /// Removes a folder unless there is something in it.
    pub(crate) fn remove_folder(&self, path: &Path) -> Result<(), CacheError> {
        match self.files.remove_folder(path) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => named("remove the folder", path, removed),
        }
    }

    pub(crate) fn sync_folder(&self, path: &Path) -> Result<(), CacheError> {
        named("sync the folder", path, self.files.sync_folder(path))
    }

    pub(crate) fn list(&self, path: &Path) -> Result<Vec<OsString>, CacheError> {
        named("list", path, self.files.list(path))
    }

    pub(crate) fn facts(&self, path: &Path) -> Result<Facts, CacheError> {
        named("look at", path, self.files.facts(path))
    }

    pub(crate) fn touch(&self, path: &Path) -> Result<(), CacheError> {
        named("touch", path, self.files.touch(path))
    }

    pub(crate) fn lock(&self, path: &Path, kind: Lock) -> Result<Box<dyn Guard>, CacheError> {
        named("lock", path, self.files.lock(path, kind))
    }

    pub(crate) fn space(&self, path: &Path) -> Result<Space, CacheError> {
        named("measure the free space at", path, self.files.space(path))
    }

    /// A new file in a folder, with a name nobody else has: the prefix, the process, a number.
    pub(crate) fn create_in(
        &self,
        folder: &Path,
        prefix: impl AsRef<OsStr>,
    ) -> Result<Temporary, CacheError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let mut name = prefix.as_ref().to_owned();
            name.push(format!("{}-{number}", std::process::id()));
            let path = folder.join(name);
            match self.files.create(&path) {
                Ok(draft) => return Ok(Temporary { disk: self.clone(), path: Some(path), draft }),
                // Of a dead process with the same number, or of one in another container.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return named("make", &path, Err(error)),
            }
        }
    }
}

/// A file being read.
pub(crate) struct Reader {
    file: Box<dyn Read + Send>,
    path: PathBuf,
}

impl Reader {
    /// All of it; room for `size` bytes is taken beforehand.
    pub(crate) fn read_all(&mut self, size: u64) -> Result<Vec<u8>, CacheError> {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(TRUSTED));
        named("read", &self.path, self.file.read_to_end(&mut bytes))?;
        Ok(bytes)
    }

    /// Passes all of it on in pieces, and gives digest and size of what was read.
    pub(crate) fn each(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), CacheError>,
    ) -> Result<(Blake3, u64), CacheError> {
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE];
        loop {
            let read = match self.file.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => named("read", &self.path, read)?,
            };
            if read == 0 {
                return Ok((Blake3(*hasher.finalize().as_bytes()), hasher.count()));
            }
            hasher.update(&piece[..read]);
            take(&piece[..read])?;
        }
    }

    /// Digest and size.
    pub(crate) fn measure(&mut self) -> Result<(Blake3, u64), CacheError> {
        self.each(|_| Ok(()))
    }
}

/// A file that vanishes unless it gets its place.
#[derive(Debug)]
pub(crate) struct Temporary {
    disk: Disk,
    /// None when it has its place.
    path: Option<PathBuf>,
    draft: Box<dyn Draft>,
}

impl Temporary {
    fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), CacheError> {
        let written = self.draft.write_all(bytes);
        named("write", self.path(), written)
    }

    pub(crate) fn make_executable(&mut self) -> Result<(), CacheError> {
        let made = self.draft.make_executable();
        named("make executable", self.path(), made)
    }

    pub(crate) fn sync(&mut self) -> Result<(), CacheError> {
        let synced = self.draft.sync();
        named("sync", self.path(), synced)
    }

    /// Moves the file to its place; it must have been synced.
    pub(crate) fn publish(&mut self, to: &Path) -> Result<(), CacheError> {
        self.disk.rename(self.path(), to)?;
        self.path = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // What cannot be removed now is found by the next collection: nobody holds it any more.
            let _ = self.disk.remove(&path);
        }
    }
}
