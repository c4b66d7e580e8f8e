use super::*;
use proptest::prelude::*;

const RESTART: Restart = Restart { limit: 3, recovered_after_ms: 60_000, back_off_ms: 1_000 };

fn rules(after: &[usize]) -> Rules {
    Rules { after: after.to_vec(), restart: RESTART, alive_within_ms: 0, ready: Ready::Started }
}

fn failed() -> End {
    End::Failed("ended".to_owned())
}

/// `page` waits for `net`, which waits for `log`.
fn chain() -> Machine {
    Machine::new(vec![rules(&[1]), rules(&[2]), rules(&[])], 0)
}

fn all_up() -> Machine {
    let mut machine = chain();
    for index in [2, 1, 0] {
        assert_eq!(machine.due(0)[..].last(), Some(&Step::Start(index)));
        machine.told(index, Word::Started, 0);
    }
    assert_eq!(machine.due(0), [Step::Say(0, Event::Ready), Step::AllReady]);
    machine
}

#[test]
fn each_starts_when_those_before_are_ready_or_done() {
    let mut machine = chain();
    assert_eq!(machine.due(1), [Step::Start(2)]);
    assert_eq!(machine.due(2), []);
    machine.ended(2, End::Done, 3);
    assert_eq!(machine.due(3), [Step::Say(2, Event::Done), Step::Start(1)]);
    machine.told(1, Word::Alive, 4);
    assert_eq!(machine.due(4), [], "alive is not ready");
    machine.told(1, Word::Started, 5);
    assert_eq!(machine.due(5), [Step::Say(1, Event::Ready), Step::Start(0)]);
    machine.told(0, Word::Started, 6);
    assert_eq!(machine.due(6), [Step::Say(0, Event::Ready), Step::AllReady]);
    assert_eq!((machine.ready_at(), machine.next()), (Some(6), None));
    assert_eq!(machine.standing(2).0, Stage::Done);
}

#[test]
fn one_that_tells_is_ready_when_it_tells_and_not_before() {
    let told = Rules { ready: Ready::Told { within_ms: 500 }, ..rules(&[]) };
    let mut machine = Machine::new(vec![told], 0);
    assert_eq!(machine.due(0), [Step::Start(0)]);
    machine.told(0, Word::Started, 10);
    assert_eq!(machine.due(500), []);
    assert_eq!(machine.next(), Some(501));
    assert_eq!(machine.due(501), [Step::Kill(0)]);
    machine.ended(0, failed(), 502);
    let why = "is not ready after 501 ms".to_owned();
    assert_eq!(machine.due(502), [Step::Say(0, Event::Failed { why, wait_ms: 1_000 })]);
    assert_eq!(machine.due(1_502), [Step::Start(0), Step::Say(0, Event::Restarted(1))]);
    machine.told(0, Word::Ready, 1_600);
    assert_eq!(machine.due(9_000), [Step::Say(0, Event::Ready), Step::AllReady]);
}

#[test]
fn silence_is_killed_once_and_heartbeats_prevent_it() {
    let mut machine = Machine::new(vec![Rules { alive_within_ms: 5_000, ..rules(&[]) }], 0);
    machine.due(0);
    for second in 1..100 {
        machine.told(0, Word::Alive, second * 5_000);
        assert!(!machine.due(second * 5_000).contains(&Step::Kill(0)));
    }
    assert_eq!(machine.next(), Some(500_001));
    assert_eq!(machine.due(500_001), [Step::Kill(0)]);
    assert_eq!(machine.due(600_000), []);
    machine.ended(0, failed(), 600_000);
    let why = "is silent for 5001 ms".to_owned();
    assert_eq!(machine.due(600_000), [Step::Say(0, Event::Failed { why, wait_ms: 1_000 })]);
}

