//! Runs a program with all that it starts, and ends all of them when the build is to end.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStdout, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::engine::Workshop;

/// How often a running program is left for a look at whether the build is to end.
const GLANCE: Duration = Duration::from_millis(20);

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whether it ended well.
    pub success: bool,
    /// What it wrote to its standard error, which must be piped.
    pub stderr: String,
}

/// Runs a program in a process group of its own, and gives its standard output, which must be piped,
/// to `read`.
///
/// # Errors
/// Those of starting it and waiting for it.
pub fn run(
    mut command: Command,
    workshop: &Workshop<'_>,
    read: &mut dyn FnMut(ChildStdout),
) -> std::io::Result<Ended> {
    let mut child = command.process_group(0).spawn()?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let errors = scope.spawn(|| {
            let mut text = Vec::new();
            if let Some(mut pipe) = stderr {
                // What a program wrote before it was ended is all there is.
                let _ = pipe.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                if workshop.is_interrupted() {
                    // The whole tree: cargo's compilers would go on without it.
                    if let Some(group) = group {
                        let _ = kill_process_group(group, Signal::KILL);
                    }
                    return;
                }
                std::thread::sleep(GLANCE);
            }
        });
        if let Some(stdout) = stdout {
            read(stdout);
        }
        let status = child.wait();
        ended.store(true, Ordering::Relaxed);
        let stderr = errors.join().unwrap_or_default();
        Ok(Ended { success: status?.success(), stderr })
    })
}
