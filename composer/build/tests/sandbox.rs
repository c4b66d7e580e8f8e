//! The sandbox, attacked from inside: every row is an attempt to reach the host, and the host looks afterwards
//! whether anything of it was touched. What a job can see is held against one fixed text.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use command_fds::CommandFdExt as _;
use sandbox_host::probes::{PROBES, Probe};
use sandbox_host::{Host, bubblewrap, run, text};
use tarsia_build::sandbox::{Confinement, Ending, Inherited, Job, Mount, SandboxError, Stream};

mod sandbox_host;

/// Makes a whole script of a row: it ends with a word that says what happened, whatever happens.
fn script(probe: &Probe) -> String {
    format!(
        "my $out = eval {{ {} }}; print $@ ? \"BROKEN $@\" : $out ? 'ESCAPED' : \"BLOCKED $!\";",
        probe.script
    )
}

#[test]
fn every_escape_is_blocked_and_the_host_untouched() {
    let Some(confinement) = bubblewrap() else { return };
    // The rows that any host allows succeed without a sandbox: on a host of their own.
    let control = Host::new();
    let mut wrong = Vec::new();
    for probe in PROBES.iter().filter(|probe| probe.on_host) {
        let mut command = Command::new("perl");
        command.args(["-e", &control.fill(&script(probe))]).current_dir(control.path("out"));
        // Not as the others leak it: a job that another test starts meanwhile would close it.
        command.fd_mappings(vec![control.leaked()]).unwrap();
        let output = command.stdin(Stdio::null()).output().unwrap();
        let words = text(&output.stdout);
        if !words.ends_with("ESCAPED") {
            wrong.push(format!(
                "without a sandbox, `{}` says {words:?} {}",
                probe.name,
                text(&output.stderr)
            ));
        }
        // What the row removed or added shall not decide the next.
        for (file, is_there) in [("sibling/secret", true), ("new", false), ("in/new", false)] {
            let path = control.path(file);
            match is_there {
                true => fs::write(path, sandbox_host::SECRET).unwrap(),
                false => drop(fs::remove_file(path)),
            }
        }
    }
    let mut host = Host::new();
    for probe in PROBES {
        host.leak();
        let finished = run(&confinement, &host.perl(&script(probe)));
        let words = text(&finished.stdout);
        // Some attempts end the job itself, which is no escape.
        let died = matches!(finished.ending, Ending::Exited(137)) && words.is_empty();
        if !(words.starts_with("BLOCKED") && finished.ending == Ending::Exited(0) || died) {
            wrong.push(format!(
                "`{}` says {words:?} {} and ends with {:?}",
                probe.name,
                text(&finished.stderr),
                finished.ending
            ));
        }
        for what in host.touched() {
            wrong.push(format!("after `{}`: {what}", probe.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(PROBES.len() >= 100);
}

#[test]
fn a_job_sees_what_its_description_says() {
    let Some(confinement) = bubblewrap() else { return };
    let host = Host::new();
    let mut job = host.perl(
        "use POSIX; $\\ = \"\\n\"; \
         print join ' ', 'id', $<, $>, (split / /, $()[0], (split / /, $))[0]; print join ' ', 'host', (POSIX::uname())[1]; \
         print 'cwd ', getcwd(); printf \"umask %03o\\n\", umask; \
         print \"env $_=$ENV{$_}\" for sort keys %ENV; \
         opendir(D, '/'); print 'root ', join ' ', sort grep { !/^(\\.|lib|s?bin|etc$)/ } readdir D; \
         opendir(D, '/etc'); print 'etc ', join ' ', sort grep { !/^\\./ } readdir D; \
         opendir(D, '/dev'); print 'dev ', join ' ', sort grep { !/^\\./ } readdir D; \
         opendir(D, '/proc/self/fd'); print 'fd ', join ' ', sort grep { !/^\\./ && -e \"/proc/self/fd/$_\" } readdir D; \
         opendir(D, '/tmp'); print 'tmp ', scalar(() = readdir D); \
         print 'stdin ', readlink '/proc/self/fd/0'; \
         open(F, '<', '/proc/self/limits'); print 'limit ', s/\\s+/ /gr for grep /core|file size|open files/, <F>;",
    );
    job.folder = "/job/here".into();
    job.mounts.retain(
        |mount| !matches!(mount, Mount::ReadOnly { inside, .. } if inside.starts_with("/var")),
    );
    job.mounts.retain(|mount| !matches!(mount, Mount::ReadWrite { .. }));
    job.mounts.push(Mount::ReadWrite { host: host.path("out"), inside: "/job/here".into() });
    for (name, value) in [("HOME", "/nowhere"), ("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("EMPTY", "")]
    {
        job.environment.insert(name.into(), value.into());
    }
    job.limits.file_size = Some(1 << 20);
    job.limits.open_files = Some(64);
    let links = if Path::new("/etc/alternatives").is_dir() { "alternatives" } else { "" };
    let expected = format!(
        "id 1000 1000 1000 1000\nhost tarsia\ncwd /job/here\numask 022\n\
        env EMPTY=\nenv HOME=/nowhere\nenv LC_ALL=C.UTF-8\nenv PATH=/usr/bin:/bin\n\
        env PWD=/job/here\nenv TZ=UTC\nroot dev job proc tmp usr\netc {links}\n\
        dev core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero\n\
        fd 0 1 2 3\ntmp 2\nstdin /dev/null\n\
        limit Max file size 1048576 1048576 bytes \nlimit Max core file size 0 0 bytes \n\
        limit Max open files 64 64 files \n"
    );
    let finished = run(&confinement, &job);
    assert_eq!(text(&finished.stdout), expected, "{}", text(&finished.stderr));
    // Without a `PATH` of its own it has none.
    let mut bare = host.perl("print join ' ', sort keys %ENV");
    bare.environment.clear();
    assert_eq!(text(&run(&confinement, &bare).stdout), "PWD");
    // The umask of whoever started us changes nothing.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let again = run(&confinement, &job);
    rustix::process::umask(before);
    assert_eq!(text(&again.stdout), expected);
}

#[test]
fn without_bubblewrap_a_job_has_its_own_environment_and_the_hosts_files() {
    let host = Host::new();
    let plain = Confinement::None { reason: "a test".to_owned() };
    let words = "print \"$_=$ENV{$_}\\n\" for sort keys %ENV; printf \"%03o\\n\", umask; \
        opendir(D, '/proc/self/fd'); print join ' ', sort grep { !/^\\./ && -e \"/proc/self/fd/$_\" } readdir D;";
    let mut job = host.perl(words);
    host.leak();
    let out = host.path("out");
    let expected = format!("PATH=/usr/bin:/bin\nPWD={}\n022\n0 1 2 3", out.display());
    let finished = run(&plain, &job);
    assert_eq!(text(&finished.stdout), expected, "{}", text(&finished.stderr));

    let refused = |job: &Job| match plain.spawn(job) {
        Err(error @ (SandboxError::Place { .. } | SandboxError::Limit { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    };
    job.mounts.push(Mount::ReadOnly { host: host.path("in"), inside: "/elsewhere".into() });
    assert!(refused(&job).contains("cannot place /elsewhere without bubblewrap"));
    job.mounts.pop();
    job.mounts.push(Mount::Tmpfs { inside: "/memory".into(), size: None });
    assert!(refused(&job).contains("needs a sandbox"));
    job.mounts.pop();
    job.limits.processes = Some(100);
    assert!(refused(&job).contains("cannot limit processes"));
}

/// A daemon, forked twice and in a session of its own, that goes on writing.
const DAEMON: &str = "use POSIX; if (!fork) { setsid; exit if fork; open(F, '>>', '@OUT@/ticks'); \
    for (1 .. 500) { syswrite(F, '.'); select(undef, undef, undef, 0.01) } } wait; \
    select(undef, undef, undef, 0.1);";

fn ticks(host: &Host) -> u64 {
    fs::metadata(host.path("out/ticks")).map_or(0, |data| data.len())
}

#[test]
fn no_process_survives_its_job() {
    let Some(confinement) = bubblewrap() else { return };
    for script in [DAEMON.to_owned(), format!("{DAEMON} kill 9, $$;"), format!("{DAEMON} sleep 60")]
    {
        let host = Host::new();
        let mut job = host.perl(&script);
        job.limits.time = Some(Duration::from_millis(1500));
        let finished = run(&confinement, &job);
        let after = ticks(&host);
        assert!(after > 0, "the daemon never wrote: {}", text(&finished.stderr));
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(ticks(&host), after, "{:?}", finished.ending);
    }
}

#[test]
fn time_is_limited_and_a_job_can_be_killed() {
    let host = Host::new();
    let plain = Confinement::None { reason: "a test".to_owned() };
    for confinement in [Some(plain), bubblewrap()].into_iter().flatten() {
        // The child of the shell is in its group.
        let script = "sh -c 'while :; do echo . >>@OUT@/ticks; sleep 0.01; done' & wait";
        let mut job = host.job("/bin/sh", &["-c", &host.fill(script)]);
        job.limits.time = Some(Duration::from_millis(400));
        assert_eq!(run(&confinement, &job).ending, Ending::TimedOut);
        let after = ticks(&host);
        assert!(after > 0);
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(ticks(&host), after);

        job.limits.time = None;
        let running = confinement.spawn(&job).unwrap();
        let killer = running.killer();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            killer.kill();
            killer
        });
        assert_eq!(running.wait().unwrap(), Ending::Killed);
        thread.join().unwrap().kill();

        drop(confinement.spawn(&job).unwrap());
        let after = ticks(&host);
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(ticks(&host), after, "a job that is dropped is ended");
    }
}

#[test]
fn files_processes_and_core_dumps_are_limited() {
    let Some(confinement) = bubblewrap() else { return };
    let host = Host::new();
    let mut job = host.job("/bin/sh", &["-c", "exec head -c 100000 /dev/zero >large"]);
    job.limits.file_size = Some(4096);
    assert_eq!(run(&confinement, &job).ending, Ending::Exited(128 + 25), "SIGXFSZ");
    assert_eq!(fs::metadata(host.path("out/large")).unwrap().len(), 4096);
    fs::remove_file(host.path("out/large")).unwrap();

    let job = host.job("/bin/sh", &["-c", "ulimit -c unlimited; kill -SEGV $$"]);
    assert_eq!(run(&confinement, &job).ending, Ending::Exited(128 + 11));
    assert_eq!(sandbox_host::walk(&host.path("out")), [""; 0], "no core dump");

    let mut job = host.perl("for (1 .. 60) { $p = fork; last if !defined $p; $n++; if (!$p) { sleep 20; exit } } print $n");
    job.limits.processes = Some(20);
    if confinement.limits_processes() {
        let made: u32 = text(&run(&confinement, &job).stdout).parse().unwrap();
        assert!((5..20).contains(&made), "{made} processes were made");
    } else {
        println!("SKIPPED: root's processes cannot be limited");
        let error = confinement.spawn(&job).expect_err("the limit has no effect").to_string();
        assert_eq!(error, "cannot limit processes: the kernel exempts root");
    }
}

#[test]
fn jobs_cannot_reach_each_other() {
    let Some(confinement) = bubblewrap() else { return };
    let host = Host::new();
    let listen = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack('Sxa*', AF_UNIX, 'meet')) \
        && listen(S, 1) or die; open(F, '>', '/dev/shm/meet'); $| = 1; print 'ready'; \
        $r = ''; vec($r, fileno(S), 1) = 1; print select($r, undef, undef, 1.5) ? 'MET' : 'alone';";
    let mut listener = confinement.spawn(&host.perl(listen)).unwrap();
    let mut stdout = listener.stdout().unwrap();
    let mut ready = [0; 5];
    stdout.read_exact(&mut ready).unwrap();
    let connect = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); \
        print connect(S, pack('Sxa*', AF_UNIX, 'meet')) || -e '/dev/shm/meet' ? 'MET' : 'alone'";
    assert_eq!(text(&run(&confinement, &host.perl(connect)).stdout), "alone");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), listener.wait().unwrap()), ("alone", Ending::Exited(0)));
}

#[test]
fn descriptors_given_on_purpose_arrive_and_no_others() {
    let host = Host::new();
    let plain = Confinement::None { reason: "a test".to_owned() };
    for confinement in [Some(plain), bubblewrap()].into_iter().flatten() {
        let (read, mut write) = std::io::pipe().unwrap();
        write.write_all(b"token").unwrap();
        drop(write);
        let script = "open(F, '<&=', 7); print <F>; opendir(D, '/proc/self/fd'); \
            print join ' ', '', sort grep { !/^\\./ && -e \"/proc/self/fd/$_\" } readdir D;";
        let mut job = host.perl(script);
        job.inherited.push(Inherited { number: 7, descriptor: Arc::new(read.into()) });
        host.leak();
        assert_eq!(text(&run(&confinement, &job).stdout), "token 0 1 2 3 7");
    }
}

#[test]
fn what_cannot_start_says_why() {
    let Some(confinement) = bubblewrap() else { return };
    let host = Host::new();
    let words = |job: &Job| {
        let finished = confinement.spawn(job).and_then(|running| running.finish(4096));
        finished.expect_err("cannot start").to_string()
    };
    let missing = words(&host.job("/usr/bin/tarsia-none", &[]));
    assert!(
        missing.contains("/usr/bin/tarsia-none") && missing.contains("No such file"),
        "{missing}"
    );
    let mut job = host.job("/bin/true", &[]);
    job.mounts.push(Mount::ReadOnly { host: "/nonexistent".into(), inside: "/x".into() });
    let missing = words(&job);
    assert!(missing.contains("/nonexistent"), "{missing}");
    let mut job = host.job("/bin/true", &[]);
    job.folder = "/none".into();
    assert!(words(&job).contains("/none"));
    let mut job = host.job("/bin/true", &[]);
    job.stderr = Stream::Null;
    job.folder = "/none".into();
    assert!(words(&job).contains("cannot make the sandbox of /bin/true"));
}

#[test]
fn output_is_kept_up_to_a_limit_and_drained_beyond() {
    let Some(confinement) = bubblewrap() else { return };
    let host = Host::new();
    let job = host.perl("print 'x' x 3_000_000; print STDERR 'y' x 10; exit 3");
    let finished = confinement.spawn(&job).unwrap().finish(1000).unwrap();
    assert_eq!((finished.stdout.len(), finished.stderr.len(), finished.cut), (1000, 10, true));
    assert_eq!(finished.ending, Ending::Exited(3));
}
