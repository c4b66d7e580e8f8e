//! Runs a program of the machine that fetches something, for a bounded time.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::SourceError;

/// How often a running program is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// How long anything may be fetched, in seconds: 8 GiB at 1 MiB a second, and more than a day's patience on
/// a slow line would be.
pub(super) const LONGEST: u64 = 3 * 3_600;
/// How much of an answer is kept, in bytes.
const LARGEST_ANSWER: u64 = 64 << 20;
/// How much of a complaint is kept, in bytes.
const LARGEST_COMPLAINT: u64 = 64 << 10;

/// Runs a program to its end and gives its standard output. `watch` is asked again and again whether what it has
/// fetched is too large.
///
/// # Errors
/// That it could not be started, did not end well or in time; `program` is how messages call it. What it said
/// is not cleaned yet of names of machines.
pub(super) fn run(
    mut command: Command,
    program: &'static str,
    watch: &dyn Fn() -> Result<(), SourceError>,
) -> Result<Vec<u8>, SourceError> {
    let failed = |error: std::io::Error| SourceError::Failed { program, said: error.to_string() };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| stdout.map_or(Vec::new(), |pipe| drain(pipe, LARGEST_ANSWER)));
        let complaint =
            scope.spawn(|| stderr.map_or(Vec::new(), |pipe| drain(pipe, LARGEST_COMPLAINT)));
        let mut waited = Duration::ZERO;
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) => {}
                Err(error) => break Err(failed(error)),
            }
            if let Err(error) = watch() {
                break Err(error);
            }
            if waited.as_secs() >= LONGEST {
                break Err(SourceError::TooSlow { program, seconds: LONGEST });
            }
            std::thread::sleep(GLANCE);
            waited += GLANCE;
        };
        if ended.is_err() {
            // It may have ended by itself meanwhile.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (answer, complaint) =
            (answer.join().unwrap_or_default(), complaint.join().unwrap_or_default());
        if ended?.success() {
            return Ok(answer);
        }
        let said = String::from_utf8_lossy(&complaint);
        Err(SourceError::Failed { program, said: said.trim().to_owned() })
    })
}

/// Reads a pipe to its end, so that its writer never waits, and keeps its first bytes.
fn drain(mut pipe: impl Read, limit: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    // What a program wrote before it was ended is all there is.
    let _ = pipe.by_ref().take(limit).read_to_end(&mut kept);
    let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    kept
}
