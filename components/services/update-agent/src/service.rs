//! The service: looks at the product's state and at requests, once a second.

use std::path::{Path, PathBuf};
use std::time::Duration as Time;

use embassy_time::Duration;
use rustix::process::{Pid, Signal, kill_process};
use tarsia_process::{BEAT, Exit, State, doze, ready, say, uptime};

use crate::decide::{mark_good, restart_helps};
use crate::request::Request;
use crate::{Esp, EspError, Report, switch};

/// The component's features.
pub struct Config {
    /// Where the EFI system partition is mounted, writable.
    pub esp: &'static str,
    /// How long everything has to be ready before the slot that runs is marked as good.
    pub good_after: Duration,
    /// How long after the start of the kernel everything has to be ready, lest it be started anew; above
    /// `good_after`.
    pub good_within: Duration,
    /// How long after the slot was good the other is switched to; zero is never.
    pub drill: Duration,
}

/// Where the agent finds what it looks at.
pub(crate) struct Places {
    pub esp: Esp,
    pub state: PathBuf,
    pub folder: PathBuf,
    pub slot: String,
}

/// When the agent acts.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub good_after: Time,
    pub good_within: Time,
    pub drill: Option<Time>,
}

impl Times {
    fn of(config: &Config) -> Result<Self, String> {
        let time = |duration: Duration| Time::from_millis(duration.as_millis());
        let (good_after, good_within) = (time(config.good_after), time(config.good_within));
        if good_after >= good_within {
            // The manifest language has no limits that depend on each other.
            return Err(format!(
                "accept the features: good-after ({good_after:?}) has to be below good-within ({good_within:?})"
            ));
        }
        let drill = Some(time(config.drill)).filter(|drill| !drill.is_zero());
        Ok(Self { good_after, good_within, drill })
    }
}

/// Marks the slot that runs as good in time, and carries out requests.
pub fn run(config: &'static Config) -> Exit {
    match start(config) {
        Ok(agent) => watch(agent),
        Err(problem) => Exit::Failed(problem),
    }
}

fn start(config: &Config) -> Result<Agent, String> {
    let times = Times::of(config)?;
    let line = std::fs::read_to_string("/proc/cmdline")
        .map_err(|error| format!("read /proc/cmdline: {error}"))?;
    let slot = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("tarsia.slot="));
    let slot = slot.ok_or("find `tarsia.slot=` on the kernel's command line")?;
    let places = Places {
        esp: Esp(config.esp.into()),
        state: State::PATH.into(),
        folder: Report::FOLDER.into(),
        slot: slot.to_owned(),
    };
    Agent::new(places, times).map_err(|error| error.to_string())
}

fn watch(mut agent: Agent) -> Exit {
    ready();
    let mut asked = false;
    loop {
        match agent.step(uptime()) {
            Err(error) => return Exit::Failed(error),
            Ok(Next::Restart) if !asked => {
                // As ctrl-alt-del: init ends all processes in their order first.
                if let Err(error) = kill_process(Pid::INIT, Signal::INT) {
                    return Exit::failed("ask init for a restart", error);
                }
                asked = true;
            }
            Ok(_) => {}
        }
        doze(uptime() + BEAT);
    }
}

/// What follows a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another.
    Look,
    /// The machine is to be started anew.
    Restart,
}

pub(crate) struct Agent {
    places: Places,
    times: Times,
    /// Since when everything has been ready without a break, and how many restarts there had been.
    well: Option<(Time, u32)>,
    /// The longest that a process may be silent before init notices that it hangs.
    alive_within: Time,
    /// Since when the running slot has been known to be good.
    good: Option<Time>,
    /// There is nothing more to decide until the next start.
    over: bool,
    last: Option<String>,
    published: Option<Report>,
}

impl Agent {
    pub fn new(places: Places, times: Times) -> Result<Self, EspError> {
        for line in places.esp.mend()? {
            say(format_args!("{line}"));
        }
        // Said at the start rather than when it matters.
        places.esp.slots(&places.slot)?;
        Ok(Self {
            places,
            times,
            well: None,
            alive_within: Time::ZERO,
            good: None,
            over: false,
            last: None,
            published: None,
        })
    }

