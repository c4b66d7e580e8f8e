//! Kills or stops a process on purpose, so that a test on the device sees whether the product recovers.
//! The counterpart of `fault-injector`, which does the same to services that share a process. It asks for the
//! capability `kill` and the system calls `io`, `files`, `kill`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration as Time;

use embassy_time::Duration;
use rustix::process::{Pid, Signal, kill_process};
use tarsia_process::{Exit, doze, ready, say, uptime};

/// The component's features.
pub struct Config {
    /// The process that fails.
    pub target: &'static str,
    /// Time before the first fault, and between two.
    pub after: Duration,
    /// How it fails.
    pub fault: Fault,
    /// Number of faults.
    pub times: u32,
}

/// How a process fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is killed.
    Kill,
    /// It is stopped, so that it no longer answers.
    Stop,
}

impl Fault {
    fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Stop => Signal::STOP,
        }
    }
}

/// Injects the faults; done after the last one.
pub fn run(config: &'static Config) -> Exit {
    ready();
    for _ in 0..config.times {
        doze(uptime() + Time::from_millis(config.after.as_millis()));
        let pid = match find(Path::new("/proc"), config.target) {
            Ok(Some(pid)) => pid,
            Ok(None) => return Exit::Failed(format!("find the process `{}`", config.target)),
            Err(error) => return Exit::failed("look through /proc", error),
        };
        say(format_args!("{:?} of {}", config.fault, config.target));
        if let Err(error) = kill_process(pid, config.fault.signal()) {
            return Exit::failed("send the signal", error);
        }
    }
    Exit::Done
}

/// The process whose first argument is its name, as init starts processes (proc(5), `/proc/pid/cmdline`).
fn find(proc: &Path, name: &str) -> std::io::Result<Option<Pid>> {
    for entry in proc.read_dir()? {
        let entry = entry?;
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { continue };
        // It may have ended since it was listed.
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        if line.split(|byte| *byte == 0).next() == Some(name.as_bytes()) {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::Command;

    #[test]
    fn a_process_is_found_by_its_name_and_killed() {
        let name = format!("target-{}", std::process::id());
        assert_eq!(find(Path::new("/proc"), &name).expect("readable"), None);
        let mut child = Command::new("sleep").arg0(&name).arg("60").spawn().expect("started");
        let pid = find(Path::new("/proc"), &name).expect("readable");
        assert_eq!(pid, Some(Pid::from_child(&child)));
        kill_process(pid.expect("found"), Fault::Kill.signal()).expect("sent");
        assert_eq!(child.wait().expect("ended").signal(), Some(9));
    }
}
