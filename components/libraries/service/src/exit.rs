//! How a service ended: the supervisor decides by it whether to start the service again.

use core::fmt;

/// Why a service's `run` returned, or why it was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was for and need not run again.
    Done,
    /// It could not go on; the text completes "failed to …".
    Failed(&'static str),
    /// Its future was dropped by an injected fault.
    Killed,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(what) => write!(f, "failed to {what}"),
            Self::Killed => f.write_str("killed"),
        }
    }
}
