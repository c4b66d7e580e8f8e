//! How a process ended: init decides by it whether to start the process again.

/// Why a process's `run` returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was for and need not run again.
    Done,
    /// It could not go on; the text completes "failed to …".
    Failed(String),
}

impl Exit {
    /// It could not do `what` because of `error`; `what` completes "failed to …".
    pub fn failed(what: impl AsRef<str>, error: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{}: {error}", what.as_ref()))
    }
}
