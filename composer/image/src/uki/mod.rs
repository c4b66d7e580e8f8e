//! Unified Kernel Images: a kernel, its initramfs and command line as sections of one program that
//! UEFI firmware starts (UAPI.5, Unified Kernel Image; the file is PE/COFF, as Microsoft's "PE Format"
//! has it). The program itself is a stub of systemd-boot, given as bytes.

mod error;
mod name;
mod pe;
mod read;
mod write;

pub use error::Error;
pub use name::Name;
pub use read::{Section, Uki, read};
pub use write::write;
