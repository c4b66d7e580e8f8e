//! What a job is: everything that a program gets to see, and how much of it. A description only;
//! whether it makes sense is checked before anything starts.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::SandboxError;

/// A program to run, with all it may see. Paths are absolute and without `.` or `..`; "inside" are
/// those that the program uses.
#[derive(Clone, Debug)]
pub struct Job {
    /// The program, inside.
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub args: Vec<OsString>,
    /// Its environment, exactly; only `PWD` is added, which is `folder`.
    pub environment: BTreeMap<OsString, OsString>,
    /// Its working folder, inside.
    pub folder: PathBuf,
    /// What it finds besides `/proc`, `/dev` and an empty `/tmp`; a folder before what is in it,
    /// whatever the order here.
    pub mounts: Vec<Mount>,
    /// What it is told the machine's name is; without bubblewrap it is the machine's.
    pub host_name: &'static str,
    /// Where its standard output goes. Its standard input is empty, or with [`Stream::Caller`] here the
    /// caller's.
    pub stdout: Stream,
    /// Where its error output goes.
    pub stderr: Stream,
    /// The only descriptors that it has besides the standard three.
    pub inherited: Vec<Inherited>,
    /// How much it may use.
    pub limits: Limits,
}

/// Something that a job finds at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// A file or folder of the host, which cannot be changed inside. Mounts below it come along.
    ReadOnly {
        /// Where it is on the host; symlinks on the way are followed.
        host: PathBuf,
        /// Where the job finds it.
        inside: PathBuf,
    },
    /// A file or folder of the host, which may be changed inside. Other mounts may lie in it only while
    /// no job has written to it: bubblewrap makes their places, and would follow a symlink that one left.
    ReadWrite {
        /// Where it is on the host; symlinks on the way are followed.
        host: PathBuf,
        /// Where the job finds it.
        inside: PathBuf,
    },
    /// An empty folder in memory, gone with the job.
    Tmpfs {
        /// Where the job finds it.
        inside: PathBuf,
        /// How many bytes fit; without it, what the kernel allows (half of the memory).
        size: Option<u64>,
    },
    /// A symbolic link.
    Symlink {
        /// What it says, unchecked: it is followed inside.
        target: PathBuf,
        /// Where the job finds it.
        inside: PathBuf,
    },
}

/// Where an output of a job goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// Through a pipe to the caller.
    #[default]
    Pipe,
    /// Nowhere.
    Null,
    /// To the caller's own.
    Caller,
}

/// A descriptor that a job is given on purpose, such as one of the pipe of a GNU make jobserver.
#[derive(Clone, Debug)]
pub struct Inherited {
    /// Its number inside, 3 to 9.
    pub number: i32,
    /// What it stands for.
    pub descriptor: Arc<OwnedFd>,
}

/// How much a job may use. Core dumps are always off. A lower limit of the host's own stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file (`RLIMIT_FSIZE`); writing more ends the job with `SIGXFSZ`.
    pub file_size: Option<u64>,
    /// Descriptors of one process (`RLIMIT_NOFILE`).
    pub open_files: Option<u64>,
    /// Processes and threads together (`RLIMIT_NPROC`), at least 8: two of them are bubblewrap's. An error
    /// where it has no effect, see [`Confinement::limits_processes`](super::Confinement::limits_processes).
    pub processes: Option<u64>,
    /// Time on the wall, after which everything of the job is killed.
    pub time: Option<Duration>,
}

impl Mount {
    /// Where the job finds it.
    pub fn inside(&self) -> &Path {
        match self {
            Self::ReadOnly { inside, .. }
            | Self::ReadWrite { inside, .. }
            | Self::Tmpfs { inside, .. }
            | Self::Symlink { inside, .. } => inside,
        }
    }
}

impl Job {
    /// A job that sees nothing yet: no mounts, no environment, `/` as its folder.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            environment: BTreeMap::new(),
            folder: PathBuf::from("/"),
            mounts: Vec::new(),
            host_name: super::arguments::HOSTNAME,
            stdout: Stream::Pipe,
            stderr: Stream::Pipe,
            inherited: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The mounts, folders before what is in them.
    pub(super) fn sorted_mounts(&self) -> Vec<&Mount> {
        let mut mounts: Vec<&Mount> = self.mounts.iter().collect();
        mounts.sort_by_key(|mount| mount.inside());
        mounts
    }

    /// Reports the first contradiction of the description.
    pub(super) fn check(&self) -> Result<(), SandboxError> {
        self.contradiction()
            .map_or(Ok(()), |what| Err(SandboxError::Job { program: self.program.clone(), what }))
    }

