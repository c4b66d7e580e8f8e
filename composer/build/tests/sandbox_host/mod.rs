//! A host to escape to: files, sockets, processes and memory that a job has not been given, and what tells
//! whether one was touched.

#![expect(clippy::print_stdout, reason = "a skipped check must be seen")]
#![expect(clippy::unwrap_used, reason = "a host that cannot be made fails the test")]

use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use command_fds::FdMapping;
use tarsia_build::Surroundings;
use tarsia_build::sandbox::{Confinement, Finished, Job, Mount};
use tempfile::TempDir;

pub mod probes;

pub const SECRET: &str = "the host's secret";

/// The confinement to test, or none after a line that says why.
pub fn bubblewrap() -> Option<Confinement> {
    match Confinement::probe(&Surroundings::read()) {
        Confinement::None { reason } => {
            // Where bubblewrap itself works, it is our use of it that does not.
            let bare = [
                "--unshare-all",
                "--ro-bind",
                "/",
                "/",
                "--proc",
                "/proc",
                "--dev",
                "/dev",
                "true",
            ];
            let bare = Command::new("bwrap").args(bare).stdin(Stdio::null()).output();
            assert!(
                !bare.is_ok_and(|output| output.status.success()),
                "bubblewrap works, but: {reason}"
            );
            println!("SKIPPED: the sandbox is not tested: {reason}");
            None
        }
        confinement => Some(confinement),
    }
}

pub struct Host {
    pub folder: TempDir,
    pub port: u16,
    pub port6: Option<u16>,
    pub udp: u16,
    pub visits: Arc<AtomicUsize>,
    pub sleeper: Child,
    shm: PathBuf,
    segment: i32,
    queue: String,
    abstract_name: String,
    leak: OwnedFd,
}

