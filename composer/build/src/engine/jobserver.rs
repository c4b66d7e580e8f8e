//! How much runs at once: one pool of job tokens (GNU make's jobserver protocol) for this process and
//! every cargo, make and ninja below it, so that N jobs means N.

use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::Arc;

use jobserver::{Acquired, Client};

use crate::sandbox::Inherited;

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

    /// What lets a program take part: descriptors that it inherits, and what its environment says of
    /// them.
    ///
    /// # Errors
    /// Those of opening the pipe once more.
    pub fn share(&self) -> std::io::Result<Shared> {
        // The crate tells the pipe's descriptors only to a command that it makes inherit them.
        let mut command = Command::new("/");
        self.client.configure(&mut command);
        let said = command.get_envs().find(|(name, _)| *name == "CARGO_MAKEFLAGS");
        let said = said.and_then(|(_, value)| value?.to_str()).unwrap_or_default();
        let pair = said.split_whitespace().find_map(|word| word.strip_prefix("--jobserver-auth="));
        let Some((read, write)) = pair.and_then(|pair| pair.split_once(',')) else {
            return Err(std::io::Error::other("the job tokens are in no pipe"));
        };
        let open = |number: &str, writes: bool| {
            let path = format!("/proc/self/fd/{number}");
            let file = std::fs::File::options().read(!writes).write(writes).open(path)?;
            Ok::<_, std::io::Error>(Arc::new(OwnedFd::from(file)))
        };
        let inherited = |number, descriptor| Inherited { number, descriptor };
        let descriptors = vec![inherited(3, open(read, false)?), inherited(4, open(write, true)?)];
        // GNU make 4.2 knows the second word, older ones and cargo the first.
        let flags = "-j --jobserver-fds=3,4 --jobserver-auth=3,4".to_owned();
        Ok(Shared { descriptors, flags })
    }
}

/// What lets a program take tokens.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The two ends of the pipe.
    pub descriptors: Vec<Inherited>,
    /// `CARGO_MAKEFLAGS` and `MAKEFLAGS`.
    pub flags: String,
}
