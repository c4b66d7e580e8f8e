//! Why a job could not be run as described. What the job itself does wrong is no error here: it is
//! an [`Ending`](super::Ending).

use std::io;
use std::path::PathBuf;

/// Why a job could not be started, followed or stopped.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The description contradicts itself; nothing was started.
    #[error("cannot run {}: {what}", program.display())]
    Job {
        /// The job's program.
        program: PathBuf,
        /// What is wrong with the description.
        what: String,
    },
    /// Without bubblewrap a path inside must be the same path outside.
    #[error("cannot place {} without bubblewrap: {why}", inside.display())]
    Place {
        /// Where the job expects it.
        inside: PathBuf,
        /// What stands in the way.
        why: String,
    },
    /// A limit was asked for that the kernel would not enforce here.
    #[error("cannot limit {limit}: {why}")]
    Limit {
        /// Which limit.
        limit: &'static str,
        /// What stands in the way.
        why: String,
    },
    /// The system refused a step of starting or following the job.
    #[error("cannot {operation}: {error}")]
    System {
        /// What was tried, with the path or program it was about.
        operation: String,
        /// What the system said.
        error: io::Error,
    },
    /// The surroundings of the job could not be made, so its program never ran.
    #[error("cannot make the sandbox of {}: {words}", program.display())]
    Setup {
        /// The job's program.
        program: PathBuf,
        /// What bubblewrap or the shell said.
        words: String,
    },
}

impl SandboxError {
    /// Attaches to an error of the system what was tried.
    pub(super) fn system<E: Into<io::Error>>(
        operation: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let operation = operation.into();
        |error| Self::System { operation, error: error.into() }
    }
}
