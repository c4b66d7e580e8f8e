//! Starts the process of a job, with bubblewrap or plainly. A program cannot set its child's umask without
//! `unsafe`, nor its own without changing that of its other threads. Where ours is not the job's, both begin as a
//! shell that sets it and becomes the rest; nearly everywhere it is, and a child has it from us.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, getrlimit, pidfd_open, prlimit};

use super::arguments::{ARGUMENTS, FILTERS, GATE, STATUS, arguments};
use super::running::readable;
use super::{Inherited, Job, Limits, Mount, Running, SandboxError, Stream, filter};

/// How long bubblewrap may take to begin, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);
const SHELL: &str = "/bin/sh";
/// Becomes its arguments.
const CONFINED: &str = r#"umask 022 && exec "$0" "$@""#;
/// Waits for the line that says the limits are set, then becomes its arguments, without what a shell
/// adds to an environment.
const PLAIN: &str = r#"umask 022 && read -r go && exec env -i "$0" "$@" </dev/null"#;

/// Starts the job under the bubblewrap at `program`.
pub(super) fn confined(program: &Path, job: &Job) -> Result<Running, SandboxError> {
    let filters = filter::programs().as_ref().map_err(|words| {
        let (program, words) = (job.program.clone(), words.clone());
        SandboxError::Setup { program, words }
    })?;
    let count = i32::try_from(filters.len()).unwrap_or(i32::MAX);
    let words = arguments(job, count, &|path| path.symlink_metadata().is_ok());
    let mut list = Vec::new();
    for word in words {
        list.extend(word.as_bytes());
        list.push(0);
    }
    let pipe = || std::io::pipe().map_err(SandboxError::system("make a pipe"));
    let ((status, writes_status), (waits, gate)) = (pipe()?, pipe()?);
    let mut mappings = vec![
        FdMapping { parent_fd: memory(&list)?, child_fd: ARGUMENTS },
        FdMapping { parent_fd: writes_status.into(), child_fd: STATUS },
        FdMapping { parent_fd: waits.into(), child_fd: GATE },
    ];
    for (filter, child_fd) in filters.iter().zip(FILTERS..) {
        mappings.push(FdMapping { parent_fd: memory(filter)?, child_fd });
    }
    let mut command = if has_umask() {
        bare(program, job)
    } else {
        let mut shell = shell(CONFINED, job);
        shell.arg(program);
        shell
    };
    command.args(["--args", &ARGUMENTS.to_string(), "--"]);
    command.stdin(if job.stdout == Stream::Caller { Stdio::inherit() } else { Stdio::null() });
    command.arg(&job.program).args(&job.args);
    let mut child = spawn(command, mappings, job)?;

    let mut status = BufReader::new(status);
    let first = match first_process(&mut status) {
        Ok(Some(first)) => first,
        Ok(None) => return Err(setup(&mut child, job)),
        Err(error) => {
            stop(&mut child);
            return Err(SandboxError::system("read the answer of bubblewrap")(error));
        }
    };
    let ready = (|| {
        let handle = pidfd_open(first, PidfdFlags::empty())
            .map_err(SandboxError::system("hold the sandbox's first process"))?;
        limit(first, job)?;
        // Not `--block-fd`'s end of file, which would open it too: the limits are set before.
        (&gate).write_all(b"\n").map_err(SandboxError::system("open the sandbox"))?;
        Ok(handle)
    })();
    match ready {
        Ok(handle) => Running::confined(child, handle, status, job),
        Err(error) => {
            // Before the gate closes, which would let the program run without limits.
            stop(&mut child);
            Err(error)
        }
    }
}

