//! The agent against folders that stand for the system partition and for `/run`.

use super::*;
use crate::esp::tests::esp;
use std::fs;
use tarsia_process::{ProcessState, Stage};

/// Good after 10 s, within 60 s; a process may be silent for 15 s.
const TIMES: Times =
    Times { good_after: Time::from_secs(10), good_within: Time::from_secs(60), drill: None };
const BOTH: [(&str, &str); 2] = [("camera-a+3.efi", "1.0.0"), ("camera-b+2-1.efi", "1.0.0~b")];

struct Bench {
    root: tempfile::TempDir,
    agent: Agent,
    next: Next,
}

impl Bench {
    fn new(entries: &[(&str, &str)], slot: &str, times: Times) -> Self {
        let (root, esp) = esp(entries);
        let places = Places {
            esp,
            state: root.path().join("tarsia.json"),
            folder: root.path().to_path_buf(),
            slot: slot.to_owned(),
        };
        let agent = Agent::new(places, times).expect("in order");
        Self { root, agent, next: Next::Look }
    }

    fn init_says(&self, stage: Stage, restarts: u32) {
        let process =
            ProcessState { name: "p".to_owned(), stage, restarts, since_ms: 0, failure: None };
        let state = State {
            product: "g".to_owned(),
            version: "1".to_owned(),
            ready_at_ms: Some(1),
            alive_within_ms: 15_000,
            processes: vec![process],
        };
        fs::write(self.root.path().join("tarsia.json"), state.to_json()).expect("written");
    }

    fn step(&mut self, second: u64) -> Report {
        self.next = self.agent.step(Time::from_secs(second)).expect("well");
        let text = fs::read_to_string(self.root.path().join("state.json")).expect("published");
        serde_json::from_str(&text).expect("JSON")
    }

    fn ask(&self, request: &str) {
        fs::write(self.root.path().join(request), "").expect("asked");
    }

    /// The second of the first look after which the machine is started anew, if there is one in ten minutes.
    fn restarts_at(&mut self) -> Option<u64> {
        (0..600).find(|second| {
            self.step(*second);
            self.next == Next::Restart
        })
    }
}

#[test]
fn a_slot_is_good_after_all_was_well_for_long_enough_without_a_break() {
    let mut bench = Bench::new(&BOTH, "b", TIMES);
    assert!(!bench.step(0).good, "init has said nothing");
    bench.init_says(Stage::Ready, 0);
    assert!(!bench.step(1).good);
    bench.init_says(Stage::BackingOff, 0);
    assert!(!bench.step(5).good);
    bench.init_says(Stage::Ready, 1);
    assert!(!bench.step(6).good);
    assert!(!bench.step(20).good, "silence would not yet have been noticed");
    bench.init_says(Stage::Ready, 2);
    assert!(!bench.step(21).good, "a break that was not seen");
    assert!(!bench.step(35).good);
    let report = bench.step(36);
    assert!(report.good);
    assert_eq!(report.running.as_deref(), Some("camera-b+3-0.efi"));
}

#[test]
fn requests_are_carried_out_once_and_answered() {
    let mut bench = Bench::new(&BOTH, "b", TIMES);
    bench.init_says(Stage::Ready, 0);
    bench.ask("switch");
    let last = bench.step(0).last.expect("answered");
    assert!(last.ends_with("`camera-b` is not yet marked as good since it was started"), "{last}");
    bench.step(15);
    bench.ask("switch");
    let report = bench.step(16);
    assert_eq!(report.last.as_deref(), Some("camera-a runs from the next start, on trial"));
    assert_eq!(report.other.as_deref(), Some("camera-a+3-0.efi"));
    bench.ask("install");
    let last = bench.step(17).last.expect("answered");
    assert!(last.contains("does not download or install"), "{last}");
    assert_eq!(Request::take(bench.root.path()).expect("readable"), None);
    assert_eq!(bench.next, Next::Look, "who asks for a switch says when");
    let mut alone = Bench::new(&[("g-a.efi", "1")], "a", TIMES);
    alone.ask("switch");
    let last = alone.step(0).last.expect("answered");
    assert_eq!(last, "failed to switch: there is no second entry beside `g-a`");
}

