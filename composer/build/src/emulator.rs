//! Boots an image in a board's emulator and watches its console.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use regex::Regex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use tarsia_model::{Code, Diagnostic};

use crate::Surroundings;

/// An emulator's command line, complete but for the search path.
#[derive(Clone, Debug)]
pub struct Emulation {
    /// The program's name.
    pub program: String,
    /// The Debian package that has it.
    pub package: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The pattern appeared on the console.
    Seen,
    /// The time was up.
    TimedOut,
    /// The user interrupted it, or the session that it runs in ended.
    Interrupted,
    /// The emulator ended by itself, with what it said on its error output.
    Exited {
        /// Its exit code, when it had one.
        code: Option<i32>,
        /// The end of its error output.
        stderr: String,
    },
}

/// What to wait for.
#[derive(Clone, Debug, Default)]
pub struct Until {
    /// Stop when a line matches.
    pub pattern: Option<Regex>,
    /// Stop after this long.
    pub timeout: Option<Duration>,
}

/// Fills what stands in braces in a board's emulator arguments. What is empty then is left out.
pub fn arguments(template: &[String], values: &BTreeMap<&str, String>) -> Vec<String> {
    let fill = |arg: &String| {
        let fill = |arg: String, (name, value): (&&str, &String)| {
            // QEMU splits option lists at commas; a comma in a value is written twice. A value that is the
            // whole argument is no part of a list.
            let whole = arg == format!("{{{name}}}");
            let value = if whole { value.clone() } else { value.replace(',', ",,") };
            arg.replace(&format!("{{{name}}}"), &value)
        };
        values.iter().fold(arg.clone(), fill)
    };
    template.iter().map(fill).filter(|arg| !arg.is_empty()).collect()
}

/// How often a silent console is left for a look at signals and the time.
const GLANCE: Duration = Duration::from_millis(200);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already: nothing to do about either error.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the emulator, gives every console line to `line`, and stops it when `until` says so.
pub fn run(
    surroundings: &Surroundings,
    emulation: &Emulation,
    until: &Until,
    folder: &Path,
    line: &mut dyn FnMut(&str),
) -> Result<Ending, Diagnostic> {
    let program = surroundings.find(&emulation.program).ok_or_else(|| {
        Diagnostic::error(
            Code::ToolMissing,
            format!("cannot find the emulator `{}`", emulation.program),
        )
        .hint(format!("on Debian and Ubuntu: `apt-get install {}`", emulation.package))
    })?;
    let start = |error: std::io::Error| {
        Diagnostic::error(
            Code::ActionFailed,
            format!("cannot start `{}`: {error}", emulation.program),
        )
    };
    let child = surroundings
        .command(&program)
        .args(&emulation.args)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let mut child = Running(child);
    let stderr = child.0.stderr.take().map(|pipe| std::thread::spawn(|| tail(pipe)));
    let stdout = child.0.stdout.take();
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || read_lines(stdout, &sender));

    // Whoever ends this process must not leave an emulator behind.
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut handlers = Vec::new();
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        handlers.push(flag::register(signal, Arc::clone(&interrupted)).map_err(start)?);
    }
    let ending = watch(until, &lines, &interrupted, line);
    handlers.into_iter().for_each(|handler| {
        signal_hook::low_level::unregister(handler);
    });
    drop(child.0.stdin.take());
    let ending = match ending {
        Some(ending) => ending,
        None => {
            let code = child.0.wait().ok().and_then(|status| status.code());
            let stderr = stderr.and_then(|thread| thread.join().ok()).unwrap_or_default();
            Ending::Exited { code, stderr }
        }
    };
    drop(child);
    let _ = reader.join();
    Ok(ending)
}

/// Hands lines on until something ends the run; none when the console closed.
#[expect(
    clippy::disallowed_methods,
    reason = "a time limit needs a clock; no output depends on it"
)]
fn watch(
    until: &Until,
    lines: &mpsc::Receiver<String>,
    interrupted: &AtomicBool,
    line: &mut dyn FnMut(&str),
) -> Option<Ending> {
    let end = until.timeout.map(|timeout| Instant::now() + timeout);
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Some(Ending::Interrupted);
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        match lines.recv_timeout(left.map_or(GLANCE, |left| left.min(GLANCE))) {
            Err(mpsc::RecvTimeoutError::Timeout) if left.is_none_or(|left| left > GLANCE) => {}
            Ok(text) => {
                line(&text);
                if until.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&text)) {
                    return Some(Ending::Seen);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => return Some(Ending::TimedOut),
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn read_lines(pipe: Option<impl Read>, sender: &mpsc::Sender<String>) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    // A device may write anything; what is not UTF-8 is shown as such instead of ending the run.
    while let Ok(1..) = reader.read_until(b'\n', &mut bytes) {
        let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
        if sender.send(text).is_err() {
            return;
        }
        bytes.clear();
    }
}

fn tail(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Emulation {
        let args = vec!["-c".to_owned(), script.to_owned()];
        Emulation { program: "sh".into(), package: "dash".into(), args }
    }

    fn end_of(script: &str, pattern: Option<&str>, millis: Option<u64>) -> (Ending, Vec<String>) {
        let until = Until {
            pattern: pattern.map(|p| Regex::new(p).expect("a pattern")),
            timeout: millis.map(Duration::from_millis),
        };
        let mut seen = Vec::new();
        let ending = run(&Surroundings::read(), &shell(script), &until, Path::new("/"), &mut |l| {
            seen.push(l.to_owned());
        });
        (ending.expect("sh starts"), seen)
    }

    #[test]
    fn stops_at_the_pattern() {
        let (ending, seen) = end_of("echo one; echo two; exec sleep 60", Some("^two$"), None);
        assert_eq!((ending, seen.len()), (Ending::Seen, 2));
    }

    #[test]
    fn stops_when_time_is_up_and_survives_bad_bytes() {
        let (ending, seen) = end_of("printf 'a\\377\\n'; exec sleep 60", Some("never"), Some(300));
        assert_eq!((ending, seen), (Ending::TimedOut, vec!["a\u{fffd}".to_owned()]));
    }

    #[test]
    fn reports_an_emulator_that_ends() {
        let (ending, _) = end_of("echo no such machine >&2; exit 3", None, None);
        assert_eq!(ending, Ending::Exited { code: Some(3), stderr: "no such machine".into() });
    }

    #[test]
    fn fills_paths_and_doubles_commas() {
        let args = ["loader,file={bin}", "-x", "{bin}", "{none}"].map(str::to_owned);
        let values = BTreeMap::from([("bin", "/a,b/f.bin".to_owned()), ("none", String::new())]);
        assert_eq!(arguments(&args, &values), ["loader,file=/a,,b/f.bin", "-x", "/a,b/f.bin"]);
    }
}
