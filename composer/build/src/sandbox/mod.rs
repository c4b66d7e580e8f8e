//! Runs one program so that it sees what its description names and little else. What is hidden, what
//! stays visible and why is in `docs/decisions/0006-the-sandbox.md`.
//!
//! A [`Job`] describes, a [`Confinement`] starts, a [`Running`] ends with no process left, and
//! [`collect`] takes the outputs without trusting what lies there.

mod arguments;
mod collect;
mod confinement;
mod error;
mod filter;
mod job;
mod launch;
mod running;

pub use collect::{Bounds, Collected, Refusal, Taken, Wanted, collect, open_output};
pub use confinement::Confinement;
pub use error::SandboxError;
pub use job::{Inherited, Job, Limits, Mount, Stream};
pub use running::{Ending, Finished, Killer, Running};
