//! The processes of the operating system behind the table: started, heard, signalled, and their ends
//! noticed.

use std::fs::File;
use std::io::{self, Read, pipe};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use tarsia_process::{Ear, Word};

use crate::machine::End;
use crate::{Process, console};

/// The program, which is every process.
const PROGRAM: &str = "/proc/self/exe";

/// One that runs.
struct Child {
    pid: Pid,
    pipe: File,
    /// The other end has closed, or its end was read; there is nothing more to poll for.
    deaf: bool,
    ear: Ear,
}

/// Those that run, by the table's indices.
pub(crate) struct Children {
    list: Vec<Option<Child>>,
    /// The path of the console.
    console: &'static str,
}

impl Children {
    pub fn new(count: usize, console: &'static str) -> Self {
        Self { list: (0..count).map(|_| None).collect(), console }
    }

    /// Starts a process.
    ///
    /// # Errors
    /// What the operating system says; nothing was started then.
    pub fn start(&mut self, index: usize, process: &Process) -> io::Result<()> {
        for folder in process.directories {
            make_folder(Path::new(folder), process)?;
        }
        let (ours, theirs) = pipe()?;
        // Neither end may hold the other up: init must not wait for a process, nor a process for
        // init. The flag belongs to the end, so the process has it too.
        for fd in [ours.as_fd(), theirs.as_fd()] {
            fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?;
        }
        let mut command = Command::new(PROGRAM);
        command.arg0(process.name).env_clear().stdin(Stdio::from(theirs));
        // Else it writes to what init has open: a console that cannot be opened again is no reason not to
        // start.
        if let Ok(console) = console::for_process(self.console)
            && let Ok(again) = console.try_clone()
        {
            command.stdout(console).stderr(again);
        }
        let child = command.spawn()?;
        // Not kept as `std`'s `Child`: one loop reaps these and those that were left to init.
        let pid = Pid::from_child(&child);
        let pipe = File::from(std::os::fd::OwnedFd::from(ours));
        self.list[index] = Some(Child { pid, pipe, deaf: false, ear: Ear::default() });
        Ok(())
    }

    /// What to poll.
    pub fn pipes(&self) -> impl Iterator<Item = &File> {
        self.list.iter().flatten().filter(|child| !child.deaf).map(|child| &child.pipe)
    }

    /// What processes have said since the last time.
    pub fn heard(&mut self) -> Vec<(usize, Word)> {
        let mut words = Vec::new();
        for (index, child) in self.list.iter_mut().enumerate() {
            let Some(child) = child else { continue };
            words.extend(child.hear().into_iter().map(|word| (index, word)));
        }
        words
    }

    /// Sends a signal; one that has just ended need not hear it.
    pub fn signal(&self, index: usize, signal: Signal) {
        if let Some(child) = &self.list[index] {
            // Its end is seen by `reap` if it is gone; there is no other reason to fail for root.
            let _ = kill_process(child.pid, signal);
        }
    }

    /// The processes that ended since the last time, the table's and those left to init, of which
    /// nothing is known.
    pub fn reap(&mut self) -> Vec<(usize, Vec<Word>, End)> {
        let mut ends = Vec::new();
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => ends.extend(self.end(pid, status)),
                Ok(None) | Err(Errno::CHILD) => return ends,
                Err(_) => {}
            }
        }
    }

    fn end(&mut self, pid: Pid, status: WaitStatus) -> Option<(usize, Vec<Word>, End)> {
        let is_it = |child: &Option<Child>| child.as_ref().is_some_and(|child| child.pid == pid);
        let index = self.list.iter().position(is_it)?;
        let mut child = self.list[index].take()?;
        // What it said last is in the pipe still.
        let words = child.hear();
        let end = match (status.exit_status(), status.terminating_signal()) {
            (Some(0), _) => End::Done,
            (Some(code), _) => End::Failed(match child.ear.reason() {
                Some(reason) => format!("failed to {reason}"),
                None => format!("ended with status {code}"),
            }),
            (_, Some(libc::SIGSYS)) => {
                End::Failed("was killed: it made a system call that it may not".to_owned())
            }
            (_, Some(signal)) => End::Failed(format!("was killed by signal {signal}")),
            _ => End::Failed("ended in an unknown way".to_owned()),
        };
        Some((index, words, end))
    }
}

impl Child {
    fn hear(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        let mut bytes = [0; 256];
        // Bounded: a process that writes without end must not keep init here.
        for _ in 0..16 {
            match self.pipe.read(&mut bytes) {
                Ok(0) => {
                    self.deaf = true;
                    break;
                }
                Ok(count) => words.extend(self.ear.hear(&bytes[..count])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        words
    }
}

fn make_folder(folder: &Path, process: &Process) -> io::Result<()> {
    let name = |error: io::Error| {
        io::Error::new(error.kind(), format!("make the folder {}: {error}", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(name)?;
    std::os::unix::fs::chown(folder, Some(process.user), Some(process.group)).map_err(name)
}
