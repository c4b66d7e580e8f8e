//! The graph that is drawn: the one place that reads a selection.

use std::collections::BTreeMap;

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef as _;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use tarsia_manifest::Layer;
use tarsia_model::{ByteSize, CapabilityName, Name};

use crate::promised::promise;
use crate::selection::{Cause, Selection};

/// A product's components and what they require of each other.
///
/// As data: `product`; `nodes` with `name`, `layer`, `summary` and `promise`; `edges` with `by`, `from`,
/// `to` and `capabilities`; `groups`, each a list of names.
#[derive(Debug)]
pub struct Graph {
    pub(super) product: Name,
    /// The components by name, and last the product itself.
    pub(super) parts: DiGraph<Part, Edge>,
    /// Components of one layer that require each other in a circle, each circle by name.
    pub(super) groups: Vec<Vec<NodeIndex>>,
}

/// What can stand at the end of an edge.
#[derive(Debug)]
pub(super) enum Part {
    Product(Name),
    Component(Node),
}

/// A component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its name.
    pub name: Name,
    /// Its layer.
    #[serde(serialize_with = "as_word")]
    pub layer: Layer,
    /// One line on what it does.
    pub summary: String,
    /// The largest it promises to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
}

/// The largest a component promises to be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// In flash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash: Option<ByteSize>,
    /// In RAM, without stacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram: Option<ByteSize>,
}

/// That something is needed of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who needs it.
    pub by: Wanted,
    /// What for, by name; nothing where the product names the component.
    pub capabilities: Vec<CapabilityName>,
}

/// Who needs a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// The product names it.
    Product,
    /// The product's profile requires what it provides.
    Profile,
    /// Another component requires what it provides.
    Component,
    /// Another component recommends what it provides.
    Recommended,
}

impl Wanted {
    /// Whether it is another component rather than the product or its profile.
    pub(super) const fn by_component(self) -> bool {
        matches!(self, Self::Component | Self::Recommended)
    }
}

fn as_word<S: Serializer>(layer: &Layer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(layer.as_str())
}

impl Graph {
    /// The graph of a selection.
    pub fn of(selection: &Selection<'_>) -> Self {
        let mut parts = DiGraph::new();
        let places: BTreeMap<&Name, NodeIndex> = selection
            .components
            .iter()
            .map(|(name, selected)| {
                let manifest = selected.manifest;
                let promise =
                    Promise { flash: promise(selected, "flash"), ram: promise(selected, "ram") };
                let promise = (promise.flash.is_some() || promise.ram.is_some()).then_some(promise);
                let node = Node {
                    name: name.clone(),
                    layer: manifest.layer.value,
                    summary: manifest.summary.value.clone(),
                    promise,
                };
                (name, parts.add_node(Part::Component(node)))
            })
            .collect();
        let product = selection.product.name.value.clone();
        let root = parts.add_node(Part::Product(product.clone()));
        let mut wanted: BTreeMap<_, Vec<CapabilityName>> = BTreeMap::new();
        for (name, selected) in &selection.components {
            for cause in &selected.causes {
                let (by, capability) = match cause {
                    Cause::Product { .. } => (Wanted::Product, None),
                    Cause::Wanted { capability, .. } => (Wanted::Product, Some(capability)),
                    Cause::Profile { capability, .. } => (Wanted::Profile, Some(capability)),
                    Cause::Recommended { by, capability, .. } => {
                        let ends = (places[by], places[name], Wanted::Recommended);
                        wanted.entry(ends).or_default().push(capability.clone());
                        continue;
                    }
                    // Bindings say the same and more: they name every user.
                    Cause::Component { .. } => continue,
                };
                wanted.entry((root, places[name], by)).or_default().extend(capability.cloned());
            }
            for binding in &selected.bindings {
                for provided in &binding.providers {
                    let ends = (places[name], places[&provided.component], Wanted::Component);
                    let capability = binding.requirement.capability.value.clone();
                    wanted.entry(ends).or_default().push(capability);
                }
            }
        }
        for ((from, to, by), mut capabilities) in wanted {
            capabilities.sort();
            capabilities.dedup();
            parts.add_edge(from, to, Edge { by, capabilities });
        }
        let groups = circles(&parts);
        Self { product, parts, groups }
    }

    /// The product's name.
    pub const fn product(&self) -> &Name {
        &self.product
    }

