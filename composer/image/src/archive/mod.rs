//! Archives that come from outside, read as if their author were an enemy: what is handed on has been
//! looked at, and what is doubtful is refused by name instead of repaired. Bytes in, entries out; where
//! they go is a [`Sink`]'s business.
//!
//! Formats: tar (POSIX.1-2017 `pax`, "ustar Interchange Format" and "pax Interchange Format"; GNU tar's
//! long names), plain or as gzip, xz or zstd; and Debian packages (deb(5)).

mod canonical;
mod compression;
mod deb;
mod entry;
mod error;
mod guard;
mod pax;
mod policy;
mod tar;
mod tree;
mod unpack;

pub use canonical::Canonical;
pub use entry::{Entry, EntryKind, Sink};
pub use error::ArchiveError;
pub use policy::{Limits, Policy};
pub use tree::{InMemory, Keep, TreeSink};
pub use unpack::{unpack, unpack_inside};