#[test]
fn a_switch_is_not_undone_by_what_still_runs() {
    let mut bench = Bench::new(&[("g-a+2-1.efi", "1"), ("g-b+3.efi", "1~b")], "a", TIMES);
    bench.init_says(Stage::Ready, 0);
    bench.step(0);
    assert!(bench.step(15).good);
    bench.ask("switch");
    for second in [16, 17, 100] {
        let report = bench.step(second);
        let [running, other] = [report.running, report.other].map(|file| file.expect("there"));
        assert_eq!((&running[..], &other[..]), ("g-a+0-0.efi", "g-b+3-0.efi"));
        assert!(report.good);
    }
    // Nor by an agent that is started again.
    let places = Places {
        esp: Esp(bench.root.path().to_path_buf()),
        state: bench.root.path().join("tarsia.json"),
        folder: bench.root.path().to_path_buf(),
        slot: "a".to_owned(),
    };
    bench.agent = Agent::new(places, TIMES).expect("in order");
    for second in [101, 200] {
        assert_eq!(bench.step(second).running.as_deref(), Some("g-a+0-0.efi"));
    }
}

#[test]
fn one_that_is_not_ready_in_time_is_started_anew_while_that_helps() {
    for (running, other, expected) in [
        ("g-a+2-1.efi", "g-b+0-3.efi", Some(60)),
        ("g-a+0-3.efi", "g-b+3.efi", Some(60)),
        ("g-a+0-3.efi", "g-b+0-3.efi", None),
    ] {
        let entries = [(running, "1"), (other, "1~b")];
        let mut bench = Bench::new(&entries, "a", TIMES);
        bench.init_says(Stage::BackingOff, 1);
        assert_eq!(bench.restarts_at(), expected, "{running} {other}");
    }
    // The older one fails; the newer, which it was switched from, is the loader's next.
    let mut bench = Bench::new(&[("g-a+0-0.efi", "1"), ("g-b+0-3.efi", "1~b")], "b", TIMES);
    assert_eq!(bench.restarts_at(), Some(60));
}

#[test]
fn one_that_is_ready_late_but_in_time_is_not_started_anew() {
    let late = |second, restarts| {
        let mut bench = Bench::new(&BOTH, "b", TIMES);
        for earlier in 0..second {
            bench.step(earlier);
        }
        bench.init_says(Stage::Ready, restarts);
        let next = (second..100).find(|second| {
            bench.step(*second);
            bench.next == Next::Restart
        });
        (next, bench.step(100).good)
    };
    assert_eq!(late(60, 0), (None, true));
    // It is ready, and fails, and is ready: not from before the time was over.
    let mut bench = Bench::new(&BOTH, "b", TIMES);
    let restarts = (0..100).find(|second| {
        bench.init_says(Stage::Ready, *second as u32);
        bench.step(*second);
        bench.next == Next::Restart
    });
    assert_eq!(restarts, Some(61));
}

#[test]
fn a_drill_switches_by_itself_once_the_slot_is_good() {
    let drill = Times { drill: Some(Time::from_secs(5)), ..TIMES };
    let mut bench = Bench::new(&BOTH, "b", drill);
    bench.init_says(Stage::Ready, 0);
    assert_eq!(bench.restarts_at(), Some(20));
    let report = bench.step(21);
    assert_eq!((bench.next, report.other.as_deref()), (Next::Look, Some("camera-a+3-0.efi")));
    let mut alone = Bench::new(&[("g-a+2-1.efi", "1")], "a", drill);
    alone.init_says(Stage::Ready, 0);
    assert_eq!(alone.restarts_at(), None);
    assert!(alone.step(700).last.is_some_and(|last| last.contains("no second entry")));
}

#[test]
fn times_that_exclude_each_other_are_refused() {
    let config = Config {
        esp: "/efi",
        good_after: Duration::from_secs(60),
        good_within: Duration::from_secs(60),
        drill: Duration::from_secs(0),
    };
    let problem = Times::of(&config).err().expect("refused");
    assert_eq!(problem, "accept the features: good-after (60s) has to be below good-within (60s)");
    let times = Times::of(&Config { good_within: Duration::from_secs(61), ..config });
    assert!(times.is_ok_and(|times| times.drill.is_none()));
}
