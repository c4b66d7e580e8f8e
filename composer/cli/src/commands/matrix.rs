//! `tarsia matrix`: products beside each other, as a table that keeps to the terminal's width.

use std::collections::BTreeSet;

use serde::Serialize;
use tarsia_model::{Name, Severity, diagnostic, render};
use tarsia_resolve::{Cell, Matrix, Row, RowKind};

use crate::session::Session;
use crate::ui::Outcome;

/// What is shown of a matrix.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Capabilities only; with `features`, both.
    pub capabilities: bool,
    /// Features only.
    pub features: bool,
    /// Only rows in which products differ.
    pub differing: bool,
    /// As comma-separated values.
    pub csv: bool,
}

impl Wanted {
    fn has(self, row: &Row) -> bool {
        let chosen = match row.kind {
            _ if !self.capabilities && !self.features => true,
            RowKind::Capability => self.capabilities,
            RowKind::Feature => self.features,
            RowKind::Frame => false,
        };
        chosen && (!self.differing || row.differs())
    }
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    matrix: Matrix,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<render::Json>,
}

/// Resolves the products named, or all; those that cannot be resolved are marked, and fail.
pub fn run(session: &Session, names: &[String], wanted: Wanted) -> Outcome {
    let catalogue = session.catalogue();
    let all: Vec<String>;
    let names = if names.is_empty() {
        let products = catalogue.products.iter().filter(|(_, product)| !product.is_fragment());
        let known = products.map(|(name, _)| name).chain(&catalogue.broken.products);
        all = known.collect::<BTreeSet<&Name>>().into_iter().map(Name::to_string).collect();
        &all[..]
    } else {
        names
    };
    let mut problems = Vec::new();
    let mut columns = Vec::new();
    let mut seen = BTreeSet::new();
    for name in names.iter().filter(|name| seen.insert(*name)) {
        let resolved = session.resolve(name).map_err(|found| {
            let error = found.iter().find(|one| one.severity == Severity::Error);
            let first = error.or(found.first()).expect("a refusal gives a reason");
            let code = first.code;
            problems.extend(found);
            code
        });
        columns.push((name.clone(), resolved));
    }
    diagnostic::sort(&mut problems);
    let mut matrix = Matrix::of(&columns);
    matrix.rows.retain(|row| wanted.has(row));
    let sources = session.sources();
    let diagnostics = problems.iter().map(|problem| render::json(problem, sources)).collect();
    let shown = Shown { matrix, diagnostics };
    let text = || match wanted.csv {
        true => csv(&shown.matrix),
        false => table(&shown.matrix, session.ui.width()),
    };
    session.ui.answer(text, &shown);
    if !session.ui.structured() {
        session.ui.warn(&problems, sources);
        session.ui.point(&problems);
    }
    Outcome::of(&problems)
}

/// A cell as people read it.
fn cell(row: &Row, product: &str) -> Option<String> {
    Some(match row.cells.get(product)? {
        Cell::Providers(names) if names.is_empty() => "-".to_owned(),
        Cell::Providers(names) => names.iter().map(Name::as_str).collect::<Vec<_>>().join(", "),
        Cell::Value { value, set } => {
            format!("{}{}", value.to_string().escape_debug(), if *set { "*" } else { "" })
        }
        Cell::Name(name) => name.to_string(),
        Cell::Absent => String::new(),
    })
}

/// The columns of a table: a title, and a cell per row. Where a product cannot be resolved, the code
/// says why.
fn columns(matrix: &Matrix) -> Vec<Vec<String>> {
    let column = |product: &tarsia_resolve::Column| {
        let failed = || product.code.map_or_else(String::new, |code| code.to_string());
        let cells = matrix.rows.iter().map(|row| cell(row, &product.name).unwrap_or_else(failed));
        std::iter::once(product.name.clone()).chain(cells).collect()
    };
    matrix.products.iter().map(column).collect()
}

/// The table in blocks of as many columns as fit, each with the names of the rows before it.
fn table(matrix: &Matrix, width: usize) -> String {
    let columns = columns(matrix);
    let widest =
        |cells: &[String]| cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let names: Vec<String> = matrix.rows.iter().map(|row| row.name.clone()).collect();
    let names: Vec<String> = std::iter::once(String::new()).chain(names).collect();
    let first = widest(&names);
    let mut blocks: Vec<Vec<&Vec<String>>> = Vec::new();
    let mut taken = usize::MAX;
    for column in &columns {
        let more = widest(column) + 2;
        match blocks.last_mut().filter(|_| taken.saturating_add(more) <= width) {
            Some(block) => {
                block.push(column);
                taken += more;
            }
            None => {
                blocks.push(vec![column]);
                taken = first + more;
            }
        }
    }
    let mut text = String::new();
    for (number, block) in blocks.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        for (index, name) in names.iter().enumerate() {
            let kind = |index: usize| matrix.rows.get(index).map(|row| row.kind);
            if index > 1 && kind(index - 1) != kind(index - 2) {
                text.push('\n');
            }
            let mut line = format!("{name:<first$}");
            for column in block {
                line += &format!("  {:<1$}", column[index], widest(column));
            }
            text += line.trim_end();
            text.push('\n');
        }
    }
    let set = |row: &Row| row.cells.values().any(|c| matches!(c, Cell::Value { set: true, .. }));
    if matrix.rows.iter().any(set) {
        text += "\n* set by the product\n";
    }
    text
}

/// Comma-separated values (RFC 4180), with `\n` at the ends of lines as everywhere here.
fn csv(matrix: &Matrix) -> String {
    let columns = columns(matrix);
    let line = |cells: Vec<&str>| {
        let fields: Vec<String> = cells.into_iter().map(field).collect();
        fields.join(",") + "\n"
    };
    let rows = matrix.rows.iter().map(|row| row.name.as_str());
    let titles = std::iter::once("").chain(rows).enumerate();
    titles
        .map(|(index, name)| {
            let cells = columns.iter().map(|column| column[index].as_str());
            line(std::iter::once(name).chain(cells).collect())
        })
        .collect()
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
