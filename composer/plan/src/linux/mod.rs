//! What only products that run Linux need planned: the kernel's options and modules, its processes, and
//! what is on the disk.

mod modules;
mod options;
mod processes;
mod system;
mod values;

pub use modules::KernelModule;
pub use options::{Asker, KernelOption, Value};
pub use processes::{Process, Shared};
pub(crate) use processes::{is_process, processes, shared};
pub use system::plan;
pub use system::{File, Layout, Linux, Loader, Mount, PartitionSize};
pub use values::{Named, Values, Versioned};
