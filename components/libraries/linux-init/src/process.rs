//! A line of the product's table: what a process is, may do, and when it is started again. The
//! table is generated from manifests; everything in it is `'static`.

use tarsia_process::Exit;

use crate::Capability;

/// A process.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its name: what it is started under, and what its lines on the console begin with.
    pub name: &'static str,
    /// What it does; called in the process of its own, with the privileges below.
    pub run: fn() -> Exit,
    /// The processes that have to be ready, or done, before it is first started.
    pub after: &'static [&'static str],
    /// The user it runs as; 0 is root.
    pub user: u32,
    /// The group it runs as; it has no other groups.
    pub group: u32,
    /// The capabilities it keeps, whatever its user.
    pub capabilities: &'static [Capability],
    /// The system calls it may make, besides those that every process needs: groups (`io`, `files`,
    /// `net`, …) and names of calls (`sethostname`). Empty: no filter at all.
    pub syscalls: &'static [&'static str],
    /// What a system call that is not listed comes to.
    pub refused: Refused,
    /// Folders that are made for it before its first start, mode 0755, owned by its user and group.
    pub directories: &'static [&'static str],
    /// What it may use up.
    pub limits: Limits,
    /// When it is started again.
    pub restart: Restart,
    /// The longest silence in milliseconds, after which it is killed and started again; at least
    /// twice [`tarsia_process::BEAT`]. 0: it is not asked for signs of life.
    pub alive_within_ms: u32,
    /// When those that wait for it may start.
    pub ready: Ready,
}

/// What a system call that is not listed comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The call fails with EPERM.
    Error,
    /// The process is killed with SIGSYS.
    Kill,
}

/// What a process may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open files at a time.
    pub files: u32,
    /// Writable private memory in KiB; 0 is no limit.
    pub memory_kib: u32,
}

impl Limits {
    /// What is enough for a small service.
    pub const DEFAULT: Self = Self { files: 64, memory_kib: 0 };
}

/// When a process that failed is started again. One that ends with [`Exit::Done`] did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Restarts in a row; the failure after that gives the process up.
    pub limit: u32,
    /// A row ends when the process has been ready for this long, in milliseconds; 0: it never does. How
    /// fast failures follow each other does not matter: one that hangs fails slowly.
    pub recovered_after_ms: u32,
    /// The wait before the first restart in milliseconds; it doubles with each further one in
    /// the row, six times at most.
    pub back_off_ms: u32,
}

/// When a process is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// As soon as it runs.
    Started,
    /// When it says so ([`tarsia_process::ready`]).
    Told {
        /// It failed when it has not said so by then, in milliseconds since its start; 0 is never.
        within_ms: u32,
    },
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A process without demands, to be varied.
    pub(crate) fn process() -> Process {
        Process {
            name: "test",
            run: || Exit::Done,
            after: &[],
            user: 0,
            group: 0,
            capabilities: &[],
            syscalls: &[],
            refused: Refused::Error,
            directories: &[],
            limits: Limits::DEFAULT,
            restart: Restart { limit: 3, recovered_after_ms: 60_000, back_off_ms: 1_000 },
            alive_within_ms: 0,
            ready: Ready::Started,
        }
    }
}
