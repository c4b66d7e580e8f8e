//! The generated catalogue as other tools take it: one file per component, the same edges, the same
//! products. A requirement is a dependency on its first provider, since these tools do not choose.

use std::collections::BTreeMap;

use crate::generator::{Catalogue, Component};

/// Per capability, its first provider.
fn providers(catalogue: &Catalogue) -> BTreeMap<&str, &Component> {
    let mut first = BTreeMap::new();
    for component in &catalogue.components {
        if let Some(capability) = &component.provides {
            first.entry(capability.as_str()).or_insert(component);
        }
    }
    first
}

/// The catalogue for GN: a target per component and a group per product.
pub fn gn(catalogue: &Catalogue) -> BTreeMap<String, String> {
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

/// The catalogue for Kconfig: a symbol per component and feature, and a configuration per product.
pub fn kconfig(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let providers = providers(catalogue);
    let symbol = |name: &str| name.replace('-', "_").to_uppercase();
    let mut files = BTreeMap::new();
    let mut root = "mainmenu \"Generated\"\n".to_owned();
    for component in &catalogue.components {
        let name = symbol(&component.name);
        let found = component.requires.iter().filter_map(|r| providers.get(r.as_str()));
        let selects: String = found.map(|c| format!("\tselect {}\n", symbol(&c.name))).collect();
        let mut text = format!("config {name}\n\tbool \"Generated for measurements.\"\n{selects}");
        for feature in component.features {
            text += &format!(
                "config {name}_{}\n\tint \"Generated.\"\n\tdepends on {name}\n\trange 1 100\n\tdefault 10\n",
                symbol(feature)
            );
        }
        let path = format!("components/{}/{}/Kconfig", component.folder, component.name);
        root += &format!("source \"{path}\"\n");
        files.insert(path, text);
    }
    files.insert("Kconfig".to_owned(), root);
    for (product, services) in &catalogue.products {
        let lines = services.iter().map(|s| symbol(s));
        let text: String = lines.map(|s| format!("CONFIG_{s}=y\nCONFIG_{s}_PERIOD=20\n")).collect();
        files.insert(format!("products/{product}.config"), text);
    }
    files
}
