//! The engine with actions that are made up: what is carried out and what is not, in which order, how
//! much at once, and what becomes of failures, edits and damage. No compiler takes part.

#[path = "engine/bench.rs"]
mod bench;
#[path = "engine/disk.rs"]
mod disk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bench::{Bench, Made, action, text};
use disk::Disk;
use tarsia_build::engine::{ActionId, Graph, Job, Options, Origin, Reason};
use tarsia_model::{Code, Diagnostic};

/// `a` and `b` read a file each, `both` what they make.
fn diamond<'w>(bench: &'w Bench, log: &'w Made) -> Graph<'w> {
    let mut graph = Graph::default();
    let a = action("a", log, &["out"], |job| {
        // Case makes no difference to it.
        Ok(vec![("out", job.bytes("in")?.to_ascii_lowercase())])
    });
    let a = graph.add(a.reads("in", Origin::File(bench.at("a.txt"))).done());
    let b = action("b", log, &["out"], |job| Ok(vec![("out", job.bytes("in")?)]));
    let b = graph.add(b.reads("in", Origin::File(bench.at("b.txt"))).done());
    let both = action("both", log, &["sum"], |job| {
        Ok(vec![("sum", [job.bytes("a")?, job.bytes("b")?].concat())])
    });
    let both = both.reads("a", Origin::Output(a, "out".into()));
    graph.add(both.reads("b", Origin::Output(b, "out".into())).done());
    graph
}

#[test]
fn only_what_differs_is_carried_out() {
    let bench = Bench::new().with_jobs(1);
    bench.write("a.txt", "One");
    bench.write("b.txt", "two");
    let log = Made::default();
    let graph = diamond(&bench, &log);
    let built = |title: &str, expected: &[&str], sum: &str| {
        let report = bench.run(&graph, Options::default());
        assert_eq!(log.take(), expected, "{title}");
        assert_eq!(report.text(2, "sum"), sum, "{title}");
    };
    built("everything, once", &["a", "b", "both"], "onetwo");
    built("nothing", &[], "onetwo");
    bench.write("b.txt", "three");
    built("who reads it", &["b", "both"], "onethree");
    bench.write("a.txt", "ONE");
    built("equal outputs cut off", &["a"], "onethree");
    bench.write("b.txt", "two");
    built("back again: the store has it", &[], "onetwo");
    bench.empty_store();
    built("an empty store", &["a", "b", "both"], "onetwo");
}

#[test]
fn reasons_are_told() {
    let bench = Bench::new();
    bench.write("a.txt", "1");
    bench.write("b.txt", "2");
    let log = Made::default();
    let graph = diamond(&bench, &log);
    assert_eq!(bench.reasons(&graph)["p/a"], Reason::New);
    bench.write("a.txt", "x");
    let reasons = bench.reasons(&graph);
    let Reason::Changed { what, old: Some(_), new: Some(_) } = &reasons["p/a"] else {
        panic!("{reasons:?}");
    };
    assert_eq!(what, "input in");
    assert!(matches!(&reasons["p/both"], Reason::Changed { what, .. } if what == "input a"));
    assert!(!reasons.contains_key("p/b"));
    bench.empty_store();
    assert_eq!(bench.reasons(&graph)["p/b"], Reason::Lost);
}

#[test]
fn a_failure_ends_the_build_or_what_needs_it() {
    let log = Made::default();
    for keep_going in [false, true] {
        let bench = Bench::new().with_jobs(1);
        let mut graph = Graph::default();
        let fails = action("fails", &log, &["out"], |_| {
            Err(Diagnostic::error(Code::ActionFailed, "broken"))
        });
        let fails = graph.add(fails.reads("x", text("1")).done());
        let after = action("after", &log, &["out"], |_| Ok(vec![("out", Vec::new())]));
        graph.add(after.reads("in", Origin::Output(fails, "out".into())).done());
        let other = action("other", &log, &["out"], |_| Ok(vec![("out", Vec::new())]));
        let other = graph.add(other.reads("x", text("2")).done());
        for round in 0..2 {
            let ran = bench.run(&graph, Options { keep_going, ..Options::default() });
            let failures: Vec<ActionId> = ran.report.failures().map(|(id, _)| id).collect();
            assert_eq!(failures, [fails]);
            assert_eq!(ran.report.output(other, "out").is_some(), keep_going);
            let expected: &[&str] = match (keep_going, round) {
                (true, 0) => &["fails", "other"],
                _ => &["fails"],
            };
            assert_eq!(log.take(), expected, "what failed is tried again");
        }
    }
}

