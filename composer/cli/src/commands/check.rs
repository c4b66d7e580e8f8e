//! `tarsia check`: everything that is wrong with manifests and products, without building.

use serde::Serialize;
use tarsia_model::{diagnostic, render};

use crate::session::Session;
use crate::ui::Outcome;

#[derive(Serialize)]
struct Checked<'a> {
    products: Vec<Product<'a>>,
    diagnostics: Vec<render::Json>,
}

#[derive(Serialize)]
struct Product<'a> {
    name: &'a str,
    ok: bool,
    components: usize,
}

/// Checks the products named, or everything.
pub fn run(session: &Session, products: &[String]) -> Outcome {
    let names = &session.asked(products);
    let mut problems = match products {
        [] => session.load_problems().to_vec(),
        _ => Vec::new(),
    };
    let mut checked = Vec::new();
    for name in names {
        let found = session.resolve(name);
        let (ok, components) = match found {
            Ok(selection) => {
                problems.extend(selection.warnings.iter().cloned());
                let planned = tarsia_plan::linux::plan(&selection);
                let ok = planned.is_ok();
                problems.extend(planned.err().into_iter().flatten());
                (ok, selection.components.len())
            }
            Err(more) => {
                problems.extend(more);
                (false, 0)
            }
        };
        checked.push(Product { name, ok, components });
    }
    diagnostic::sort(&mut problems);
    if session.ui.structured() {
        let diagnostics = problems.iter().map(|p| render::json(p, session.sources())).collect();
        session.ui.answer(String::new, &Checked { products: checked, diagnostics });
    } else {
        session.ui.warn(&problems, session.sources());
        let sound = checked.iter().filter(|product| product.ok);
        let text: String =
            sound.map(|p| format!("{}: {} components\n", p.name, p.components)).collect();
        session.ui.answer(|| text, &());
    }
    session.ui.count(&problems);
    if names.is_empty() {
        session.ui.status("Checked", "no products: there is none in `products`");
    }
    Outcome::of(&problems)
}