/// Starts the job without confinement, as the leader of a process group.
pub(super) fn plain(job: &Job) -> Result<Running, SandboxError> {
    for mount in &job.mounts {
        in_place(mount)?;
    }
    if job.program.as_os_str().as_bytes().contains(&b'=') {
        let what = "without bubblewrap its path cannot have a `=`".to_owned();
        return Err(SandboxError::Job { program: job.program.clone(), what });
    }
    if let Some(mut child) = direct(job) {
        let leader = Pid::from_child(&child);
        // No core dump was possible before this, either; now the job cannot allow itself one.
        return match limit(leader, job) {
            Ok(()) => Running::plain(child, leader, job),
            Err(error) => {
                stop(&mut child);
                Err(error)
            }
        };
    }
    let mut variables: BTreeMap<&OsStr, &OsStr> =
        job.environment.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())).collect();
    variables.insert(OsStr::new("PWD"), job.folder.as_os_str());
    let variables = variables.into_iter().map(|(name, value)| {
        let mut variable = OsString::from(name);
        variable.push("=");
        variable.push(value);
        variable
    });
    let mut command = shell(PLAIN, job);
    command
        .args(variables)
        .arg(&job.program)
        .args(&job.args)
        .current_dir(&job.folder)
        .stdin(Stdio::piped())
        .process_group(0);
    let mut child = spawn(command, Vec::new(), job)?;
    let leader = Pid::from_child(&child);
    let ready = limit(leader, job).and_then(|()| {
        let mut gate = child.stdin.take();
        let opened = gate.as_mut().map_or(Ok(()), |gate| gate.write_all(b"\n"));
        opened.map_err(SandboxError::system("start the job"))
    });
    match ready {
        Ok(()) => Running::plain(child, leader, job),
        Err(error) => {
            stop(&mut child);
            Err(error)
        }
    }
}

/// Starts the program itself, where all that a shell would do before is so already. None where it is not,
/// and for what does not start: the shell says why, or knows a way.
fn direct(job: &Job) -> Option<Child> {
    let Limits { file_size, open_files, processes, time: _ } = job.limits;
    let needs_none = file_size.or(open_files).or(processes).is_none();
    if !needs_none || !has_umask() || getrlimit(Resource::Core).current != Some(0) {
        return None;
    }
    let mut command = bare(&job.program, job);
    command.args(&job.args).envs(&job.environment).env("PWD", &job.folder);
    command.current_dir(&job.folder).stdin(Stdio::null()).process_group(0);
    spawn(command, Vec::new(), job).ok()
}

/// Whether this process creates files with the permissions that jobs do. In `/proc` that can be read without
/// being changed (proc(5), since Linux 4.7).
fn has_umask() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line == "Umask:\t0022")
}

fn shell(script: &str, job: &Job) -> Command {
    let mut command = bare(Path::new(SHELL), job);
    command.args(["-c", script]).env("PATH", "/usr/bin:/bin");
    command
}

/// A program with the job's outputs and an empty environment.
fn bare(program: &Path, job: &Job) -> Command {
    let stream = |stream| match stream {
        Stream::Pipe => Stdio::piped(),
        Stream::Null => Stdio::null(),
        Stream::Caller => Stdio::inherit(),
    };
    let mut command = Command::new(program);
    command.env_clear().stdout(stream(job.stdout)).stderr(stream(job.stderr));
    command
}

/// Starts with the descriptors given and no others.
fn spawn(
    mut command: Command,
    mut mappings: Vec<FdMapping>,
    job: &Job,
) -> Result<Child, SandboxError> {
    for Inherited { number, descriptor } in &job.inherited {
        let parent_fd = descriptor
            .try_clone()
            .map_err(SandboxError::system(format!("pass descriptor {number} on")))?;
        mappings.push(FdMapping { parent_fd, child_fd: *number });
    }
    let first = command.get_program().display().to_string();
    let describe = || format!("start {first} for {}", job.program.display());
    // With none, the standard library has a quicker way than `fork`.
    if !mappings.is_empty() {
        command
            .fd_mappings(mappings)
            .map_err(|error| SandboxError::system(describe())(std::io::Error::other(error)))?;
    }
    // What was leaked to us by whoever started us would be leaked on. Rust's own descriptors are closed
    // by exec anyway; those of the mappings are opened again in the child.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    command.spawn().map_err(SandboxError::system(describe()))
}

