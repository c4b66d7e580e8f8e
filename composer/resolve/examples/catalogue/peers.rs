//! The generated catalogue as other tools take it: the same components, the same edges, the same
//! products. Where a tool does not choose, a requirement is a dependency on its first provider.

pub mod gn;
pub mod kconfig;
pub mod laze;
pub mod libsolv;
pub mod nix;

use std::collections::BTreeMap;

use crate::generator::{BLOCKER, Catalogue, Component, IMPOSSIBLE};

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

/// A product as what it lists.
struct Wishes<'a> {
    product: &'a str,
    board: String,
    kernel: String,
    services: Vec<&'a str>,
}

/// What each product lists; the impossible one is the last.
fn wishes(catalogue: &Catalogue) -> Vec<Wishes<'_>> {
    let place = |index: usize| (format!("board-{}", index % 4), format!("kernel-{}", index % 4));
    let mut all: Vec<Wishes<'_>> = catalogue
        .products
        .iter()
        .enumerate()
        .map(|(index, (product, services))| {
            let (board, kernel) = place(index);
            let services = services.iter().map(String::as_str).collect();
            Wishes { product, board, kernel, services }
        })
        .collect();
    let (board, kernel) = place(0);
    let services = vec!["service-00000", BLOCKER];
    all.push(Wishes { product: IMPOSSIBLE, board, kernel, services });
    all
}
