//! Where actions are carried out and what is remembered of them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tarsia_cache::Store;
use tarsia_model::{Blake3, Code, Diagnostic};

use super::graph::Graph;
use super::history::History;
use super::jobserver::Jobs;
use super::unsettled::Unsettled;
use crate::Surroundings;
use crate::digests::Digests;
use crate::sandbox::Confinement;

/// Where actions are carried out.
#[derive(Debug)]
pub struct Workshop<'a> {
    /// The machine.
    pub surroundings: &'a Surroundings,
    /// Where results are kept.
    pub store: &'a Store,
    /// What is known of files.
    pub digests: &'a Digests,
    /// How programs are kept apart from the machine.
    pub confinement: &'a Confinement,
    /// How much runs at once.
    pub jobs: &'a Jobs,
    /// The workspace: messages name files from there.
    pub root: &'a Path,
    /// A folder for what actions need while they run, and for what the engine remembers.
    pub folder: &'a Path,
    /// Set when the build is to end.
    pub interrupted: &'a AtomicBool,
    /// Set when the store did not give back whole what it had: then what made it is to be carried out
    /// again.
    pub lost: AtomicBool,
    /// What was made and is not in the store yet.
    pub unsettled: Unsettled,
}

impl Workshop<'_> {
    /// Whether the build is to end.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// What an action made.
    ///
    /// # Errors
    /// That the store does not give it back; then it has forgotten it, and a second run makes it anew.
    pub fn fetch(&self, name: &str, digest: Blake3) -> Result<Vec<u8>, Diagnostic> {
        if let Some(bytes) = self.unsettled.get(digest) {
            return Ok(bytes.to_vec());
        }
        let failed = |why: &dyn std::fmt::Display| {
            let message = format!("cannot read `{name}` from the store: {why}");
            Diagnostic::error(Code::OutputFailed, message)
        };
        let found = self.store.get(digest).map_err(|error| failed(&error))?;
        found.ok_or_else(|| {
            self.lost.store(true, Ordering::Relaxed);
            failed(&"it was damaged")
        })
    }

    /// What `carry_out` answers for a graph; it is asked again when the store turned out to be damaged: each time,
    /// at least one action's results are forgotten and made anew, those it reads from the next time.
    pub fn until_whole<T>(&self, graph: &Graph<'_>, mut carry_out: impl FnMut() -> T) -> T {
        let mut answer = carry_out();
        for _ in graph.actions() {
            if !self.lost.swap(false, Ordering::Relaxed) {
                break;
            }
            answer = carry_out();
        }
        answer
    }

    /// What actions were made of.
    pub(super) fn history(&self) -> History {
        History::new(self.folder.join("history"))
    }
}
