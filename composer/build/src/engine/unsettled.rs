//! What was made and is not in the store yet. Keeping a result waits several times for the disk, which
//! other actions need not: they go on beside it, and read what was made from here. Nobody else sees a
//! result before it is on the disk (docs/decisions/0005).

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tarsia_cache::{ActionResult, CacheError, Output, Store};
use tarsia_model::Blake3;

use super::action::Made;

/// How many results may be on their way at once: as many share what they wait for, since a file system
/// writes its journal once for all who ask meanwhile.
const RESULTS: usize = 8;
/// How many bytes of outputs, unless it is a single result.
const BYTES: usize = 64 << 20;

/// Results on their way into the store.
#[derive(Debug, Default)]
pub struct Unsettled {
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    results: usize,
    bytes: usize,
    /// Outputs, and of how many results each is one.
    contents: BTreeMap<Blake3, (usize, Arc<Vec<u8>>)>,
}

/// A result on its way.
#[derive(Debug)]
pub(super) struct Fresh {
    key: Blake3,
    notes: String,
    bytes: usize,
    outputs: BTreeMap<String, (Blake3, Arc<Vec<u8>>)>,
}

impl Fresh {
    /// The digest of each output.
    pub(super) fn digests(&self) -> BTreeMap<String, Blake3> {
        self.outputs.iter().map(|(name, (digest, _))| (name.clone(), *digest)).collect()
    }
}

impl Unsettled {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was made, once there is room.
    pub(super) fn add(&self, key: Blake3, notes: String, made: Made) -> Fresh {
        let bytes = made.values().map(Vec::len).sum();
        let outputs: BTreeMap<_, _> = made
            .into_iter()
            .map(|(name, bytes)| (name, (Blake3::of(&bytes), Arc::new(bytes))))
            .collect();
        let full = |state: &mut State| {
            state.results >= RESULTS || state.results > 0 && state.bytes + bytes > BYTES
        };
        let state = self.settled.wait_while(self.lock(), full);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.results += 1;
        state.bytes += bytes;
        for (digest, content) in outputs.values() {
            let known = state.contents.entry(*digest).or_insert((0, Arc::clone(content)));
            known.0 += 1;
        }
        Fresh { key, notes, bytes, outputs }
    }

    /// An output that is not in the store yet.
    pub(super) fn get(&self, digest: Blake3) -> Option<Arc<Vec<u8>>> {
        self.lock().contents.get(&digest).map(|(_, content)| Arc::clone(content))
    }

    /// Puts a result into the store; afterwards it is read from there.
    ///
    /// # Errors
    /// Those of the store. Then its outputs stay here, for actions that read them already.
    pub(super) fn settle(&self, fresh: &Fresh, store: &Store) -> Result<(), CacheError> {
        let notes = fresh.notes.clone();
        let mut result = ActionResult { notes, ..ActionResult::default() };
        let kept = (|| {
            for (name, (digest, bytes)) in &fresh.outputs {
                store.put(bytes)?;
                let size = bytes.len() as u64;
                let output = Output { digest: *digest, size, executable: false };
                result.outputs.insert(name.clone(), output);
            }
            store.record(fresh.key, &result)
        })();
        let mut state = self.lock();
        state.results -= 1;
        state.bytes -= fresh.bytes;
        if kept.is_ok() {
            for (digest, _) in fresh.outputs.values() {
                if let Some((count, _)) = state.contents.get_mut(digest) {
                    *count -= 1;
                    if *count == 0 {
                        state.contents.remove(digest);
                    }
                }
            }
        }
        drop(state);
        self.settled.notify_all();
        kept
    }
}