    /// Looks once; an error is one of the agent's own, not of a request.
    pub fn step(&mut self, now: Time) -> Result<Next, String> {
        self.look(now);
        self.mark_good(now)?;
        let request = Request::take(&self.places.folder).map_err(|error| {
            format!("take requests from {}: {error}", self.places.folder.display())
        })?;
        match request {
            None => {}
            Some(Request::Switch) => {
                self.switch()?;
            }
            Some(Request::Install) => {
                self.answer(
                    "failed to install: this agent does not download or install updates".into(),
                );
            }
        }
        let next = if self.over || !(self.drill(now)? || self.give_up(now)?) {
            Next::Look
        } else {
            self.over = true;
            Next::Restart
        };
        self.publish()?;
        Ok(next)
    }

    fn look(&mut self, now: Time) {
        let state = State::read(&self.places.state).ok();
        if let Some(state) = &state {
            self.alive_within = Time::from_millis(state.alive_within_ms.into());
        }
        // A break may be shorter than the time between two looks.
        let well = state.filter(State::is_well);
        let restarts = well.map(|state| state.processes.iter().map(|one| one.restarts).sum());
        self.well = match (self.well, restarts) {
            (_, None) => None,
            (Some((since, before)), Some(restarts)) if before == restarts => Some((since, before)),
            (_, Some(restarts)) => Some((now, restarts)),
        };
    }

    fn mark_good(&mut self, now: Time) -> Result<(), String> {
        // One that hangs from the start counts as ready until its silence is noticed.
        let wait = self.times.good_after.max(self.alive_within);
        let slots = self.slots()?;
        if let Some(rename) = mark_good(&slots) {
            if self.well.is_none_or(|(since, _)| now - since < wait) {
                return Ok(());
            }
            self.places.esp.rename(&[rename]).map_err(|error| error.to_string())?;
            say(format_args!("{} is good", slots.running.stem));
        }
        self.good.get_or_insert(now);
        Ok(())
    }

    /// Switches by itself; whether the other is to be started.
    fn drill(&mut self, now: Time) -> Result<bool, String> {
        let due = self.times.drill.zip(self.good).is_some_and(|(drill, good)| now - good >= drill);
        if !due {
            return Ok(false);
        }
        let switched = self.switch()? || self.slots()?.running.is_passed_over();
        // What was refused now would be refused each second.
        self.over = !switched;
        Ok(switched)
    }

    /// Whether the slot did not become good in time, and a new start makes a difference.
    fn give_up(&mut self, now: Time) -> Result<bool, String> {
        let within = self.times.good_within;
        // Since before then: it may have to stay so for longer.
        let in_time = self.well.is_some_and(|(since, _)| since <= within);
        if self.good.is_some() || now < within || in_time {
            return Ok(false);
        }
        let slots = self.slots()?;
        let stem = &slots.running.stem;
        let helps = restart_helps(&slots);
        if helps {
            say(format_args!("{stem} is not good: not all was ready within {within:?}; restart"));
        } else {
            say(format_args!("{stem} is not good, nor is there another to try; going on with it"));
            self.over = true;
        }
        Ok(helps)
    }

    fn slots(&self) -> Result<crate::Slots, String> {
        self.places.esp.slots(&self.places.slot).map_err(|error| error.to_string())
    }

    /// Whether the other slot runs from the next start.
    fn switch(&mut self) -> Result<bool, String> {
        let slots = self.slots()?;
        let (answer, switched) = match switch(&slots) {
            Err(problem) => (format!("failed to {problem}"), false),
            Ok(renames) => match self.places.esp.rename(&renames) {
                Err(error) => (format!("failed to {error}"), false),
                Ok(()) => {
                    let other = slots.other.map(|other| other.stem).unwrap_or_default();
                    (format!("{other} runs from the next start, on trial"), true)
                }
            },
        };
        self.answer(answer);
        Ok(switched)
    }

    fn answer(&mut self, text: String) {
        say(format_args!("{text}"));
        self.last = Some(text);
    }

    fn publish(&mut self) -> Result<(), String> {
        let slots = self.slots()?;
        let report = Report {
            good: slots.running.is_good(),
            running: Some(slots.running.file),
            other: slots.other.map(|other| other.file),
            last: self.last.clone(),
        };
        if self.published.as_ref() != Some(&report) {
            let written = report.publish(Path::new(&self.places.folder));
            written.map_err(|error| format!("publish the slots: {error}"))?;
            self.published = Some(report);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
