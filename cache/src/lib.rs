//! Keeps what builds produced, by content, on the local disk, so that nothing is built twice: a
//! store of blobs named by their digest, and the results of actions named by their key.
//!
//! Everything read is verified against its name first; what does not match is set aside and counts
//! as absent, so a damaged cache costs time and never bytes. Any number of processes share a store, may
//! be killed, run out of disk or lose power at any point, and find it sound afterwards.

mod action;
mod blob;
mod damage;
mod disk;
mod encoding;
mod error;
pub mod files;
mod gc;
mod lease;
mod limits;
mod local;
mod memo;
mod scan;
mod stats;
mod store;
mod verify;

pub use action::{ActionResult, Output};
pub use error::CacheError;
pub use gc::Collected;
pub use lease::Lease;
pub use limits::Limits;
pub use local::LocalFiles;
pub use memo::Memo;
pub use stats::{Amount, Stats};
pub use store::Store;
pub use verify::Verified;
