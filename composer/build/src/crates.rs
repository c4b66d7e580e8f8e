//! What a firmware really links, as cargo resolved it: every crate, and the one component it is
//! there for, when there is only one.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, Package, PackageId, TargetKind};
use petgraph::algo::dominators;
use petgraph::graph::{DiGraph, NodeIndex};
use serde::{Deserialize, Serialize};
use tarsia_model::{Code, Diagnostic};

/// The prefix of the crate of every component.
pub const COMPONENT_PREFIX: &str = "tarsia-";

/// A crate in a firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkedCrate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence (SPDX expression), where it states one.
    pub licence: Option<String>,
    /// The folder of the staging workspace it comes from; none for a crate from the registry.
    pub folder: Option<String>,
    /// The component it belongs to: the crate's own, or the only one through which it is reached.
    pub owner: Option<String>,
}

/// The crates that `root` links, sorted by name and version; crates that only run while compiling
/// (procedural macros, build scripts' needs) are not in a firmware and not listed.
pub fn linked(metadata: &Metadata, root: &str) -> Result<Vec<LinkedCrate>, Diagnostic> {
    let unexpected =
        |what: &str| Diagnostic::error(Code::ActionFailed, format!("read what cargo says: {what}"));
    let resolve = metadata.resolve.as_ref().ok_or_else(|| unexpected("no resolution"))?;
    let packages: BTreeMap<&PackageId, _> = metadata.packages.iter().map(|p| (&p.id, p)).collect();
    let runs_on_host = |id: &PackageId| {
        packages.get(id).is_some_and(|package| {
            package.targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro))
        })
    };
    let mut graph = DiGraph::<&PackageId, ()>::new();
    let nodes: BTreeMap<&PackageId, NodeIndex> =
        resolve.nodes.iter().map(|node| (&node.id, graph.add_node(&node.id))).collect();
    for node in &resolve.nodes {
        for dependency in &node.deps {
            let normal = dependency.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal);
            if normal && !runs_on_host(&dependency.pkg) {
                graph.update_edge(nodes[&node.id], nodes[&dependency.pkg], ());
            }
        }
    }
    let start = metadata
        .packages
        .iter()
        .find(|package| package.name == root)
        .and_then(|package| nodes.get(&package.id).copied())
        .ok_or_else(|| unexpected("no root crate"))?;
    let dominators = dominators::simple_fast(&graph, start);
    let component = |node: NodeIndex| {
        packages[graph[node]].name.strip_prefix(COMPONENT_PREFIX).map(str::to_owned)
    };
    let mut found: Vec<LinkedCrate> = graph
        .node_indices()
        .filter(|node| *node != start)
        .filter_map(|node| {
            // The nearest component through which every path from the root to the crate goes.
            let mut path = dominators.dominators(node)?;
            let package = packages[graph[node]];
            Some(LinkedCrate {
                name: package.name.to_string(),
                version: package.version.to_string(),
                licence: package.license.clone(),
                folder: folder(metadata, package),
                owner: path.find_map(component),
            })
        })
        .collect();
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(found)
}

fn folder(metadata: &Metadata, package: &Package) -> Option<String> {
    let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root).ok()?;
    package.source.is_none().then(|| manifest.parent().map(ToString::to_string))?
}

/// The form in which the list is kept in the store.
pub fn write(crates: &[LinkedCrate]) -> Vec<u8> {
    serde_json::to_vec(crates).unwrap_or_default()
}

/// Reads what [`write`] wrote; none when it is of another form.
pub fn read(json: &[u8]) -> Option<Vec<LinkedCrate>> {
    serde_json::from_slice(json).ok()
}