    fn contradiction(&self) -> Option<String> {
        let texts = self.args.iter().chain(self.environment.values());
        if let Some(text) = texts.into_iter().find(|text| has_nul(text)) {
            return Some(format!("a zero byte in {text:?}"));
        }
        for name in self.environment.keys() {
            if name.is_empty() || has_nul(name) || name.as_bytes().contains(&b'=') {
                return Some(format!("{name:?} cannot be the name of a variable"));
            }
            if name == "PWD" && self.environment[name] != self.folder.as_os_str() {
                return Some("PWD must be the working folder".to_owned());
            }
        }
        let own = [&self.program, &self.folder];
        if let Some(path) = own.into_iter().find(|path| !is_plain(path)) {
            return Some(format!("{} is not absolute and plain", path.display()));
        }
        self.bad_mount().or_else(|| self.bad_descriptor()).or_else(|| {
            let few = self.limits.processes.is_some_and(|processes| processes < 8);
            few.then(|| "fewer than 8 processes".to_owned())
        })
    }

    fn bad_mount(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        for mount in &self.mounts {
            let inside = mount.inside();
            let shown = inside.display();
            if !is_plain(inside) || inside == Path::new("/") {
                return Some(format!("nothing can be mounted at {shown}"));
            }
            // What the sandbox itself puts there must stay what it is.
            if ["/proc", "/dev", "/sys"].iter().any(|kept| inside.starts_with(kept)) {
                return Some(format!("{shown} belongs to the sandbox"));
            }
            if !seen.insert(inside) {
                return Some(format!("{shown} is mounted twice"));
            }
            match mount {
                Mount::ReadOnly { host, .. } | Mount::ReadWrite { host, .. } if !is_plain(host) => {
                    return Some(format!("{} is not absolute and plain", host.display()));
                }
                Mount::Tmpfs { size: Some(0), .. } => return Some(format!("{shown} has no size")),
                Mount::Symlink { target, .. }
                    if target.as_os_str().is_empty() || has_nul(target.as_os_str()) =>
                {
                    return Some(format!("the symlink {shown} leads nowhere"));
                }
                _ => {}
            }
        }
        None
    }

    fn bad_descriptor(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let bad = |number: &i32| !(3..=9).contains(number) || !seen.insert(*number);
        let number = self.inherited.iter().map(|inherited| inherited.number).find(bad)?;
        Some(format!("descriptor {number} is given twice or is not from 3 to 9"))
    }
}

fn has_nul(text: &OsStr) -> bool {
    text.as_bytes().contains(&0)
}

/// Absolute, and spelt in the one way: no `.`, `..`, doubled or trailing slash.
fn is_plain(path: &Path) -> bool {
    let normal: PathBuf = path.components().collect();
    path.is_absolute()
        && !has_nul(path.as_os_str())
        && normal.as_os_str() == path.as_os_str()
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(change: impl FnOnce(&mut Job)) -> String {
        let mut job = Job::new("/bin/true");
        change(&mut job);
        job.check().map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn contradictions_are_named() {
        let bind =
            |host: &str, inside: &str| Mount::ReadOnly { host: host.into(), inside: inside.into() };
        let mount = |mount: Mount| words(|job| job.mounts.push(mount));
        let variable = |name: &str, value: &str| {
            words(|job| {
                job.environment.insert(name.into(), value.into());
            })
        };
        let rows = [
            (words(|_| {}), "fine"),
            (mount(bind("/usr", "/usr")), "fine"),
            (words(|job| job.program = "sh".into()), "sh is not absolute and plain"),
            (words(|job| job.folder = "/a/../b".into()), "/a/../b is not absolute and plain"),
            (words(|job| job.args.push("a\0".into())), "a zero byte in"),
            (variable("", "x"), "cannot be the name"),
            (variable("a=b", "x"), "cannot be the name"),
            (variable("a", "\0"), "a zero byte"),
            (variable("PWD", "/home"), "PWD must be"),
            (mount(bind("/usr", "/")), "nothing can be mounted at /"),
            (mount(bind("/usr", "/a/")), "nothing can be mounted at /a/"),
            (mount(bind("usr", "/usr")), "usr is not absolute"),
            (mount(bind("/usr", "/proc/sys")), "belongs to the sandbox"),
            (mount(bind("/usr", "/dev")), "belongs to the sandbox"),
            (mount(Mount::Tmpfs { inside: "/t".into(), size: Some(0) }), "has no size"),
            (mount(Mount::Symlink { target: "".into(), inside: "/l".into() }), "leads nowhere"),
            (
                words(|job| job.mounts = vec![bind("/a", "/x"), bind("/b", "/x")]),
                "/x is mounted twice",
            ),
            (words(|job| job.limits.processes = Some(2)), "fewer than 8"),
        ];
        for (found, expected) in rows {
            assert!(found.contains(expected), "{found:?} should say {expected:?}");
        }
    }

    #[test]
    fn descriptors_have_a_range_and_are_given_once() {
        let descriptor: Arc<OwnedFd> = Arc::new(std::fs::File::open("/dev/null").unwrap().into());
        for (numbers, fine) in
            [(vec![3, 9], true), (vec![2], false), (vec![10], false), (vec![4, 4], false)]
        {
            let inherited = |&number| Inherited { number, descriptor: Arc::clone(&descriptor) };
            let found = words(|job| job.inherited = numbers.iter().map(inherited).collect());
            assert_eq!(found == "fine", fine, "{numbers:?}: {found}");
        }
    }
}