/// A file in memory, to be read from its beginning.
fn memory(bytes: &[u8]) -> Result<OwnedFd, SandboxError> {
    let write = || -> std::io::Result<OwnedFd> {
        let mut file = File::from(memfd_create("tarsia-sandbox", MemfdFlags::CLOEXEC)?);
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(file.into())
    };
    write().map_err(SandboxError::system("make a file in memory"))
}

/// Reads bubblewrap's first answer: the process that is the first one inside. None when it ended
/// instead.
fn first_process(status: &mut BufReader<PipeReader>) -> std::io::Result<Option<Pid>> {
    if !readable(status.get_ref(), Some(PATIENCE))? {
        return Err(std::io::ErrorKind::TimedOut.into());
    }
    let mut line = String::new();
    status.read_line(&mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let bad = || std::io::Error::other(format!("not a process: {line:?}"));
    let answer: serde_json::Value = serde_json::from_str(&line).map_err(|_| bad())?;
    let number = answer.get("child-pid").and_then(serde_json::Value::as_i64);
    let number = number.and_then(|number| i32::try_from(number).ok()).ok_or_else(bad)?;
    Pid::from_raw(number).map(Some).ok_or_else(bad)
}

/// Sets the limits of a process that has not begun the job's program yet, so that it inherits them.
fn limit(process: Pid, job: &Job) -> Result<(), SandboxError> {
    let limits = [
        ("core dumps", Resource::Core, Some(0)),
        ("the size of files", Resource::Fsize, job.limits.file_size),
        ("open files", Resource::Nofile, job.limits.open_files),
        ("processes", Resource::Nproc, job.limits.processes),
    ];
    for (name, resource, most) in limits {
        let Some(most) = most else { continue };
        let most = getrlimit(resource).maximum.map_or(most, |own| own.min(most));
        let both = Rlimit { current: Some(most), maximum: Some(most) };
        prlimit(Some(process), resource, both)
            .map_err(|error| SandboxError::Limit { limit: name, why: error.to_string() })?;
    }
    Ok(())
}

/// Whether a mount is already true on the host.
fn in_place(mount: &Mount) -> Result<(), SandboxError> {
    let why = match mount {
        Mount::ReadOnly { host, inside } | Mount::ReadWrite { host, inside } if host != inside => {
            format!("it is {} on the host", host.display())
        }
        Mount::ReadOnly { host, .. } | Mount::ReadWrite { host, .. } => match host.metadata() {
            Ok(_) => return Ok(()),
            Err(error) => error.to_string(),
        },
        Mount::Tmpfs { .. } => "a folder in memory needs a sandbox".to_owned(),
        Mount::Symlink { target, inside } => match inside.read_link() {
            Ok(found) if found == *target => return Ok(()),
            Ok(found) => format!("the host's symlink leads to {}", found.display()),
            Err(error) => format!("no such symlink: {error}"),
        },
    };
    Err(SandboxError::Place { inside: mount.inside().to_owned(), why })
}

fn stop(child: &mut Child) {
    // Ended already: nothing to do about either error.
    let _ = child.kill();
    let _ = child.wait();
}

/// What bubblewrap said instead of starting.
fn setup(child: &mut Child, job: &Job) -> SandboxError {
    let mut words = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(64 << 10).read_to_string(&mut words);
    }
    let code = child.wait().ok().and_then(|status| status.code());
    let own: Vec<&str> = words.lines().filter(|line| line.starts_with("bwrap: ")).collect();
    let words = match (own.join("; ").as_str(), code) {
        ("", Some(code)) => format!("bubblewrap ended with {code}"),
        ("", None) => "bubblewrap was killed".to_owned(),
        (words, _) => words.to_owned(),
    };
    SandboxError::Setup { program: job.program.clone(), words }
}
