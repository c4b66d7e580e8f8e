//! Which row everything stands in. Each layer is a band of rows; within a band, a user stands above
//! what it uses, and what is wider than the page goes on in the next row. An edge over several rows
//! bends once in each row between, so that it never runs through a tile.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef as _, Walker as _};
use tarsia_manifest::Layer;

use super::drawing::Sizes;
use super::model::Graph;

/// The bands from top to bottom.
pub const BANDS: [Layer; 8] = [
    Layer::App,
    Layer::Service,
    Layer::Driver,
    Layer::Library,
    Layer::Boot,
    Layer::Kernel,
    Layer::Board,
    Layer::Toolchain,
];

/// Space between tiles of one row.
pub const BESIDE: f64 = 26.0;
/// Space between the members of a circle.
pub const WITHIN: f64 = 18.0;
/// Pages are about this much wider than high, at least as wide as a slide needs and at most as wide as a
/// screen can show with some scrolling. A row's height with the space below it is about [`PITCH`].
const ASPECT: f64 = 1.6;
const PITCH: f64 = 110.0;
const NARROWEST: f64 = 900.0;
const WIDEST: f64 = 3600.0;

/// What takes a place in a row.
#[derive(Debug)]
pub enum Item {
    /// A component, or the members of a circle side by side.
    Tiles(Vec<NodeIndex>),
    /// Where edges pass.
    Bend,
}

/// A row.
#[derive(Debug)]
pub struct Row {
    /// The band it is of; the product's row is of none.
    pub band: Option<Layer>,
    /// Indices of items, left first.
    pub items: Vec<usize>,
}

/// The way of an edge.
#[derive(Debug)]
pub struct Wire {
    /// The edge.
    pub edge: EdgeIndex,
    /// The user and what it uses.
    pub ends: [NodeIndex; 2],
    /// The items it touches, its user first; one only where both ends are in one circle.
    pub path: Vec<usize>,
}

/// The bends of all edges that reach one component from one side.
#[derive(Debug)]
pub struct Trunk {
    /// The component.
    pub used: NodeIndex,
    /// One bend per row, the one next to the component first.
    pub bends: Vec<usize>,
}

/// Everything in its row.
#[derive(Debug)]
pub struct Rows {
    /// What takes a place.
    pub items: Vec<Item>,
    /// The item that each part is in.
    home: BTreeMap<NodeIndex, usize>,
    /// The row of each item.
    pub row_of: Vec<usize>,
    /// The rows, top first; the product is alone in the first.
    pub rows: Vec<Row>,
    /// The way of each edge.
    pub wires: Vec<Wire>,
    /// What edges share.
    pub trunks: Vec<Trunk>,
    /// The pairs of items of neighbouring rows that an edge joins, the upper first.
    pub links: BTreeSet<(usize, usize)>,
}

impl Rows {
    /// Puts the parts of a graph into rows, in the order in which the product's wishes lead to them.
    pub fn of(graph: &Graph, sizes: &Sizes) -> Self {
        let root = NodeIndex::new(graph.parts.node_count() - 1);
        let mut rows = Self {
            items: Vec::new(),
            home: BTreeMap::new(),
            row_of: Vec::new(),
            rows: vec![Row { band: None, items: Vec::new() }],
            wires: Vec::new(),
            trunks: Vec::new(),
            links: BTreeSet::new(),
        };
        rows.add(Item::Tiles(vec![root]), 0);
        let page = page_width(&sizes.widths);
        let units = Units::of(graph);
        for band in BANDS {
            for level in units.levels(graph, band) {
                let widths = level.iter().map(|unit| {
                    unit.iter().map(|part| sizes.widths[part.index()] + BESIDE).sum::<f64>()
                });
                let widths: Vec<f64> = widths.collect();
                // As many rows as the page needs, of about the same width.
                let total: f64 = widths.iter().sum();
                let share = total / (total / page).ceil();
                let (mut filled, mut opened) = (0.0, 0.0);
                for (unit, width) in level.into_iter().zip(widths) {
                    if (filled + width / 2.0) / share >= opened {
                        rows.rows.push(Row { band: Some(band), items: Vec::new() });
                        opened += 1.0;
                    }
                    filled += width;
                    rows.add(Item::Tiles(unit), rows.rows.len() - 1);
                }
            }
        }
        rows.wire(graph);
        rows
    }

    /// The components of each row, the product first.
    pub fn tiles(&self) -> Vec<Vec<NodeIndex>> {
        let parts = |item: &usize| match &self.items[*item] {
            Item::Tiles(parts) => parts.clone(),
            Item::Bend => Vec::new(),
        };
        self.rows.iter().map(|row| row.items.iter().flat_map(parts).collect()).collect()
    }

    /// The item that a part is in.
    pub fn item_of(&self, part: NodeIndex) -> usize {
        self.home[&part]
    }

    fn add(&mut self, item: Item, row: usize) -> usize {
        if let Item::Tiles(parts) = &item {
            self.home.extend(parts.iter().map(|part| (*part, self.items.len())));
        }
        self.items.push(item);
        self.row_of.push(row);
        self.rows[row].items.push(self.items.len() - 1);
        self.items.len() - 1
    }