#[test]
fn so_many_jobs_and_no_more() {
    for count in [1, 3] {
        let bench = Bench::new().with_jobs(count);
        let (log, now, most) = (Made::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let mut graph = Graph::default();
        for name in ["a", "b", "c", "d", "e", "f", "g"] {
            let work = |_: &Job<'_>| {
                let running = now.fetch_add(1, SeqCst) + 1;
                most.fetch_max(running, SeqCst);
                std::thread::sleep(Duration::from_millis(20));
                now.fetch_sub(1, SeqCst);
                Ok(vec![("out", Vec::new())])
            };
            graph.add(action(name, &log, &["out"], work).reads("x", text(name)).done());
        }
        bench.run(&graph, Options::default());
        assert_eq!(most.load(SeqCst), count);
        assert_eq!(log.take().len(), 7);
    }
}

/// What an action's program takes from the pool is not there for other actions.
#[test]
fn programs_below_share_the_jobs() {
    let bench = Bench::new().with_jobs(2);
    let (log, others) = (Made::default(), AtomicUsize::new(0));
    let mut graph = Graph::default();
    let greedy = action("greedy", &log, &["out"], |job| {
        let second = job.workshop.jobs.acquire().expect("a token");
        let before = others.load(SeqCst);
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(others.load(SeqCst), before, "nobody else runs");
        drop(second);
        Ok(vec![("out", Vec::new())])
    });
    graph.add(greedy.reads("x", text("1")).done());
    for name in ["b", "c", "d"] {
        let work = |_: &Job<'_>| {
            others.fetch_add(1, SeqCst);
            Ok(vec![("out", Vec::new())])
        };
        graph.add(action(name, &log, &["out"], work).reads("x", text(name)).done());
    }
    bench.run(&graph, Options::default());
    assert_eq!(others.load(SeqCst), 3);
}

/// With one job, what the most waits for comes first, judged by how long things took before.
#[test]
fn the_critical_path_goes_first() {
    let bench = Bench::new().with_jobs(1);
    let log = Made::default();
    let round = |round: &'static str| {
        let mut graph = Graph::default();
        let quick = |_: &Job<'_>| Ok(vec![("out", Vec::new())]);
        let slow = |_: &Job<'_>| {
            std::thread::sleep(Duration::from_millis(40));
            Ok(vec![("out", Vec::new())])
        };
        graph.add(action("alone", &log, &["out"], quick).reads("x", text(round)).done());
        let first = action("first", &log, &["out"], quick).reads("x", text(round)).done();
        let first = graph.add(first);
        let last = action("last", &log, &["out"], slow).reads("x", text(round));
        graph.add(last.reads("in", Origin::Output(first, "out".into())).done());
        bench.run(&graph, Options::default());
        log.take()
    };
    round("1");
    assert_eq!(round("2"), ["first", "last", "alone"]);
}

#[test]
fn what_is_edited_meanwhile_is_not_kept() {
    let bench = Bench::new();
    bench.write("a.txt", "old");
    let (log, edits) = (Made::default(), AtomicUsize::new(1));
    let mut graph = Graph::default();
    let work = |job: &Job<'_>| {
        let read = job.bytes("in")?;
        if edits.load(SeqCst) > 0 {
            let left = edits.fetch_sub(1, SeqCst);
            bench.write("a.txt", &format!("new {left}"));
        }
        Ok(vec![("out", read)])
    };
    let reader = action("a", &log, &["out"], work);
    graph.add(reader.reads("in", Origin::File(bench.at("a.txt"))).done());
    let ran = bench.run(&graph, Options::default());
    assert_eq!((ran.text(0, "out"), log.take().len()), ("new 1".to_owned(), 2));
    bench.write("a.txt", "old");
    let ran = bench.run(&graph, Options::default());
    assert_eq!(ran.text(0, "out"), "old");
    assert_eq!(log.take(), ["a"], "the first run's result was not kept");

    bench.write("a.txt", "again");
    edits.store(100, SeqCst);
    let ran = bench.run(&graph, Options::default());
    let (_, failure) = ran.report.failures().next().expect("an end of trying");
    assert!(failure.message.contains("keeps changing"), "{failure:?}");
}

#[test]
fn what_the_store_lost_is_made_anew() {
    let bench = Bench::new();
    bench.write("a.txt", "1");
    bench.write("b.txt", "2");
    let log = Made::default();
    let graph = diamond(&bench, &log);
    let ran = bench.run(&graph, Options::default());
    bench.damage(ran.report.output(ActionId(0), "out").expect("made"));
    bench.write("b.txt", "3");
    // Who reads the damaged result finds out; the next round carries out what made it.
    let first = bench.run(&graph, Options::default());
    assert!(first.report.failures().next().is_some() && first.lost);
    let second = bench.run(&graph, Options::default());
    assert_eq!((second.text(2, "sum"), second.lost), ("13".to_owned(), false));
}