impl Host {
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let name =
            folder.path().file_name().unwrap().to_str().unwrap().trim_matches('.').to_owned();
        let path = |name: &str| folder.path().join(name);
        // Nobody shall be stopped by permissions alone.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for inside in ["in", "out", "sibling"] {
            fs::create_dir(path(inside)).unwrap();
        }
        for file in ["secret", "sibling/secret", "in/file"] {
            fs::write(path(file), SECRET).unwrap();
        }
        symlink(path("secret"), path("in/link")).unwrap();
        symlink("/", path("in/root")).unwrap();

        let visits = Arc::new(AtomicUsize::new(0));
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let tcp6 = TcpListener::bind("[::1]:0").ok();
        let port6 = tcp6.as_ref().map(|tcp| tcp.local_addr().unwrap().port());
        for listener in [Some(tcp), tcp6].into_iter().flatten() {
            let visits = Arc::clone(&visits);
            std::thread::spawn(move || {
                for _ in listener.incoming() {
                    visits.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let udp_socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let udp = udp_socket.local_addr().unwrap().port();
        let counts = Arc::clone(&visits);
        std::thread::spawn(move || {
            while let Ok((_, from)) = udp_socket.recv_from(&mut [0; 16]) {
                counts.fetch_add(1, Ordering::SeqCst);
                let _ = udp_socket.send_to(b"pong", from);
            }
        });
        let abstract_name = format!("tarsia-{name}");
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let sockets = [
            UnixListener::bind_addr(&address).unwrap(),
            UnixListener::bind(path("socket")).unwrap(),
        ];
        for listener in sockets {
            let visits = Arc::clone(&visits);
            std::thread::spawn(move || {
                for _ in listener.incoming() {
                    visits.fetch_add(1, Ordering::SeqCst);
                }
            });
        }

        let shm = PathBuf::from(format!("/dev/shm/tarsia-{name}"));
        fs::write(&shm, SECRET).unwrap();
        let queue = format!("tarsia-{name}");
        let segment = perl_on_host(&format!(
            "my $m = shmget(0, 4096, 0600|01000); print $m; \
             syscall({}, my $q = '{queue}', 0102, 0600, 0);",
            libc::SYS_mq_open
        ));
        let sleeper = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
        // What a careless parent leaks: open for whoever is started.
        let leak = File::open(path("secret")).unwrap();
        let leak = rustix::io::fcntl_dupfd_cloexec(&leak, 100).unwrap();
        Self {
            port,
            port6,
            udp,
            visits,
            sleeper,
            shm,
            segment: segment.trim().parse().unwrap(),
            queue,
            abstract_name,
            leak,
            folder,
        }
    }

    /// Leaks a descriptor of the secret to every process that is started from now on.
    pub fn leak(&self) {
        rustix::io::fcntl_setfd(&self.leak, rustix::io::FdFlags::empty()).unwrap();
    }

    /// The same leak, for one process.
    pub fn leaked(&self) -> FdMapping {
        FdMapping { parent_fd: self.leak.try_clone().unwrap(), child_fd: 100 }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Fills in `@NAME@`: what the host has, and numbers of system calls.
    pub fn fill(&self, script: &str) -> String {
        let path = |name: &str| self.path(name).display().to_string();
        let namespaces = ["pid", "net", "ipc", "uts", "mnt", "user"].map(|name| {
            fs::read_link(format!("/proc/self/ns/{name}")).unwrap().display().to_string()
        });
        let namespaces = namespaces.join(",");
        let mut script = script.to_owned();
        for (name, value) in [
            ("DIR", self.folder.path().display().to_string()),
            ("SECRET", path("secret")),
            ("IN", path("in")),
            ("OUT", path("out")),
            ("SOCKET", path("socket")),
            ("PORT", self.port.to_string()),
            ("PORT6", self.port6.unwrap_or(9).to_string()),
            ("UDP", self.udp.to_string()),
            ("ABSTRACT", self.abstract_name.clone()),
            ("PID", self.sleeper.id().to_string()),
            ("SHM", self.shm.display().to_string()),
            ("SEGMENT", self.segment.to_string()),
            ("QUEUE", self.queue.clone()),
            ("NAMESPACES", namespaces),
        ] {
            script = script.replace(&format!("@{name}@"), &value);
        }
        for (name, number) in CALLS {
            script = script.replace(&format!("@{name}@"), &number.to_string());
        }
        assert!(!script.contains("@SYS") && !script.contains("@P"), "unknown name in {script}");
        script
    }

    /// A job with the host's programs, `in` to read and `out` to write, at their own places.
    pub fn job(&self, program: &str, args: &[&str]) -> Job {
        let mut job = Job::new(program);
        job.args = args.iter().map(Into::into).collect();
        job.environment.insert("PATH".into(), "/usr/bin:/bin".into());
        job.mounts = Confinement::system();
        let (input, output) = (self.path("in"), self.path("out"));
        job.folder.clone_from(&output);
        job.mounts.push(Mount::ReadOnly { host: input.clone(), inside: input });
        job.mounts.push(Mount::ReadWrite { host: output.clone(), inside: output });
        job.limits.time = Some(Duration::from_secs(30));
        job
    }

    pub fn perl(&self, script: &str) -> Job {
        self.job("/usr/bin/perl", &["-e", &self.fill(script)])
    }

    /// What of the host was touched.
    pub fn touched(&mut self) -> Vec<String> {
        let mut touched = Vec::new();
        for file in ["secret", "sibling/secret", "in/file"] {
            if fs::read_to_string(self.path(file)).ok().as_deref() != Some(SECRET) {
                touched.push(format!("{file} has other words"));
            }
        }
        if fs::read_to_string(&self.shm).ok().as_deref() != Some(SECRET) {
            touched.push("the shared memory has other words".to_owned());
        }
        for (folder, expected) in [("", 5), ("sibling", 1), ("in", 3)] {
            let names = walk(&self.path(folder));
            if names.len() != expected {
                touched.push(format!("{folder:?} holds {names:?}"));
            }
        }
        if self.visits.load(Ordering::SeqCst) != 0 {
            touched.push("a listener was visited".to_owned());
        }
        if self.sleeper.try_wait().unwrap().is_some() {
            touched.push("the sleeping process was ended".to_owned());
        }
        let alive =
            perl_on_host(&format!("print shmctl({}, 2, my $b) ? 'there' : 'gone'", self.segment));
        if alive != "there" {
            touched.push("the shared segment is gone".to_owned());
        }
        touched
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.sleeper.kill();
        let _ = self.sleeper.wait();
        let _ = fs::remove_file(&self.shm);
        perl_on_host(&format!(
            "shmctl({}, 0, 0); syscall({}, my $q = '{}');",
            self.segment,
            libc::SYS_mq_unlink,
            self.queue
        ));
    }
}

#[expect(clippy::disallowed_methods, reason = "only the count matters")]
pub fn walk(folder: &std::path::Path) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// Runs perl without any sandbox.
pub fn perl_on_host(script: &str) -> String {
    let output = Command::new("perl").args(["-e", script]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a job to its end.
pub fn run(confinement: &Confinement, job: &Job) -> Finished {
    confinement.spawn(job).unwrap().finish(1 << 20).unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

macro_rules! calls {
    ($($name:ident)*) => { [$((stringify!($name), libc::$name)),*] };
}

const CALLS: [(&str, i64); 46] = calls![
    SYS_add_key SYS_bpf SYS_chroot SYS_clock_settime SYS_clone SYS_clone3 SYS_delete_module SYS_finit_module
    SYS_fsopen SYS_getpid SYS_init_module SYS_io_uring_setup SYS_ioctl SYS_kexec_load SYS_keyctl
    SYS_mknodat SYS_mount SYS_mq_open SYS_open_tree SYS_openat SYS_openat2 SYS_perf_event_open
    SYS_pivot_root SYS_process_vm_readv SYS_ptrace SYS_quotactl SYS_reboot SYS_request_key SYS_setdomainname
    SYS_sethostname SYS_setns SYS_settimeofday SYS_setuid SYS_swapon SYS_syslog SYS_umount2 SYS_unshare
    SYS_userfaultfd SYS_fchmodat SYS_fchmod SYS_setgroups SYS_acct SYS_sched_setscheduler SYS_fanotify_init
    SYS_pidfd_open SYS_uname
];
