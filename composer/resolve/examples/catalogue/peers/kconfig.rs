//! The catalogue for Kconfig: a symbol per component and feature, and a configuration per product.

use std::collections::BTreeMap;

use super::providers;
use crate::generator::Catalogue;

/// The files, by path.
pub fn files(catalogue: &Catalogue) -> BTreeMap<String, String> {
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
