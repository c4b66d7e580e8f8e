//! The engine: everything that is built goes through it. An action says what it reads and makes; the
//! engine computes its key, takes the result from the store or carries it out, in the order and with
//! the parallelism that end soonest, and tells what happens.

mod action;
mod describe;
mod event;
mod graph;
mod history;
mod job;
mod jobserver;
mod run;
mod unsettled;
mod workshop;

pub use action::{Action, Made, Origin, Setting, Wish, Work};
pub use describe::{Described, Given};
pub use event::{Event, Observer, Reason, State};
pub use graph::{ActionId, Graph};
pub use job::Job;
pub use jobserver::Jobs;
pub use run::{Options, Report, run, shell};
pub use unsettled::Unsettled;
pub use workshop::Workshop;
