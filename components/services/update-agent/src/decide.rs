//! What is renamed, and in which order. Pure: entries in, renames out. The loader's rule is that of
//! [`Entry::preference`]; its `default` setting is left alone, as it starts even a bad entry.

use crate::{Counters, Entry};

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
    /// The entry that runs has not shown since its start that it works: a failure of the other would
    /// leave nothing.
    #[error("switch: `{0}` is not yet marked as good since it was started")]
    OnTrial(String),
    /// It was switched before.
    #[error("switch: `{0}` is passed over from the next start already")]
    Already(String),
}

/// The running entry as a good one; nothing if it is. It gets all its tries back rather than no counters:
/// a slot whose bytes rot after years has to be left for the other one too.
pub(crate) fn mark_good(slots: &Slots) -> Option<Rename> {
    let running = &slots.running;
    (!running.is_good()).then(|| (running.clone(), running.counted(Counters::FRESH)))
}

/// The renames after which the loader starts the other entry, and the running one again when that
/// uses its tries up. After each single one of them, should power fail in between, there is an
/// entry that is known to work and that is started, or comes after one that is on trial.
///
/// # Errors
/// It would not be safe.
pub fn switch(slots: &Slots) -> Result<Vec<Rename>, SwitchProblem> {
    let Slots { running, other } = slots;
    let other = other.as_ref().ok_or_else(|| SwitchProblem::Alone(running.stem.clone()))?;
    if running.is_passed_over() {
        return Err(SwitchProblem::Already(running.stem.clone()));
    }
    if !running.is_good() {
        return Err(SwitchProblem::OnTrial(running.stem.clone()));
    }
    let trial = other.counted(Counters::FRESH);
    let mut renames = vec![(other.clone(), trial.clone())];
    if trial.preference(running).is_ge() {
        // The older one is to run: the loader takes it only when the newer counts as bad. Should the
        // older fail as well, both are bad, and of two bad ones the newer, this one, comes first.
        renames.push((running.clone(), running.counted(Counters::PASSED_OVER)));
    }
    renames.retain(|(from, to)| from.file != to.file);
    Ok(renames)
}

/// Whether a new start makes a difference to a slot that does not become good: the loader would start the
/// other, or has tries of this one to use up. It ends: with no try left anywhere, the loader's order is the
/// same for ever.
pub(crate) fn restart_helps(slots: &Slots) -> bool {
    let Slots { running, other } = slots;
    running.counters.is_some_and(|counters| counters.left > 0)
        || other.as_ref().is_some_and(|other| other.preference(running).is_lt())
}

#[cfg(test)]
mod tests;
