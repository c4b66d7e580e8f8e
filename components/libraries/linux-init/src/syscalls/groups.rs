//! Groups of system calls, by what a process wants to do. Each was made from what the C library and
//! Rust's standard library call for it, older calls of x86-64 included.

/// A call that is allowed, always or when an argument is right.
pub(super) struct Allow {
    pub call: &'static str,
    pub when: Option<When>,
}

/// An argument (counted from 0), of which the bits of `mask` are `equals`.
#[derive(Clone, Copy)]
pub(super) struct When {
    pub argument: u8,
    pub mask: u64,
    pub equals: u64,
}

const fn any(call: &'static str) -> Allow {
    Allow { call, when: None }
}

const fn when(call: &'static str, argument: u8, mask: u64, equals: u64) -> Allow {
    Allow { call, when: Some(When { argument, mask, equals }) }
}

const fn family(family: i32) -> Allow {
    when("socket", 0, u32::MAX as u64, family as u64)
}

macro_rules! any {
    ($($call:literal)+ $(; $more:expr)* $(;)?) => {
        &[$(any($call),)+ $($more,)*]
    };
}

/// What every process needs: memory that is not code, its end, signals to itself, chance, locks,
/// its own numbers, and writing to the console and to init.
pub(super) const BASE: &[Allow] = any![
    "brk" "munmap" "mremap" "madvise" "exit" "exit_group" "rt_sigaction" "rt_sigprocmask" "rt_sigreturn"
    "sigaltstack" "restart_syscall" "getrandom" "futex" "gettid" "getpid" "tgkill" "sched_yield"
    "sched_getaffinity" "clock_gettime" "clock_getres" "gettimeofday" "clock_nanosleep" "nanosleep"
    "getuid" "geteuid" "getgid" "getegid" "set_robust_list" "rseq" "membarrier" "uname" "sysinfo"
    "write" "writev" "close" "clone3";
    when("mmap", 2, libc::PROT_EXEC as u64, 0);
    when("mprotect", 2, libc::PROT_EXEC as u64, 0);
];

/// The names of all groups.
#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "io",
    "files",
    "files-write",
    "net",
    "netlink",
    "packet",
    "time",
    "threads",
    "processes",
    "mount",
    "reboot",
];

/// The calls of a group.
pub(super) fn group(name: &str) -> Option<&'static [Allow]> {
    Some(match name {
        "io" => IO,
        "files" => FILES,
        "files-write" => FILES_WRITE,
        "net" => NET,
        "netlink" => NETLINK,
        "packet" => PACKET,
        "time" => TIME,
        "threads" => THREADS,
        "processes" => PROCESSES,
        "mount" => MOUNT,
        "reboot" => REBOOT,
        _ => return None,
    })
}

/// Reading, writing and waiting on what is open.
const IO: &[Allow] = any![
    "read" "readv" "pread64" "preadv" "pwrite64" "pwritev" "lseek" "fstat" "fcntl" "dup" "dup3"
    "poll" "ppoll" "select" "pselect6" "epoll_create1" "epoll_ctl" "epoll_wait" "epoll_pwait"
    "epoll_pwait2" "eventfd2" "pipe2";
];

/// Opening for reading, and looking at what is there.
const FILES: &[Allow] = any![
    "statx" "newfstatat" "stat" "lstat" "access" "faccessat" "faccessat2" "readlink" "readlinkat"
    "getdents64" "statfs" "fstatfs" "getcwd" "flock" "fadvise64";
    when("openat", 2, OPEN_WRITES, libc::O_RDONLY as u64);
    when("open", 1, OPEN_WRITES, libc::O_RDONLY as u64);
];

/// The flags of open by which something could change. `O_TMPFILE` is not one bit: it holds the one
/// of `O_DIRECTORY`, and asks for writing.
const OPEN_WRITES: u64 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u64;

/// Making, changing and removing files, as far as their owners let.
const FILES_WRITE: &[Allow] = any![
    "openat" "open" "ftruncate" "fallocate" "fsync" "fdatasync" "syncfs" "sync_file_range"
    "rename" "renameat" "renameat2" "unlink" "unlinkat" "mkdir" "mkdirat" "rmdir" "link" "linkat"
    "symlink" "symlinkat" "chmod" "fchmod" "fchmodat" "fchown" "fchownat" "utimensat" "copy_file_range"
    "sendfile";
];

/// Sockets of the internet and of this machine.
const NET: &[Allow] = any![
    "socketpair" "bind" "listen" "accept" "accept4" "connect" "getsockname" "getpeername" "setsockopt"
    "getsockopt" "sendto" "sendmsg" "sendmmsg" "recvfrom" "recvmsg" "recvmmsg" "shutdown";
    family(libc::AF_INET);
    family(libc::AF_INET6);
    family(libc::AF_UNIX);
    when("ioctl", 1, u32::MAX as u64, libc::FIONBIO);
];

/// Talking to the kernel about interfaces, addresses and routes.
const NETLINK: &[Allow] = any![
    "bind" "sendto" "sendmsg" "recvfrom" "recvmsg" "getsockname" "setsockopt";
    family(libc::AF_NETLINK);
];

/// Raw packets, and what is asked of an interface before.
const PACKET: &[Allow] = any![
    "bind" "sendto" "sendmsg" "recvfrom" "recvmsg" "setsockopt";
    family(libc::AF_PACKET);
    when("ioctl", 1, u32::MAX as u64, libc::SIOCGIFINDEX);
];

/// Timers.
const TIME: &[Allow] = any![
    "timerfd_create" "timerfd_settime" "timerfd_gettime" "timer_create" "timer_settime" "timer_gettime"
    "timer_delete" "timer_getoverrun" "times" "getrusage";
];

/// Threads in the same process, and nothing else that `clone` can do.
const THREADS: &[Allow] = any![
    "getcpu" "sched_setaffinity" "get_robust_list" "set_tid_address";
    when("clone", 0, libc::CLONE_THREAD as u64, libc::CLONE_THREAD as u64);
    when("prctl", 0, u32::MAX as u64, libc::PR_SET_NAME as u64);
];

/// Further processes, and signals to them.
const PROCESSES: &[Allow] = any![
    "clone" "fork" "vfork" "execve" "wait4" "waitid" "kill" "pidfd_open" "pidfd_send_signal" "setsid"
    "getppid" "getpgid" "close_range" "dup2" "prlimit64" "chdir" "umask";
];

/// Mounting; wants a capability that has no name, so it is for processes of root.
const MOUNT: &[Allow] = any!["mount" "umount2" "sync"];

/// Ending the product.
const REBOOT: &[Allow] = any!["reboot" "sync"];
