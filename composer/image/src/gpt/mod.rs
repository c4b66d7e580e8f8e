//! GUID partition tables with a protective MBR and a backup at the end of the disk (UEFI 2.10
//! section 5). All GUIDs are the caller's, so the same table gives the same bytes.
//!
//! The table is the one that everybody writes: 128 entries of 128 bytes right after the header, its backup
//! right before the backup header in the last sector. The reader takes no other.

mod error;
pub mod kind;
mod read;
mod table;
mod write;

pub use error::GptError;
pub use read::read;
pub use table::{GROW, NO_AUTOMOUNT, PLATFORM, Partition, READ_ONLY, Table};
pub use write::{Written, write};
