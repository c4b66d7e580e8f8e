//! Decisions against a loader of its own: what systemd-boot 252 does with files of these names, which have the
//! names and versions that the composer writes.

use std::cmp::Ordering;

use super::*;
use crate::release::tests::release;
use crate::{Release, release::tests::image};

const A: &str = "camera-a";
const B: &str = "camera-b";

/// A system partition: names of files, and the version that each image has.
#[derive(Clone, Debug)]
struct Disk(Vec<(String, &'static str)>);

impl Disk {
    fn as_built() -> Self {
        Self(vec![("camera-a+3.efi".to_owned(), "1.0.0"), ("camera-b+3.efi".to_owned(), "1.0.0~b")])
    }

    /// Starts as systemd-boot does: sorts (`config_entry_compare`), takes the first, counts
    /// (`config_entry_bump_counters`). The stem of what it starts.
    fn boot(&mut self) -> String {
        // The counters, as two numbers behind the last plus; the second may be missing.
        let tries = |file: &str| -> Option<(u32, u32)> {
            let (_, counters) = file.strip_suffix(".efi")?.rsplit_once('+')?;
            let mut numbers = counters.split('-').map(|number| number.parse().expect("a number"));
            Some((numbers.next()?, numbers.next().unwrap_or(0)))
        };
        self.0.sort_by(|(a, version_a), (b, version_b)| {
            let bad = |file: &str| tries(file).is_some_and(|(left, _)| left == 0);
            bad(a).cmp(&bad(b)).then_with(|| match (*version_a, *version_b) {
                ("1.0.0", "1.0.0~b") => Ordering::Less,
                ("1.0.0~b", "1.0.0") => Ordering::Greater,
                // The same version: the later name first.
                _ => b.cmp(a),
            })
        });
        let file = &mut self.0[0].0;
        let stem = file.split('+').next().expect("a stem").trim_end_matches(".efi").to_owned();
        if let Some((left, done)) = tries(file) {
            *file = format!("{stem}+{}-{}.efi", left.saturating_sub(1), done + 1);
        }
        stem
    }

    /// Starts again and again; what was started.
    fn boots(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.boot()).collect()
    }

    /// What the agent sees in the slot that runs.
    fn slots(&self, running: &str) -> Slots {
        let mut entries: Vec<_> =
            self.0.iter().map(|(file, version)| entry(file, version)).collect();
        let at = entries.iter().position(|entry| entry.stem == running).expect("it runs");
        let running = entries.remove(at);
        Slots { running, other: entries.pop() }
    }

    /// Renames one file to what stands for it; the file has to be there.
    fn rename(&mut self, (from, to): &Rename) {
        let file = self.0.iter_mut().find(|(file, _)| *file == from.file);
        file.unwrap_or_else(|| panic!("no {}", from.file)).0 = to.file.clone();
    }

    /// Starts once; the slot works and is marked as good.
    fn well(&mut self) -> String {
        let stem = self.boot();
        let rename = mark_good(&self.slots(&stem)).expect("the loader took a try off");
        self.rename(&rename);
        assert_eq!(mark_good(&self.slots(&stem)), None, "once is enough");
        stem
    }

    fn switch(&mut self, running: &str) {
        for rename in &switch(&self.slots(running)).expect("safe") {
            self.rename(rename);
        }
        assert_eq!(mark_good(&self.slots(running)), None, "it would undo the switch");
    }
}

fn entry(file: &str, version: &str) -> Entry {
    let text = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(text.path(), image(&release(version))).expect("written");
    Entry::parse(file, Release::read(text.path()).expect("an image")).expect("a name")
}

/// As built, or with one version in both slots, or with the newer in the other: running, other, disk.
fn cases() -> Vec<(&'static str, &'static str, Disk)> {
    let mut cases = Vec::new();
    for versions in [["1.0.0", "1.0.0~b"], ["1.0.0~b", "1.0.0"], ["1.0.0", "1.0.0"]] {
        let mut disk = Disk::as_built();
        (disk.0[0].1, disk.0[1].1) = (versions[0], versions[1]);
        let first = disk.well();
        let (first, second) = if first == A { (A, B) } else { (B, A) };
        cases.push((first, second, disk.clone()));
        disk.switch(first);
        assert_eq!(disk.well(), second);
        cases.push((second, first, disk));
    }
    cases
}

#[test]
fn the_other_is_tried_and_what_ran_comes_back_when_it_fails() {
    for (runs, other, mut disk) in cases() {
        disk.switch(runs);
        assert_eq!(disk.boots(3), [other; 3], "from {runs}: {disk:?}");
        assert_eq!(disk.boot(), runs, "{disk:?}");
        // Whether or not it is marked as good then.
        assert_eq!(disk.clone().boots(2), [runs; 2], "{disk:?}");
        let rename = mark_good(&disk.slots(runs)).expect("it was counted");
        disk.rename(&rename);
        assert_eq!((disk.well(), disk.well()), (runs.to_owned(), runs.to_owned()));
    }
}

#[test]
fn the_other_stays_when_it_works_and_one_can_switch_back() {
    for (runs, other, mut disk) in cases() {
        for (from, to) in [(runs, other), (other, runs), (runs, other)] {
            disk.switch(from);
            for _ in 0..7 {
                assert_eq!(disk.well(), to, "{disk:?}");
            }
        }
    }
}

#[test]
fn one_that_was_good_and_rots_is_left_and_two_that_rot_end_on_one() {
    for (runs, other, mut disk) in cases() {
        assert_eq!(disk.well(), runs);
        assert_eq!(disk.boots(3), [runs; 3], "{disk:?}");
        let then = disk.clone().boot();
        // Passed over or never tried: either way it is the other.
        assert_eq!(then, other, "{disk:?}");
        let ends = disk.boots(10);
        assert!(ends[4..].iter().all(|stem| *stem == ends[9]), "{ends:?}");
    }
}

#[test]
fn power_may_fail_between_renames() {
    let mut cases = cases();
    // The other was good at a time when that took its counter: without one it would be tried for ever.
    let (runs, other, mut disk) = cases[0].clone();
    disk.0.iter_mut().find(|(file, _)| file.starts_with(other)).expect("there").0 =
        format!("{other}.efi");
    cases.push((runs, other, disk));
    for (runs, _, disk) in cases {
        let renames = switch(&disk.slots(runs)).expect("safe");
        assert!(!renames.is_empty());
        for done in 0..=renames.len() {
            let mut disk = disk.clone();
            renames[..done].iter().for_each(|rename| disk.rename(rename));
            // The other does not work, and the running one still does.
            let found = (0..4).any(|_| disk.boot() == runs);
            assert!(found, "{done} from {runs}: {disk:?}");
            let rename = mark_good(&disk.slots(runs)).expect("it was counted");
            disk.rename(&rename);
        }
    }
}

#[test]
fn new_starts_of_what_does_not_become_good_come_to_an_end_and_reach_what_works() {
    for (runs, other, mut disk) in cases() {
        disk.switch(runs);
        // The other starts but does not become good; the running one does, or neither.
        for works in [Some(runs), None] {
            let mut disk = disk.clone();
            let mut starts = vec![disk.boot()];
            while Some(starts.last().expect("one").as_str()) != works
                && restart_helps(&disk.slots(starts.last().expect("one")))
            {
                starts.push(disk.boot());
                assert!(starts.len() < 10, "without end: {starts:?}");
            }
            assert_eq!(starts[..3], [other; 3], "{starts:?}");
            assert!(starts[3..].contains(&runs.to_owned()), "{starts:?}");
            if works.is_none() {
                let last = starts.last().expect("one");
                assert_eq!(disk.boots(3), [last.as_str(); 3], "no start would help");
            }
        }
    }
}

#[test]
fn what_is_not_safe_is_refused() {
    let mut disk = Disk::as_built();
    disk.boot();
    let slots = disk.slots(A);
    assert_eq!(switch(&slots), Err(SwitchProblem::OnTrial(A.to_owned())));
    let alone = Slots { other: None, ..slots };
    assert_eq!(switch(&alone), Err(SwitchProblem::Alone(A.to_owned())));
    let rename = mark_good(&disk.slots(A)).expect("counted");
    disk.rename(&rename);
    disk.switch(A);
    assert_eq!(switch(&disk.slots(A)), Err(SwitchProblem::Already(A.to_owned())));
    // Good ones of old have no counters.
    let old = Slots { running: entry("camera-a.efi", "1.0.0"), other: None };
    assert_eq!(mark_good(&old).expect("it has none").1.file, "camera-a+3-0.efi");
}
