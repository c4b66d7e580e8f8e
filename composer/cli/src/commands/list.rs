//! `tarsia list`: what a workspace has.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use tarsia_manifest::{Bounds, ComponentManifest, Layer, Set, effective};
use tarsia_model::{ByteSize, Name, Spanned};

use crate::args::ListKind;
use crate::session::Session;
use crate::ui::Outcome;

#[derive(Serialize)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'static str>,
    summary: String,
    /// What programs are told beside: a value per key.
    #[serde(flatten)]
    details: serde_json::Map<String, Value>,
    /// What people are told beside.
    #[serde(skip)]
    facts: Vec<String>,
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
    session.ui.point(session.load_problems());
    Outcome::of(session.load_problems())
}

fn table(entries: &[Entry]) -> String {
    let width = |text: fn(&Entry) -> usize| entries.iter().map(text).max().unwrap_or(0);
    let name = width(|entry| entry.name.len());
    // A list of one layer need not repeat it.
    let layers: BTreeSet<_> = entries.iter().map(|entry| entry.layer).collect();
    let layer = if layers.len() > 1 { width(|entry| entry.layer.map_or(0, str::len)) } else { 0 };
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
        let parts = [
            ("profile", whole.as_ref().and_then(|e| e.profile.as_ref())),
            ("board", whole.as_ref().and_then(|e| e.board.as_ref())),
            ("kernel", whole.as_ref().and_then(|e| e.kernel.as_ref())),
        ];
        let parts = parts.map(|(key, part)| (key, part.map(|part| part.value.to_string())));
        let mut facts: Vec<String> = parts.iter().filter_map(|(_, part)| part.clone()).collect();
        let mut details = details(parts.map(|(key, part)| (key, json!(part))));
        details.insert("fragment".into(), product.is_fragment().into());
        if product.is_fragment() {
            facts.insert(0, "fragment".into());
        }
        let summary = product.summary.as_ref().map_or_else(String::new, |s| s.value.clone());
        Entry { name: name.to_string(), layer: None, summary, details, facts }
    };
    catalogue.products.values().map(entry).collect()
}

fn profiles(session: &Session) -> Vec<Entry> {
    let range = |what: &str, bounds: Option<&Bounds>| {
        let bounds = bounds?;
        let shown = |size: &Option<Spanned<ByteSize>>| {
            size.as_ref().map_or_else(|| "any".to_owned(), |size| size.value.to_string())
        };
        Some(format!("{what} {} to {}", shown(&bounds.min), shown(&bounds.max)))
    };
    let profiles = session.catalogue().profiles.values();
    profiles
        .map(|profile| Entry {
            name: profile.profile.value.to_string(),
            layer: None,
            details: details([
                ("storage", bytes(profile.storage.as_ref())),
                ("ram", bytes(profile.ram.as_ref())),
                ("kernels", names(&profile.kernels)),
            ]),
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
        session.catalogue().components.iter().filter(|component| wanted(component)).collect();
    found.sort_by_key(|component| (component.layer.value, component.component.value.clone()));
    found
        .into_iter()
        .map(|component| Entry {
            name: component.component.value.to_string(),
            layer: Some(component.layer.value.as_str()),
            details: described(component),
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

fn described(component: &ComponentManifest) -> serde_json::Map<String, Value> {
    let provided = component.provides.iter().map(|provision| provision.capability.value.as_str());
    let required =
        component.requires.iter().map(|requirement| requirement.capability.value.as_str());
    let mut found = details([
        ("classes", names(&component.classes)),
        ("arch", names(&component.arch)),
        ("provides", provided.collect()),
        ("requires", required.collect()),
    ]);
    if let Some(board) = &component.board {
        let memory = board.memory.iter();
        let memory = memory.map(|(name, region)| (name.value.to_string(), region.size.value.0));
        found.insert("memory".into(), memory.map(|(name, size)| (name, json!(size))).collect());
    }
    found
}

fn details<const N: usize>(entries: [(&str, Value); N]) -> serde_json::Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn names(set: &Set<Name>) -> Value {
    set.iter().map(|name| name.value.as_str()).collect()
}

fn bytes(bounds: Option<&Bounds>) -> Value {
    let size = |size: Option<&Spanned<ByteSize>>| size.map(|size| size.value.0);
    let [min, max] = [bounds.map(|b| &b.min), bounds.map(|b| &b.max)];
    json!({ "min": min.and_then(|s| size(s.as_ref())), "max": max.and_then(|s| size(s.as_ref())) })
}
