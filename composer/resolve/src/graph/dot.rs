//! The graph for Graphviz, for those who want another picture.

use std::fmt::Write as _;

use petgraph::visit::EdgeRef as _;
use tarsia_manifest::Layer;

use super::drawing::Sizes;
use super::model::{Graph, Node, Part, Wanted};
use super::rows::{BANDS, Rows};

/// The graph in the language DOT: a cluster per layer and circle, an edge per user and provider. Rows are
/// those of the picture; Graphviz would take the layers apart to make upward edges short.
pub fn dot(graph: &Graph) -> String {
    let mut dot = String::new();
    write(graph, &mut dot).expect("a String grows");
    dot
}

fn write(graph: &Graph, dot: &mut String) -> std::fmt::Result {
    writeln!(dot, "digraph {} {{", quoted(graph.product.as_str()))?;
    writeln!(dot, "    rankdir=TB; newrank=true;")?;
    writeln!(dot, "    node [shape=box, fontname=\"sans-serif\"];")?;
    writeln!(dot, "    edge [fontname=\"sans-serif\", fontsize=10];")?;
    // A component may have the product's name, but never a `/`.
    let root = quoted(&format!("product/{}", graph.product));
    let label = quoted(graph.product.as_str());
    writeln!(dot, "    {root} [label={label}, shape=house];")?;
    for layer in BANDS {
        let nodes: Vec<_> = graph.nodes().filter(|node| node.layer == layer).collect();
        if nodes.is_empty() {
            continue;
        }
        writeln!(dot, "    subgraph \"cluster {layer}\" {{")?;
        writeln!(dot, "        label=\"{layer}\"; labeljust=l;")?;
        for node in nodes {
            self::node(node, dot)?;
        }
        for (index, group) in graph.groups.iter().enumerate() {
            let names: Vec<_> =
                group.iter().map(|part| graph.parts[*part].name().as_str()).collect();
            if graph.parts[group[0]].layer() == Some(layer) {
                let members: String = names.into_iter().map(|name| quoted(name) + "; ").collect();
                writeln!(
                    dot,
                    "        subgraph \"cluster circle {index}\" {{ label=\"\"; style=dashed; {members}}}"
                )?;
            }
        }
        writeln!(dot, "    }}")?;
    }
    let end = |part| match &graph.parts[part] {
        Part::Product(_) => root.clone(),
        Part::Component(node) => quoted(node.name.as_str()),
    };
    let mut above: Option<String> = None;
    for row in Rows::of(graph, &Sizes::of(graph)).tiles() {
        let names: Vec<String> = row.into_iter().map(end).collect();
        writeln!(dot, "    {{ rank=same; {}; }}", names.join("; "))?;
        if let Some(above) = above {
            writeln!(dot, "    {above} -> {} [style=invis];", names[0])?;
        }
        above = names.into_iter().next();
    }
    for edge in graph.parts.edge_references() {
        let mut attributes = Vec::new();
        let names = edge.weight().capabilities.iter().map(|name| name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        if !names.is_empty() {
            attributes.push(format!("label={}", quoted(&names)));
        }
        if edge.weight().by != Wanted::Component {
            attributes.push("style=dashed".to_owned());
        }
        // Rows decide what is above what, where an edge leads upwards.
        let [from, to] = [edge.source(), edge.target()];
        if height(graph.parts[from].layer()) < height(graph.parts[to].layer()) {
            attributes.push("constraint=false".to_owned());
        }
        let attributes = match attributes.as_slice() {
            [] => String::new(),
            some => format!(" [{}]", some.join(", ")),
        };
        writeln!(dot, "    {} -> {}{attributes};", end(from), end(to))?;
    }
    writeln!(dot, "}}")
}

fn node(node: &Node, dot: &mut String) -> std::fmt::Result {
    let promise = node.promise.map(|promise| format!("\\n{}", escaped(&promise.text())));
    let label = format!("{}{}", escaped(node.name.as_str()), promise.unwrap_or_default());
    let (id, summary) = (quoted(node.name.as_str()), quoted(&node.summary));
    writeln!(dot, "        {id} [label=\"{label}\", tooltip={summary}];")
}

/// How high a layer stands; the product is above all.
fn height(layer: Option<Layer>) -> usize {
    let at = layer.and_then(|layer| BANDS.iter().rev().position(|band| *band == layer));
    at.unwrap_or(BANDS.len())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
