//! `tarsia tree`: what a product consists of, and what brought it in; or the way up.

use tarsia_model::Diagnostic;
use tarsia_resolve::{Edge, Node, Selection, Subject, Tree};

use crate::commands::why;
use crate::session::Session;
use crate::ui::Outcome;

/// Resolves and draws. `invert` draws the way up: from a component, or from every leaf.
pub fn run(session: &Session, name: &str, invert: Option<Option<&str>>) -> Outcome {
    let selection = match session.resolve(name) {
        Err(problems) => return session.ui.report(&problems, session.sources()),
        Ok(selection) => selection,
    };
    let trees = match invert {
        None => Ok(Tree::of(&selection)),
        Some(None) => Ok(Tree::above(&selection, Tree::leaves(&selection))),
        Some(Some(from)) => inverted(session, &selection, from),
    };
    let trees = match trees {
        Err(problem) => return session.ui.report(&[problem], session.sources()),
        Ok(trees) => trees,
    };
    let text = || {
        let mut text = String::new();
        if invert.is_none() {
            text += &format!("{name}\n");
            draw(&trees, "", &mut text);
        } else {
            // What was asked about is the top: nothing connects it with anything above.
            for tree in &trees {
                text += &format!("{}\n", line(tree));
                draw(&tree.children, "", &mut text);
            }
        }
        text
    };
    session.ui.answer(text, &serde_json::json!({ "product": name, "components": trees }));
    Outcome::Success
}

fn inverted(
    session: &Session,
    selection: &Selection<'_>,
    from: &str,
) -> Result<Vec<Tree>, Diagnostic> {
    let subject = Subject::find(session.catalogue(), selection, from)?;
    if !subject.is_in(selection) {
        return Err(why::absent(selection, &subject));
    }
    Ok(Tree::above(selection, subject.members(selection)))
}

fn draw(trees: &[Tree], indent: &str, text: &mut String) {
    for (index, tree) in trees.iter().enumerate() {
        let last = index + 1 == trees.len();
        let (branch, below) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        text.push_str(&format!("{indent}{branch}{}\n", line(tree)));
        draw(&tree.children, &format!("{indent}{below}"), text);
    }
}

fn line(tree: &Tree) -> String {
    let node = match &tree.node {
        Node::Component { name, layer } => format!("{name} ({layer})"),
        Node::Group { group } => {
            let names: Vec<&str> = group.iter().map(|name| name.as_str()).collect();
            format!("{} (need each other)", names.join(", "))
        }
        Node::Product { product } => format!("{product} (product)"),
        Node::Profile { profile } => format!("{profile} (profile)"),
    };
    let ends = matches!(tree.node, Node::Product { .. } | Node::Profile { .. });
    let edge = match &tree.edge {
        Edge::Asked | Edge::Member => String::new(),
        Edge::Product if ends => " names it".to_owned(),
        Edge::Product => String::new(),
        Edge::Wanted(capability) | Edge::Profile(capability) if ends => {
            format!(" for {capability}")
        }
        Edge::Wanted(capability) => format!(" for the product's {capability}"),
        Edge::Profile(capability) => format!(" for the profile's {capability}"),
        Edge::Capabilities(capabilities) => format!(" for {}", capabilities.join(", ")),
        Edge::Recommended(capabilities) => {
            format!(" recommended for {}", capabilities.join(", "))
        }
    };
    format!("{node}{edge}{}", if tree.repeated { " …" } else { "" })
}
