//! `tarsia update`: the newest versions of a product's external sources.

use tarsia_build::sources::Wanted;
use tarsia_model::{Code, Diagnostic, Name, suggest};

use super::lock::{answer, follow};
use crate::session::Session;
use crate::sources::products;
use crate::ui::Outcome;

/// Moves the sources of some components, or of all.
pub fn run(session: &Session, product: &str, components: &[String]) -> Outcome {
    let found = products(session, &[product.to_owned()]).and_then(|found| {
        let known = found.first().map_or(&[][..], |one| &one.components);
        let strangers =
            components.iter().filter(|name| !known.iter().any(|one| one.as_str() == **name));
        let problems: Vec<Diagnostic> =
            strangers.map(|name| stranger(product, name, known)).collect();
        if problems.is_empty() { Ok(found) } else { Err(problems) }
    });
    let asked = |one: &Wanted<'_>| {
        components.is_empty() || components.iter().any(|name| one.component.as_str() == name)
    };
    answer(session, found.and_then(|found| follow(session, &found, &asked)))
}

fn stranger(product: &str, name: &str, known: &[Name]) -> Diagnostic {
    let message = format!("the product `{product}` has no component `{}`", name.escape_debug());
    let near = suggest::did_you_mean(name, known.iter().map(Name::as_str));
    Diagnostic::error(Code::UnknownComponent, message)
        .hint(near.unwrap_or_else(|| format!("`tarsia tree {product}` shows what it has")))
}
