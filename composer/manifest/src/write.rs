//! Manifests as YAML again, for products that a program makes or changes. Comments and the spelling
//! of numbers are not kept.

use crate::ProductManifest;
use crate::item::Item;

/// The YAML text of a product; reading it gives the same product.
pub fn product(product: &ProductManifest) -> String {
    serde_yaml::to_string(&product.encode()).expect("a tree of mappings, lists and scalars is YAML")
}
