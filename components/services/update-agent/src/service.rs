//! The service: looks at the product's state and at requests, once a second.

use std::path::{Path, PathBuf};
use std::time::Duration as Time;

use embassy_time::Duration;
use tarsia_process::{BEAT, Exit, State, doze, ready, say, uptime};

use crate::decide::mark_good;
use crate::request::Request;
use crate::{Esp, EspError, Report, switch};

/// The component's features.
pub struct Config {
    /// Where the EFI system partition is mounted, writable.
    pub esp: &'static str,
    /// How long everything has to be ready before the slot that runs is marked as good.
    pub good_after: Duration,
}

/// Where the agent finds what it looks at.
pub(crate) struct Places {
    pub esp: Esp,
    pub state: PathBuf,
    pub folder: PathBuf,
    pub slot: String,
}

/// Marks the slot that runs as good in time, and carries out requests.
pub fn run(config: &'static Config) -> Exit {
    let line = match std::fs::read_to_string("/proc/cmdline") {
        Ok(line) => line,
        Err(error) => return Exit::failed("read /proc/cmdline", error),
    };
    let slot = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("tarsia.slot="));
    let Some(slot) = slot else {
        return Exit::Failed("find `tarsia.slot=` on the kernel's command line".to_owned());
    };
    let places = Places {
        esp: Esp(config.esp.into()),
        state: State::PATH.into(),
        folder: Report::FOLDER.into(),
        slot: slot.to_owned(),
    };
    let mut agent = match Agent::new(places, Time::from_millis(config.good_after.as_millis())) {
        Ok(agent) => agent,
        Err(error) => return Exit::Failed(error.to_string()),
    };
    ready();
    loop {
        if let Err(error) = agent.step(uptime()) {
            return Exit::Failed(error);
        }
        doze(uptime() + BEAT);
    }
}

pub(crate) struct Agent {
    places: Places,
    good_after: Time,
    /// Since when everything has been ready without a break, and how many restarts there had been.
    well: Option<(Time, u32)>,
    last: Option<String>,
    published: Option<Report>,
}

impl Agent {
    pub fn new(places: Places, good_after: Time) -> Result<Self, EspError> {
        // Said at the start rather than when it matters.
        places.esp.slots(&places.slot)?;
        Ok(Self { places, good_after, well: None, last: None, published: None })
    }

    /// Looks once; an error is one of the agent's own, not of a request.
    pub fn step(&mut self, now: Time) -> Result<(), String> {
        self.look(now);
        let slots = self.slots()?;
        if let Some(rename) = mark_good(&slots)
            && self.well.is_some_and(|(since, _)| now - since >= self.good_after)
        {
            self.places.esp.rename(&[rename]).map_err(|error| error.to_string())?;
            say(format_args!("{} is good", slots.running.stem));
        }
        let request = Request::take(&self.places.folder).map_err(|error| {
            format!("take requests from {}: {error}", self.places.folder.display())
        })?;
        match request {
            None => {}
            Some(Request::Switch) => self.switch()?,
            Some(Request::Install) => {
                self.answer(
                    "failed to install: this agent does not download or install updates".into(),
                );
            }
        }
        self.publish()
    }

    fn look(&mut self, now: Time) {
        let state = State::read(&self.places.state).ok().filter(State::is_well);
        // A break may be shorter than the time between two looks.
        let restarts = state.map(|state| state.processes.iter().map(|one| one.restarts).sum());
        self.well = match (self.well, restarts) {
            (_, None) => None,
            (Some((since, before)), Some(restarts)) if before == restarts => Some((since, before)),
            (_, Some(restarts)) => Some((now, restarts)),
        };
    }

    fn slots(&self) -> Result<crate::Slots, String> {
        self.places.esp.slots(&self.places.slot).map_err(|error| error.to_string())
    }

