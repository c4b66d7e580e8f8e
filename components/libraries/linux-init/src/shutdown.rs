//! The end of the machine, when the table's processes have ended.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use rustix::fs::sync;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use rustix::system::{RebootCommand, reboot};
use tarsia_process::{say, uptime};

use crate::machine::GRACE_MS;
use crate::{System, mounts};

/// How long init sleeps between two looks for ends.
const PACE: Duration = Duration::from_millis(10);

/// How the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    PowerOff,
    Reboot,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerOff => "power off",
            Self::Reboot => "reboot",
        })
    }
}

/// Ends whatever else still runs, leaves the disks whole, and ends the machine.
pub(crate) fn machine(ending: Ending, system: &System) -> ExitCode {
    kill_the_rest();
    sync();
    mounts::detach(system.mounts);
    sync();
    say(format_args!("{ending}"));
    let command = match ending {
        Ending::PowerOff => RebootCommand::PowerOff,
        Ending::Reboot => RebootCommand::Restart,
    };
    if let Err(error) = reboot(command) {
        say(format_args!("failed to {ending}: {error}"));
    }
    // Were process 1 to end, the kernel would panic and say less than the line above.
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Processes that were left to init. Threads of the kernel do not mind.
fn kill_the_rest() {
    #[expect(clippy::disallowed_methods, reason = "all are killed, in whatever order")]
    let list = std::fs::read_dir("/proc");
    for entry in list.into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(pid) = number.and_then(Pid::from_raw)
            && !pid.is_init()
        {
            // It may have ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    // Only children of init keep it here, and they were killed.
    let next = || wait(WaitOptions::NOHANG).map(|end| end.is_some());
    if !await_ends(next, Duration::from_millis(GRACE_MS)) {
        say(format_args!("processes do not end, though killed; going on"));
    }
}

/// Waits until all children have ended, or for `grace`, as a process that waits for a device may never
/// end; whether all have. `next` takes an end that was not yet seen, if there is one.
fn await_ends(next: impl Fn() -> Result<bool, Errno>, grace: Duration) -> bool {
    let until = uptime() + grace;
    loop {
        match next() {
            Ok(true) | Err(Errno::INTR) => {}
            // ECHILD: there are no children.
            Err(_) => return true,
            Ok(false) if uptime() >= until => return false,
            Ok(false) => std::thread::sleep(PACE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn ends_are_awaited_but_not_for_ever() {
        let grace = Duration::from_millis(200);
        let left = Cell::new(5);
        let next = || match left.replace(left.get() - 1) {
            1 => Err(Errno::CHILD),
            left => Ok(left % 2 == 0),
        };
        assert!(await_ends(next, grace), "each has its time");
        let start = uptime();
        assert!(!await_ends(|| Ok(false), grace), "one never ends");
        let took = uptime() - start;
        assert!(took >= grace && took < grace * 10, "{took:?}");
    }
}
