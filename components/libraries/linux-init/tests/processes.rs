//! Init and its processes as real processes of the host. This file is a product of its own: started
//! as `init` it supervises one of the tables below, started as one of their processes it is that
//! process, and otherwise it is the test, which starts the first and reads its lines.

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{ChildStderr, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Gid, Pid, Signal, geteuid, getpid, kill_process};
use tarsia_linux_init::{
    Capability, Exit, GiveUp, Limits, Mount, Process, Ready, Refused, Restart, System, alive,
    ready, run, say,
};

const PLAIN: Process = Process {
    name: "",
    run: || Exit::Done,
    after: &[],
    user: 0,
    group: 0,
    capabilities: &[],
    syscalls: &["io"],
    refused: Refused::Error,
    directories: &[],
    limits: Limits::DEFAULT,
    restart: Restart { limit: 2, recovered_after_ms: 0, back_off_ms: 20 },
    alive_within_ms: 0,
    ready: Ready::Started,
};

/// Every process of every table; those that stand alone have a table of one.
static PROCESSES: [Process; 8] = [
    Process { name: "page", run: beat, after: &["net", "setup"], ..PLAIN },
    Process {
        name: "net",
        run: late,
        after: &[],
        ready: Ready::Told { within_ms: 5_000 },
        ..PLAIN
    },
    Process { name: "setup", run: || Exit::Done, ..PLAIN },
    Process { name: "hasty", run: hasty, ..PLAIN },
    Process { name: "mute", run: mute, alive_within_ms: 200, ..PLAIN },
    Process {
        name: "poor",
        run: poor,
        user: 1234,
        group: 4321,
        syscalls: &["io", "files"],
        limits: Limits { files: 9, memory_kib: 65_536 },
        ..PLAIN
    },
    Process {
        name: "kept",
        run: kept,
        user: 1234,
        group: 4321,
        capabilities: &[Capability::NetRaw],
        syscalls: &["io", "files", "packet"],
        refused: Refused::Kill,
        ..PLAIN
    },
    Process {
        name: "felon",
        run: felon,
        refused: Refused::Kill,
        restart: Restart { limit: 0, recovered_after_ms: 0, back_off_ms: 0 },
        ..PLAIN
    },
];

const SYSTEM: System = System {
    name: "test",
    version: "1.2",
    // What it was started with, opened again.
    console: "/dev/stderr",
    hostname: "",
    mounts: &[],
    give_up: GiveUp::StayDegraded,
};

static DEGRADED: System = SYSTEM;
static REBOOTING: System = System { give_up: GiveUp::Reboot, ..SYSTEM };

/// Works until it is told to end, and says its number.
fn beat() -> Exit {
    say(format_args!("is {}", getpid()));
    loop {
        alive();
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn late() -> Exit {
    std::thread::sleep(Duration::from_millis(100));
    say(format_args!("about to be ready"));
    ready();
    beat()
}

/// Wants its own writes not to wait.
fn hasty() -> Exit {
    let flags = fcntl_getfl(rustix::stdio::stderr()).expect("open");
    fcntl_setfl(rustix::stdio::stderr(), flags | OFlags::NONBLOCK).expect("set");
    beat()
}

fn mute() -> Exit {
    loop {
        std::thread::park();
    }
}

fn status(key: &str) -> String {
    let text = std::fs::read_to_string("/proc/self/status").expect("files may be read");
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":"));
    line.unwrap_or("?").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn tell_privileges() {
    for key in [
        "Uid",
        "Gid",
        "Groups",
        "NoNewPrivs",
        "Seccomp",
        "CapInh",
        "CapPrm",
        "CapEff",
        "CapBnd",
        "CapAmb",
    ] {
        say(format_args!("{key} {}", status(key)));
    }
    #[expect(clippy::disallowed_methods, reason = "they are only counted")]
    let mut open: Vec<_> = std::fs::read_dir("/proc/self/fd").expect("read").flatten().collect();
    open.pop();
    say(format_args!("{} open", open.len()));
}

fn poor() -> Exit {
    tell_privileges();
    let exec = Command::new("/bin/true").spawn();
    say(format_args!("exec {:?}", exec.map_err(|error| error.raw_os_error()).err()));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0");
    say(format_args!("socket {:?}", socket.map_err(|error| error.raw_os_error()).err()));
    let write = std::fs::File::create("/tmp/tarsia-must-not-be");
    say(format_args!("create {:?}", write.map_err(|error| error.raw_os_error()).err()));
    let thread = std::thread::Builder::new().spawn(|| ());
    say(format_args!("thread {:?}", thread.map_err(|error| error.raw_os_error()).err()));
    let files: Vec<_> =
        (0..20).map_while(|_| std::fs::File::open("/proc/self/stat").ok()).collect();
    say(format_args!("{} more files", files.len()));
    Exit::failed("go on", "all was tried")
}

fn kept() -> Exit {
    tell_privileges();
    let raw =
        rustix::net::socket(rustix::net::AddressFamily::PACKET, rustix::net::SocketType::RAW, None);
    say(format_args!("raw {:?}", raw.err()));
    Exit::Done
}

fn felon() -> Exit {
    let _ = std::fs::read("/etc/passwd");
    Exit::Done
}

/// Init with the processes of these names, until `last` is in a line; all lines.
struct Running {
    child: std::process::Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
    seen: Vec<String>,
    /// Those that have not answered.
    open: Vec<String>,
}

/// The lines end with it, should one never come.
fn bound(child: &std::process::Child) {
    let pid = Pid::from_child(child);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(60));
        kill_process(pid, Signal::KILL)
    });
}

