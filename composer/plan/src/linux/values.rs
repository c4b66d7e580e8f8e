//! What the template of an installed file can name: the same names as in the template of a kernel, with the
//! component's own features.

use std::collections::BTreeMap;

use serde::Serialize;
use tarsia_manifest::FeatureValue;
use tarsia_resolve::{Selected, Selection};

/// What the template of an installed file can name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Values {
    /// The product.
    pub product: Versioned,
    /// The board.
    pub board: Named,
    /// The architecture.
    pub arch: String,
    /// The component's features: `config.idle_stack`. Sizes in bytes, durations in milliseconds.
    pub config: BTreeMap<String, FeatureValue>,
}

/// A product, as templates name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Versioned {
    /// `product.name`.
    pub name: String,
    /// `product.version`; empty when it has none.
    pub version: String,
    /// `product.summary`; empty when it has none.
    pub summary: String,
}

/// A component, as templates name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Named {
    /// `board.name`.
    pub name: String,
}

impl Values {
    /// What a component's templates are rendered with.
    pub(super) fn of(selection: &Selection<'_>, selected: &Selected<'_>) -> Self {
        let product = &selection.product;
        let board = selection.get(&selection.board).and_then(|board| board.manifest.board.as_ref());
        let features = selected.features.iter();
        Self {
            product: Versioned {
                name: product.name.value.to_string(),
                version: product.version.as_ref().map_or_else(String::new, |v| v.value.clone()),
                summary: product.summary.as_ref().map_or_else(String::new, |s| s.value.clone()),
            },
            board: Named { name: selection.board.to_string() },
            arch: board.map_or_else(String::new, |board| board.arch.value.to_string()),
            config: features.map(|(name, set)| (name.ident(), set.value.clone())).collect(),
        }
    }
}
