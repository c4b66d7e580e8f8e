//! Attempts to leave the sandbox, one per row: a Perl expression that is true when it got out. Where
//! `on_host` is set, the same words are run without a sandbox first and have to succeed, so that a row
//! that cannot fail is noticed.

pub struct Probe {
    pub name: &'static str,
    pub script: &'static str,
    pub on_host: bool,
}

/// A row that succeeds on any host.
const fn any(name: &'static str, script: &'static str) -> Probe {
    Probe { name, script, on_host: true }
}

/// A row that would do harm on a host, or needs root or a kernel with the feature.
const fn only(name: &'static str, script: &'static str) -> Probe {
    Probe { name, script, on_host: false }
}

pub const PROBES: &[Probe] = &[
    // Files
    any("read a file of the host", "open($f, '<', '@SECRET@') && <$f>"),
    any("write to a file of the host", "open($f, '>>', '@SECRET@') && print $f 'x'"),
    any("create a file on the host", "open($f, '>', '@DIR@/new')"),
    any("remove a file of the host", "unlink '@DIR@/sibling/secret'"),
    any("list a folder of the host", "opendir($d, '@DIR@') && grep(/secret/, readdir $d)"),
    any("see a file's status", "-e '@SECRET@'"),
    any("see /home", "-e '/home'"),
    any("see /root", "-e '/root'"),
    any("read /etc/passwd", "open($f, '<', '/etc/passwd') && <$f>"),
    any("see /sys", "-e '/sys/class'"),
    any("see /var, /run and other mounts", "grep(-e, qw(/var/lib /run /mnt /boot /srv /opt))"),
    any("read beside a declared folder", "open($f, '<', '@IN@/../sibling/secret') && <$f>"),
    any("follow an input's symlink to a file", "open($f, '<', '@IN@/link') && <$f>"),
    any("follow an input's symlink to the root", "open($f, '<', '@IN@/root@SECRET@') && <$f>"),
    any("write to an input", "open($f, '>>', '@IN@/file') && print $f 'x'"),
    any("change an input's mode", "chmod(0600, '@IN@/file')"),
    any("add a file to an input", "open($f, '>', '@IN@/new')"),
    any(
        "link an input into the output",
        "link('@IN@/file', '@OUT@/linked') && open($f, '>>', '@OUT@/linked')",
    ),
    only("write to /usr", "open($f, '>', '/usr/bin/tarsia-probe')"),
    only("write to the root", "open($f, '>', '/tarsia-probe')"),
    only("write to /dev", "open($f, '>', '/dev/tarsia-probe')"),
    only("make an input writable", "syscall(@SYS_mount@, 0, $t='@IN@', 0, 0x1020, 0) == 0"),
    only("unmount an input", "syscall(@SYS_umount2@, $t='@IN@', 2) == 0"),
    only("mount a file system", "syscall(@SYS_mount@, $n='n', $t='@OUT@', $k='tmpfs', 0, 0) == 0"),
    only("mount a new procfs", "syscall(@SYS_mount@, $n='n', $t='@OUT@', $k='proc', 0, 0) == 0"),
    only("open a file system context", "syscall(@SYS_fsopen@, $k='tmpfs', 0) >= 0"),
    only("copy a mount", "syscall(@SYS_open_tree@, -100, $r='/', 1) >= 0"),
    only("change the root", "syscall(@SYS_chroot@, $r='@OUT@') == 0"),
    only("exchange the root", "syscall(@SYS_pivot_root@, $r='@OUT@', $s='@OUT@') == 0"),
    // Networks
    any(
        "connect to the host by TCP",
        "use Socket; socket($s, AF_INET, SOCK_STREAM, 0) \
         && connect($s, sockaddr_in(@PORT@, inet_aton('127.0.0.1')))",
    ),
    only(
        "connect to the host by TCP over IPv6",
        "use Socket; socket($s, AF_INET6, SOCK_STREAM, 0) \
         && connect($s, Socket::pack_sockaddr_in6(@PORT6@, Socket::inet_pton(AF_INET6, '::1')))",
    ),
    any(
        "talk to the host by UDP",
        "use Socket; socket($s, AF_INET, SOCK_DGRAM, 0); \
         send($s, 'ping', 0, sockaddr_in(@UDP@, inet_aton('127.0.0.1'))); \
         $r = ''; vec($r, fileno($s), 1) = 1; select($r, undef, undef, 0.3) && recv($s, $b, 9, 0) \
         && $b eq 'pong'",
    ),
    only(
        "leave by an outer address",
        "use Socket; socket($s, AF_INET, SOCK_DGRAM, 0) \
         && connect($s, sockaddr_in(53, inet_aton('192.0.2.1')))",
    ),
    only("resolve a name", "gethostbyname('example.org')"),
    only(
        "see a network interface of the host",
        "open($f, '<', '/proc/net/dev') && grep(/:/ && !/\\blo:/, <$f>)",
    ),
    only(
        "list network interfaces by netlink",
        "socket($s, 16, 3, 0) && send($s, pack('LSSLL Ccssss', 32, 18, 0x301, 1, 0, (0) x 6) . \"\\0\" x 6, 0) \
         && defined(recv($s, $b, 65536, 0)) && do { ($n, $o) = (0, 0); \
         while ($o + 16 <= length $b) { ($l, $t) = unpack('LS', substr($b, $o)); last if $l < 16; \
         $n++ if $t == 16; $o += ($l + 3) & ~3; } $n > 1 }",
    ),
    only(
        "hear the host's devices by netlink",
        "socket($s, 16, 3, 15) && bind($s, pack('SSLL', 16, 0, 0, 2)) \
         && do { $r = ''; vec($r, fileno($s), 1) = 1; select($r, undef, undef, 0.1) }",
    ),
    any(
        "connect to an abstract socket",
        "use Socket; socket($s, AF_UNIX, SOCK_STREAM, 0) && connect($s, pack('Sxa*', AF_UNIX, '@ABSTRACT@'))",
    ),
    any(
        "connect to a socket file",
        "use Socket; socket($s, AF_UNIX, SOCK_STREAM, 0) && connect($s, sockaddr_un('@SOCKET@'))",
    ),
    only("open a vsock", "socket($s, 40, 1, 0)"),
    only("open a packet socket", "socket($s, 17, 3, 0)"),
    only("open a raw socket", "socket($s, 2, 3, 1)"),
    only("open a kernel crypto socket", "socket($s, 38, 5, 0)"),
    only("open a bluetooth socket", "socket($s, 31, 3, 1)"),
    // Descriptors and terminals
    any("read a leaked descriptor", "grep { open($f, '<&=', $_) && sysread($f, $b, 1) } 3 .. 255"),
    any("see a leaked descriptor", "grep { readlink(\"/proc/self/fd/$_\") } 4 .. 255"),
    any("put words into a terminal", "ioctl(STDIN, 0x5412, $c = 'x'); $! != 1"),
    any(
        "put words into a terminal, with upper bits set",
        "syscall(@SYS_ioctl@, 0, 0x5412 | 1 << 32, $c = 'x'); $! != 1",
    ),
    only("open the terminal of the host", "open($t, '+<', '/dev/tty')"),
    any(
        "open a device of the host",
        "opendir($d, '/dev'); grep { !/^(\\.\\.?|null|zero|full|u?random|tty|pts|ptmx|shm|stdin|stdout|stderr|fd|core|console)$/ } readdir $d",
    ),
    // Set-uid and devices
    any(
        "gain rights by set-uid programs",
        "open($f, '<', '/proc/self/status') && grep(/^NoNewPrivs:\\s*0/, <$f>)",
    ),
    any("set the set-uid bit", "open($f, '>', '@OUT@/a'); chmod(04755, '@OUT@/a')"),
    any("set the set-gid bit", "open($f, '>', '@OUT@/b'); chmod(02755, '@OUT@/b')"),
    any(
        "set the set-uid bit by descriptor",
        "open($f, '>', '@OUT@/c'); syscall(@SYS_fchmod@, fileno($f), 04755) == 0",
    ),
    any(
        "set the set-uid bit by folder",
        "open($f, '>', '@OUT@/d'); syscall(@SYS_fchmodat@, -100, $n = '@OUT@/d', 04755) == 0",
    ),
    any("create a set-uid file", "syscall(@SYS_openat@, -100, $n = '@OUT@/e', 0101, 04755) >= 0"),
    only(
        "create a set-uid file by openat2",
        "syscall(@SYS_openat2@, -100, $n = '@OUT@/f', $h = pack('QQQ', 0101, 04755, 0), 24) >= 0",
    ),
    any("create a set-uid node", "syscall(@SYS_mknodat@, -100, $n = '@OUT@/g', 0104755, 0) == 0"),
    any(
        "create a nameless set-uid file",
        "syscall(@SYS_openat@, -100, $n = '@OUT@', 020200002, 04755) >= 0",
    ),
    only("create a device", "syscall(@SYS_mknodat@, -100, $n = '@OUT@/h', 020666, 0x103) == 0"),
    only("become root", "syscall(@SYS_setuid@, 0) == 0"),
    only("take further groups", "syscall(@SYS_setgroups@, 1, $g = pack('L', 0)) == 0"),
    any("be known as somebody else", "$< != 1000 || $( != 1000"),
    only(
        "hold a capability",
        "open($f, '<', '/proc/self/status') && grep(/^Cap\\w+:\\s*0*[1-9a-f]/, <$f>)",
    ),
    // Processes
    any("see a process of the host", "-d '/proc/@PID@'"),
    any("signal a process of the host", "kill(0, @PID@)"),
    only("kill a process of the host", "kill(9, @PID@)"),
    only("kill every process", "$$ > 100 || kill(9, -1) && -d '/proc/@PID@'"),
    any("hold a process of the host", "syscall(@SYS_pidfd_open@, @PID@, 0) >= 0"),
    only("trace a process of the host", "syscall(@SYS_ptrace@, 16, @PID@, 0, 0) == 0"),
    only(
        "read a process of the host",
        "$b = ' ' x 8; syscall(@SYS_process_vm_readv@, @PID@, $l = pack('PQ', $b, 8), 1, $r = pack('QQ', 4096, 8), 1, 0) > 0",
    ),
    any("see many processes", "opendir($d, '/proc'); grep(/^\\d+$/, readdir $d) > 4"),
    any(
        "read the environment of who started it",
        "grep { open($f, '<', $_) && <$f> =~ /CARGO/ } glob '/proc/[0-9]*/environ'",
    ),
    only(
        "read the host by the first process' root",
        "open($f, '<', '/proc/1/root@SECRET@') && <$f>",
    ),
    only(
        "read the host by the first process' folder",
        "open($f, '<', '/proc/1/cwd/../../../..@SECRET@') && <$f>",
    ),
    only(
        "use descriptors of the first process",
        "grep { (readlink($_) // '') =~ m{^/(?!dev/null)|memfd|pipe} && /[^012]$/ } glob '/proc/1/fd/*'",
    ),
    only(
        "see the words bubblewrap was told",
        "open($f, '<', '/proc/1/cmdline') && index(<$f>, join('-', '', '', 'ro', 'bind')) >= 0",
    ),
    only(
        "be killed last when memory is short",
        "open($f, '>', '/proc/self/oom_score_adj') && syswrite($f, '-1000')",
    ),
    only("go before others", "syscall(@SYS_sched_setscheduler@, 0, 1, $p = pack('L', 50)) == 0"),
    any(
        "see the control groups of the host",
        "open($f, '<', '/proc/self/cgroup'); -e '/sys/fs/cgroup' || grep(!m{:/$}, <$f>)",
    ),
    // The kernel's settings
    only(
        "write a setting of the kernel",
        "grep { open($f, '>', \"/proc/sys/$_\") } qw(kernel/core_pattern kernel/hostname kernel/modprobe kernel/panic kernel/randomize_va_space vm/drop_caches vm/overcommit_memory fs/suid_dumpable net/ipv4/ip_forward)",
    ),
    any("read a setting of the kernel", "open($f, '<', '/proc/sys/kernel/random/boot_id') && <$f>"),
    only(
        "write to /proc beside processes",
        "grep { open($f, '>', \"/proc/$_\") } qw(sysrq-trigger mtrr timer_list kcore irq/default_smp_affinity irq/0/smp_affinity acpi/wakeup scsi/scsi)",
    ),
    only(
        "read the kernel's memory or messages",
        "grep { open($f, '<', \"/proc/$_\") && sysread($f, $b, 1) } qw(kcore kmsg keys kallsyms timer_list)",
    ),
    only("read the kernel's messages by call", "syscall(@SYS_syslog@, 3, $b = ' ' x 99, 99) >= 0"),
    any(
        "see the host's name",
        "syscall(@SYS_uname@, $b = ' ' x 390); (unpack 'Z65Z65', $b)[1] ne 'tarsia'",
    ),
    only("change the host's name", "syscall(@SYS_sethostname@, $n = 'x', 1) == 0"),
    only("change the domain's name", "syscall(@SYS_setdomainname@, $n = 'x', 1) == 0"),
    only("set the clock", "syscall(@SYS_clock_settime@, 0, $t = pack('QQ', time, 0)) == 0"),
    only("set the time of day", "syscall(@SYS_settimeofday@, $t = pack('QQ', time, 0), 0) == 0"),
    only("reboot", "syscall(@SYS_reboot@, 0xfee1dead, 672274793, 0, 0) == 0"),
    only("load a kernel", "syscall(@SYS_kexec_load@, 0, 0, 0, 0) == 0"),
    only("load a module", "syscall(@SYS_init_module@, $m = 'x', 1, $p = '') == 0"),
    only("swap", "syscall(@SYS_swapon@, $p = '@OUT@', 0) == 0"),
    only("account processes", "syscall(@SYS_acct@, 0) == 0"),
    only("watch the file system", "syscall(@SYS_fanotify_init@, 4, 0) >= 0"),
    // Memory shared by name
    any("see a shared segment", "shmctl(@SEGMENT@, 2, $b)"),
    only("remove a shared segment", "shmctl(@SEGMENT@, 0, 0)"),
    any("read shared memory", "open($f, '<', '@SHM@') && <$f>"),
    any("open a message queue", "syscall(@SYS_mq_open@, $q = '@QUEUE@', 0, 0, 0) >= 0"),
    // Namespaces, keys and the kernel's own machines
    only("make a user namespace", "syscall(@SYS_unshare@, 0x10000000) == 0"),
    only(
        "make a user namespace by clone",
        "$p = syscall(@SYS_clone@, 0x10000011, 0, 0, 0, 0); exit if $p == 0; $p > 0",
    ),
    only(
        "make a user namespace by clone3",
        "$p = syscall(@SYS_clone3@, $a = pack('Q8', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64); exit if $p == 0; $p > 0",
    ),
    only("make a mount namespace", "syscall(@SYS_unshare@, 0x20000) == 0"),
    only(
        "enter a namespace",
        "open($f, '<', '/proc/1/ns/mnt') && syscall(@SYS_setns@, fileno($f), 0) == 0",
    ),
    any(
        "share the host's namespaces",
        "grep { (readlink(\"/proc/self/ns/$_\") // '') eq (split /,/, '@NAMESPACES@')[$_ eq 'pid' ? 0 : $_ eq 'net' ? 1 : $_ eq 'ipc' ? 2 : $_ eq 'uts' ? 3 : $_ eq 'mnt' ? 4 : 5] } qw(pid net ipc uts mnt user)",
    ),
    only("add a key", "syscall(@SYS_add_key@, $t = 'user', $n = 'k', $v = 'v', 1, -3) >= 0"),
    only("use the session's keys", "syscall(@SYS_keyctl@, 0, -3, 0) >= 0"),
    only("ask for a key", "syscall(@SYS_request_key@, $t = 'user', $n = 'k', 0, -3); $! != 1"),
    only(
        "load a BPF program",
        "syscall(@SYS_bpf@, 0, $a = \"\\1\\0\\0\\0\\4\\0\\0\\0\\4\\0\\0\\0\\1\" . \"\\0\" x 60, 72); $! != 1",
    ),
    only(
        "count the machine's events",
        "$a = pack('LLQQ', 1, 112, 0, 0) . \"\\0\" x 88; syscall(@SYS_perf_event_open@, $a, 0, -1, -1, 0); $! != 1",
    ),
    only("handle page faults", "syscall(@SYS_userfaultfd@, 1); $! != 1"),
    only("call by a ring", "syscall(@SYS_io_uring_setup@, 1, $a = \"\\0\" x 120); $! != 38"),
    only("call by the second interface", "syscall(0x40000000 | @SYS_getpid@) > 0"),
];
