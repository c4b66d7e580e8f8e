//! `tarsia why`: every chain from a product to one of its components or capabilities.

use serde::Serialize;
use serde_json::{Value, json};
use tarsia_model::span::Location;
use tarsia_model::{Code, Diagnostic};
use tarsia_resolve::{Branch, Cause, Reason, Selection, Subject, User, Why};

use crate::session::Session;
use crate::ui::Outcome;

/// At most so many chains are written down for programs.
const CHAINS: usize = 100;

/// One line that leads there.
#[derive(Serialize)]
struct Edge<'s> {
    from: &'s str,
    to: &'s str,
    capability: Option<&'s str>,
    kind: &'static str,
    #[serde(flatten)]
    place: Location,
    when: Option<When<'s>>,
}

/// A condition that switched a line on.
#[derive(Serialize)]
struct When<'s> {
    condition: &'s str,
    #[serde(flatten)]
    place: Location,
}

/// Resolves and explains.
pub fn run(session: &Session, name: &str, asked: &str) -> Outcome {
    let selection = match session.resolve(name) {
        Err(problems) => return session.ui.report(&problems, session.sources()),
        Ok(selection) => selection,
    };
    let found = Subject::find(session.catalogue(), &selection, asked).and_then(|subject| {
        let why = Why::of(&selection, &subject).ok_or_else(|| absent(&selection, &subject))?;
        Ok((subject, why))
    });
    let (subject, why) = match found {
        Err(problem) => return session.ui.report(&[problem], session.sources()),
        Ok(found) => found,
    };
    let text = || {
        let shortest = why.chains(1).shortest;
        let mut text: String =
            shortest.iter().map(|chain| format!("{}\n\n", one_line(&selection, chain))).collect();
        for top in why.tree() {
            text += &format!("{}\n", origin(&selection, top.at));
            draw(session, &selection, &top.below, "", &mut text);
        }
        text
    };
    session.ui.answer(text, &answer(session, &selection, &subject, &why));
    Outcome::Success
}

/// That a product does not have something.
pub fn absent(selection: &Selection<'_>, subject: &Subject) -> Diagnostic {
    let product = &selection.product.name.value;
    let message = match subject {
        Subject::Component(name) => format!("`{name}` is not in `{product}`"),
        Subject::Capability(name) => format!("nothing in `{product}` provides `{name}`"),
    };
    Diagnostic::error(Code::Usage, message)
        .hint(format!("`tarsia why-not {product} {subject}` tells why"))
}

/// A chain in one line: `soil-sensor → telemetry → console: pl011-uart`.
pub fn one_line(selection: &Selection<'_>, chain: &[Reason<'_>]) -> String {
    let start = chain.first().map_or("", |reason| origin(selection, reason.from));
    let steps = chain.iter().map(|reason| match reason.cause.capability() {
        Some(capability) => format!("{capability}: {}", reason.to),
        None => reason.to.to_string(),
    });
    [start.to_owned()].into_iter().chain(steps).collect::<Vec<_>>().join(" → ")
}

/// The name of who asks.
fn origin<'s>(selection: &'s Selection<'_>, user: User<'s>) -> &'s str {
    match user {
        User::Product => selection.product.name.as_str(),
        User::Profile => selection.profile.profile.as_str(),
        User::Component(name) => name.as_str(),
    }
}

fn draw(
    session: &Session,
    selection: &Selection<'_>,
    branches: &[Branch<'_>],
    indent: &str,
    text: &mut String,
) {
    for (index, branch) in branches.iter().enumerate() {
        let last = index + 1 == branches.len();
        let (line, below) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let reasons: Vec<String> =
            branch.reasons.iter().map(|reason| describe(session, reason.cause)).collect();
        let above = if branch.above { " (see above)" } else { "" };
        let name = origin(selection, branch.at);
        *text += &format!("{indent}{line}{name}: {}{above}\n", reasons.join("; "));
        draw(session, selection, &branch.below, &format!("{indent}{below}"), text);
    }
}

/// A reason in words, with its places.
pub fn describe(session: &Session, cause: &Cause) -> String {
    let sources = session.sources();
    let place = sources.location(cause.span());
    let line = match cause {
        Cause::Product { .. } => format!("named at {place}"),
        Cause::Wanted { capability, .. }
        | Cause::Profile { capability, .. }
        | Cause::Component { capability, .. } => format!("{capability}, required at {place}"),
        Cause::Recommended { capability, .. } => format!("{capability}, recommended at {place}"),
    };
    match cause.when() {
        Some(when) => {
            let place = sources.location(when.span);
            format!("{line}, when {} ({}:{})", when.value, place.line, place.column)
        }
        None => line,
    }
}

/// A reason for programs.
fn edge<'s>(session: &Session, selection: &'s Selection<'_>, reason: &Reason<'s>) -> Edge<'s> {
    let Reason { from, to, cause } = *reason;
    let sources = session.sources();
    Edge {
        from: origin(selection, from),
        to: to.as_str(),
        capability: cause.capability().map(|capability| capability.as_str()),
        kind: kind(cause),
        place: sources.location(cause.span()),
        when: cause.when().map(|when| When {
            condition: when.value.as_str(),
            place: sources.location(when.span),
        }),
    }
}

/// The word for a kind of reason.
pub const fn kind(cause: &Cause) -> &'static str {
    match cause {
        Cause::Product { .. } => "product",
        Cause::Wanted { .. } => "wanted",
        Cause::Profile { .. } => "profile",
        Cause::Component { .. } => "requirement",
        Cause::Recommended { .. } => "recommendation",
    }
}

/// A chain for programs: the names on the way.
pub fn names<'s>(selection: &'s Selection<'_>, chain: &[Reason<'s>]) -> Vec<&'s str> {
    let start = chain.first().map(|reason| origin(selection, reason.from));
    start.into_iter().chain(chain.iter().map(|reason| reason.to.as_str())).collect()
}

fn answer(session: &Session, selection: &Selection<'_>, subject: &Subject, why: &Why<'_>) -> Value {
    let chains = why.chains(CHAINS);
    let shortest: Vec<_> = chains.shortest.iter().map(|chain| names(selection, chain)).collect();
    let edges: Vec<_> = why.reasons.iter().map(|reason| edge(session, selection, reason)).collect();
    let mut answer = json!({ "product": selection.product.name.value });
    match subject {
        Subject::Component(name) => answer["component"] = json!(name),
        Subject::Capability(name) => {
            answer["capability"] = json!(name);
            answer["providers"] = json!(why.ends);
        }
    }
    answer["chains"] = json!(shortest);
    answer["more"] = json!(chains.more);
    answer["complete"] = json!(chains.complete);
    answer["edges"] = json!(edges);
    answer
}
