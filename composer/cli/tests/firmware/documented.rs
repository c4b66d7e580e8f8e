//! The tables of the manual that say which input is part of which key, held against what builds wrote down.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::workspace::Workspace;

/// Kind and name of an input, with the steps whose keys have it.
type Row = (String, String, Vec<String>);

/// What a page says.
fn rows(page: &str) -> Vec<Row> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let page = std::fs::read_to_string(page).expect("a page");
    let rows = page.lines().skip_while(|line| !line.starts_with("| input | part of the key of"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (kind, name) = cells[1].trim_matches('`').split_once(' ').unwrap_or((cells[1], ""));
        let steps = cells[2].split(", ").map(str::to_owned).collect();
        (kind.trim_matches('`').to_owned(), name.to_owned(), steps)
    })
    .collect()
}

/// Every input of the actions that were carried out in a workspace has a row in one of the pages, and every row
/// of the last page an input. (What came out of the store has no history.)
pub fn holds(workspace: &Workspace, pages: &[&str]) {
    let tables: Vec<_> = pages.iter().map(|page| rows(page)).collect();
    let own = tables.last().map_or(0, Vec::len);
    let table: Vec<_> = tables.into_iter().flatten().collect();
    assert!(own > 5, "{table:?}");
    let folder = workspace.root.join("out/.device/history");
    let mut histories = Vec::new();
    files_below(&folder, &mut histories);
    assert!(histories.len() >= 3, "{histories:?}");
    let (mut missing, mut used) = (BTreeSet::new(), BTreeSet::new());
    for history in histories {
        let mut words = history.strip_prefix(&folder).expect("below").iter();
        let step = words.nth(1).and_then(OsStr::to_str).expect("a step of a product");
        let text = std::fs::read_to_string(&history).expect("a history");
        for line in text.lines().skip(1) {
            let what = line.split_once(": ").map_or(line, |(what, _)| what);
            let (kind, name) = what.split_once(' ').unwrap_or((what, ""));
            let fits = |(k, n, of): &Row| {
                let any = n.bytes().all(|b| b.is_ascii_uppercase()) && !n.is_empty();
                k == kind && (any || n == name) && of.iter().any(|one| one == step || one == "all")
            };
            let rows: Vec<usize> = (0..table.len()).filter(|row| fits(&table[*row])).collect();
            if rows.is_empty() {
                missing.insert(format!("{kind} {name} of {step}"));
            }
            used.extend(rows);
        }
    }
    assert!(missing.is_empty(), "{pages:?} have no row for {missing:#?}");
    let own = table.len() - own..table.len();
    let unused: Vec<_> = own.filter(|row| !used.contains(row)).map(|row| &table[row]).collect();
    assert!(unused.is_empty(), "rows of {pages:?} for nothing: {unused:?}");
}

#[expect(clippy::disallowed_methods, reason = "the order does not matter")]
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.expect("an entry");
        // One that another test is just writing has a passing name until it is whole.
        let passing = entry.file_name().as_encoded_bytes().starts_with(b".");
        match entry.path() {
            path if path.is_dir() => files_below(&path, found),
            path if !passing => found.push(path),
            _ => {}
        }
    }
}
