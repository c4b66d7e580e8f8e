//! Renders the templates of generated files, strictly: a name that does not exist is an error, and
//! a template can neither read files nor run for long.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use tarsia_model::{Code, Diagnostic, Spanned};

/// What a template may spend, in minijinja's units of work; the largest real one needs under 10,000.
const FUEL: u64 = 1_000_000;

/// The frame of every composition root, which a kernel's template extends.
const ROOT: &str = include_str!("../templates/root.rs.j2");

/// Renders `text`, which the manifest names at `path`.
///
/// # Errors
/// A name that `context` does not have, what is no template, or one that would run for long; with its line, at
/// the manifest's.
pub fn render(
    path: Spanned<&str>,
    text: &str,
    context: impl Serialize,
) -> Result<String, Diagnostic> {
    expand(path.value, text, context).map_err(|(line, error)| {
        let message = format!("render the template `{}`{line}: {error}", path.value);
        Diagnostic::at(Code::TemplateFailed, path.span, message)
    })
}

fn expand(
    name: &str,
    text: &str,
    context: impl Serialize,
) -> Result<String, (String, minijinja::Error)> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(
        SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .expect("the usual delimiters do not clash"),
    );
    environment.add_filter("literal", |text: String| format!("{text:?}"));
    // Rust source is not HTML.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let context = minijinja::Value::from(minijinja::value::Serde(context));
    let rendered = environment
        .add_template("root.rs.j2", ROOT)
        .and_then(|()| environment.render_named_str(name, text, context));
    rendered.map_err(|error| {
        (error.line().map(|line| format!(", line {line}")).unwrap_or_default(), error)
    })
}

/// Renders a template of Tarsia's own, which stands in no manifest.
pub fn render_own(name: &str, text: &str, context: impl Serialize) -> Result<String, Diagnostic> {
    expand(name, text, context).map_err(|(line, error)| {
        let message = format!("render the template `{name}`{line}: {error}");
        Diagnostic::error(Code::TemplateFailed, message)
    })
}
