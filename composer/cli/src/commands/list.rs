//! `tarsia list`: what a workspace has.

use serde::Serialize;
use tarsia_manifest::{ComponentManifest, Layer, effective};

use crate::args::ListKind;
use crate::session::Session;
use crate::ui::Outcome;

#[derive(Serialize)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<String>,
    summary: String,
}

/// Lists names with a line on each.
pub fn run(session: &Session, kind: ListKind) -> Outcome {
    let entries = match kind {
        ListKind::Products => products(session),
        ListKind::Profiles => profiles(session),
        ListKind::Components => components(session, |_| true),
        ListKind::Boards => components(session, |c| c.layer.value == Layer::Board),
        ListKind::Kernels => components(session, |c| c.layer.value == Layer::Kernel),
    };
    session.ui.answer(|| table(&entries), &entries);
    // Files with errors are missing from the list; saying so is better than a short list.
    session.ui.warn(session.load_problems(), session.sources());
    Outcome::of(session.load_problems())
}

fn table(entries: &[Entry]) -> String {
    let width = |text: fn(&Entry) -> usize| entries.iter().map(text).max().unwrap_or(0);
    let name = width(|entry| entry.name.len());
    let layer = width(|entry| entry.layer.map_or(0, str::len));
    let facts = width(|entry| entry.facts.join(", ").chars().count());
    let row = |entry: &Entry| {
        let mut row = format!("{:<name$}", entry.name);
        if layer > 0 {
            row += &format!("  {:<layer$}", entry.layer.unwrap_or_default());
        }
        if facts > 0 {
            row += &format!("  {:<facts$}", entry.facts.join(", "));
        }
        format!("{}\n", format!("{row}  {}", entry.summary).trim_end())
    };
    entries.iter().map(row).collect()
}

fn products(session: &Session) -> Vec<Entry> {
    let catalogue = session.catalogue();
    let entry = |product: &tarsia_manifest::ProductManifest| {
        let name = &product.name().value;
        let whole = effective(catalogue, name).ok();
        let parts = whole.iter().flat_map(|e| [&e.profile, &e.board, &e.kernel]);
        let mut facts: Vec<String> = parts.flatten().map(|part| part.value.to_string()).collect();
        if product.is_fragment() {
            facts.insert(0, "fragment".into());
        }
        let summary = product.summary.as_ref().map_or_else(String::new, |s| s.value.clone());
        Entry { name: name.to_string(), layer: None, facts, summary }
    };
    catalogue.products.values().map(entry).collect()
}

fn profiles(session: &Session) -> Vec<Entry> {
    let range = |what: &str, bounds: Option<&tarsia_manifest::Bounds>| {
        let bounds = bounds?;
        let shown = |size: &Option<tarsia_model::Spanned<tarsia_model::ByteSize>>| {
            size.as_ref().map_or_else(|| "any".to_owned(), |size| size.value.to_string())
        };
        Some(format!("{what} {} to {}", shown(&bounds.min), shown(&bounds.max)))
    };
    let profiles = session.catalogue().profiles.values();
    profiles
        .map(|profile| Entry {
            name: profile.profile.value.to_string(),
            layer: None,
            facts: [range("storage", profile.storage.as_ref()), range("RAM", profile.ram.as_ref())]
                .into_iter()
                .flatten()
                .collect(),
            summary: profile.summary.value.clone(),
        })
        .collect()
}

fn components(session: &Session, wanted: impl Fn(&ComponentManifest) -> bool) -> Vec<Entry> {
    let mut found: Vec<&ComponentManifest> =
        session.catalogue().components.values().filter(|component| wanted(component)).collect();
    found.sort_by_key(|component| (component.layer.value, component.component.value.clone()));
    found
        .into_iter()
        .map(|component| Entry {
            name: component.component.value.to_string(),
            layer: Some(component.layer.value.as_str()),
            facts: facts(component),
            summary: component.summary.value.clone(),
        })
        .collect()
}

fn facts(component: &ComponentManifest) -> Vec<String> {
    match &component.board {
        Some(board) => board
            .memory
            .iter()
            .map(|(name, region)| format!("{} {}", name.value, region.size.value))
            .chain([board.arch.value.to_string()])
            .collect(),
        None => component.arch.iter().map(|arch| arch.value.to_string()).collect(),
    }
}
