//! The catalogue for laze: a module per component, a context per architecture, a builder per board and
//! an app per product. laze takes the first provider that it can. Every product sets `depth` to 60, so
//! what a component requires then, it selects.

use std::collections::{BTreeMap, BTreeSet};

use super::wishes;
use crate::generator::{Catalogue, Component};

const RULES: &str = "contexts:
  - name: default
    env: { DEFINES: [] }
    var_options: { DEFINES: { prefix: -D, joiner: ' ' } }
    rules:
      - { name: CC, in: c, out: o, cmd: 'cc ${DEFINES} -c ${in} -o ${out}' }
      - { name: LINK, in: o, cmd: 'cc ${in} -o ${out}' }
";

/// The files, by path.
pub fn files(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut root = RULES.to_owned();
    let arches: BTreeSet<&str> = catalogue.components.iter().filter_map(|c| c.arch).collect();
    for arch in arches {
        root += &format!("  - name: {arch}\n");
    }
    root += "subdirs:\n";
    for component in &catalogue.components {
        let folder = format!("components/{}/{}", component.folder, component.name);
        root += &format!("  - {folder}\n");
        let text = if component.layer == "board" { builder(component) } else { module(component) };
        files.insert(format!("{folder}/laze.yml"), text);
    }
    root += "apps:\n";
    for product in wishes(catalogue) {
        root += &format!(
            "  - name: {}\n    context: {}\n    selects: [{}, {}]\n",
            product.product,
            product.board,
            product.kernel,
            product.services.join(", ")
        );
    }
    files.insert("laze-project.yml".to_owned(), root);
    files
}

fn builder(component: &Component) -> String {
    let hardware = (0..component.hardware).map(|k| format!("hw.device-{k}"));
    format!(
        "builders:\n  - name: {}\n    parent: {}\n{}",
        component.name,
        component.arch.unwrap_or("default"),
        list("provides", hardware)
    )
}

fn module(component: &Component) -> String {
    let mut text = format!("modules:\n  - name: {}\n    sources: [lib.c]\n", component.name);
    text += &component.arch.map(|arch| format!("    context: {arch}\n")).unwrap_or_default();
    // One provider of each capability is enough: another would be taken beside it.
    text += &list("provides_unique", &component.provides);
    let recommended = component.recommends.iter().map(|capability| format!("'?{capability}'"));
    let selects = component.requires.iter().chain(&component.deep).cloned().chain(recommended);
    text += &list("selects", selects);
    text += &list("conflicts", &component.conflicts);
    if !component.features.is_empty() {
        let defines: Vec<String> =
            component.features.iter().map(|f| format!("{}=10", f.to_uppercase())).collect();
        text += &format!("    env: {{ local: {{ DEFINES: [{}] }} }}\n", defines.join(", "));
    }
    text
}

/// A key with a list, if there is something in it.
fn list(key: &str, words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    if words.is_empty() { String::new() } else { format!("    {key}: [{}]\n", words.join(", ")) }
}
