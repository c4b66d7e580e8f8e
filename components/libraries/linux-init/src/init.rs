//! Process 1: brings the machine up, turns what happens into the machine's events and its steps into
//! deeds, and brings the machine down.

use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal as Sent, getpid, set_child_subreaper};
use rustix::system::{RebootCommand, reboot, sethostname};
use tarsia_process::{ProcessState, State, replace, say, uptime};

use crate::children::Children;
use crate::machine::{End, Machine, Rules, Step};
use crate::news::{Event, Line};
use crate::shutdown::{self, Ending};
use crate::signals::{Signal, Signals};
use crate::{GiveUp, Mount, Process, System, console, modules, mounts, order};

/// How long the reasons stand on the console when nothing can be started: time for a person to read them, and
/// a pause for a device that starts again and again.
const READING: Duration = Duration::from_secs(10);

/// Runs until the product is shut down. Returns only when this is not process 1.
pub(crate) fn run(processes: &'static [Process], system: &'static System) -> ExitCode {
    let first = getpid().is_init();
    let ending = match prepare(first, processes, system) {
        Ok(mut init) => init.supervise(),
        Err(problems) => {
            for problem in problems {
                say(format_args!("failed to {problem}"));
            }
            // Whatever follows when a process is given up: nothing runs that could be degraded, and a device
            // that stays off does not try its other slot.
            let seconds = READING.as_secs();
            say(format_args!("nothing can be started; {} in {seconds} s", Ending::Reboot));
            if first {
                std::thread::sleep(READING);
            }
            Ending::Reboot
        }
    };
    if first { shutdown::machine(ending, system) } else { ExitCode::SUCCESS }
}

fn prepare(
    first: bool,
    processes: &'static [Process],
    system: &'static System,
) -> Result<Init, Vec<String>> {
    // Whatever was left open by who started this, no process gets it.
    close_fds::set_fds_cloexec(3, &[]);
    let mut problems = Vec::new();
    if first {
        bring_up(system, &mut problems);
    } else if let Err(error) = set_child_subreaper(Some(getpid())) {
        problems.push(format!("take in orphans: {error}"));
    }
    let after = order::after(processes).unwrap_or_else(|wrong| {
        problems.extend(wrong.iter().map(|problem| format!("order the processes: {problem}")));
        Vec::new()
    });
    let signals = Signals::listen().map_err(|error| vec![format!("listen to signals: {error}")])?;
    if !problems.is_empty() {
        return Err(problems);
    }
    let rules = processes.iter().zip(after).map(|(process, after)| Rules {
        after,
        restart: process.restart,
        alive_within_ms: process.alive_within_ms,
        ready: process.ready,
    });
    Ok(Init {
        processes,
        system,
        machine: Machine::new(rules.collect(), now()),
        children: Children::new(processes.len(), system.console),
        signals,
        ending: None,
    })
}

/// What only process 1 does.
fn bring_up(system: &System, problems: &mut Vec<String>) {
    for (index, row) in Mount::KERNEL.iter().enumerate() {
        attach(row, problems);
        // As soon as there are devices: what is said before may be lost.
        if index == 0
            && let Err(error) = console::take(system.console)
        {
            problems.push(format!("open the console {}: {error}", system.console));
        }
    }
    // The product's disks may need some of them.
    modules::load_all(Path::new("/"), modules::load);
    system.mounts.iter().for_each(|row| attach(row, problems));
    if !system.hostname.is_empty()
        && let Err(error) = sethostname(system.hostname.as_bytes())
    {
        problems.push(format!("set the name of the host: {error}"));
    }
    // The kernel is to ask for a reboot, by SIGINT, rather than to carry it out.
    if let Err(error) = reboot(RebootCommand::CadOff) {
        problems.push(format!("take over ctrl-alt-del: {error}"));
    }
}

fn attach(row: &Mount, problems: &mut Vec<String>) {
    match mounts::attach(row) {
        Ok(()) => {}
        Err(error) if row.optional => say(format_args!("failed to {error}; going on without")),
        Err(error) => problems.push(error.to_string()),
    }
}

