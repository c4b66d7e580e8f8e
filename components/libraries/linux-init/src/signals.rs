//! Signals to init, as bytes in sockets that it polls.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use signal_hook::low_level::pipe;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// A process ended.
    Child,
    /// Shut down and switch off (SIGTERM, or SIGPWR from a power supply that fails).
    PowerOff,
    /// Shut down and start again (SIGINT, which the kernel sends on ctrl-alt-del).
    Reboot,
}

/// The signals that init listens to.
pub(crate) struct Signals(Vec<(Signal, UnixStream)>);

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// There are no sockets to be had.
    pub fn listen() -> io::Result<Self> {
        let table = [
            (libc::SIGCHLD, Signal::Child),
            (libc::SIGTERM, Signal::PowerOff),
            (libc::SIGPWR, Signal::PowerOff),
            (libc::SIGINT, Signal::Reboot),
        ];
        let mut list = Vec::new();
        for (number, signal) in table {
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            pipe::register(number, theirs)?;
            list.push((signal, ours));
        }
        Ok(Self(list))
    }

    /// What to poll.
    pub fn sockets(&self) -> impl Iterator<Item = &UnixStream> {
        self.0.iter().map(|(_, socket)| socket)
    }

    /// What came since the last time, each at most once.
    pub fn take(&mut self) -> Vec<Signal> {
        let mut came = Vec::new();
        for (signal, socket) in &mut self.0 {
            let mut bytes = [0; 64];
            let mut any = false;
            while matches!(socket.read(&mut bytes), Ok(1..)) {
                any = true;
            }
            if any {
                came.push(*signal);
            }
        }
        came
    }
}
