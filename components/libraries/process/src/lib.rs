//! The contract between a process of a Linux product and its init: how it says that it is ready
//! and alive, how it ends, and what init publishes. The counterpart of `tarsia-service`, which is
//! the same for services that share one address space.
#![forbid(unsafe_code)]

mod console;
mod exit;
mod file;
mod heart;
mod state;
mod word;

pub use console::{say, uptime};
pub use exit::Exit;
pub use file::replace;
pub use heart::{BEAT, alive, call, doze, ready, started, wait_readable};
pub use state::{ProcessState, Stage, State, StateError};
pub use word::{Ear, MAX_REASON, Word};
