//! Several problems of one kernel as one.

use tarsia_model::{Diagnostic, Severity};

/// Fails with the first of some problems, with the messages of the others beside their places.
///
/// # Errors
/// When there is a problem.
pub fn refuse(problems: Vec<Diagnostic>) -> Result<(), Diagnostic> {
    let mut problems = problems.into_iter().filter(|one| one.severity == Severity::Error);
    let Some(first) = problems.next() else { return Ok(()) };
    Err(problems.fold(first, |mut all, other| {
        // The first says what could not be done.
        let text = other.message.split_once(": ").map_or("", |(_, rest)| rest).to_owned();
        for hint in other.hints {
            if !all.hints.contains(&hint) {
                all.hints.push(hint);
            }
        }
        let all = match &other.primary {
            Some(place) => all.also(place.span, text),
            None => all.note(text),
        };
        other.notes.into_iter().fold(all, Diagnostic::note)
    }))
}
