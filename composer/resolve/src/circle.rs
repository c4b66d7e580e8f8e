//! Circles of components each of which must have started before the next.

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// That a node's requirement, by its place, is bound to a provider that must start first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The node.
    pub from: usize,
    /// The place of its requirement.
    pub place: usize,
    /// The provider.
    pub to: usize,
}

/// A circle among steps, if there is one: each step starts where the one before leads, and the last
/// leads to the first.
pub fn circle(steps: &[Step]) -> Option<Vec<Step>> {
    let count = steps.iter().map(|step| step.from.max(step.to) + 1).max().unwrap_or(0);
    let mut graph: DiGraph<(), Step> = DiGraph::with_capacity(count, steps.len());
    for _ in 0..count {
        graph.add_node(());
    }
    for step in steps {
        graph.add_edge(NodeIndex::new(step.from), NodeIndex::new(step.to), *step);
    }
    let group = tarjan_scc(&graph)
        .into_iter()
        .find(|group| group.len() > 1 || graph.contains_edge(group[0], group[0]))?;
    // Every node of a strongly connected group has a step inside it: following them must come round.
    let start = *group.iter().min()?;
    let mut path: Vec<Step> = Vec::new();
    let mut here = start;
    loop {
        if let Some(begin) = path.iter().position(|step| step.from == here.index()) {
            return Some(path.split_off(begin));
        }
        let inside = graph.edges(here).map(|edge| *edge.weight());
        let next = inside
            .filter(|step| group.contains(&NodeIndex::new(step.to)))
            .min_by_key(|step| (step.to, step.place))?;
        path.push(next);
        here = NodeIndex::new(next.to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_circle_or_none() {
        let step = |(from, to): &(usize, usize)| Step { from: *from, place: 0, to: *to };
        let found = |edges: &[(usize, usize)]| {
            let steps: Vec<Step> = edges.iter().map(step).collect();
            circle(&steps).map(|steps| steps.iter().map(|s| (s.from, s.to)).collect::<Vec<_>>())
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[(0, 1), (1, 2), (0, 2)]), None);
        assert_eq!(found(&[(0, 1), (1, 1)]), Some(vec![(1, 1)]));
        assert_eq!(found(&[(0, 1), (1, 2), (2, 3), (3, 1)]), Some(vec![(1, 2), (2, 3), (3, 1)]));
    }
}
