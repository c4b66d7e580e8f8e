//! What is renamed, and in which order. Pure: entries in, renames out. The loader's rule is that of
//! [`Entry::preference`]; its `default` setting is left alone, as it starts even a bad entry.

use crate::{Counters, Entry};

/// How often an entry that is switched to is tried before the loader goes back.
pub const TRIES: u32 = 3;

/// The entry that runs, and the one that could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The entry that was started.
    pub running: Entry,
    /// The other one.
    pub other: Option<Entry>,
}

/// A change of an entry's name.
pub(crate) type Rename = (Entry, Entry);

/// Why there is no switching.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchProblem {
    /// There is nothing to switch to.
    #[error("switch: there is no second entry beside `{0}`")]
    Alone(String),
    /// The entry that runs is itself on trial: a failure of the other would leave nothing.
    #[error("switch: `{0}` runs on trial and is not yet marked as good")]
    OnTrial(String),
}

/// The running entry as a good one; nothing if it is.
pub(crate) fn mark_good(slots: &Slots) -> Option<Rename> {
    slots.running.counters?;
    let good = Entry { counters: None, ..slots.running.clone() };
    Some((slots.running.clone(), good))
}

/// The renames after which the loader starts the other entry, and the running one again when that
/// fails [`TRIES`] times. After each single one of them, should power fail in between, there is an
/// entry that is known to work and that is started, or comes after one that is on trial.
///
/// # Errors
/// It would not be safe.
pub fn switch(slots: &Slots) -> Result<Vec<Rename>, SwitchProblem> {
    let Slots { running, other } = slots;
    let other = other.as_ref().ok_or_else(|| SwitchProblem::Alone(running.stem.clone()))?;
    if running.counters.is_some() {
        return Err(SwitchProblem::OnTrial(running.stem.clone()));
    }
    let fresh = Counters { left: TRIES, done: 0 };
    let trial = Entry { counters: Some(fresh), ..other.clone() };
    let mut renames = vec![(other.clone(), trial.clone())];
    if trial.preference(running).is_ge() {
        // The older one is to run: the loader takes it only when the newer counts as bad. Should the
        // older fail as well, both are bad, and of two bad ones the newer, this one, comes first.
        let passed_over =
            Entry { counters: Some(Counters { left: 0, done: 0 }), ..running.clone() };
        renames.push((running.clone(), passed_over));
    }
    Ok(renames)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loader: of the entries, the one that it starts, and its name afterwards.
    fn boot(entries: &mut [Entry]) -> String {
        let chosen = entries.iter_mut().min_by(|a, b| a.preference(b)).expect("one");
        if let Some(counters) = &mut chosen.counters
            && counters.left > 0
        {
            counters.left -= 1;
            counters.done += 1;
        }
        chosen.stem.clone()
    }

    fn good(stem: &str) -> Entry {
        Entry { stem: stem.to_owned(), counters: None }
    }

    fn apply(entries: &mut [Entry], renames: &[Rename]) {
        for (from, to) in renames {
            *entries.iter_mut().find(|entry| *entry == from).expect("there") = to.clone();
        }
    }

    const BOTH: [(&str, &str); 2] = [("g_1", "g_2"), ("g_2", "g_1")];

    #[test]
    fn the_other_is_tried_and_what_ran_comes_back_when_it_fails() {
        for (runs, other) in BOTH {
            let mut entries = [good(runs), good(other)];
            let slots = Slots { running: good(runs), other: Some(good(other)) };
            apply(&mut entries, &switch(&slots).expect("safe"));
            for attempt in 0..TRIES {
                assert_eq!(boot(&mut entries), other, "attempt {attempt} from {runs}");
            }
            for _ in 0..5 {
                assert_eq!(boot(&mut entries), runs, "back to {runs}");
            }
        }
    }

    #[test]
    fn the_other_stays_when_it_is_marked_as_good_and_one_can_switch_back() {
        for (runs, other) in BOTH {
            let mut entries = [good(runs), good(other)];
            let (mut now, mut then) = (runs, other);
            for _ in 0..3 {
                let find = |entries: &[Entry], stem| {
                    entries.iter().find(|entry| entry.stem == stem).cloned()
                };
                let slots = Slots {
                    running: find(&entries, now).expect("there"),
                    other: find(&entries, then),
                };
                apply(&mut entries, &switch(&slots).expect("safe"));
                assert_eq!(boot(&mut entries), then);
                let slots = Slots { running: find(&entries, then).expect("there"), other: None };
                apply(&mut entries, mark_good(&slots).as_slice());
                for _ in 0..5 {
                    assert_eq!(boot(&mut entries), then, "{then} stays");
                }
                (now, then) = (then, now);
            }
        }
    }

    #[test]
    fn power_may_fail_between_renames() {
        for (runs, other) in BOTH {
            let slots = Slots { running: good(runs), other: Some(good(other)) };
            let renames = switch(&slots).expect("safe");
            for done in 0..=renames.len() {
                let mut entries = [good(runs), good(other)];
                apply(&mut entries, &renames[..done]);
                let starts: Vec<_> = (0..=TRIES + 3).map(|_| boot(&mut entries)).collect();
                // Nothing renamed: the loader has always preferred the newer of two good ones.
                let expected = if done == 0 { "g_2" } else { runs };
                assert_eq!(starts.last().map(String::as_str), Some(expected), "{done} from {runs}");
            }
        }
    }

    #[test]
    fn what_is_not_safe_is_refused() {
        let trial = Entry { counters: Some(Counters { left: 2, done: 1 }), ..good("g_2") };
        let alone = Slots { running: good("g_1"), other: None };
        assert_eq!(switch(&alone), Err(SwitchProblem::Alone("g_1".to_owned())));
        let on_trial = Slots { running: trial.clone(), other: Some(good("g_1")) };
        assert_eq!(switch(&on_trial), Err(SwitchProblem::OnTrial("g_2".to_owned())));
        assert_eq!(mark_good(&on_trial), Some((trial, good("g_2"))));
        assert_eq!(mark_good(&alone), None);
    }
}
