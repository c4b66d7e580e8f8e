//! `tarsia size`: what takes how much flash and RAM.

use std::fmt::Write as _;

use serde::Serialize;
use tarsia_audit::{Memory, Part, Row, Table};
use tarsia_build::product::Measured;

use crate::session::Session;
use crate::ui::Outcome;

/// How many parts of each row `--detail` shows.
const PARTS: usize = 8;

#[derive(Serialize)]
struct Sizes<'a> {
    product: &'a str,
    #[serde(flatten)]
    table: Table,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    detail: Vec<Detail<'a>>,
}

#[derive(Serialize)]
struct Detail<'a> {
    memory: Memory,
    row: String,
    parts: &'a [Part],
}

/// Measures and shows; a product over its budget is shown too, and fails.
pub fn run(session: &Session, name: &str, detail: bool) -> Outcome {
    let measured = session.resolve(name).and_then(|selection| session.measure(&selection));
    let measured = match measured {
        Ok(measured) => measured,
        Err(problems) => return session.ui.report(&problems, session.sources()),
    };
    let sizes = Sizes {
        product: name,
        table: measured.table(),
        detail: if detail { details(&measured) } else { Vec::new() },
    };
    let text = || {
        let mut text = sizes.table.to_string();
        for Detail { memory, row, parts } in &sizes.detail {
            let _ = writeln!(text, "\n{row}, {memory}");
            for part in parts.iter().take(PARTS) {
                let _ = writeln!(text, "{:>8}  {}", part.bytes, part.name());
            }
        }
        text
    };
    session.ui.answer(text, &sizes);
    session.ui.warn(&measured.problems, session.sources());
    session.ui.point(&measured.problems);
    Outcome::of(&measured.problems)
}

fn details(measured: &Measured) -> Vec<Detail<'_>> {
    let rows = |memory| {
        let rows = &measured.attribution().memory(memory).rows;
        rows.iter().map(move |row: &Row| Detail {
            memory,
            row: row.owner.to_string(),
            parts: &row.parts,
        })
    };
    Memory::ALL.into_iter().flat_map(rows).collect()
}
