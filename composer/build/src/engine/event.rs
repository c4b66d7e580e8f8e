//! What happens during a build, for whoever shows or records it.

use tarsia_model::{Blake3, Diagnostic};

/// Why an action was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It never was here before.
    New,
    /// Something that it is made of is different.
    Changed {
        /// What: `input drivers/log/src/lib.rs`, `tool rustc`, `flag …`.
        what: String,
        /// What it was; none when there was no such thing.
        old: Option<String>,
        /// What it is; none when it is gone.
        new: Option<String>,
    },
    /// Everything is as it was, but the store does not have the result any more.
    Lost,
    /// It was asked for in any case.
    Asked,
}

/// How an action ended.
#[derive(Clone, Debug)]
pub enum State {
    /// It was carried out.
    Done,
    /// The store had its result.
    Cached,
    /// It could not be carried out.
    Failed(Box<Diagnostic>),
    /// What it reads from failed, or the build was ended first.
    Skipped,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// An action starts.
    Start {
        /// Its name.
        action: &'a str,
        /// Why.
        reason: &'a Reason,
        /// Which of the workers carries it out, from 0.
        worker: usize,
    },
    /// An action goes on: what its programs say.
    Progress {
        /// Its name.
        action: &'a str,
        /// In words.
        text: &'a str,
    },
    /// The folder of a source was not as it was unpacked, and is unpacked anew.
    Again {
        /// The source.
        source: &'a str,
    },
    /// Another program runs where and as an action's own would.
    Instead {
        /// The command of the action.
        command: &'a str,
    },
    /// An action ended.
    End {
        /// Its name.
        action: &'a str,
        /// How.
        state: &'a State,
        /// Its key; none when that was not known yet.
        key: Option<Blake3>,
        /// Which of the workers carried it out; none when none did.
        worker: Option<usize>,
        /// How long it took, in milliseconds.
        took: u64,
    },
}

/// Who is told what happens; by several threads.
pub trait Observer: Sync {
    /// Something happens.
    fn notice(&self, event: &Event<'_>);
}
