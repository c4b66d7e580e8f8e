//! Keeps what builds produced, by content, on the local disk, so that nothing is built twice: a
//! store of blobs named by their digest, and the results of actions named by their key.
//!
//! Everything read is verified against its name first; what does not match is set aside and counts
//! as absent, so a damaged cache costs time and never bytes.

mod action;
mod blob;
mod memo;

pub use action::ActionResult;
pub use blob::Store;
pub use memo::Memo;

/// Why the cache could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refused; the message names operation and path.
    #[error("use the cache: {0}")]
    Io(#[from] std::io::Error),
}
