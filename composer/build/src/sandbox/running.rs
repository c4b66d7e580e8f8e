//! A job that has been started, until nothing of it is left. Whoever drops it has ended it.

use std::fs::File;
use std::io::{self, BufReader, PipeReader, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStderr, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};

use super::{Job, SandboxError};

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with an exit code; 128 + n when signal n ended it, as in a shell.
    Exited(i32),
    /// Its time was up.
    TimedOut,
    /// A [`Killer`] ended it.
    Killed,
}

/// A job that ended, and what it wrote to the pipes that nobody had taken.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// The beginning of its standard output.
    pub stdout: Vec<u8>,
    /// The beginning of its error output.
    pub stderr: Vec<u8>,
    /// Whether one of the two was longer than was kept.
    pub cut: bool,
}

/// A job that may still run. Dropping it kills everything of the job.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// What bubblewrap says about the end; none without it.
    status: Option<BufReader<PipeReader>>,
    killer: Killer,
    watchdog: Option<JoinHandle<()>>,
    program: std::path::PathBuf,
    ended: bool,
}

/// Ends a job from another thread.
#[derive(Clone, Debug)]
pub struct Killer(Arc<Target>);

#[derive(Debug)]
struct Target {
    /// The process whose end is the end of the job: the first of the sandbox, with which the kernel ends
    /// all others, or the leader of the group.
    handle: OwnedFd,
    /// The group to end as a whole, without a sandbox.
    group: Option<Pid>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why it was killed, when it was.
    reason: Option<Ending>,
    /// Nothing is left to kill; the group's number may belong to others by now.
    over: bool,
}

impl Killer {
    /// Ends every process of the job. Without effect when it has ended.
    pub fn kill(&self) {
        self.end(Some(Ending::Killed));
    }

    fn end(&self, reason: Option<Ending>) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            return;
        }
        state.reason = state.reason.or(reason);
        // The only error left is that it has ended by itself.
        let _ = match self.0.group {
            Some(group) => kill_process_group(group, Signal::KILL),
            None => pidfd_send_signal(&self.0.handle, Signal::KILL),
        };
    }

    fn reason(&self) -> Option<Ending> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).reason
    }

    /// Waits until the job's process has ended; false when that took too long.
    fn ends_within(&self, time: Option<Duration>) -> Result<bool, rustix::io::Errno> {
        readable(&self.0.handle, time)
    }
}

