//! cpio archives of the form "newc", which the kernel unpacks as its first root file system
//! (Linux, Documentation/driver-api/early-userspace/buffer-format.rst; `init/initramfs.c` is what
//! reads them in the end).

mod error;
mod header;
mod read;
mod write;

pub use error::{ReadError, WriteError};
pub use read::read;
pub use write::write;
