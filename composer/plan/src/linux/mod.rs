//! What only products that run Linux need planned: the kernel's options, its processes, and what is on
//! the disk.

mod options;
mod processes;
mod system;

pub use options::{Asker, KernelOption, Value};
pub use processes::{Process, Shared};
pub(crate) use processes::{is_process, processes, shared};
pub use system::plan;
pub use system::{File, Layout, Linux, Loader, Mount, PartitionSize};
