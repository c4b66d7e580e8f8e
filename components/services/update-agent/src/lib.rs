//! Keeps the slots of a product in order: marks the one that runs as good once everything is well,
//! and switches to the other when asked. The boot loader is systemd-boot, the entries are unified
//! kernel images on the EFI system partition, and what is agreed between agent and loader is in their
//! names: Automatic Boot Assessment, as in the Boot Loader Specification (UAPI.1), "Boot counting".
//!
//! It does not download or install updates; what is asked for beyond switching is answered so.
#![forbid(unsafe_code)]

mod decide;
mod entry;
mod esp;
mod mend;
mod release;
mod request;
mod service;
mod version;

pub use decide::{Slots, SwitchProblem, switch};
pub use entry::{Counters, Entry};
pub use esp::{Esp, EspError, Listing};
pub use release::{ImageProblem, Release};
pub use request::Report;
pub use service::{Config, run};
