//! External sources: what components are made from that does not stand in their folders. A lock file says which
//! bytes they are; they are fetched before a build, outside of any sandbox, and nothing of what is fetched is
//! run. Every byte is held against a digest that did not come from where the byte came from.
//!
//! A builder asks [`tree`] or [`folder`] for the content of a source that [`Fetcher::fetch`] put into the store.

mod address;
mod apt;
mod copied;
mod drift;
mod error;
mod fetcher;
mod folder;
mod git;
mod indexes;
mod kept;
mod local;
mod lock;
mod measure;
mod program;
mod ready;
mod scratch;
mod spool;
mod unpacked;
mod vendor;
mod wanted;

pub use drift::Drift;
pub use error::SourceError;
pub use fetcher::Fetcher;
pub use kept::Unpacked;
pub use lock::{Lock, Relocked};
pub use ready::Ready;
pub use unpacked::{bytes, folder, tree};
pub use vendor::{Vendored, vendor};
pub use wanted::{Wanted, wanted};