/// Ends a process as soon as it is started: the times of its starts, and of its being given up.
fn always_ending(restart: Restart, until: u64) -> (Vec<u64>, Option<u64>) {
    let mut machine = Machine::new(vec![Rules { restart, ..rules(&[]) }], 0);
    let (mut starts, mut now) = (Vec::new(), 0);
    loop {
        for step in machine.due(now) {
            match step {
                Step::Start(0) => {
                    starts.push(now);
                    machine.ended(0, failed(), now);
                }
                Step::Say(0, Event::GivenUp { .. }) => return (starts, Some(now)),
                _ => {}
            }
        }
        match machine.next() {
            Some(next) if next <= until => now = now.max(next),
            _ => return (starts, None),
        }
    }
}

#[test]
fn waits_double_and_then_the_process_is_given_up() {
    for (limit, back_off_ms, starts) in [
        (3, 1_000, vec![0, 1_000, 3_000, 7_000]),
        (0, 1_000, vec![0]),
        // However long the waits are.
        (3, 60_000, vec![0, 60_000, 180_000, 420_000]),
    ] {
        let restart = Restart { limit, back_off_ms, ..RESTART };
        let given_up = starts.last().copied();
        assert_eq!(always_ending(restart, 500_000), (starts, given_up), "{limit}, {back_off_ms}");
    }
}

/// Hangs each time, `spoken_ms` after it became ready; how often it was started until it was given up, or
/// 20 times.
fn always_hanging(alive_within_ms: u32, spoken_ms: u64) -> usize {
    let mut machine = Machine::new(vec![Rules { alive_within_ms, ..rules(&[]) }], 0);
    let (mut starts, mut now) = (0, 0);
    while starts < 20 {
        for step in machine.due(now) {
            match step {
                Step::Start(0) => {
                    starts += 1;
                    machine.told(0, Word::Started, now);
                    let until = now + spoken_ms;
                    while now < until {
                        now = until.min(now + 5_000);
                        machine.told(0, Word::Alive, now);
                    }
                }
                Step::Kill(0) => machine.ended(0, failed(), now),
                Step::Say(0, Event::GivenUp { restarts, .. }) => {
                    assert_eq!((restarts, starts), (RESTART.limit, RESTART.limit as usize + 1));
                    return starts;
                }
                _ => {}
            }
        }
        now = now.max(machine.next().expect("something"));
    }
    starts
}

#[test]
fn the_row_ends_when_a_process_was_ready_for_long_enough() {
    let given_up = RESTART.limit as usize + 1;
    for (alive_within_ms, spoken_ms, starts) in [
        // Slow failures are failures.
        (10_000, 0, given_up),
        // Silence is not health, however late it is noticed.
        (90_000, 0, given_up),
        (10_000, 59_999, given_up),
        (10_000, 60_000, 20),
    ] {
        assert_eq!(always_hanging(alive_within_ms, spoken_ms), starts, "{spoken_ms}");
    }
    // Started is not ready, and one that need not speak is well until it ends.
    let told = Ready::Told { within_ms: 0 };
    for (ready, given_up) in [(told, true), (Ready::Started, false)] {
        let mut machine = Machine::new(vec![Rules { ready, ..rules(&[]) }], 0);
        let (mut now, mut last) = (0, None);
        for _ in 0..10 {
            machine.due(now);
            machine.told(0, Word::Started, now);
            now += 60_000;
            machine.ended(0, failed(), now);
            last = machine.due(now).pop();
            now += 10_000;
            if matches!(last, Some(Step::Say(0, Event::GivenUp { .. }))) {
                break;
            }
        }
        assert_eq!(matches!(last, Some(Step::Say(0, Event::GivenUp { .. }))), given_up, "{last:?}");
    }
}