/// Waits until there is something to read, or the end.
pub(super) fn readable(
    descriptor: impl AsFd,
    time: Option<Duration>,
) -> Result<bool, rustix::io::Errno> {
    let time = time.map(|time| Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let mut watched = [PollFd::new(&descriptor, PollFlags::IN)];
    Ok(retry_on_intr(|| poll(&mut watched, time.as_ref()))? > 0)
}

impl Running {
    pub(super) fn confined(
        child: Child,
        handle: OwnedFd,
        status: BufReader<PipeReader>,
        job: &Job,
    ) -> Result<Self, SandboxError> {
        Self::new(child, handle, None, Some(status), job)
    }

    pub(super) fn plain(mut child: Child, leader: Pid, job: &Job) -> Result<Self, SandboxError> {
        match pidfd_open(leader, PidfdFlags::empty()) {
            Ok(handle) => Self::new(child, handle, Some(leader), None, job),
            Err(error) => {
                // Not waited for yet, so the number is still its own.
                let _ = kill_process_group(leader, Signal::KILL);
                let _ = child.wait();
                Err(SandboxError::system("hold the job's process")(error))
            }
        }
    }

    fn new(
        mut child: Child,
        handle: OwnedFd,
        group: Option<Pid>,
        status: Option<BufReader<PipeReader>>,
        job: &Job,
    ) -> Result<Self, SandboxError> {
        let killer = Killer(Arc::new(Target { handle, group, state: Mutex::default() }));
        let mut running = Self {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            status,
            killer: killer.clone(),
            watchdog: None,
            program: job.program.clone(),
            ended: false,
        };
        if let Some(time) = job.limits.time {
            let watch = move || {
                // Without a way to wait, the time counts as up.
                if !killer.ends_within(Some(time)).unwrap_or(false) {
                    killer.end(Some(Ending::TimedOut));
                }
            };
            let thread = std::thread::Builder::new().name("time limit".to_owned()).spawn(watch);
            running.watchdog = Some(thread.map_err(SandboxError::system("watch the time"))?);
        }
        Ok(running)
    }

    /// The job's standard output, once. It has to be read while the job runs.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// The job's error output, once. It has to be read while the job runs.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.stderr.take()
    }

    /// Something to end the job with from elsewhere.
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Ends every process of the job. It still has to be waited for.
    pub fn kill(&self) {
        self.killer.kill();
    }

    /// Waits for the program to end, then ends what it left behind. With bubblewrap no process of
    /// the job exists afterwards; without, those that left its group may. Outputs that nobody has taken
    /// are lost.
    pub fn wait(self) -> Result<Ending, SandboxError> {
        Ok(self.finish(0)?.ending)
    }

    /// The same, and keeps up to `most` bytes of each output that nobody has taken.
    pub fn finish(mut self, most: usize) -> Result<Finished, SandboxError> {
        let mut outputs = [
            Output::of(self.stdout.take().map(OwnedFd::from)),
            Output::of(self.stderr.take().map(OwnedFd::from)),
        ];
        let followed = follow(&mut outputs, Some(&self.killer.0.handle), most);
        if followed.is_err() {
            // Nobody reads its outputs any more, so that it might never end by itself.
            self.kill();
        }
        let ending = self.end();
        // What was written until the end. Without a sandbox, a process that left the group can hold an
        // output open for ever.
        let followed = followed.and_then(|()| follow(&mut outputs, None, most));
        followed.map_err(SandboxError::system("read the job's output"))?;
        let [out, err] = outputs;
        match ending? {
            Some(ending) => {
                let cut = out.cut || err.cut;
                Ok(Finished { ending, stdout: out.bytes, stderr: err.bytes, cut })
            }
            None => {
                let words = String::from_utf8_lossy(&err.bytes).trim().to_owned();
                let words = Some(words).filter(|words| !words.is_empty());
                let words = words.unwrap_or_else(|| "its error output says why".to_owned());
                Err(SandboxError::Setup { program: self.program.clone(), words })
            }
        }
    }

    /// Waits, and makes sure that nothing is left. None when the program was never started.
    fn end(&mut self) -> Result<Option<Ending>, SandboxError> {
        self.ended = true;
        let wait = |error: rustix::io::Errno| {
            SandboxError::system(format!("wait for {}", self.program.display()))(error)
        };
        if self.status.is_none() {
            // The leader is left a zombie while its group is ended: its number is still its own.
            let leader = WaitId::Pid(Pid::from_child(&self.child));
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            retry_on_intr(|| waitid(leader.clone(), options)).map_err(wait)?;
            self.killer.end(None);
            self.killer.0.state.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        }
        let ended = self.child.wait().map_err(SandboxError::system("wait for the job"))?;
        let code = match &mut self.status {
            None => {
                use std::os::unix::process::ExitStatusExt as _;
                ended.code().or_else(|| ended.signal().map(|signal| 128 + signal))
            }
            Some(status) => {
                // bubblewrap goes with the program; daemons of the job would live a moment longer. The
                // first process ends only after all others of its namespace.
                self.killer.end(None);
                self.killer.ends_within(None).map_err(wait)?;
                let mut answers = String::new();
                status
                    .take(64 << 10)
                    .read_to_string(&mut answers)
                    .map_err(SandboxError::system("read how the job ended"))?;
                answers.lines().find_map(exit_code)
            }
        };
        if let Some(watchdog) = self.watchdog.take() {
            // It sees the same end; it cannot panic.
            let _ = watchdog.join();
        }
        Ok(match (self.killer.reason(), code) {
            // What was killed may have been done already.
            (Some(reason), None | Some(KILLED)) => Some(reason),
            (_, code) => code.map(Ending::Exited),
        })
    }
}

/// The exit code of what `SIGKILL` ended.
const KILLED: i32 = 128 + 9;

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.kill();
            // Nobody is left to tell.
            let _ = self.end();
        }
    }
}

/// Reads one of bubblewrap's answers: `{ "exit-code": 3 }`.
fn exit_code(line: &str) -> Option<i32> {
    let answer: serde_json::Value = serde_json::from_str(line).ok()?;
    i32::try_from(answer.get("exit-code")?.as_i64()?).ok()
}

/// An output of a job that nobody else reads.
struct Output {
    /// None at its end.
    pipe: Option<File>,
    bytes: Vec<u8>,
    cut: bool,
}

impl Output {
    fn of(pipe: Option<OwnedFd>) -> Self {
        Self { pipe: pipe.map(File::from), bytes: Vec::new(), cut: false }
    }

    /// Reads what is there, and keeps up to `most` bytes of all.
    fn take(&mut self, buffer: &mut [u8], most: usize) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        match pipe.read(buffer) {
            Ok(0) => self.pipe = None,
            Ok(read) => {
                let space = (most - self.bytes.len()).min(read);
                self.bytes.extend_from_slice(&buffer[..space]);
                self.cut |= space < read;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Reads outputs until the process ends; without one, as long as there is something to read.
fn follow(outputs: &mut [Output], process: Option<&OwnedFd>, most: usize) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let pipes =
            outputs.iter().enumerate().filter_map(|(at, one)| Some((at, one.pipe.as_ref()?)));
        let (places, mut watched): (Vec<usize>, Vec<PollFd<'_>>) =
            pipes.map(|(at, pipe)| (at, PollFd::new(pipe, PollFlags::IN))).unzip();
        watched.extend(process.map(|process| PollFd::new(process, PollFlags::IN)));
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let patience = if process.is_some() { None } else { Some(&at_once) };
        if watched.is_empty() || retry_on_intr(|| poll(&mut watched, patience))? == 0 {
            return Ok(());
        }
        let ready: Vec<bool> = watched.iter().map(|one| !one.revents().is_empty()).collect();
        for (at, _) in places.iter().zip(&ready).filter(|(_, ready)| **ready) {
            outputs[*at].take(&mut buffer, most)?;
        }
        if process.is_some() && ready.last() == Some(&true) {
            return Ok(());
        }
    }
}
