//! `tarsia what-if`: what changes of a product would come to. No file is touched.

use serde_json::json;
use tarsia_model::{Code, Diagnostic};
use tarsia_resolve::{Change, Comparison, attempt};

use crate::compared;
use crate::session::Session;
use crate::ui::Outcome;

/// Resolves twice and compares; when the changed product cannot be, says why.
pub fn run(session: &Session, name: &str, words: &[String]) -> Outcome {
    let selection = match session.resolve(name) {
        Err(problems) => return session.ui.report(&problems, session.sources()),
        Ok(selection) => selection,
    };
    let mut problems = Vec::new();
    let mut changes = Vec::new();
    for word in words {
        match read(word) {
            Ok(change) => changes.push(change),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return session.ui.report(&problems, session.sources());
    }
    let after = match attempt(session.catalogue(), &selection.product, &changes) {
        Err(refused) => return session.ui.report(&refused.problems, session.sources()),
        Ok(after) => after,
    };
    let found = Comparison::of(&selection, &after);
    let text = || {
        if found.is_empty() {
            format!("nothing changes in {name}\n")
        } else {
            compared::text(session, selection.product.name.span, &found)
        }
    };
    let mut answer = compared::json(session, selection.product.name.span, &found);
    answer["product"] = json!(name);
    answer["changes"] = json!(words);
    answer["is_empty"] = json!(found.is_empty());
    session.ui.answer(text, &answer);
    session.ui.warn(&after.warnings, session.sources());
    Outcome::Success
}

/// Reads one change. What looks like an option came too late to be one.
fn read(word: &str) -> Result<Change, Diagnostic> {
    if word.starts_with("--") {
        let message = format!("`{}` is no change", word.escape_debug());
        let hint = "options stand before the product: `tarsia what-if --format json PRODUCT +x`";
        return Err(Diagnostic::error(Code::Usage, message).hint(hint.to_owned()));
    }
    Change::parse(word)
}
