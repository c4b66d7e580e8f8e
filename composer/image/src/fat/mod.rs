//! FAT12, FAT16 and FAT32 with long names: what firmware reads boot loaders and kernels from (Microsoft
//! FAT Specification of 30 August 2005, whose sections are named below; of firmware, UEFI 2.10 section 13.3).
//!
//! Everything lies in the order of the tree and in one piece. A FAT holds names, sizes, times and bytes: what
//! a tree says beyond that (other owners than root, links, attributes) is refused and never dropped. Permissions
//! are the exception, since whoever mounts a FAT says what they are.

mod directory;
mod error;
mod folder;
mod geometry;
mod image;
mod name;
mod node;
mod read;
mod table;
mod time;
mod volume;
mod write;

pub use error::{FatError, Refusal};
pub use geometry::Width;
pub use read::read;
pub use volume::{Options, Volume};
pub use write::write;
