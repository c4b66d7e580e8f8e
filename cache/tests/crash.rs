//! Stops the store after every change it makes to the disk, by a kill or by a loss of power, and looks
//! at what is left: everything that can be seen is right, and the next run ends as if nothing had been.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use support::memory::Memory;
use support::node::Loss;
use support::random::Random;
use support::{cases, script};
use tarsia_model::Blake3;

/// How the machine stops. `None` kills the processes only.
const STOPS: [Option<Loss>; 9] = [
    None,
    Some(Loss::Kept),
    Some(Loss::Lost),
    Some(Loss::Torn),
    Some(Loss::Mixed(1)),
    Some(Loss::Mixed(2)),
    Some(Loss::Mixed(3)),
    Some(Loss::Mixed(4)),
    Some(Loss::Mixed(5)),
];

fn clean() -> (BTreeMap<PathBuf, Vec<u8>>, u64) {
    let memory = script::disk();
    let (_, before) = memory.counts();
    script::run(&script::open(&memory), &mut BTreeSet::new()).expect("nothing stands in the way");
    assert!(!memory.has_locks());
    (script::left(&memory), memory.counts().1 - before)
}

/// Runs the script up to so many changes and stops the machine.
fn stopped(
    memory: &Memory,
    changes: u64,
    stop: Option<Loss>,
    durable: &mut BTreeSet<Blake3>,
) -> Memory {
    memory.stop_after(changes);
    let _ = script::run(&script::open(memory), durable);
    stop.map_or_else(|| memory.killed(), |loss| memory.lose(loss))
}

#[test]
fn every_change_may_be_the_last() {
    let (end, changes) = clean();
    assert!(changes > 150, "{changes}: the script does what a build does");
    for last in 0..=changes {
        for stop in STOPS {
            let mut durable = BTreeSet::new();
            let memory = stopped(&script::disk(), last, stop, &mut durable);
            script::check(&memory, &durable);
            script::run(&script::open(&memory), &mut BTreeSet::new())
                .unwrap_or_else(|error| panic!("after change {last}, {stop:?}: {error}"));
            assert!(!memory.has_locks());
            without_deliveries(&memory, &end, &format!("after change {last}, {stop:?}"));
        }
    }
}

/// The second stop comes while the store recovers from the first.
#[test]
fn and_then_once_more() {
    let (end, changes) = clean();
    let mut random = Random(20);
    for case in 0..cases(2_000) {
        let mut durable = BTreeSet::new();
        let mut memory = script::disk();
        let mut told = String::new();
        for _ in 0..2 {
            let last = random.below(changes);
            let stop = match random.below(12) {
                0..4 => None,
                4 => Some(Loss::Lost),
                5 => Some(Loss::Torn),
                _ => Some(Loss::Mixed(random.next())),
            };
            told += &format!(" after change {last}, {stop:?};");
            // A result that was durable once may be collected by the next run.
            durable.clear();
            memory = stopped(&memory, last, stop, &mut durable);
        }
        script::check(&memory, &durable);
        script::run(&script::open(&memory), &mut BTreeSet::new())
            .unwrap_or_else(|error| panic!("case {case}:{told} {error}"));
        without_deliveries(&memory, &end, &format!("case {case}:{told}"));
    }
}

/// What the first did is not on the disk when the second goes on.
#[test]
fn a_collection_after_one_that_was_killed() {
    let memory = script::disk();
    script::run(&script::open(&memory), &mut BTreeSet::new()).expect("nothing stands in the way");
    let memory = memory.lose(Loss::Kept);
    let collect = |memory: &Memory| script::open(memory).gc(0, &BTreeSet::new());
    let length = {
        let memory = memory.killed();
        let before = memory.counts().1;
        collect(&memory).expect("nothing stands in the way");
        memory.counts().1 - before
    };
    for first in 0..length {
        let killed = memory.killed();
        killed.stop_after(first);
        let _ = collect(&killed);
        for second in 0..=length {
            for loss in (0..8).map(Loss::Mixed).chain([Loss::Kept, Loss::Lost]) {
                let memory = killed.killed();
                memory.stop_after(second);
                let _ = collect(&memory);
                let verified = script::open(&memory.lose(loss)).verify().expect("readable");
                assert!(verified.is_sound(), "after {first} and {second}, {loss:?}: {verified:?}");
            }
        }
    }
}

/// The disk is as after a clean run, but for a file beside an output that was being delivered: the
/// store does not list folders that are not its own.
fn without_deliveries(memory: &Memory, end: &BTreeMap<PathBuf, Vec<u8>>, told: &str) {
    let mut left = script::left(memory);
    left.retain(|path, _| !path.to_string_lossy().starts_with("/out/.tarsia-"));
    assert!(left.keys().eq(end.keys()), "{told}: {:?}", left.keys());
    assert!(left == *end, "{told}: contents differ");
}