    /// Leads each edge from row to row. Edges to one component from one side share their bends: they join
    /// on the way. What the product names keeps apart from what components require.
    fn wire(&mut self, graph: &Graph) {
        let mut bends = BTreeMap::new();
        for edge in graph.drawn() {
            let (user, used) = graph.parts.edge_endpoints(edge).expect("an edge has two ends");
            let (from, to) = (self.item_of(user), self.item_of(used));
            let (start, end) = (self.row_of[from], self.row_of[to]);
            let wish = !graph.parts[edge].by.by_component();
            let mut path = vec![from];
            let trunk: &mut BTreeMap<usize, usize> =
                bends.entry((used, start > end, wish)).or_default();
            let mut bend = |row| *trunk.entry(row).or_insert_with(|| self.add(Item::Bend, row));
            if start < end {
                path.extend((start + 1..end).map(&mut bend));
            } else {
                path.extend((end + 1..start).rev().map(&mut bend));
            }
            if to != from {
                path.push(to);
            }
            for pair in path.windows(2) {
                let down = self.row_of[pair[0]] < self.row_of[pair[1]];
                self.links.insert(if down { (pair[0], pair[1]) } else { (pair[1], pair[0]) });
            }
            self.wires.push(Wire { edge, ends: [user, used], path });
        }
        self.trunks.extend(bends.into_iter().filter(|(_, bends)| !bends.is_empty()).map(
            |((used, up, _), bends)| {
                // The last bend before what is used comes first.
                let mut bends: Vec<usize> = bends.into_values().collect();
                if !up {
                    bends.reverse();
                }
                Trunk { used, bends }
            },
        ));
    }
}

fn page_width(widths: &[f64]) -> f64 {
    let area: f64 = widths.iter().map(|width| (width + BESIDE) * PITCH).sum();
    (area * ASPECT).sqrt().clamp(NARROWEST, WIDEST)
}

/// Components one by one, or circles as a whole.
struct Units {
    /// The members of each, and whether it uses another of its layer.
    graph: DiGraph<Vec<NodeIndex>, ()>,
    /// From users to what they use.
    order: Vec<NodeIndex>,
    /// When a walk from the product first comes by each.
    found: Vec<usize>,
}

impl Units {
    fn of(graph: &Graph) -> Self {
        let mut units = DiGraph::new();
        let mut unit_of = BTreeMap::new();
        for group in &graph.groups {
            let unit = units.add_node(group.clone());
            unit_of.extend(group.iter().map(|part| (*part, unit)));
        }
        for part in graph.parts.node_indices() {
            unit_of.entry(part).or_insert_with(|| units.add_node(vec![part]));
        }
        for edge in graph.parts.edge_references() {
            let (from, to) = (edge.source(), edge.target());
            let same_layer = graph.parts[from].layer() == graph.parts[to].layer();
            if same_layer && unit_of[&from] != unit_of[&to] {
                units.update_edge(unit_of[&from], unit_of[&to], ());
            }
        }
        let order = toposort(&units, None).expect("circles within a layer are one unit");
        let root = NodeIndex::new(graph.parts.node_count() - 1);
        let mut found = vec![usize::MAX; units.node_count()];
        for (time, part) in Dfs::new(&graph.parts, root).iter(&graph.parts).enumerate() {
            let time_of_unit = &mut found[unit_of[&part].index()];
            *time_of_unit = time.min(*time_of_unit);
        }
        Self { graph: units, order, found }
    }

    /// The units of a layer by the longest chain of users above them.
    fn levels(&self, graph: &Graph, layer: Layer) -> Vec<Vec<Vec<NodeIndex>>> {
        let mut depth = vec![0; self.graph.node_count()];
        let mut levels: BTreeMap<usize, Vec<NodeIndex>> = BTreeMap::new();
        for unit in &self.order {
            if graph.parts[self.graph[*unit][0]].layer() != Some(layer) {
                continue;
            }
            let above = self.graph.neighbors_directed(*unit, Incoming);
            let own = above.map(|user| depth[user.index()] + 1).max().unwrap_or(0);
            depth[unit.index()] = own;
            levels.entry(own).or_default().push(*unit);
        }
        // What only other layers require stands low, beside what this layer requires, and so do its edges.
        let low = |unit: &NodeIndex| {
            let mut below = self.graph.neighbors_directed(*unit, Outgoing);
            below.next().is_none() && self.graph[*unit].iter().any(|part| graph.is_required(*part))
        };
        if levels.len() > 1
            && let (Some(mut top), Some((_, mut lowest))) = (levels.remove(&0), levels.pop_last())
        {
            lowest.extend(top.extract_if(.., |unit| low(unit)));
            levels.insert(0, top);
            levels.insert(usize::MAX, lowest);
        }
        levels.retain(|_, units| !units.is_empty());
        let mut levels: Vec<Vec<NodeIndex>> = levels.into_values().collect();
        for level in &mut levels {
            level.sort_by_key(|unit| (self.found[unit.index()], self.graph[*unit][0]));
        }
        let members = |unit: NodeIndex| self.graph[unit].clone();
        levels.into_iter().map(|level| level.into_iter().map(members).collect()).collect()
    }
}
