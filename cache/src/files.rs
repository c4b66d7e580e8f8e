//! The one interface to the disk. Everything the store does to files goes through it, so that tests
//! can stop, starve and tear the store at each single operation.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

/// Operations on files. Paths are absolute or relative to the current folder, as the store was given
/// its own; every operation gives the error of the system, unchanged.
pub trait Files: fmt::Debug + Send + Sync {
    /// Makes a new file and opens it for writing, held by whoever made it: [`Files::held`] is true
    /// of it until the draft is dropped or its process ends, however it ends.
    ///
    /// # Errors
    /// `AlreadyExists` when there is something at the path.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Draft>>;

    /// Whether a living process holds the file.
    fn held(&self, path: &Path) -> io::Result<bool>;

    /// Opens a file for reading. What was opened can be read to its end even when the file is
    /// removed or replaced meanwhile.
    fn open(&self, path: &Path) -> io::Result<Box<dyn io::Read + Send>>;

    /// Moves a file, replacing what is at the other path, in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes one folder.
    ///
    /// # Errors
    /// `AlreadyExists` when there is something at the path.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `DirectoryNotEmpty` when there is something in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Waits until what the folder lists is on the disk: files made, moved and removed in it.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in order.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// What is known about a file without reading it.
    fn facts(&self, path: &Path) -> io::Result<Facts>;

    /// Sets a file's time to now, by the clock of its file system.
    fn touch(&self, path: &Path) -> io::Result<()>;

    /// Waits for a lock on a file, which is made when it does not exist. The lock ends with the
    /// guard or with the process, however that ends.
    fn lock(&self, path: &Path, kind: Lock) -> io::Result<Box<dyn Guard>>;

    /// The room on the file system of a folder.
    fn space(&self, path: &Path) -> io::Result<Space>;
}

/// A file being written.
pub trait Draft: io::Write + fmt::Debug + Send {
    /// Waits until all that was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Allows whoever may read the file to execute it.
    fn make_executable(&mut self) -> io::Result<()>;
}

/// A lock that is held.
pub trait Guard: fmt::Debug + Send {}

/// Who else may hold a lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Any number of others that share it.
    Shared,
    /// Nobody.
    Exclusive,
}

/// What is known about a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Size in bytes.
    pub size: u64,
    /// When it was last changed or touched, in nanoseconds since 1970 by its file system's clock.
    pub used: i64,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// Whether it is a folder.
    pub folder: bool,
}

/// Room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What this user may still take.
    pub free: u64,
    /// The whole file system.
    pub total: u64,
}