impl Running {
    fn start(names: &str) -> Self {
        Self::start_with(names, "")
    }

    fn start_with(names: &str, give_up: &str) -> Self {
        let program = std::env::current_exe().expect("known");
        let mut child = Command::new(program)
            .arg0("init")
            .args([names, give_up])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        bound(&child);
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        Self { child, lines, seen: Vec::new(), open: Vec::new() }
    }

    /// Reads on until a line holds `text`, if none has before; what the line says after it. Lines of
    /// different processes come in any order, and each answers once.
    fn until(&mut self, text: &str) -> String {
        let after = |line: &String| line.find(text).map(|at| line[at + text.len()..].to_owned());
        if let Some((index, rest)) =
            self.open.iter().enumerate().find_map(|(index, line)| Some((index, after(line)?)))
        {
            self.open.remove(index);
            return rest;
        }
        for line in self.lines.by_ref() {
            let line = line.expect("UTF-8");
            self.seen.push(line.clone());
            match after(&line) {
                Some(rest) => return rest,
                None => self.open.push(line),
            }
        }
        panic!("no `{text}` in {:#?}", self.seen);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Asks for the end, and reads the rest.
    fn end(self) -> Vec<String> {
        self.signal(Signal::TERM);
        self.rest()
    }

    /// Reads until init ends by itself.
    fn rest(mut self) -> Vec<String> {
        self.seen.extend(self.lines.map(|line| line.expect("UTF-8")));
        assert!(self.child.wait().expect("waited").success());
        self.seen
    }
}

fn has(lines: &[String], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

fn order_and_restart() {
    let mut init = Running::start("page net setup");
    init.until("net: about to be ready");
    assert!(!has(&init.seen, "page"), "page waits: {:#?}", init.seen);
    let number = init.until("page: is ").parse().expect("a number");
    init.until("init: tarsia: test 1.2 ready");
    kill_process(Pid::from_raw(number).expect("not zero"), Signal::KILL).expect("it runs");
    init.until("init: page was killed by signal 9; restart in 20 ms");
    let again: i32 = init.until("page: is ").parse().expect("a number");
    assert_ne!(number, again);
    let lines = init.end();
    assert!(has(&lines, "init: setup done"), "{lines:#?}");
    assert!(!Path::new(&format!("/proc/{again}")).exists(), "nothing is left running");
}

fn silence() {
    let mut init = Running::start("mute");
    init.until("init: mute is silent for 2");
    init.until("init: mute started again (restart 1)");
    init.until("init: mute started again (restart 2)");
    init.until("given up after 2 restarts in a row");
    init.end();
}

fn confinement() {
    if !geteuid().is_root() {
        println!("skipped, as this is not root: users and capabilities of processes");
        return;
    }
    // A group that is to be dropped; this has no other thread that could keep it.
    rustix::thread::set_thread_groups(&[Gid::from_raw(7)]).expect("root may");
    // What init is given open, and does not pass on.
    let leak = rustix::io::dup(rustix::stdio::stdin()).expect("open");
    let mut init = Running::start("poor kept");
    drop(leak);
    init.until("poor failed to go on: all was tried; given up after 2 restarts in a row");
    init.until("init: kept done");
    let lines = init.end();
    let none = "0000000000000000";
    for text in [
        "poor: Uid 1234 1234 1234 1234",
        "poor: Gid 4321 4321 4321 4321",
        "poor: NoNewPrivs 1",
        "poor: Seccomp 2",
        &format!("poor: CapPrm {none}"),
        &format!("poor: CapEff {none}"),
        &format!("poor: CapBnd {none}"),
        &format!("poor: CapInh {none}"),
        &format!("poor: CapAmb {none}"),
        "poor: 3 open",
        "poor: exec Some(Some(1))",
        "poor: socket Some(Some(1))",
        "poor: create Some(Some(1))",
        "poor: thread Some(Some(1))",
        "poor: 6 more files",
        "kept: Uid 1234 1234 1234 1234",
        "kept: CapPrm 0000000000002000",
        "kept: CapEff 0000000000002000",
        "kept: CapBnd 0000000000002000",
        "kept: raw None",
        "init: kept done",
    ] {
        assert!(has(&lines, text), "no `{text}` in {lines:#?}");
    }
    assert!(lines.iter().any(|line| line.ends_with("poor: Groups ")), "no groups: {lines:#?}");
}

/// The flags with which a process has its standard error open.
fn flags_of(process: i32) -> OFlags {
    let text = std::fs::read_to_string(format!("/proc/{process}/fdinfo/2")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags");
    OFlags::from_bits_retain(u32::from_str_radix(line.trim(), 8).expect("octal"))
}

fn the_console_is_each_ones_own() {
    let mut init = Running::start("hasty");
    let hasty = init.until("hasty: is ").parse().expect("a number");
    let first = Pid::from_child(&init.child).as_raw_nonzero().get();
    assert!(flags_of(hasty).contains(OFlags::NONBLOCK | OFlags::WRONLY), "{:?}", flags_of(hasty));
    assert!(!flags_of(first).contains(OFlags::NONBLOCK), "{:?}", flags_of(first));
    init.end();
}

fn a_forbidden_call_kills() {
    let mut init = Running::start("felon");
    init.until("felon was killed: it made a system call that it may not; given up");
    init.end();
}

fn endings() {
    let mut init = Running::start_with("felon net", "reboot");
    init.until("felon was killed");
    let lines = init.rest();
    assert!(has(&lines, "init: reboot: ending all processes"), "{lines:#?}");
    for (signal, word) in [(Signal::INT, "reboot"), (Signal::POWER, "power off")] {
        let mut init = Running::start("net");
        init.until("net ready");
        init.signal(signal);
        let lines = init.rest();
        assert!(has(&lines, &format!("init: {word}: ending all processes")), "{lines:#?}");
    }
}

/// Process 1 of a machine that is not whole: here there is no ctrl-alt-del to take over, and no disk.
static BROKEN: System = System {
    mounts: &[Mount {
        source: "/dev/no-such-disk",
        target: "/data",
        kind: "ext4",
        options: "",
        optional: false,
        wait_ms: 0,
    }],
    give_up: GiveUp::StayDegraded,
    ..SYSTEM
};

/// `unshare` (unshare(1)) with namespaces in which our process 1 can do no harm.
fn apart() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--mount", "--uts", "--fork", "--kill-child"]);
    command
}

/// Started beside the other tests, as it takes its time.
fn begin_a_broken_start() -> Option<std::process::Child> {
    if !geteuid().is_root() || !apart().arg("true").status().is_ok_and(|status| status.success()) {
        println!("skipped, as unshare(1) makes no namespaces here: a start that fails");
        return None;
    }
    let program = std::env::current_exe().expect("known");
    let child = apart().arg(program).stderr(Stdio::piped()).spawn().expect("started");
    bound(&child);
    Some(child)
}

/// It says why, leaves time to read it, and starts the machine anew, whatever `give_up` is.
fn a_broken_start_is_tried_again(child: std::process::Child) {
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    let at = |text: &str, line: &str| {
        let line = text.lines().find(|one| one.contains(line)).expect(line).to_owned();
        let time = line.trim_start_matches('[').split(']').next().expect("a time");
        time.trim().parse::<f64>().expect("a number")
    };
    at(&text, "init: failed to find /dev/no-such-disk");
    let said = at(&text, "init: nothing can be started; reboot in 10 s");
    let done = text.lines().rfind(|line| line.ends_with("init: reboot")).expect("the end");
    assert!(at(done, "reboot") - said >= 10.0, "{text}");
    // Of a restart of a namespace its parent learns by SIGHUP, of a power off by SIGINT
    // (kernel/pid_namespace.c, `reboot_pid_ns`).
    assert_eq!(output.status.signal(), Some(Signal::HUP.as_raw()), "{text}");
}

fn main() -> ExitCode {
    if getpid().is_init() {
        return run(&[], &BROKEN);
    }
    let mut args = std::env::args();
    let name = args.next().unwrap_or_default();
    if name == "init" {
        let names = args.next().unwrap_or_default();
        let chosen =
            PROCESSES.into_iter().filter(|one| names.split(' ').any(|name| name == one.name));
        let table: Vec<_> = chosen
            .map(|one| match geteuid().is_root() {
                true => one,
                false => Process { user: geteuid().as_raw(), ..one },
            })
            .collect();
        let degraded = args.next().is_none_or(|give_up| give_up != "reboot");
        return run(table.leak(), if degraded { &DEGRADED } else { &REBOOTING });
    }
    if PROCESSES.iter().any(|process| process.name == name) {
        return run(&PROCESSES, &DEGRADED);
    }
    if args.any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let broken = begin_a_broken_start();
    for (name, test) in [
        ("order_and_restart", order_and_restart as fn()),
        ("silence", silence),
        ("confinement", confinement),
        ("the_console_is_each_ones_own", the_console_is_each_ones_own),
        ("a_forbidden_call_kills", a_forbidden_call_kills),
        ("endings", endings),
    ] {
        test();
        println!("test {name} ... ok");
    }
    if let Some(child) = broken {
        a_broken_start_is_tried_again(child);
        println!("test a_broken_start_is_tried_again ... ok");
    }
    ExitCode::SUCCESS
}
