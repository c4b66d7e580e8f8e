//! System calls by name. Not every call: those that a filter may name. Calls that give a process
//! new code or new privileges (`ptrace`, `bpf`, `init_module`, …) are not among them.

/// What a name stands for on this architecture.
pub(super) enum Number {
    Is(i64),
    /// An older call that newer architectures do without.
    Absent,
    Unknown,
}

/// A name, and its number where there is one.
type Row = (&'static str, Option<i64>);

macro_rules! calls {
    ($($name:ident)+) => {
        &[$((stringify!($name), Some(libc::$name))),+]
    };
}

const CALLS: &[Row] = calls![
    SYS_accept SYS_accept4 SYS_adjtimex SYS_bind SYS_brk SYS_capget SYS_chdir SYS_clock_adjtime SYS_clock_getres
    SYS_clock_gettime SYS_clock_nanosleep SYS_clock_settime SYS_clone SYS_clone3 SYS_close SYS_close_range
    SYS_connect SYS_copy_file_range SYS_dup SYS_dup3 SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait
    SYS_epoll_pwait2 SYS_eventfd2 SYS_execve SYS_exit SYS_exit_group SYS_faccessat SYS_faccessat2 SYS_fadvise64
    SYS_fallocate SYS_fchdir SYS_fchmod SYS_fchmodat SYS_fchown SYS_fchownat SYS_fcntl SYS_fdatasync
    SYS_fgetxattr SYS_flock SYS_fstat SYS_fstatfs SYS_fsync SYS_ftruncate SYS_futex SYS_get_robust_list
    SYS_getcpu SYS_getcwd SYS_getdents64 SYS_getegid SYS_geteuid SYS_getgid SYS_getgroups SYS_getpeername
    SYS_getpgid SYS_getpid SYS_getppid SYS_getpriority SYS_getrandom SYS_getresgid SYS_getresuid SYS_getrusage
    SYS_getsockname SYS_getsockopt SYS_gettid SYS_gettimeofday SYS_getuid SYS_getxattr SYS_inotify_add_watch
    SYS_inotify_init1 SYS_inotify_rm_watch SYS_ioctl SYS_kill SYS_linkat SYS_listen SYS_lseek SYS_madvise
    SYS_membarrier SYS_memfd_create SYS_mincore SYS_mkdirat SYS_mlock SYS_mmap SYS_mount SYS_mprotect
    SYS_mremap SYS_msync SYS_munlock SYS_munmap SYS_nanosleep SYS_newfstatat SYS_openat SYS_openat2
    SYS_pidfd_open SYS_pidfd_send_signal SYS_pipe2 SYS_ppoll SYS_prctl SYS_pread64 SYS_preadv SYS_prlimit64
    SYS_pselect6 SYS_pwrite64 SYS_pwritev SYS_read SYS_readahead SYS_readlinkat SYS_readv SYS_reboot
    SYS_recvfrom SYS_recvmmsg SYS_recvmsg SYS_renameat SYS_renameat2 SYS_restart_syscall SYS_rseq
    SYS_rt_sigaction SYS_rt_sigpending SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigsuspend
    SYS_rt_sigtimedwait SYS_sched_getaffinity SYS_sched_setaffinity SYS_sched_yield SYS_sendfile SYS_sendmmsg
    SYS_sendmsg SYS_sendto SYS_set_robust_list SYS_set_tid_address SYS_sethostname SYS_setpriority
    SYS_setsid SYS_setsockopt SYS_settimeofday SYS_shutdown SYS_sigaltstack SYS_signalfd4 SYS_socket
    SYS_socketpair SYS_splice SYS_statfs SYS_statx SYS_symlinkat SYS_sync SYS_sync_file_range SYS_syncfs
    SYS_sysinfo SYS_syslog SYS_tee SYS_tgkill SYS_timer_create SYS_timer_delete SYS_timer_getoverrun
    SYS_timer_gettime SYS_timer_settime SYS_timerfd_create SYS_timerfd_gettime SYS_timerfd_settime SYS_times
    SYS_umask SYS_umount2 SYS_uname SYS_unlinkat SYS_utimensat SYS_vmsplice SYS_wait4 SYS_waitid SYS_write
    SYS_writev
];

/// What x86-64 has and later architectures do without.
macro_rules! older {
    ($($name:ident)+) => {
        #[cfg(target_arch = "x86_64")]
        const OLDER: &[Row] = calls![$($name)+];
        #[cfg(not(target_arch = "x86_64"))]
        const OLDER: &[Row] = &[$((stringify!($name), None)),+];
    };
}

older![
    SYS_access SYS_arch_prctl SYS_chmod SYS_dup2 SYS_epoll_create SYS_epoll_wait SYS_fork SYS_getdents SYS_getpgrp
    SYS_link SYS_lstat SYS_mkdir SYS_open SYS_pause SYS_pipe SYS_poll SYS_readlink SYS_rename SYS_rmdir
    SYS_select SYS_stat SYS_symlink SYS_time SYS_unlink SYS_vfork
];

fn find(name: &str) -> Option<(&'static str, Option<i64>)> {
    CALLS.iter().chain(OLDER).find_map(|&(long, number)| {
        let bare = long.strip_prefix("SYS_")?;
        (bare == name).then_some((bare, number))
    })
}

/// The number of a call.
pub(super) fn number(name: &str) -> Number {
    match find(name) {
        Some((_, Some(number))) => Number::Is(number),
        Some((_, None)) => Number::Absent,
        None => Number::Unknown,
    }
}

/// The name, if it is one.
pub(super) fn known(name: &str) -> Option<&'static str> {
    find(name).map(|(name, _)| name)
}
