//! Which confinement this machine has, and starting jobs in it. Nothing falls back by itself: without
//! bubblewrap the caller holds a [`Confinement::None`] with the reason, and decides.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, geteuid, pidfd_open};

use super::running::readable;
use super::{Ending, Job, Mount, Running, SandboxError, launch};
use crate::Surroundings;
use crate::engine::Setting;

/// How jobs are kept apart from the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// By bubblewrap, which was tried and works.
    Bubblewrap {
        /// Where it is.
        program: PathBuf,
        /// Its version, such as `0.8.0`.
        version: String,
    },
    /// Not at all: jobs see the whole host, with their own environment and descriptors only.
    None {
        /// Why there is no other.
        reason: String,
    },
}

/// The first version with `--disable-userns`: that of Debian 12.
const OLDEST: [u32; 2] = [0, 8];
/// How long each step of the probe may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Confinement {
    /// Looks for bubblewrap and runs a program in it with every option that jobs are run with. Takes at
    /// most some 30 s, usually some 10 ms.
    pub fn probe(surroundings: &Surroundings) -> Self {
        match probe(surroundings) {
            Ok((program, version)) => Self::Bubblewrap { program, version },
            Err(reason) => Self::None { reason },
        }
    }

    /// Starts a job. The thread that calls this has to live as long as the job: the kernel ends a sandbox
    /// with the thread that started it.
    ///
    /// Every descriptor of this process from 3 upwards becomes close-on-exec by it, which they are anyway
    /// unless they were leaked to it.
    pub fn spawn(&self, job: &Job) -> Result<Running, SandboxError> {
        job.check()?;
        if job.limits.processes.is_some() && !self.limits_processes() {
            let why = match self {
                Self::Bubblewrap { .. } => "the kernel exempts root",
                Self::None { .. } => "without a sandbox all processes of the user count",
            };
            return Err(SandboxError::Limit { limit: "processes", why: why.to_owned() });
        }
        match self {
            Self::Bubblewrap { program, .. } => launch::confined(program, job),
            Self::None { .. } => launch::plain(job),
        }
    }

    /// Whether [`Limits::processes`](super::Limits::processes) has an effect: only with bubblewrap, and
    /// not for root, whom the kernel exempts.
    pub fn limits_processes(&self) -> bool {
        matches!(self, Self::Bubblewrap { .. }) && !geteuid().is_root()
    }

    /// What stands for it in keys: what was built with the whole machine in sight may be made of more than is
    /// known.
    pub fn setting(&self) -> Setting {
        let value = match self {
            Self::Bubblewrap { .. } => "sandbox 1",
            Self::None { .. } => "none",
        };
        Setting::new("platform", "confinement", value)
    }

    /// What gives a job the programs and libraries of the host's system, read-only: `/usr`, and beside
    /// it `/bin`, `/lib` and the like as they are on the host, with the links that lead to Debian's `cc`.
    pub fn system() -> Vec<Mount> {
        let folders = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
        let others = ["/etc/alternatives", "/nix/store"];
        let mount = |path: &str| {
            let path = Path::new(path);
            if let Ok(target) = path.read_link() {
                return Some(Mount::Symlink { target, inside: path.to_owned() });
            }
            path.is_dir()
                .then(|| Mount::ReadOnly { host: path.to_owned(), inside: path.to_owned() })
        };
        folders.into_iter().chain(others).filter_map(mount).collect()
    }
}

fn probe(surroundings: &Surroundings) -> Result<(PathBuf, String), String> {
    let program = surroundings.find("bwrap").ok_or("bubblewrap is not installed")?;
    let version = version(surroundings, &program)?;
    let confinement =
        Confinement::Bubblewrap { program: program.clone(), version: version.clone() };
    let mut job = Job::new("/bin/sh");
    job.args = ["-c", "echo works"].map(Into::into).to_vec();
    job.mounts = Confinement::system();
    job.limits.time = Some(PATIENCE);
    let finished = confinement
        .spawn(&job)
        .and_then(|running| running.finish(4096))
        .map_err(|error| format!("bubblewrap {version} does not work here: {error}"))?;
    if finished.ending != Ending::Exited(0) || finished.stdout != b"works\n" {
        let stderr = String::from_utf8_lossy(&finished.stderr);
        let ending = finished.ending;
        return Err(format!(
            "bubblewrap {version} does not work here: {ending:?} {}",
            stderr.trim()
        ));
    }
    Ok((program, version))
}

fn version(surroundings: &Surroundings, program: &Path) -> Result<String, String> {
    let shown = program.display();
    let failed = |error: std::io::Error| format!("{shown} could not be asked its version: {error}");
    let mut child = surroundings
        .command(program)
        .arg("--version")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let ended = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
        .and_then(|handle| readable(&handle, Some(PATIENCE)));
    // Ended already, or too slow: nothing to do about either error.
    let _ = child.kill();
    child.wait().map_err(failed)?;
    if !ended.map_err(|error| failed(error.into()))? {
        return Err(format!("{shown} did not say its version within {} s", PATIENCE.as_secs()));
    }
    let mut words = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(4096).read_to_string(&mut words).map_err(failed)?;
    }
    supported(&words)
}

/// Reads `bubblewrap 0.8.0`.
fn supported(words: &str) -> Result<String, String> {
    let unknown = || format!("not a version of bubblewrap: {words:?}");
    let version = words.trim().strip_prefix("bubblewrap ").ok_or_else(unknown)?;
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return Err(unknown());
    };
    if [major, minor] < OLDEST {
        return Err(format!("bubblewrap {version} is older than 0.8"));
    }
    Ok(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        for (words, fine) in [
            ("bubblewrap 0.8.0\n", true),
            ("bubblewrap 0.11.1\n", true),
            ("bubblewrap 1.0.0\n", true),
            ("bubblewrap 0.6.2\n", false),
            ("bubblewrap\n", false),
            ("bubblewrap x.y\n", false),
            ("", false),
        ] {
            assert_eq!(supported(words).is_ok(), fine, "{words:?}");
        }
    }

    #[test]
    fn without_bubblewrap_the_reason_is_told() {
        let mut surroundings = Surroundings::read();
        surroundings.path = "/nonexistent".into();
        let reason = "bubblewrap is not installed".to_owned();
        assert_eq!(Confinement::probe(&surroundings), Confinement::None { reason });
    }
}