#[test]
fn those_that_wait_for_one_given_up_are_named() {
    let mut machine = chain();
    let never = Restart { limit: 0, ..RESTART };
    machine.rules[2].restart = never;
    machine.due(0);
    machine.ended(2, failed(), 1);
    let given_up = Event::GivenUp { why: "ended".to_owned(), restarts: 0 };
    let orphaned = |after| Event::Orphaned { after };
    assert_eq!(machine.due(1), [Step::Say(2, given_up), Step::Say(1, orphaned(2))]);
    assert_eq!(machine.due(2), [Step::Say(0, orphaned(1))]);
    assert_eq!((machine.due(3), machine.next(), machine.ready_at()), (vec![], None, None));
}

#[test]
fn a_stop_goes_backwards_and_does_not_wait_for_ever() {
    let mut machine = all_up();
    machine.stop();
    assert_eq!(machine.due(10), [Step::Terminate(0)]);
    assert_eq!(machine.next(), Some(10 + GRACE_MS));
    machine.ended(0, failed(), 20);
    assert_eq!(machine.due(20), [Step::Terminate(1)]);
    assert_eq!(machine.due(20 + GRACE_MS), [Step::Kill(1)]);
    // It does not end.
    let last = 20 + 2 * GRACE_MS;
    assert_eq!((machine.due(last - 1), machine.next()), (vec![], Some(last)));
    assert_eq!(machine.due(last), [Step::Say(1, Event::Stuck), Step::Terminate(2)]);
    machine.ended(2, End::Done, last + 1);
    assert_eq!(machine.due(last + 1), [Step::Stopped]);
    machine.ended(1, failed(), last + 2);
    assert_eq!((machine.due(100_000), machine.next()), (vec![], None));
}

#[test]
fn a_stop_waits_no_longer_for_one_that_was_killed_before() {
    let mut machine = Machine::new(vec![Rules { alive_within_ms: 5_000, ..rules(&[]) }], 0);
    machine.due(0);
    assert_eq!(machine.due(5_001), [Step::Kill(0)]);
    machine.stop();
    assert_eq!((machine.due(5_001), machine.next()), (vec![], Some(5_001 + GRACE_MS)));
    assert_eq!(machine.due(5_001 + GRACE_MS), [Step::Say(0, Event::Stuck), Step::Stopped]);
}

#[test]
fn a_stop_starts_nothing_more() {
    let mut machine = chain();
    machine.due(0);
    machine.ended(2, failed(), 0);
    machine.stop();
    let steps = machine.due(100_000);
    assert_eq!(steps.last(), Some(&Step::Stopped));
    assert!(!steps.contains(&Step::Start(2)), "{steps:?}");
}

/// What may happen from outside.
#[derive(Clone, Debug)]
enum Happening {
    Told(usize, Word),
    Ended(usize, bool),
    Pass(u64),
    Stop,
}

fn happening() -> impl Strategy<Value = Happening> {
    let word = prop_oneof![Just(Word::Started), Just(Word::Ready), Just(Word::Alive)];
    prop_oneof![
        8 => (0..4usize, word).prop_map(|(index, word)| Happening::Told(index, word)),
        4 => (0..4usize, any::<bool>()).prop_map(|(index, done)| Happening::Ended(index, done)),
        8 => (0..8_000u64).prop_map(Happening::Pass),
        1 => Just(Happening::Stop),
    ]
}

fn any_rules() -> impl Strategy<Value = Vec<Rules>> {
    let one = (any::<u8>(), 0..4u32, 0..20_000u32, 0..3_000u32, 0..3_000u32, any::<bool>());
    proptest::collection::vec(one, 4).prop_map(|all| {
        let rules = all.into_iter().enumerate().map(
            |(index, (before, limit, recovered_after_ms, back_off_ms, alive, told))| Rules {
                after: (0..index).filter(|other| before >> other & 1 == 1).collect(),
                restart: Restart { limit, recovered_after_ms, back_off_ms },
                alive_within_ms: alive,
                ready: if told { Ready::Told { within_ms: alive } } else { Ready::Started },
            },
        );
        rules.collect()
    })
}

