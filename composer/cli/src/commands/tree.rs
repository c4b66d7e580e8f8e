//! `tarsia tree`: what a product consists of, and what brought it in.

use tarsia_resolve::{Edge, Index, Tree};

use crate::session::Session;
use crate::ui::Outcome;

/// Resolves and draws.
pub fn run(session: &Session, name: &str) -> Outcome {
    let index = Index::new(session.catalogue());
    match session.resolve(&index, name) {
        Err(problems) => session.ui.report(&problems, session.sources()),
        Ok(selection) => {
            let trees = Tree::of(&selection);
            session.ui.answer(
                || {
                    let mut text = format!("{name}\n");
                    draw(&trees, "", &mut text);
                    text
                },
                &serde_json::json!({ "product": name, "components": trees }),
            );
            Outcome::Success
        }
    }
}

fn draw(trees: &[Tree], indent: &str, text: &mut String) {
    for (index, tree) in trees.iter().enumerate() {
        let last = index + 1 == trees.len();
        let (branch, below) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let edge = match &tree.edge {
            Edge::Product => String::new(),
            Edge::Profile(capability) => format!(" for the profile's {capability}"),
            Edge::Capabilities(capabilities) => format!(" for {}", capabilities.join(", ")),
        };
        let repeated = if tree.repeated { " …" } else { "" };
        text.push_str(&format!("{indent}{branch}{} ({}){edge}{repeated}\n", tree.name, tree.layer));
        draw(&tree.children, &format!("{indent}{below}"), text);
    }
}
