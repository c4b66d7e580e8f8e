//! The order in which components start: each after everything it requires. Names decide where
//! requirements do not.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Reversed, VisitMap as _};
use tarsia_model::Name;

use crate::selection::Selected;
use crate::space::starts_first;

/// The names in order of start, the board first: hardware answers only after it. What acts by being
/// linked, or is there from the beginning (`value`), does not have to start first. There is an order:
/// circles were refused before.
pub fn start_order(components: &BTreeMap<Name, Selected<'_>>, board: &Name) -> Vec<Name> {
    let mut graph = DiGraph::<&Name, ()>::new();
    let nodes: BTreeMap<&Name, NodeIndex> =
        components.keys().map(|name| (name, graph.add_node(name))).collect();
    for (name, selected) in components {
        for provided in selected.bindings.iter().flat_map(|binding| &binding.providers) {
            if starts_first(provided.provision) {
                graph.update_edge(nodes[&provided.component], nodes[name], ());
            }
        }
    }
    let board = nodes[board];
    let mut before = Dfs::new(Reversed(&graph), board);
    while before.next(Reversed(&graph)).is_some() {}
    for node in graph.node_indices().filter(|node| !before.discovered.is_visited(node)) {
        graph.update_edge(board, node, ());
    }
    let mut order = Vec::with_capacity(components.len());
    let mut waiting: BTreeMap<&Name, usize> = nodes
        .iter()
        .map(|(name, node)| {
            (*name, graph.neighbors_directed(*node, petgraph::Direction::Incoming).count())
        })
        .collect();
    let mut ready: BTreeSet<&Name> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = ready.pop_first() {
        order.push(name.clone());
        for next in graph.neighbors(nodes[name]) {
            if let Some(count) = waiting.get_mut(graph[next]) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(graph[next]);
                }
            }
        }
    }
    order
}