#[test]
fn two_runs_that_differ_are_told_apart() {
    let bench = Bench::new();
    let (log, count) = (Made::default(), AtomicUsize::new(0));
    let same = |_: &Job<'_>| Ok(vec![("out", b"constant".to_vec())]);
    let differs = |_: &Job<'_>| {
        let n = count.fetch_add(1, SeqCst);
        Ok(vec![("out", format!("number {n}").into_bytes())])
    };
    let mut graph = Graph::default();
    graph.add(action("same", &log, &["out"], same).reads("x", text("1")).done());
    let differs =
        graph.add(action("differs", &log, &["out"], differs).reads("x", text("1")).done());
    let ran = bench.run(&graph, Options { keep_going: true, compare: true, ..Options::default() });
    let failures: Vec<_> = ran.report.failures().collect();
    let [(id, failure)] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!((*id, failure.code), (differs, Code::NotDeterministic));
    let message = &failure.message;
    assert!(message.contains("`p/differs`") && message.contains("offset 7"), "{message}");
    assert_eq!(log.take().len(), 4, "each was carried out twice");
}

/// `a`, and `b` that reads from it; each says when it was made.
fn pair<'w>(log: &'w Made, made: &'w [Arc<AtomicBool>; 2]) -> Graph<'w> {
    let mut graph = Graph::default();
    let a = action("a", log, &["out"], |_| {
        made[0].store(true, SeqCst);
        Ok(vec![("out", b"of a".to_vec())])
    });
    let a = graph.add(a.reads("x", text("1")).done());
    let b = action("b", log, &["out"], |job| {
        let read = job.bytes("in")?;
        made[1].store(true, SeqCst);
        Ok(vec![("out", [&read[..], b", b"].concat())])
    });
    graph.add(b.reads("in", Origin::Output(a, "out".into())).done());
    graph
}

#[test]
fn nothing_waits_for_the_disk_but_the_end() {
    let (bench, log) = (Bench::new().with_jobs(1), Made::default());
    let made = [Arc::default(), Arc::default()];
    let graph = pair(&log, &made);
    let sync = {
        let [a, b] = made.clone();
        move || {
            // The disk is as slow as it takes for `b` to be made; and much slower if that waits for it.
            for _ in 0..1000 {
                if !a.load(SeqCst) || b.load(SeqCst) {
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(std::io::Error::other("`b` waits for the disk"))
        }
    };
    let ran = bench.run_on(Disk(Arc::new(sync)), &graph);
    assert_eq!(ran.report.failures().count(), 0);
    assert_eq!(log.take(), ["a", "b"]);
    assert_eq!(ran.text(1, "out"), "of a, b", "both are in the store when the build is over");
    bench.run(&graph, Options::default());
    assert!(log.take().is_empty(), "and found by the next");
}

#[test]
fn what_cannot_be_kept_has_failed() {
    let (bench, log) = (Bench::new(), Made::default());
    let made = [Arc::default(), Arc::default()];
    let graph = pair(&log, &made);
    let a = Arc::clone(&made[0]);
    let full = move || match a.load(SeqCst) {
        true => Err(std::io::ErrorKind::StorageFull.into()),
        false => Ok(()),
    };
    let ran = bench.run_on(Disk(Arc::new(full)), &graph);
    let failures: Vec<ActionId> = ran.report.failures().map(|(id, _)| id).collect();
    assert_eq!(failures[0], ActionId(0));
    assert!(ran.report.output(ActionId(0), "out").is_none());
    assert!(ran.report.output(ActionId(1), "out").is_none());
    log.take();
    let report = bench.run(&graph, Options::default());
    assert_eq!(log.take(), ["a", "b"], "nothing of it was kept");
    assert_eq!(report.text(1, "out"), "of a, b");
}

/// Nothing is confined here: what a program made is not used where it has to be. What runs none is.
#[test]
fn what_was_made_unconfined_is_not_used_where_that_matters() {
    let (bench, log) = (Bench::new().with_jobs(1), Made::default());
    let mut graph = Graph::default();
    let one = action("program", &log, &["out"], |_| Ok(vec![("out", b"of one".to_vec())]));
    graph.add(one.program().done());
    let other = action("none", &log, &["out"], |_| Ok(vec![("out", b"of none".to_vec())]));
    graph.add(other.done());
    for (confined, expected) in
        [(false, &["program", "none"][..]), (false, &[]), (true, &["program"]), (false, &[])]
    {
        bench.run(&graph, Options { confined, ..Options::default() });
        assert_eq!(log.take(), expected, "confined: {confined}");
    }
}
