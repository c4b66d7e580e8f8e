//! `tarsia diff`: how a product differs from another state of it, by what it comes to and not by how
//! it is written.

use std::fmt::{Display, Write as _};

use serde::Serialize;
use tarsia_model::span::Location;
use tarsia_model::{ByteSize, Diagnostic, Name};
use tarsia_resolve::{
    Arrival, Difference, Pair, Placed, Reserved, Resized, Retuned, Sum, Sums, Tuned,
};

use crate::commands::show::place;
use crate::session::Session;
use crate::side::{Operand, Side};
use crate::ui::Outcome;

#[derive(Serialize)]
struct Compared<'a> {
    before: &'a str,
    after: &'a str,
    differs: bool,
    #[serde(flatten)]
    difference: Difference,
}

/// Compares; with one operand, the workspace as it is with a revision.
pub fn run(session: &Session, first: &str, second: Option<&str>, exit_code: bool) -> Outcome {
    let first = Operand::parse(first);
    let sides = match second {
        Some(second) => open(session, first, Operand::parse(second)),
        None => match first {
            Operand::Revision { product, .. } => open(session, first, Operand::Name(product)),
            Operand::Name(product) => open(session, head(product), first),
            Operand::File(_) => match Side::open(session, first) {
                // Which product is to be looked up is known from the file only.
                Ok(after) => return with_head(session, &after, exit_code),
                Err(problem) => Err(vec![problem]),
            },
        },
    };
    match sides {
        Ok((before, after)) => compare(session, &before, &after, exit_code),
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

const fn head(product: &str) -> Operand<'_> {
    Operand::Revision { revision: "HEAD", product }
}

fn with_head(session: &Session, after: &Side<'_>, exit_code: bool) -> Outcome {
    let product = after.product.clone();
    let tree = Side::open(session, head(&product));
    match tree {
        Ok(before) => compare(session, &before, after, exit_code),
        Err(problem) => session.ui.report(&[problem], session.sources()),
    }
}

fn open<'s>(
    session: &'s Session,
    before: Operand<'s>,
    after: Operand<'s>,
) -> Result<(Side<'s>, Side<'s>), Vec<Diagnostic>> {
    match (Side::open(session, before), Side::open(session, after)) {
        (Ok(before), Ok(after)) => Ok((before, after)),
        (before, after) => {
            let mut problems: Vec<_> = before.err().into_iter().chain(after.err()).collect();
            problems.dedup();
            Err(problems)
        }
    }
}

fn compare(session: &Session, before: &Side<'_>, after: &Side<'_>, exit_code: bool) -> Outcome {
    let (old, new) = match (before.select(), after.select()) {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => {
            let (old, new) = (old.err().unwrap_or_default(), new.err().unwrap_or_default());
            return session.ui.report_each(&[(&old, &before.sources), (&new, &after.sources)]);
        }
    };
    let difference = Difference::of((&old, &before.sources), (&new, &after.sources));
    let differs = !difference.is_empty();
    let compared = Compared { before: &before.label, after: &after.label, differs, difference };
    session.ui.answer(|| text(&compared), &compared);
    if differs && exit_code { Outcome::Failure } else { Outcome::Success }
}

fn text(compared: &Compared<'_>) -> String {
    if !compared.differs {
        return "no difference\n".to_owned();
    }
    let (before, after) = (compared.before.escape_debug(), compared.after.escape_debug());
    let mut text = format!("--- {before}\n+++ {after}\n");
    let Difference {
        version,
        frame,
        gained,
        lost,
        providers,
        features,
        limits,
        promises,
        gained_size,
        lost_size,
    } = &compared.difference;
    if let Some(version) = version {
        let _ = writeln!(text, "version: {}", placed(version));
    }
    for key in ["profile", "board", "kernel"] {
        if let Some(pair) = frame.get(key) {
            let _ = writeln!(text, "{key}: {}", placed(pair));
        }
    }
    let came = gained.iter().map(|one| arrival('+', one));
    let members = lost.iter().map(|one| arrival('-', one)).chain(came);
    section(&mut text, "components", members);
    section(&mut text, "providers", providers.iter().map(served));
    section(&mut text, "features", features.iter().map(tuned));
    section(&mut text, "limits", limits.iter().map(limit));
    section(&mut text, "promises", promises.iter().map(promise));
    let sums = [(gained, "+", gained_size), (lost, "-", lost_size)];
    let sums = sums.into_iter().filter(|(members, ..)| !members.is_empty());
    section(&mut text, "sizes", sums.map(|(members, sign, sums)| sizes(sign, members.len(), sums)));
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{title}:");
        }
        let _ = writeln!(text, "  {line}");
    }
}

/// `old → new`; `none` where there is nothing.
fn arrow<T>(pair: &Pair<T>, show: impl Fn(&T) -> String) -> String {
    let side = |value: &Option<T>| value.as_ref().map_or_else(|| "none".to_owned(), &show);
    format!("{} → {}", side(&pair.before), side(&pair.after))
}

/// The places of both sides, in parentheses.
fn places<T>(pair: &Pair<T>, origin: impl Fn(&T) -> &Location) -> String {
    let sides = [&pair.before, &pair.after].into_iter().flatten();
    let sides: Vec<String> = sides.map(|side| place(origin(side))).collect();
    format!("({})", sides.join(" → "))
}

fn placed<T: Display>(pair: &Pair<Placed<T>>) -> String {
    let values = arrow(pair, |one| one.value.to_string().escape_debug().to_string());
    format!("{values}  {}", places(pair, |one| &one.origin))
}

fn arrival(sign: char, one: &Arrival) -> String {
    let cause = one.cause.as_ref().map_or_else(String::new, |cause| {
        format!(", {}  ({})", cause.to_string().escape_debug(), place(&cause.origin))
    });
    format!("{sign} {} ({}){cause}", one.component, one.layer)
}

fn served(one: &Reserved) -> String {
    let user = match &one.component {
        Some(component) => component.to_string(),
        None => format!("the {}", one.by),
    };
    let names = |providers: &[Name]| match providers {
        [] => "none".to_owned(),
        names => names.iter().map(Name::as_str).collect::<Vec<_>>().join(", "),
    };
    format!("{} for {user}: {} → {}", one.capability, names(&one.before), names(&one.after))
}

fn tuned(one: &Retuned) -> String {
    let value = |tuned: &Tuned| {
        let default = if tuned.set { "" } else { " (default)" };
        format!("{}{default}", tuned.value.to_string().escape_debug())
    };
    let places = places(&one.values, |tuned| &tuned.origin);
    format!("{}: {}  {places}", one.feature, arrow(&one.values, value))
}

fn limit(one: &Resized) -> String {
    let of = one.component.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
    format!("{}{of} by the {}: {}", one.region, one.by, arrow(&one.sizes, ByteSize::to_string))
}

fn promise(one: &Resized) -> String {
    let component = one.component.as_ref().map_or("", |name| name.as_str());
    format!("{component}, {}: {}", one.region, arrow(&one.sizes, ByteSize::to_string))
}

/// What components promise together; what is not promised is not known before a build.
fn sizes(sign: &str, count: usize, sums: &Sums) -> String {
    let region = |name: &str, sum: &Sum| match count - sum.unknown {
        0 => format!("{name} unknown"),
        known if known == count => format!("at most {} of {name}", sum.promised),
        known => format!("at most {} of {name} for {known} of {count}", sum.promised),
    };
    format!("{sign} {}, {}", region("flash", &sums.flash), region("RAM", &sums.ram))
}
