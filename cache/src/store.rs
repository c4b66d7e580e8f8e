//! The store's folder and its locks.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tarsia_model::Blake3;

use crate::disk::{Disk, Temporary};
use crate::error::if_there;
use crate::files::{Files, Guard, Lock};
use crate::lease::{Session, Use};
use crate::local::LocalFiles;
use crate::{CacheError, Limits};

/// A store in one folder, shared by any number of processes: files appear whole, by rename, and are
/// never changed afterwards. What it does in which order is in `docs/decisions/0005-the-store.md`.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    pub(crate) disk: Disk,
    pub(crate) limits: Limits,
    /// Whether this process has seen all folders.
    ready: Arc<AtomicBool>,
    /// Where uses are noted, when this is a lease's.
    pub(crate) session: Option<Arc<Session>>,
}

/// The two kinds of files that a store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Before the blobs: a result goes before what it names.
    Result,
    Blob,
}

impl Kind {
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Result => "results",
            Self::Blob => "blobs",
        }
    }
}

/// Shared with all who use the store; no collection removes anything while it is held. Whoever has
/// one must not enter again: a collection that waits in between would wait for ever.
#[derive(Debug)]
pub(crate) struct Shared {
    _guard: Box<dyn Guard>,
}

/// Nobody else uses the store while it is held.
#[derive(Debug)]
pub(crate) struct Alone {
    _guard: Box<dyn Guard>,
}

/// The folders of `blobs` and `results`: one per first digit of a name.
pub(crate) const SHARDS: [&str; 16] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

impl Store {
    /// A store in `root` with the usual limits; folders are made when it is first used.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::on(Arc::new(LocalFiles), root)
    }

    /// A store that does everything through these file operations.
    pub fn on(files: Arc<dyn Files>, root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            disk: Disk::new(files),
            limits: Limits::default(),
            ready: Arc::default(),
            session: None,
        }
    }

    /// The same store with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn shard(&self, kind: Kind, shard: &str) -> PathBuf {
        self.root.join(kind.folder()).join(shard)
    }

    /// Where a blob or a result is.
    pub(crate) fn place(&self, kind: Kind, name: Blake3) -> PathBuf {
        let name = name.to_string();
        self.shard(kind, &name[..1]).join(name)
    }

    pub(crate) fn folder(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.root.join(name.as_ref())
    }

    /// Enters to use the store.
    pub(crate) fn enter(&self) -> Result<Shared, CacheError> {
        self.prepare()?;
        // Somebody may have removed the store's folder meanwhile.
        self.persist(|| self.enter_unprepared())
    }

    /// Enters without looking whether the folders are there; only the root must be.
    fn enter_unprepared(&self) -> Result<Shared, CacheError> {
        // Everybody comes through the gate: who waits for all others to leave holds it, so that
        // nobody else comes in meanwhile and the wait has an end.
        let _gate = self.disk.lock(&self.folder("gate"), Lock::Exclusive)?;
        Ok(Shared { _guard: self.disk.lock(&self.folder("lock"), Lock::Shared)? })
    }

    /// Waits until nobody else uses the store.
    pub(crate) fn enter_alone(&self) -> Result<Alone, CacheError> {
        self.prepare()?;
        let _gate = self.disk.lock(&self.folder("gate"), Lock::Exclusive)?;
        Ok(Alone { _guard: self.disk.lock(&self.folder("lock"), Lock::Exclusive)? })
    }

    /// Makes the folders, once. They are on the disk before the file `ready` is, so that nobody who
    /// finds that file has to sync a folder's parents.
    pub(crate) fn prepare(&self) -> Result<(), CacheError> {
        if self.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        if if_there(self.disk.facts(&self.folder("ready")))?.is_none() {
            self.make_folders()?;
        }
        self.ready.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes the folders that are not there.
    pub(crate) fn make_folders(&self) -> Result<(), CacheError> {
        self.make_root(&self.root)?;
        // A collection must not take the file below for one that was left behind.
        let _shared = self.enter_unprepared()?;
        for folder in ["tmp", "sessions", "damaged"] {
            self.disk.create_folder(&self.folder(folder))?;
        }
        for kind in [Kind::Blob, Kind::Result] {
            let parent = self.folder(kind.folder());
            self.disk.create_folder(&parent)?;
            for shard in SHARDS {
                self.disk.create_folder(&parent.join(shard))?;
            }
            self.disk.sync_folder(&parent)?;
        }
        self.disk.sync_folder(&self.root)?;
        let mut ready = self.disk.create_in(&self.folder("tmp"), "")?;
        ready.write(b"A store of build results: `tarsia cache --help`. May be deleted.\n")?;
        ready.sync()?;
        ready.publish(&self.folder("ready"))?;
        self.disk.sync_folder(&self.root)
    }

    fn make_root(&self, folder: &Path) -> Result<(), CacheError> {
        let Some(parent) = folder.parent() else {
            return Ok(());
        };
        // A relative path's first part stands in the current folder.
        let parent = if parent == Path::new("") { Path::new(".") } else { parent };
        if if_there(self.disk.facts(folder))?.is_none() {
            self.make_root(parent)?;
            self.disk.create_folder(folder)?;
            return self.disk.sync_folder(parent);
        }
        // A process that was killed may have made any of these folders and not synced it. One that
        // may not be read was made by somebody else.
        for folder in folder.ancestors().skip(1).filter(|folder| *folder != Path::new("")) {
            match self.disk.sync_folder(folder) {
                Err(error) if error.kind() == Some(ErrorKind::PermissionDenied) => {}
                synced => synced?,
            }
        }
        Ok(())
    }

    /// A new file in the store's own folder for them.
    pub(crate) fn temporary(&self) -> Result<Temporary, CacheError> {
        // Between being made and being held it must not be seen by a collection.
        let _shared = self.enter()?;
        self.disk.create_in(&self.folder("tmp"), "")
    }

    /// Does something again when a folder was missing: somebody removed parts of the store.
    pub(crate) fn persist<T>(
        &self,
        attempt: impl Fn() -> Result<T, CacheError>,
    ) -> Result<T, CacheError> {
        match attempt() {
            Err(error) if error.kind() == Some(ErrorKind::NotFound) => {
                self.make_folders()?;
                attempt()
            }
            ended => ended,
        }
    }

    /// Notes uses in the lease, when there is one.
    pub(crate) fn note(&self, _: &Shared, uses: &[Use]) -> Result<(), CacheError> {
        self.session.as_ref().map_or(Ok(()), |session| session.note(uses))
    }
}
