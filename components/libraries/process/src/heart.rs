//! A process's end of the pipe to its init. The pipe is the standard input: it needs no number that
//! is passed on, nothing else uses it, and what would read it finds that it cannot.

use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};
use rustix::stdio::stdin;

use crate::word::{MAX_REASON, REASON, Word};
use crate::{Exit, uptime};

/// The longest time between two heartbeats of a process that waits through [`doze`] or
/// [`wait_readable`]. What init asks for is at least twice as long.
pub const BEAT: Duration = Duration::from_secs(1);

/// The name of this process, once it is one.
static NAME: OnceLock<&'static str> = OnceLock::new();

/// The name of this process; `init` before it has another.
pub(crate) fn name() -> &'static str {
    NAME.get().copied().unwrap_or("init")
}

/// Called by the kernel crate in the new process: what it is called from now on.
pub fn call(name: &'static str) {
    // A second call is a mistake that changes nothing.
    let _ = NAME.set(name);
}

/// Called by the kernel crate in the new process: it is confined, `run` comes next.
pub fn started() {
    tell(&[Word::Started.byte()]);
}

/// Called by a process that has [`Ready::Told`](../tarsia_linux_init/enum.Ready.html): those that wait
/// for it may start. Again is without effect.
pub fn ready() {
    tell(&[Word::Ready.byte()]);
}

/// Called by a process: it works as intended. Due at least once per `alive-within`.
pub fn alive() {
    tell(&[Word::Alive.byte()]);
}

impl Exit {
    /// Called by the kernel crate when `run` returned: passes the reason on.
    pub fn tell(&self) {
        if let Self::Failed(reason) = self {
            let mut message = vec![REASON];
            message.extend(reason.bytes().take(MAX_REASON));
            tell(&message);
        }
    }
}

/// Writes to init. The pipe is told not to block by init's end: when it is full, init has enough to
/// hear, and a heartbeat more or less does not matter.
fn tell(bytes: &[u8]) {
    if NAME.get().is_some() {
        let _ = write(stdin(), bytes);
    }
}

/// Sleeps until `until` after the start of the kernel, alive meanwhile.
pub fn doze(until: Duration) {
    loop {
        alive();
        let left = until.saturating_sub(uptime());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(BEAT));
    }
}

/// Waits until `fd` can be read or `until` has come, alive meanwhile; whether it can be read.
///
/// # Errors
/// What poll(2) reports; being interrupted is not among them.
pub fn wait_readable(fd: BorrowedFd<'_>, until: Option<Duration>) -> Result<bool, Errno> {
    loop {
        alive();
        let left = until.map_or(BEAT, |until| until.saturating_sub(uptime()));
        let step = left.min(BEAT);
        let timeout = Timespec {
            tv_sec: i64::try_from(step.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: step.subsec_nanos().into(),
        };
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error),
        }
        if until.is_some_and(|until| uptime() >= until) {
            return Ok(false);
        }
    }
}
