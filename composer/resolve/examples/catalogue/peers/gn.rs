//! The catalogue for GN: a target per component and a group per product.

use std::collections::BTreeMap;

use super::providers;
use crate::generator::{Catalogue, Component};

/// The files, by path.
pub fn files(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let providers = providers(catalogue);
    let label = |c: &Component| format!("\"//components/{}/{}\"", c.folder, c.name);
    let mut files = BTreeMap::from([
        (".gn".to_owned(), "buildconfig = \"//BUILDCONFIG.gn\"\n".to_owned()),
        ("BUILDCONFIG.gn".to_owned(), "set_default_toolchain(\"//toolchain:device\")\n".to_owned()),
        (
            "toolchain/BUILD.gn".to_owned(),
            "toolchain(\"device\") {\n  tool(\"cc\") {\n    command = \"cc {{defines}} -c {{source}} -o {{output}}\"\n    \
             outputs = [ \"{{source_out_dir}}/{{source_name_part}}.o\" ]\n  }\n  tool(\"stamp\") {\n    command = \"touch {{output}}\"\n  }\n}\n"
                .to_owned(),
        ),
    ]);
    for component in &catalogue.components {
        let found = component.requires.iter().filter_map(|r| providers.get(r.as_str()));
        let deps: Vec<String> = found.map(|c| label(c)).collect();
        let defines: Vec<String> =
            component.features.iter().map(|f| format!("\"{}=10\"", f.to_uppercase())).collect();
        let text = format!(
            "source_set(\"{}\") {{\n  sources = [ \"lib.c\" ]\n  defines = [ {} ]\n  deps = [ {} ]\n}}\n",
            component.name,
            defines.join(", "),
            deps.join(", ")
        );
        files.insert(format!("components/{}/{}/BUILD.gn", component.folder, component.name), text);
    }
    let mut root = String::new();
    for (product, services) in &catalogue.products {
        let deps: Vec<String> =
            services.iter().map(|s| format!("\"//components/services/{s}\"")).collect();
        root += &format!("group(\"{product}\") {{\n  deps = [ {} ]\n}}\n", deps.join(", "));
    }
    files.insert("BUILD.gn".to_owned(), root);
    files
}
