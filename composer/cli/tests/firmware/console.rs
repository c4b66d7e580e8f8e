//! The console of a product that runs in its emulator.

use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::workspace::Workspace;

/// A process whose output is a console; ended, with all it started, when it is dropped.
pub struct Console {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Every line so far.
    pub seen: Vec<String>,
}

impl Console {
    /// Boots a product with `tarsia run`. After two minutes the console ends by itself, so that no
    /// test waits for ever; a busy machine gets by with that.
    pub fn boot(workspace: &Workspace, product: &str) -> Self {
        Self::of(workspace.tarsia(&["run", product, "--timeout", "120"]))
    }

    /// The console that a command writes to its standard output.
    pub fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines, seen: Vec::new() }
    }

    /// Reads up to the first line of which `find` makes something.
    pub fn until<T>(&mut self, what: &str, mut find: impl FnMut(&str) -> Option<T>) -> T {
        for line in self.lines.by_ref() {
            let line = line.expect("UTF-8");
            let found = find(line.trim_end());
            self.seen.push(line);
            if let Some(found) = found {
                return found;
            }
        }
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("piped");
        let _ = pipe.read_to_string(&mut stderr);
        panic!("no {what} on the console:\n{}\n--- stderr\n{stderr}", self.seen.join("\n"));
    }

    /// Reads up to the first line that contains `text`.
    pub fn until_text(&mut self, text: &str) -> String {
        self.until(text, |line| line.contains(text).then(|| line.to_owned()))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // The group is the command and the emulator that it started. Gone already: no matter.
        let group = format!("kill -s TERM -- -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
