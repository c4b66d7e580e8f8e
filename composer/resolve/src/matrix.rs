//! Products beside each other: which component provides each capability, which value each feature
//! has, and on what each product runs.

use std::collections::BTreeMap;

use serde::Serialize;
use tarsia_manifest::FeatureValue;
use tarsia_model::{Code, Name};

use crate::selection::Selection;

/// Products beside each other.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// The products in the order asked for.
    pub products: Vec<Column>,
    /// Capabilities, then features, each by name, then kernel, board and profile.
    pub rows: Vec<Row>,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The first reason why it cannot be resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is.
    pub kind: RowKind,
    /// Its name: a capability, `component.feature`, or `kernel`, `board` and `profile`.
    pub name: String,
    /// What each product has, by its name; nothing for products that cannot be resolved.
    pub cells: BTreeMap<String, Cell>,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A capability.
    Capability,
    /// A feature of a component.
    Feature,
    /// Kernel, board or profile.
    Frame,
}

/// What a product has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Who provides a capability, by name; nobody, in a product that does not have it.
    Providers(Vec<Name>),
    /// The value of a feature.
    Value {
        /// Sizes in bytes, durations in milliseconds.
        value: FeatureValue,
        /// Whether the product sets it; otherwise it is the declared default.
        set: bool,
    },
    /// The name of its kernel, board or profile.
    Name(Name),
    /// The product does not have the component whose feature it is.
    Absent,
}

impl Matrix {
    /// Products in this order, each with its selection or the first reason why there is none.
    pub fn of(products: &[(String, Result<Selection<'_>, Code>)]) -> Self {
        let mut found: BTreeMap<(RowKind, String), BTreeMap<String, Cell>> = BTreeMap::new();
        for (product, selection) in products {
            let Ok(selection) = selection else { continue };
            let provided = provided(selection).into_iter();
            let provided =
                provided.map(|(name, by)| (RowKind::Capability, name, Cell::Providers(by)));
            for (kind, name, cell) in provided.chain(features(selection)).chain(frame(selection)) {
                found.entry((kind, name)).or_default().insert(product.clone(), cell);
            }
        }
        let resolved = || products.iter().filter(|(_, selection)| selection.is_ok());
        let mut rows: Vec<Row> = found
            .into_iter()
            .map(|((kind, name), mut cells)| {
                for (product, _) in resolved() {
                    let absent = match kind {
                        RowKind::Capability => Cell::Providers(Vec::new()),
                        RowKind::Feature | RowKind::Frame => Cell::Absent,
                    };
                    cells.entry(product.clone()).or_insert(absent);
                }
                Row { kind, name, cells }
            })
            .collect();
        let place = |name: &str| FRAME.iter().position(|key| *key == name);
        rows.sort_by_key(|row| (row.kind, place(&row.name)));
        let column = |(name, selection): &(String, Result<_, Code>)| Column {
            name: name.clone(),
            code: selection.as_ref().err().copied(),
        };
        Self { products: products.iter().map(column).collect(), rows }
    }
}

impl Row {
    /// Whether products differ; who set a value makes no difference.
    pub fn differs(&self) -> bool {
        let value = |cell: &Cell| match cell {
            Cell::Value { value, .. } => Cell::Value { value: value.clone(), set: false },
            cell => cell.clone(),
        };
        let mut cells = self.cells.values().map(value);
        let first = cells.next();
        cells.any(|cell| Some(cell) != first)
    }
}

/// The keys of the last rows, in order.
const FRAME: [&str; 3] = ["kernel", "board", "profile"];

/// Who provides what. Hardware is left out: it is always the board that provides it.
fn provided(selection: &Selection<'_>) -> BTreeMap<String, Vec<Name>> {
    let mut found: BTreeMap<String, Vec<Name>> = BTreeMap::new();
    for (name, selected) in &selection.components {
        for provision in selected.provides.iter().filter(|one| !one.is_hardware()) {
            found.entry(provision.capability.value.to_string()).or_default().push(name.clone());
        }
    }
    found
}

fn features(selection: &Selection<'_>) -> impl Iterator<Item = (RowKind, String, Cell)> {
    selection.components.iter().flat_map(|(component, selected)| {
        selected.features.iter().map(move |(feature, setting)| {
            let cell = Cell::Value { value: setting.value.clone(), set: setting.set.is_some() };
            (RowKind::Feature, format!("{component}.{feature}"), cell)
        })
    })
}

fn frame(selection: &Selection<'_>) -> impl Iterator<Item = (RowKind, String, Cell)> {
    let names = [&selection.kernel, &selection.board, &selection.profile.profile.value];
    FRAME
        .into_iter()
        .zip(names)
        .map(|(key, name)| (RowKind::Frame, key.to_owned(), Cell::Name(name.clone())))
}
