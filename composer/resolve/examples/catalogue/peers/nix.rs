//! The catalogue for Nix: a function per component, which is read when something needs it, and an
//! attribute per capability, which names its first provider. A product is what `default.nix` evaluates
//! to: the closure of what it lists, with the values of features, unless two members exclude each other.

use std::collections::BTreeMap;

use super::{providers, wishes};
use crate::generator::Catalogue;

const CLOSURE: &str = r#"{ product }:
let
  components = import ./components.nix;
  defaults = import ./defaults.nix;
  wishes = import (./products + "/${product}.nix");
  component = name: { key = name; } // components.${name} (wishes.settings.${name} or { });
  members = builtins.genericClosure {
    startSet = map component wishes.components;
    operator = c: map (need: component defaults.${need}) (c.requires ++ c.recommends);
  };
  names = builtins.listToAttrs (map (c: { name = c.key; value = null; }) members);
  excluded = builtins.concatMap (c: builtins.filter (other: names ? ${other}) c.conflicts) members;
in
if excluded == [ ] then map (c: { inherit (c) key features; }) members
else throw "excluded: ${toString excluded}"
"#;

/// The files, by path.
pub fn files(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let providers = providers(catalogue);
    let mut files = BTreeMap::from([("default.nix".to_owned(), CLOSURE.to_owned())]);
    let mut index = String::new();
    for component in &catalogue.components {
        // Hardware has no default: a board is listed.
        let known = component.requires.iter().filter(|r| providers.contains_key(r.as_str()));
        let features: String = component.features.iter().map(|f| format!("{f} = 10; ")).collect();
        let deep = component.deep.iter().map(|capability| {
            format!(" ++ (if features.depth >= 50 then [ \"{capability}\" ] else [ ])")
        });
        let text = format!(
            "settings: rec {{\n  features = {{ {features}}} // settings;\n  requires = {}{};\n  recommends = {};\n  conflicts = {};\n}}\n",
            list(known),
            deep.collect::<String>(),
            list(&component.recommends),
            list(&component.conflicts),
        );
        let path = format!("components/{}/{}.nix", component.folder, component.name);
        index += &format!("  {} = import ./{path};\n", component.name);
        files.insert(path, text);
    }
    files.insert("components.nix".to_owned(), format!("{{\n{index}}}\n"));
    let defaults: String =
        providers.iter().map(|(need, c)| format!("  {need} = \"{}\";\n", c.name)).collect();
    files.insert("defaults.nix".to_owned(), format!("{{\n{defaults}}}\n"));
    for product in wishes(catalogue) {
        let settings: String = product
            .services
            .iter()
            .map(|service| format!("    {service} = {{ period = 20; depth = 60; }};\n"))
            .collect();
        let listed = [product.board.as_str(), &product.kernel].into_iter().chain(product.services);
        let text =
            format!("{{\n  components = {};\n  settings = {{\n{settings}  }};\n}}\n", list(listed));
        files.insert(format!("products/{}.nix", product.product), text);
    }
    files
}

/// A list of strings.
fn list(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words: String = words.into_iter().map(|word| format!("\"{}\" ", word.as_ref())).collect();
    format!("[ {words}]")
}
