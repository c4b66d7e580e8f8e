//! The generated catalogue as other tools take it: the same components, the same edges, the same
//! products. A requirement is a dependency on its first provider, since these tools do not choose.

pub mod gn;
pub mod kconfig;

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