    fn switch(&mut self) -> Result<(), String> {
        let slots = self.slots()?;
        let answer = match switch(&slots) {
            Err(problem) => format!("failed to {problem}"),
            Ok(renames) => match self.places.esp.rename(&renames) {
                Err(error) => format!("failed to {error}"),
                Ok(()) => {
                    let other = slots.other.map(|other| other.stem).unwrap_or_default();
                    format!("{other} runs from the next start, on trial")
                }
            },
        };
        self.answer(answer);
        Ok(())
    }

    fn answer(&mut self, text: String) {
        say(format_args!("{text}"));
        self.last = Some(text);
    }

    fn publish(&mut self) -> Result<(), String> {
        let slots = self.slots()?;
        let report = Report {
            good: slots.running.counters.is_none(),
            running: Some(slots.running.to_string()),
            other: slots.other.map(|other| other.to_string()),
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
mod tests {
    use super::*;
    use std::fs;
    use tarsia_process::{ProcessState, Stage};

    struct Bench {
        root: tempfile::TempDir,
        agent: Agent,
    }

    impl Bench {
        fn new(entries: &[&str], slot: &str) -> Self {
            let root = tempfile::tempdir().expect("a folder");
            let path = |name: &str| root.path().join(name);
            fs::create_dir_all(path("esp/EFI/Linux")).expect("made");
            for entry in entries {
                fs::write(path("esp/EFI/Linux").join(entry), "").expect("written");
            }
            let places = Places {
                esp: Esp(path("esp")),
                state: path("tarsia.json"),
                folder: root.path().to_path_buf(),
                slot: slot.to_owned(),
            };
            let agent = Agent::new(places, Time::from_secs(10)).expect("in order");
            Self { root, agent }
        }

        fn init_says(&self, stage: Stage, restarts: u32) {
            let process =
                ProcessState { name: "p".to_owned(), stage, restarts, since_ms: 0, failure: None };
            let state = State {
                product: "g".to_owned(),
                version: "1".to_owned(),
                ready_at_ms: Some(1),
                processes: vec![process],
            };
            fs::write(self.root.path().join("tarsia.json"), state.to_json()).expect("written");
        }

        fn step(&mut self, second: u64) -> Report {
            self.agent.step(Time::from_secs(second)).expect("well");
            let text = fs::read_to_string(self.root.path().join("state.json")).expect("published");
            serde_json::from_str(&text).expect("JSON")
        }

        fn ask(&self, request: &str) {
            fs::write(self.root.path().join(request), "").expect("asked");
        }
    }

    #[test]
    fn a_slot_is_good_after_all_was_well_for_long_enough_without_a_break() {
        let mut bench = Bench::new(&["g-a.efi", "g-b+2-1.efi"], "b");
        assert!(!bench.step(0).good, "init has said nothing");
        bench.init_says(Stage::Ready, 0);
        assert!(!bench.step(1).good);
        bench.init_says(Stage::BackingOff, 0);
        assert!(!bench.step(5).good);
        bench.init_says(Stage::Ready, 1);
        assert!(!bench.step(6).good);
        assert!(!bench.step(15).good);
        bench.init_says(Stage::Ready, 2);
        assert!(!bench.step(16).good, "a break that was not seen");
        assert!(!bench.step(25).good);
        let report = bench.step(26);
        assert!(report.good);
        assert_eq!(report.running.as_deref(), Some("g-b.efi"));
    }

    #[test]
    fn requests_are_carried_out_once_and_answered() {
        let mut bench = Bench::new(&["g-a.efi", "g-b+0-3.efi"], "a");
        bench.ask("switch");
        let report = bench.step(0);
        assert_eq!(report.other.as_deref(), Some("g-b+3-0.efi"));
        assert_eq!(report.last.as_deref(), Some("g-b runs from the next start, on trial"));
        bench.ask("install");
        let last = bench.step(1).last.expect("answered");
        assert!(last.contains("does not download or install"), "{last}");
        assert_eq!(Request::take(bench.root.path()).expect("readable"), None);
        let mut alone = Bench::new(&["g-a.efi"], "a");
        alone.ask("switch");
        let last = alone.step(0).last.expect("answered");
        assert_eq!(last, "failed to switch: there is no second entry beside `g-a`");
    }
}
