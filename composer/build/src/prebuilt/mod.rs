//! Kernels that somebody else built: what is in their packages, and which of their modules a selection
//! needs.

mod header;
mod modinfo;
mod modules;
mod package;

pub use header::memory;
pub use modinfo::{About, ModinfoError};
pub use modules::{Chosen, Followed, Missing, Modules, ModulesError};
pub use package::{Package, PackageError};
