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
    let unexpected = |what: &str| {
        Diagnostic::error(Code::ActionFailed, format!("cannot read what cargo says: {what}"))
    };
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What cargo says of a workspace in `/w`: packages whose name starts with `tarsia-` or
    /// `product-` are its own, `-macro` ends the name of a procedural macro; edges are
    /// `from to kind`, with an empty kind for normal ones.
    fn metadata(packages: &[&str], edges: &[&str]) -> Metadata {
        let local = |name: &str| name.starts_with("tarsia-") || name.starts_with("product-");
        let package = |name: &&str| -> Value {
            let folder = if local(name) { "/w/drivers" } else { "/registry" };
            json!({
                "id": format!("id of {name}"), "name": name, "version": "1.2.3", "license": "MIT",
                "manifest_path": format!("{folder}/{name}/Cargo.toml"),
                "source": (!local(name)).then_some("registry+https://example.invalid/index"),
                "dependencies": [], "features": {},
                "targets": [{
                    "name": name, "src_path": "/lib.rs",
                    "kind": [if name.ends_with("-macro") { "proc-macro" } else { "lib" }],
                }],
            })
        };
        let node = |name: &&str| -> Value {
            let from = edges.iter().map(|edge| edge.split(' ').collect::<Vec<_>>());
            let deps = from.filter(|edge| edge[0] == *name).map(|edge| {
                let kinds = edge[2..].iter().map(|kind| json!({ "kind": kind, "target": null }));
                let kinds: Vec<Value> = kinds.collect();
                let normal = vec![json!({ "kind": null, "target": null })];
                json!({
                    "name": edge[1], "pkg": format!("id of {}", edge[1]),
                    "dep_kinds": if kinds.is_empty() { normal } else { kinds },
                })
            });
            json!({ "id": format!("id of {name}"), "dependencies": [], "deps": deps.collect::<Vec<_>>() })
        };
        serde_json::from_value(json!({
            "version": 1, "workspace_root": "/w", "target_directory": "/w/target", "workspace_members": [],
            "packages": packages.iter().map(package).collect::<Vec<_>>(),
            "resolve": { "root": null, "nodes": packages.iter().map(node).collect::<Vec<_>>() },
        }))
        .expect("metadata")
    }

    fn owners(packages: &[&str], edges: &[&str]) -> Vec<(String, Option<String>)> {
        let found = linked(&metadata(packages, edges), "product-p").expect("crates");
        found.into_iter().map(|found| (found.name, found.owner)).collect()
    }

    #[test]
    fn a_crate_belongs_to_the_only_component_that_leads_to_it() {
        let found = owners(
            &[
                "deep",
                "only-uart",
                "product-p",
                "roots-own",
                "shared",
                "tarsia-log",
                "tarsia-uart",
                "unused",
            ],
            &[
                "product-p tarsia-uart",
                "product-p tarsia-log",
                "product-p roots-own",
                "tarsia-uart only-uart",
                "only-uart deep",
                "tarsia-uart deep",
                "tarsia-uart shared",
                "tarsia-log shared",
                "unused shared",
            ],
        );
        let owner = |name: &str, owner: Option<&str>| (name.to_owned(), owner.map(str::to_owned));
        let expected = [
            owner("deep", Some("uart")),
            owner("only-uart", Some("uart")),
            owner("roots-own", None),
            owner("shared", None),
            owner("tarsia-log", Some("log")),
            owner("tarsia-uart", Some("uart")),
        ];
        assert_eq!(found, expected);
    }

    /// A component that all others use is on every way to its crates; so is one below another.
    #[test]
    fn the_nearest_component_owns() {
        let packages = ["hal", "product-p", "tarsia-hal", "tarsia-one", "tarsia-two"];
        let both = [
            "product-p tarsia-one",
            "product-p tarsia-two",
            "tarsia-one tarsia-hal",
            "tarsia-hal hal",
        ];
        let shared = [&both[..], &["tarsia-two tarsia-hal"]].concat();
        let hal = |edges: &[&str]| owners(&packages, edges)[0].1.clone();
        assert_eq!(hal(&both).as_deref(), Some("hal"));
        assert_eq!(hal(&shared).as_deref(), Some("hal"));
        let beside = [&shared[..], &["product-p hal"]].concat();
        assert_eq!(hal(&beside), None);
    }

    #[test]
    fn what_only_compiles_is_not_linked() {
        let packages =
            ["bindings", "both", "derive-macro", "product-p", "syn", "tarsia-one", "tests"];
        let edges = [
            "product-p tarsia-one",
            "tarsia-one derive-macro",
            "derive-macro syn",
            "tarsia-one bindings build",
            "tarsia-one tests dev",
            "tarsia-one both build",
            "product-p both",
        ];
        let names: Vec<String> =
            owners(&packages, &edges).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["both", "tarsia-one"]);
    }

    #[test]
    fn places_and_licences_are_told_and_kept() {
        let metadata = metadata(
            &["hal", "product-p", "tarsia-one"],
            &["product-p tarsia-one", "tarsia-one hal"],
        );
        let found = linked(&metadata, "product-p").expect("crates");
        let told: Vec<_> = found
            .iter()
            .map(|c| (c.version.as_str(), c.licence.as_deref(), c.folder.as_deref()))
            .collect();
        assert_eq!(
            told,
            [("1.2.3", Some("MIT"), None), ("1.2.3", Some("MIT"), Some("drivers/tarsia-one"))]
        );
        assert_eq!(read(&write(&found)), Some(found));
        assert_eq!(read(b"[{\"name\": \"hal\"}]"), None);
        assert!(linked(&metadata, "product-q").is_err(), "no such root");
    }
}
