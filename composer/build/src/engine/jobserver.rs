//! How much runs at once: one pool of job tokens (GNU make's jobserver protocol) for this process and
//! every cargo, make and ninja below it, so that N jobs means N.

use std::num::NonZeroUsize;

use jobserver::{Acquired, Client};

/// The pool.
#[derive(Clone, Debug)]
pub struct Jobs {
    client: Client,
    /// How many there are.
    pub count: NonZeroUsize,
}

impl Jobs {
    /// A pool of so many.
    ///
    /// # Errors
    /// Those of making a pipe.
    pub fn new(count: NonZeroUsize) -> std::io::Result<Self> {
        Ok(Self { client: Client::new(count.get())?, count })
    }

    /// As many as there are processors.
    ///
    /// # Errors
    /// Those of making a pipe.
    pub fn usual() -> std::io::Result<Self> {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// Waits for a token. Whatever holds it may start one process that works, which may take more.
    ///
    /// # Errors
    /// Those of reading from a pipe.
    pub fn acquire(&self) -> std::io::Result<Acquired> {
        self.client.acquire()
    }

    /// Lets a program take part: it inherits the pool's descriptors, and its environment says so.
    pub fn share(&self, command: &mut std::process::Command) {
        self.client.configure(command);
    }
}
