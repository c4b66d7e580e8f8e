//! What can go wrong with the store.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use tarsia_model::{Blake3, ByteSize, Code, Diagnostic};

/// Why the cache could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refused.
    #[error("use the cache: cannot {operation} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Even after collecting, the file system would have less room left than is to stay free.
    #[error(
        "use the cache: no room in `{}`: {} more would leave less than {} of the {} that are free",
        path.display(), ByteSize(*needed), ByteSize(*reserve), ByteSize(*free)
    )]
    NoRoom {
        /// The store's folder.
        path: PathBuf,
        /// Bytes that were to be kept.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are to stay free.
        reserve: u64,
    },
    /// A result names a blob that the store does not have whole: it was never put there, or it was
    /// collected because no lease was held, or it is damaged.
    #[error("use the cache: the result `{key}` names the blob `{blob}`, which is not in the store")]
    Missing {
        /// The action's key.
        key: Blake3,
        /// The blob.
        blob: Blake3,
    },
    /// An output's name is not a relative path that stays below its folder.
    #[error("use the cache: `{}` cannot be the name of an output", name.escape_debug())]
    Name {
        /// The name.
        name: String,
    },
}

impl From<CacheError> for Diagnostic {
    fn from(error: CacheError) -> Self {
        Self::error(Code::OutputFailed, error.to_string())
    }
}

impl CacheError {
    /// The kind of the system's error, when it is one.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

/// An operation on something that may be absent: then there is none.
pub(crate) fn if_there<T>(result: Result<T, CacheError>) -> Result<Option<T>, CacheError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == Some(ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
