//! Follows a program while it runs, and ends it with all that it started when the build is to end.

use std::io::Read as _;
use std::process::{ChildStdout, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tarsia_model::{Code, Diagnostic};

use crate::engine::Workshop;
use crate::sandbox::{Ending, Job, SandboxError};

/// How often a running program is left for a look at whether the build is to end.
const GLANCE: Duration = Duration::from_millis(20);

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whether it ended well.
    pub success: bool,
    /// What it wrote to its standard error.
    pub stderr: String,
}

/// Runs a job and gives its standard output to `read`.
///
/// # Errors
/// Those of starting it and waiting for it.
pub fn run(
    job: &Job,
    workshop: &Workshop<'_>,
    read: &mut dyn FnMut(ChildStdout),
) -> Result<Ended, SandboxError> {
    let mut running = workshop.confinement.spawn(job)?;
    let (stdout, stderr) = (running.stdout(), running.stderr());
    let killer = running.killer();
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
        let watch = scope.spawn(|| {
            while !ended.load(Ordering::Acquire) {
                if workshop.is_interrupted() {
                    killer.kill();
                    return;
                }
                std::thread::park_timeout(GLANCE);
            }
        });
        if let Some(stdout) = stdout {
            read(stdout);
        }
        let ending = running.wait();
        ended.store(true, Ordering::Release);
        watch.thread().unpark();
        let stderr = errors.join().unwrap_or_default();
        Ok(Ended { success: ending? == Ending::Exited(0), stderr })
    })
}

/// Runs a program of the machine to its end and gives its standard output.
///
/// # Errors
/// That it cannot be started or does not end well, with what it said.
pub fn finish(mut command: Command, name: &str) -> Result<String, Diagnostic> {
    let output = command.output().map_err(|error| {
        Diagnostic::error(Code::ActionFailed, format!("cannot start {name}: {error}"))
    })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(Diagnostic::error(Code::ActionFailed, format!("cannot run {name}"))
            .note(stderr.trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
