//! What a manifest names in its component's own folder: nothing else of the machine may be in a product.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_model::Code;

/// Why a path of a manifest is of no use.
#[derive(Debug, thiserror::Error)]
pub enum NotOwn {
    /// It cannot be looked at.
    #[error("{}", .0.kind())]
    Unreadable(io::Error),
    /// A link leads elsewhere.
    #[error("it leads out of the component's folder")]
    Outside,
}

impl NotOwn {
    /// The code of its diagnostics.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable(_) => Code::Unreadable,
            Self::Outside => Code::OutsideWorkspace,
        }
    }
}

/// Where a path in the folder of a component leads, without links.
///
/// # Errors
/// That it is not there, or leads out of that folder.
pub fn place(folder: &Path, path: &str) -> Result<PathBuf, NotOwn> {
    let real = fs::canonicalize(folder.join(path)).map_err(NotOwn::Unreadable)?;
    let folder = fs::canonicalize(folder).map_err(NotOwn::Unreadable)?;
    if real.starts_with(folder) { Ok(real) } else { Err(NotOwn::Outside) }
}
