//! Shared by the integration tests: load from memory, render what was found.

#![allow(dead_code, reason = "each test binary uses its part")]

use tarsia_manifest::{Loaded, Memory, effective, load};
use tarsia_model::{Diagnostic, SourceMap, render};

pub const COMPONENT: &str = "component: probe\nlayer: driver\nsummary: A probe.\nlicence: MIT\n";

/// Loads files given as path and content.
pub fn loaded(files: &[(&str, &str)]) -> Loaded {
    load(&files.iter().map(|(path, text)| (*path, *text)).collect::<Memory>())
}

/// One file's text at the place where a component named `probe` is expected.
pub fn component(text: &str) -> Loaded {
    loaded(&[("components/drivers/probe/component.yaml", text)])
}

/// One file's text at the place where a product named `p` is expected.
pub fn product(text: &str) -> Loaded {
    loaded(&[("products/p.yaml", text)])
}

pub fn rendered(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    render::all(diagnostics, sources, false)
}

pub fn shown(loaded: &Loaded) -> String {
    rendered(&loaded.diagnostics, &loaded.sources)
}

/// What goes wrong when the product is put together.
pub fn refusal(loaded: &Loaded, name: &str) -> String {
    assert!(loaded.diagnostics.is_empty(), "{}", shown(loaded));
    let name = name.parse().expect("a name");
    let problems = effective(&loaded.catalogue, &name).expect_err("a refusal");
    rendered(&problems, &loaded.sources)
}

/// Puts titled cases into one text for a snapshot.
pub fn cases<'a>(cases: impl IntoIterator<Item = (&'a str, String)>) -> String {
    cases.into_iter().map(|(title, text)| format!("=== {title}\n{text}\n")).collect()
}