    /// The components, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.parts.node_weights().filter_map(|part| match part {
            Part::Component(node) => Some(node),
            Part::Product(_) => None,
        })
    }

    /// The edges with the names of their ends, by names; what the product and its profile need last.
    pub fn edges(&self) -> impl Iterator<Item = (&Name, &Name, &Edge)> {
        let name = |place: NodeIndex| self.parts[place].name();
        self.parts
            .edge_references()
            .map(move |edge| (name(edge.source()), name(edge.target()), edge.weight()))
    }

    /// The edges that a picture needs: all between components, and from the product to what it would not
    /// reach otherwise. That it names others, too, their tiles say.
    pub(super) fn drawn(&self) -> Vec<EdgeIndex> {
        let mut circle_of = vec![0; self.parts.node_count()];
        let circles = tarjan_scc(&self.parts);
        for (circle, parts) in circles.iter().enumerate() {
            parts.iter().for_each(|part| circle_of[part.index()] = circle);
        }
        let mut required = vec![false; circles.len()];
        for edge in self.parts.edge_references() {
            let [from, to] = [edge.source(), edge.target()].map(|part| circle_of[part.index()]);
            required[to] |= from != to && edge.weight().by.by_component();
        }
        let edges = self.parts.edge_references().filter(|edge| {
            edge.weight().by.by_component() || !required[circle_of[edge.target().index()]]
        });
        edges.map(|edge| edge.id()).collect()
    }

    /// Whether another component requires a component.
    pub(super) fn is_required(&self, part: NodeIndex) -> bool {
        let mut users = self.parts.edges_directed(part, Direction::Incoming);
        users.any(|edge| edge.weight().by.by_component() && edge.source() != part)
    }

    /// What the product and its profile say about a component, as sentences.
    pub(super) fn wishes(&self, part: NodeIndex) -> Vec<String> {
        let wishes = self.parts.edges_directed(part, Direction::Incoming);
        let mut edges: Vec<EdgeIndex> =
            wishes.filter(|edge| !edge.weight().by.by_component()).map(|edge| edge.id()).collect();
        edges.sort();
        edges.into_iter().map(|edge| self.sentence(edge)).collect()
    }

    /// An edge as a sentence, for tooltips.
    pub(super) fn sentence(&self, edge: EdgeIndex) -> String {
        let (from, to) = self.parts.edge_endpoints(edge).expect("an edge has two ends");
        let (from, to) = (self.parts[from].name(), self.parts[to].name());
        let Edge { by, capabilities } = &self.parts[edge];
        let what: Vec<&str> = capabilities.iter().map(CapabilityName::as_str).collect();
        let what = what.join(", ");
        match by {
            Wanted::Product if what.is_empty() => format!("{from} names {to}"),
            Wanted::Product => format!("{from} requires {what} from {to}"),
            Wanted::Profile => format!("the profile of {from} requires {what} from {to}"),
            Wanted::Component => format!("{from} requires {what} from {to}"),
            Wanted::Recommended => format!("{from} recommends {what} from {to}"),
        }
    }
}

impl Part {
    pub(super) const fn name(&self) -> &Name {
        match self {
            Self::Product(name) => name,
            Self::Component(node) => &node.name,
        }
    }

    /// The layer; the product has none.
    pub(super) const fn layer(&self) -> Option<Layer> {
        match self {
            Self::Product(_) => None,
            Self::Component(node) => Some(node.layer),
        }
    }
}

impl Promise {
    /// The promise as people read it.
    pub(super) fn text(self) -> String {
        let part = |size: Option<ByteSize>, name| size.map(|size| format!("{name} {size}"));
        let parts = [part(self.flash, "flash"), part(self.ram, "RAM")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// The circles within each layer: a circle over several layers keeps its members apart, since each
/// layer has its band.
fn circles(parts: &DiGraph<Part, Edge>) -> Vec<Vec<NodeIndex>> {
    let within = parts.filter_map(
        |_, _| Some(()),
        |edge, _| {
            let (from, to) = parts.edge_endpoints(edge).expect("an edge has two ends");
            (parts[from].layer() == parts[to].layer()).then_some(())
        },
    );
    let mut groups = tarjan_scc(&within);
    groups.retain(|group| group.len() > 1);
    groups.iter_mut().for_each(|group| group.sort());
    groups.sort();
    groups
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Arc<'g> {
            by: Wanted,
            from: &'g Name,
            to: &'g Name,
            capabilities: &'g [CapabilityName],
        }
        let nodes: Vec<&Node> = self.nodes().collect();
        let edges: Vec<Arc<'_>> = self
            .edges()
            .map(|(from, to, edge)| Arc { by: edge.by, from, to, capabilities: &edge.capabilities })
            .collect();
        let names = |group: &Vec<NodeIndex>| {
            group.iter().map(|place| self.parts[*place].name()).collect::<Vec<_>>()
        };
        let mut graph = serializer.serialize_struct("Graph", 4)?;
        graph.serialize_field("product", &self.product)?;
        graph.serialize_field("nodes", &nodes)?;
        graph.serialize_field("edges", &edges)?;
        graph.serialize_field("groups", &self.groups.iter().map(names).collect::<Vec<_>>())?;
        graph.end()
    }
}
