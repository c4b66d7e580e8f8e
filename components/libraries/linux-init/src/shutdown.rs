//! The end of the machine, when the table's processes have ended.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use rustix::fs::sync;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use rustix::system::{RebootCommand, reboot};
use tarsia_process::say;

use crate::{System, mounts};

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
    while let Ok(Some(_)) = wait(WaitOptions::empty()) {}
}
