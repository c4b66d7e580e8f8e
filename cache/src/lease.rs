//! Leases: what a process has used is not collected while it lives.
//!
//! A lease is a file in `sessions` that its process holds with `flock`, so that the kernel knows
//! whether it lives. Each use is noted in it, under the shared lock, before it counts as one; whoever
//! collects reads the notes of all living sessions while nobody else is in the store. The notes need
//! not be on the disk: when the machine stops, so does the session.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tarsia_model::Blake3;

use crate::disk::Temporary;
use crate::error::if_there;
use crate::store::{Alone, Kind};
use crate::{CacheError, Store};

/// A blob or a result that was used.
pub(crate) type Use = (Kind, Blake3);

/// A session's file; removed when the last store that notes in it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    notes: Mutex<Notes>,
}

#[derive(Debug)]
struct Notes {
    file: Temporary,
    known: BTreeSet<Use>,
    /// Whether the last line may be cut off.
    torn: bool,
}

impl Session {
    pub(crate) fn note(&self, uses: &[Use]) -> Result<(), CacheError> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = String::new();
        if notes.torn {
            lines.push('\n');
        }
        let new: Vec<Use> = uses.iter().filter(|one| !notes.known.contains(one)).copied().collect();
        for (kind, name) in &new {
            let _ = writeln!(lines, "{} {name}", kind.folder());
        }
        if new.is_empty() {
            return Ok(());
        }
        notes.torn = true;
        notes.file.write(lines.as_bytes())?;
        notes.torn = false;
        notes.known.extend(new);
        Ok(())
    }
}

/// A store whose uses are noted: whatever was put, recalled, got or delivered through it is not
/// collected, by any process, until this and every clone of its store is dropped or their process
/// ends.
#[derive(Debug)]
pub struct Lease {
    store: Store,
}

impl Deref for Lease {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Store {
    /// Begins a lease.
    pub fn lease(&self) -> Result<Lease, CacheError> {
        let file = self.persist(|| {
            let _shared = self.enter()?;
            self.disk.create_in(&self.folder("sessions"), "")
        })?;
        let notes = Notes { file, known: BTreeSet::new(), torn: false };
        let mut store = self.clone();
        store.session = Some(Arc::new(Session { notes: Mutex::new(notes) }));
        Ok(Lease { store })
    }

    /// What living sessions have used. The files of dead ones are removed.
    pub(crate) fn leased(&self, _: &Alone) -> Result<BTreeSet<Use>, CacheError> {
        let folder = self.folder("sessions");
        let mut uses = BTreeSet::new();
        for name in if_there(self.disk.list(&folder))?.unwrap_or_default() {
            let path = folder.join(name);
            match if_there(self.disk.held(&path))? {
                // Its owner removes it without a lock.
                None => {}
                Some(false) => {
                    if_there(self.disk.remove(&path))?;
                }
                Some(true) => {
                    if let Some(mut file) = if_there(self.disk.open(&path))? {
                        uses.extend(parse(&file.read_all(0)?));
                    }
                }
            }
        }
        Ok(uses)
    }
}

/// Lines that a failing write cut off do not parse and are not uses: that operation failed.
fn parse(bytes: &[u8]) -> impl Iterator<Item = Use> {
    bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let (kind, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let kinds = [Kind::Blob, Kind::Result];
        let kind = kinds.into_iter().find(|one| one.folder() == kind)?;
        Some((kind, name.parse().ok()?))
    })
}
