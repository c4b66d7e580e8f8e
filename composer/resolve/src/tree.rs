//! A selection as a tree: the product's own wishes at the top, below each component what it brought
//! in. A component stands in full once; later it is only named.

use std::collections::BTreeSet;

use serde::Serialize;
use tarsia_model::Name;

use crate::selection::{Cause, Provided, Selection};

/// One component in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// Its name.
    pub name: Name,
    /// Its layer.
    pub layer: &'static str,
    /// What leads to it from the line above.
    pub edge: Edge,
    /// Whether what is below it stands elsewhere already.
    pub repeated: bool,
    /// What it brought in.
    pub children: Vec<Self>,
}

/// Why a component stands where it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// The product names it.
    Product,
    /// The profile requires this capability.
    Profile(String),
    /// The component above requires these capabilities.
    Capabilities(Vec<String>),
}

impl Tree {
    /// The trees of a selection's roots: board, kernel, then what else the product or its profile
    /// names, by name.
    pub fn of(selection: &Selection<'_>) -> Vec<Self> {
        let mut shown = BTreeSet::new();
        let mut roots: Vec<(Name, Edge)> = selection
            .components
            .iter()
            .filter_map(|(name, selected)| {
                let edge = selected.causes.iter().find_map(|cause| match cause {
                    Cause::Product { .. } => Some(Edge::Product),
                    Cause::Profile { capability, .. } => {
                        Some(Edge::Profile(capability.to_string()))
                    }
                    Cause::Component { .. } => None,
                })?;
                Some((name.clone(), edge))
            })
            .collect();
        roots.sort_by_key(|(name, _)| (*name != selection.board, *name != selection.kernel));
        // A root is shown in full at the top level, not where another root happens to need it.
        let top: BTreeSet<Name> = roots.iter().map(|(name, _)| name.clone()).collect();
        roots
            .into_iter()
            .map(|(name, edge)| grow(selection, name, edge, &top, true, &mut shown))
            .collect()
    }
}

fn grow(
    selection: &Selection<'_>,
    name: Name,
    edge: Edge,
    top: &BTreeSet<Name>,
    is_root: bool,
    shown: &mut BTreeSet<Name>,
) -> Tree {
    let selected = &selection.components[&name];
    let layer = selected.manifest.layer.value.as_str();
    let first = (is_root || !top.contains(&name)) && shown.insert(name.clone());
    let mut children = Vec::new();
    if first {
        let mut below: Vec<(Name, Vec<String>)> = Vec::new();
        for binding in &selected.bindings {
            let capability = binding.requirement.capability.value.to_string();
            for Provided { component, .. } in &binding.providers {
                match below.iter_mut().find(|(name, _)| name == component) {
                    Some((_, capabilities)) => capabilities.push(capability.clone()),
                    None => below.push((component.clone(), vec![capability.clone()])),
                }
            }
        }
        for (name, capabilities) in below {
            let edge = Edge::Capabilities(capabilities);
            children.push(grow(selection, name, edge, top, false, shown));
        }
    }
    let repeated = !first && selected.bindings.iter().any(|b| !b.providers.is_empty());
    Tree { name, layer, edge, repeated, children }
}
