//! `tarsia why-not`: why a component or capability is not in a product, and what brings it in.

use serde_json::{Value, json};
use tarsia_model::{diagnostic, render};
use tarsia_resolve::{Comparison, Edit, Remedy, Selection, Subject, Why, WhyNot, why_not};

use crate::commands::why;
use crate::compared;
use crate::session::Session;
use crate::ui::Outcome;

/// Resolves and explains. Any answer is a success.
pub fn run(session: &Session, name: &str, asked: &str) -> Outcome {
    let selection = match session.resolve(name) {
        Err(problems) => return session.ui.report(&problems, session.sources()),
        Ok(selection) => selection,
    };
    let subject = match Subject::find(session.catalogue(), &selection, asked) {
        Err(problem) => return session.ui.report(&[problem], session.sources()),
        Ok(subject) => subject,
    };
    if let Some(why) = Why::of(&selection, &subject) {
        present(session, &selection, &subject, &why);
        return Outcome::Success;
    }
    let found = why_not(session.catalogue(), &selection, &subject);
    let text = || text(session, &selection, &subject, &found);
    session.ui.answer(text, &answer(session, &selection, &subject, &found));
    Outcome::Success
}

/// That it is there after all.
fn present(session: &Session, selection: &Selection<'_>, subject: &Subject, why: &Why<'_>) {
    let shortest = why.chains(1).shortest;
    let chain = shortest.first().map_or(&[][..], Vec::as_slice);
    let text = || {
        let product = &selection.product.name.value;
        format!("{subject} is in {product}: {}\n", why::one_line(selection, chain))
    };
    let mut answer = asked(selection, subject, true);
    answer["chain"] = json!(why::names(selection, chain));
    session.ui.answer(text, &answer);
}

/// What every answer starts with.
fn asked(selection: &Selection<'_>, subject: &Subject, present: bool) -> Value {
    let mut answer = json!({ "product": selection.product.name.value });
    match subject {
        Subject::Component(name) => answer["component"] = json!(name),
        Subject::Capability(name) => answer["capability"] = json!(name),
    }
    answer["present"] = json!(present);
    answer
}

fn text(
    session: &Session,
    selection: &Selection<'_>,
    subject: &Subject,
    found: &WhyNot<'_>,
) -> String {
    let product = &selection.product.name.value;
    let mut text = format!("{subject} is not in {product}:\n");
    for absence in &found.absences {
        let place = absence.span.map(|span| format!(" ({})", session.sources().location(span)));
        text += &format!("- {}{}\n", absence.text, place.unwrap_or_default());
    }
    match &found.remedy {
        Remedy::Edit(edit) => text += &format!("\n{}", described(session, selection, edit)),
        Remedy::Unknown => text += "\nno edit of the product was found that brings it in\n",
        Remedy::Conflict { problems, edits } => {
            text += &format!("\nit does not go with {product}:\n\n");
            text += &render::all(problems, session.sources(), false);
            for edit in edits {
                text += &format!("\n{}", described(session, selection, edit));
            }
        }
    }
    text
}

/// An edit, and what else comes of it.
fn described(session: &Session, selection: &Selection<'_>, edit: &Edit<'_>) -> String {
    let texts = texts(session, selection, edit);
    let found = Comparison::of(selection, &edit.selection);
    format!(
        "to bring it in, {}:\n{}",
        texts.join(" and "),
        compared::text(session, selection.product.name.span, &found)
    )
}

fn texts(session: &Session, selection: &Selection<'_>, edit: &Edit<'_>) -> Vec<String> {
    let changes = edit.changes.iter();
    changes.map(|change| change.edit(session.catalogue(), &selection.product)).collect()
}

fn answer(
    session: &Session,
    selection: &Selection<'_>,
    subject: &Subject,
    found: &WhyNot<'_>,
) -> Value {
    let sources = session.sources();
    let reasons: Vec<Value> = found
        .absences
        .iter()
        .map(|one| json!({ "text": one.text, "location": one.span.map(|span| sources.location(span)) }))
        .collect();
    let (possible, problems, edits) = match &found.remedy {
        Remedy::Edit(edit) => (true, &[][..], std::slice::from_ref(&**edit)),
        Remedy::Unknown => (true, &[][..], &[][..]),
        Remedy::Conflict { problems, edits } => (false, problems.as_slice(), edits.as_slice()),
    };
    let edits: Vec<Value> = edits
        .iter()
        .map(|edit| {
            let found = Comparison::of(selection, &edit.selection);
            json!({
                "edits": texts(session, selection, edit),
                "outcome": compared::json(session, selection.product.name.span, &found),
            })
        })
        .collect();
    let mut problems = problems.to_vec();
    diagnostic::sort(&mut problems);
    let mut answer = asked(selection, subject, false);
    answer["possible"] = json!(possible);
    answer["reasons"] = json!(reasons);
    answer["remedies"] = json!(edits);
    answer["diagnostics"] =
        json!(problems.iter().map(|one| render::json(one, sources)).collect::<Vec<_>>());
    answer
}
