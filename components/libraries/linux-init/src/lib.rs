//! Init of a Linux product. The product's user space is one static program: started as process 1 it
//! mounts, starts and supervises the processes of the product's table; each of them is the same
//! program started again under the process's name, which gives up every privilege that the table
//! does not list before any code of the process runs.
#![forbid(unsafe_code)]

mod capability;
mod children;
mod confine;
mod console;
mod device;
mod init;
mod machine;
mod modules;
mod mounts;
mod news;
mod order;
mod process;
mod run;
mod shutdown;
mod signals;
mod syscalls;
mod system;

pub use capability::Capability;
pub use process::{Limits, Process, Ready, Refused, Restart};
pub use run::run;
pub use system::{GiveUp, Mount, System};
pub use tarsia_process::{Exit, State, alive, ready, say};
