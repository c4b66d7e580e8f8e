//! Components that need each other. That is legal where nobody has to start first: what acts by being
//! linked, or has a `value`, may be required in a circle.

use std::collections::BTreeMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use tarsia_model::Name;

use crate::selection::Selection;

impl Selection<'_> {
    /// The groups of two or more components each of which requires, over any number of steps, each
    /// other: members by name, groups by their first member. No component is in two groups.
    pub fn groups(&self) -> Vec<Vec<&Name>> {
        let mut graph = DiGraph::<&Name, ()>::new();
        let nodes: BTreeMap<&Name, NodeIndex> =
            self.components.keys().map(|name| (name, graph.add_node(name))).collect();
        for (name, selected) in &self.components {
            for provided in selected.bindings.iter().flat_map(|binding| &binding.providers) {
                graph.update_edge(nodes[name], nodes[&provided.component], ());
            }
        }
        let groups = tarjan_scc(&graph).into_iter().filter(|group| group.len() > 1);
        let mut groups: Vec<Vec<&Name>> =
            groups.map(|group| group.into_iter().map(|node| graph[node]).collect()).collect();
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort_unstable();
        groups
    }
}
