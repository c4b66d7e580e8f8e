//! What can go wrong with an external source.

use std::io;

use tarsia_cache::CacheError;
use tarsia_image::archive::ArchiveError;
use tarsia_model::{Blake3, Code, Diagnostic, Sha256};

use super::Wanted;

/// Why a source cannot be had or used. Messages continue "cannot fetch the source X of Y: ".
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A program that is needed is not there.
    #[error("the program `{program}` is not installed")]
    Missing {
        /// The program.
        program: &'static str,
        /// What to install.
        hint: &'static str,
    },
    /// A program could not do what it was to do.
    #[error("{program} says: {said}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it said, without the names of machines where they are nobody's business.
        said: String,
    },
    /// A program took too long.
    #[error("{program} was ended after {seconds} seconds")]
    TooSlow {
        /// The program.
        program: &'static str,
        /// The time it had.
        seconds: u64,
    },
    /// More came than was expected.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// How large it may be.
        limit: u64,
    },
    /// No archive of packages has it.
    #[error("no package `{package}` for `{arch}` is in the archives that this system uses")]
    NoPackage {
        /// The package.
        package: String,
        /// The architecture.
        arch: String,
    },
    /// What a package leads to is not clear.
    #[error(
        "the package `{package}` does not depend on one package and no more, but on `{depends}`"
    )]
    NotFollowed {
        /// The package.
        package: String,
        /// What it depends on.
        depends: String,
    },
    /// The index that vouches for a package is not signed.
    #[error("the archive that has the package `{package}` is not trusted by this system")]
    Untrusted {
        /// The package.
        package: String,
    },
    /// What is said of a package cannot be.
    #[error("the index of packages is malformed: {0}")]
    Index(String),
    /// The architecture of a package is not said, and does not follow from the board's.
    #[error("Debian has no architecture for the board's `{arch}`")]
    NoArch {
        /// The board's.
        arch: String,
    },
    /// Other bytes than expected.
    #[error("its SHA-256 digest is {found}, not {expected}")]
    Digest {
        /// The one it should have.
        expected: Sha256,
        /// The one it has.
        found: Sha256,
    },
    /// The SHA-256 digest that was locked, and another BLAKE3: somebody edited the lock file.
    #[error("its BLAKE3 digest is {found}, not {expected}")]
    Blake3 {
        /// The one it should have.
        expected: Blake3,
        /// The one it has.
        found: Blake3,
    },
    /// Another size than expected.
    #[error("it has {found} bytes, not {expected}")]
    Size {
        /// The size it should have.
        expected: u64,
        /// The size it has.
        found: u64,
    },
    /// A part of a repository that another one fills.
    #[error("the commit has the submodule `{path}`; name its repository as a source of its own")]
    Submodule {
        /// Where.
        path: String,
    },
    /// Something in a repository or folder that is neither file, folder nor link.
    #[error("`{path}` is neither a file nor a symbolic link")]
    Special {
        /// Where.
        path: String,
    },
    /// A folder of vendored sources does not have it.
    #[error("the folder of vendored sources does not have it")]
    NotVendored,
    /// It has to be fetched first.
    #[error("it is not in the store")]
    NotFetched,
    /// The file system refused.
    #[error("cannot {operation}: {source}")]
    Io {
        /// What was tried.
        operation: String,
        /// What the system said.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] CacheError),
    /// An archive is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl SourceError {
    /// An error of the file system.
    pub(super) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { operation: operation.into(), source }
    }

    const fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::ToolMissing,
            Self::Digest { .. } | Self::Blake3 { .. } | Self::Size { .. } => Code::SourceMismatch,
            Self::Archive(_) => Code::ArchiveRefused,
            _ => Code::SourceUnavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { hint, .. } => hint,
            Self::Digest { .. } => {
                "if the new bytes are the right ones, write their digest where the old one is"
            }
            Self::NoPackage { .. } => {
                "`apt-cache policy NAME` shows what the system's archives have"
            }
            Self::NotFollowed { .. } => {
                "name the package that is meant, and take `follow: true` away"
            }
            Self::NoArch { .. } => "name it: `arch: arm64`, or `arch: all`",
            Self::NotFetched => "`tarsia fetch PRODUCT` fetches it",
            Self::Archive(refused) if is_harmless(refused) => {
                "where that is as it should be, as in Linux's sources, write `twins: true` beside the source"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// The diagnostic for a source.
    pub fn of(&self, wanted: &Wanted<'_>) -> Diagnostic {
        let verb = match self {
            Self::Archive(_) => "unpack",
            Self::Digest { .. } | Self::Blake3 { .. } | Self::Size { .. } => "use",
            _ => "fetch",
        };
        let (source, component) = (&wanted.name, &wanted.component);
        let message = format!("cannot {verb} the source `{source}` of `{component}`: {self}");
        Diagnostic::at(self.code(), wanted.source.place(), message).hint(self.hint())
    }
}

/// Whether all that is wrong are names of files that differ by case.
fn is_harmless(refused: &ArchiveError) -> bool {
    match refused {
        ArchiveError::Twins { harmless, .. } => *harmless,
        ArchiveError::Inside { inner, .. } => is_harmless(inner),
        _ => false,
    }
}