/// A row of starts ends when the process had been ready for long enough.
fn recover(rules: &Rules, row: &mut u32, ready: Option<(u64, u64)>, now: u64) {
    let after = u64::from(rules.restart.recovered_after_ms);
    if let Some((since, heard)) = ready {
        let until = if rules.alive_within_ms > 0 { heard } else { now };
        if after > 0 && until - since >= after {
            *row = 0;
        }
    }
}

proptest! {
    /// Whatever happens in whatever order: one process per line of the table, none before those
    /// that it waits for, none after a stop, signals only to what is there, no more starts than
    /// allowed, and nothing left to do once everything due was done.
    #[test]
    fn supervision_holds(table in any_rules(), happenings in proptest::collection::vec(happening(), 0..200)) {
        let (mut machine, mut now) = (Machine::new(table.clone(), 0), 0);
        let (mut there, mut satisfied, mut stopping, mut stopped) = ([false; 4], [false; 4], false, false);
        // Starts in a row, and since when a process is ready and was last heard.
        let (mut started, mut row, mut ready) = ([false; 4], [0u32; 4], [None::<(u64, u64)>; 4]);
        // In the end all is stopped and everything ends that is asked to.
        let finale = [Happening::Stop, Happening::Pass(GRACE_MS)].into_iter().chain(
            (0..8).flat_map(|_| (0..4).map(|index| Happening::Ended(index, true)).chain([Happening::Pass(GRACE_MS)])),
        );
        for happening in happenings.into_iter().chain(finale) {
            match happening {
                Happening::Told(index, word) => if there[index] {
                    machine.told(index, word, now);
                    if word == Word::Ready || word == Word::Started && table[index].ready == Ready::Started {
                        satisfied[index] = true;
                        ready[index].get_or_insert((now, now));
                    }
                    ready[index] = ready[index].map(|(since, _)| (since, now));
                },
                Happening::Ended(index, done) => if there[index] {
                    recover(&table[index], &mut row[index], ready[index].take(), now);
                    there[index] = false;
                    satisfied[index] = false;
                    machine.ended(index, if done { End::Done } else { failed() }, now);
                    satisfied[index] |= machine.standing(index).0 == Stage::Done;
                },
                Happening::Pass(time) => now += time,
                Happening::Stop => { stopping = true; machine.stop(); }
            }
            for step in machine.due(now) {
                match step {
                    Step::Start(index) => {
                        prop_assert!(!there[index] && !stopping);
                        if !started[index] {
                            prop_assert!(table[index].after.iter().all(|&other| satisfied[other]));
                        }
                        there[index] = true;
                        started[index] = true;
                        row[index] += 1;
                        prop_assert!(row[index] <= table[index].restart.limit + 1);
                    }
                    Step::Terminate(index) | Step::Kill(index) => {
                        prop_assert!(there[index]);
                        if stopping && matches!(step, Step::Terminate(_)) {
                            prop_assert!((0..4).all(|other| !(there[other] && table[other].after.contains(&index))));
                        } else {
                            satisfied[index] = false;
                            recover(&table[index], &mut row[index], ready[index].take(), now);
                        }
                    }
                    Step::Stopped => { prop_assert!(!stopped && there == [false; 4]); stopped = true; }
                    Step::Say(index, Event::Stuck) => { prop_assert!(stopping); there[index] = false; }
                    Step::Say(..) | Step::AllReady => {}
                }
            }
            // One that was orphaned lets the next one know in the next round; nothing else is left.
            for _ in 0..3 {
                let steps = machine.due(now);
                let orphans = steps.iter().all(|step| matches!(step, Step::Say(_, Event::Orphaned { .. })));
                prop_assert!(orphans, "{:?}", steps);
            }
            prop_assert!(machine.next().is_none_or(|next| next > now), "busy waiting");
        }
        prop_assert!(stopped, "a stop comes to an end");
    }
}
