//! The words that bubblewrap is told: one function from a job to its arguments, so that what a job
//! can see is read in one place.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::{Job, Mount};

/// The host name inside.
pub(super) const HOSTNAME: &str = "tarsia";
/// User and group inside; neither is root.
const ID: &str = "1000";

/// Descriptors on which bubblewrap talks with us. Above those that a job may inherit.
pub(super) const ARGUMENTS: i32 = 20;
/// Where bubblewrap writes that it has started and how the program ended.
pub(super) const STATUS: i32 = 21;
/// Where bubblewrap waits until the limits are set.
pub(super) const GATE: i32 = 22;
/// The first of the seccomp programs.
pub(super) const FILTERS: i32 = 23;

/// Parts of `/proc` that a sandbox started by root could otherwise write to (the kernel asks for the
/// user id alone, not for a capability), or that tell about the host and nothing about the job.
/// The list is that of the OCI runtimes' masked and read-only paths.
const HIDDEN_FOLDERS: [&str; 8] = [
    "/proc/sys",
    "/proc/acpi",
    "/proc/asound",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/driver",
    "/proc/scsi",
];
const HIDDEN_FILES: [&str; 12] = [
    "/proc/config.gz",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/key-users",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/latency_stats",
    "/proc/mtrr",
    "/proc/sched_debug",
    "/proc/sysrq-trigger",
    "/proc/timer_list",
    "/proc/vmallocinfo",
];

/// All options of bubblewrap, for it to read from [`ARGUMENTS`]: on its command line, the job would see
/// the host's paths. `filters` is how many seccomp programs follow from [`FILTERS`] on; `exists` says
/// whether the host's kernel has a path of `/proc`.
pub(super) fn arguments(job: &Job, filters: i32, exists: &dyn Fn(&Path) -> bool) -> Vec<OsString> {
    let mut words = Words::default();
    words.add(["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"]);
    words.add(["--unshare-uts", "--unshare-cgroup-try", "--disable-userns"]);
    words.add(["--assert-userns-disabled", "--new-session", "--die-with-parent"]);
    words.add(["--cap-drop", "ALL", "--uid", ID, "--gid", ID, "--hostname", job.host_name]);
    words.add(["--json-status-fd", &STATUS.to_string(), "--block-fd", &GATE.to_string()]);
    for filter in FILTERS..FILTERS + filters {
        words.add(["--add-seccomp-fd", &filter.to_string()]);
    }
    words.add(["--clearenv"]);
    for (name, value) in &job.environment {
        words.add([OsStr::new("--setenv"), name, value]);
    }
    words.add(["--proc", "/proc"]);
    for hidden in HIDDEN_FOLDERS.into_iter().filter(|path| exists(Path::new(path))) {
        words.add(["--tmpfs", hidden, "--remount-ro", hidden]);
    }
    for hidden in HIDDEN_FILES.into_iter().filter(|path| exists(Path::new(path))) {
        words.add(["--ro-bind", "/dev/null", hidden]);
    }
    words.add(["--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
    let mounts = job.sorted_mounts();
    if !mounts.iter().any(|mount| mount.inside() == Path::new("/tmp")) {
        words.add(["--perms", "1777", "--tmpfs", "/tmp"]);
    }
    mounts.into_iter().for_each(|mount| words.mount(mount));
    words.add(["--remount-ro", "/"]);
    words.add([OsStr::new("--chdir"), job.folder.as_os_str()]);
    words.0
}

#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn add<W: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = W>) {
        self.0.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
    }

    fn mount(&mut self, mount: &Mount) {
        match mount {
            Mount::ReadOnly { host, inside } => {
                self.add([OsStr::new("--ro-bind"), host.as_os_str(), inside.as_os_str()]);
            }
            Mount::ReadWrite { host, inside } => {
                self.add([OsStr::new("--bind"), host.as_os_str(), inside.as_os_str()]);
            }
            Mount::Tmpfs { inside, size } => {
                if let Some(size) = size {
                    self.add(["--size", &size.to_string()]);
                }
                self.add(["--perms", "1777"]);
                self.add([OsStr::new("--tmpfs"), inside.as_os_str()]);
            }
            Mount::Symlink { target, inside } => {
                self.add([OsStr::new("--symlink"), target.as_os_str(), inside.as_os_str()]);
            }
        }
    }
}