/// Milliseconds since the kernel started.
fn now() -> u64 {
    u64::try_from(uptime().as_millis()).unwrap_or(u64::MAX)
}

struct Init {
    processes: &'static [Process],
    system: &'static System,
    machine: Machine,
    children: Children,
    signals: Signals,
    ending: Option<Ending>,
}

impl Init {
    fn supervise(&mut self) -> Ending {
        loop {
            let steps = self.machine.due(now());
            let changed = !steps.is_empty();
            for step in steps {
                if let Some(ending) = self.take(step) {
                    self.publish();
                    return ending;
                }
            }
            if changed {
                self.publish();
            }
            self.wait();
            for (index, word) in self.children.heard() {
                self.machine.told(index, word, now());
            }
            for signal in self.signals.take() {
                match signal {
                    Signal::Child => self.reap(),
                    Signal::PowerOff => self.end(Ending::PowerOff),
                    Signal::Reboot => self.end(Ending::Reboot),
                }
            }
        }
    }

    /// Does a step. The last one is the end.
    fn take(&mut self, step: Step) -> Option<Ending> {
        match step {
            Step::Start(index) => {
                let process = &self.processes[index];
                if let Err(error) = self.children.start(index, process) {
                    let end = End::Failed(format!("failed to start: {error}"));
                    self.machine.ended(index, end, now());
                }
            }
            Step::Terminate(index) => self.children.signal(index, Sent::TERM),
            Step::Kill(index) => self.children.signal(index, Sent::KILL),
            Step::Say(index, event) => {
                let names = |index: usize| self.processes[index].name;
                let line = Line { name: names(index), event: &event, names: &names };
                say(format_args!("{line}"));
                if matches!(event, Event::GivenUp { .. }) && self.system.give_up == GiveUp::Reboot {
                    self.end(Ending::Reboot);
                }
            }
            // In the name of the whole; what waits for a product to be up looks for this line.
            Step::AllReady => {
                let System { name, version, .. } = self.system;
                say(format_args!("tarsia: {name} {version} ready"));
            }
            Step::Stopped => return Some(self.ending.unwrap_or(Ending::PowerOff)),
        }
        None
    }

    /// Begins the end. The first reason counts.
    fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending);
            say(format_args!("{ending}: ending all processes"));
            self.machine.stop();
        }
    }

    fn reap(&mut self) {
        for (index, words, end) in self.children.reap() {
            for word in words {
                self.machine.told(index, word, now());
            }
            self.machine.ended(index, end, now());
        }
    }

    /// Sleeps until something happens or the machine has something to do.
    fn wait(&self) {
        let signals = self.signals.sockets().map(AsFd::as_fd);
        let fds = signals.chain(self.children.pipes().map(AsFd::as_fd));
        let mut fds: Vec<_> = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let timeout = self.machine.next().map(|next| {
            let left = next.saturating_sub(now());
            Timespec {
                tv_sec: i64::try_from(left / 1000).unwrap_or(i64::MAX),
                tv_nsec: (left % 1000 * 1_000_000).cast_signed(),
            }
        });
        // Interrupted is as good as ready: everything is looked at anyway. There are no other
        // errors for descriptors that are open.
        let _ = poll(&mut fds, timeout.as_ref());
    }

    fn publish(&self) {
        let processes = self.processes.iter().enumerate().map(|(index, process)| {
            let (stage, since_ms, restarts, failure) = self.machine.standing(index);
            let failure = failure.map(str::to_owned);
            ProcessState { name: process.name.to_owned(), stage, restarts, since_ms, failure }
        });
        let state = State {
            product: self.system.name.to_owned(),
            version: self.system.version.to_owned(),
            ready_at_ms: self.machine.ready_at(),
            alive_within_ms: self
                .processes
                .iter()
                .map(|one| one.alive_within_ms)
                .max()
                .unwrap_or(0),
            processes: processes.collect(),
        };
        let path = Path::new(State::PATH);
        if !getpid().is_init() {
            return;
        }
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = written.and_then(|()| replace(path, &state.to_json())) {
            say(format_args!("failed to publish the state: {error}"));
        }
    }
}
