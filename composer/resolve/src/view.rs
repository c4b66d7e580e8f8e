//! A product value by value, each with the place that set it and what it overrode: what a reader of
//! several files that extend each other would have to work out.

use std::collections::BTreeMap;

use serde::Serialize;
use tarsia_manifest::{FeatureValue, Scalar};
use tarsia_model::span::Location;
use tarsia_model::{ByteSize, CapabilityName, Name};

/// A product with everything that it extends, and what it consists of.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// Its name.
    pub product: Stated<Name>,
    /// Whether it is a fragment.
    pub fragment: bool,
    /// The products and fragments it is made of, each after those it extends, itself last.
    pub lineage: Vec<Name>,
    /// Its own summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Stated<String>>,
    /// Version of the firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Stated<String>>,
    /// Class of device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Stated<Name>>,
    /// Board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<Stated<Name>>,
    /// Kernel flavour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Stated<Name>>,
    /// What starts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<Stated<Name>>,
    /// Drivers that are named.
    pub drivers: Vec<Stated<Name>>,
    /// Services that are named.
    pub services: Vec<Stated<Name>>,
    /// Apps that are named.
    pub apps: Vec<Stated<Name>>,
    /// Components that it does not have.
    pub without: Vec<Stated<Name>>,
    /// Capabilities that it wants.
    pub requires: Vec<Stated<CapabilityName>>,
    /// Which components to prefer, by capability.
    pub prefer: BTreeMap<CapabilityName, Stated<Vec<Name>>>,
    /// Features by path: those of every component; of a product without a selection, those it sets.
    pub features: BTreeMap<String, Adjustment>,
    /// Limits that the product sets.
    pub budget: BudgetView,
    /// Every component; none without a selection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<BTreeMap<Name, Part>>,
    /// What limits flash and RAM, tightest first; none without a selection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<BTreeMap<String, Vec<Bound>>>,
}

/// A value with the place that set it.
#[derive(Clone, Debug, Serialize)]
pub struct Stated<T> {
    /// The value.
    pub value: T,
    /// Where it is set.
    pub origin: Location,
    /// What it overrode, the most recent first.
    pub overrode: Vec<Former>,
}

/// What a value overrode.
#[derive(Clone, Debug, Serialize)]
pub struct Former {
    /// What was written there; `listed` or `removed` for an entry of a list.
    pub value: String,
    /// Where.
    pub origin: Location,
}

/// A feature's value.
#[derive(Clone, Debug, Serialize)]
pub struct Adjustment {
    /// The value: sizes in bytes and durations in milliseconds; text where there is no selection
    /// against which it could be read.
    pub value: AdjustedValue,
    /// Whether the product sets it; otherwise it is the declared default.
    pub set: bool,
    /// Where it is set, or where the default is declared.
    pub origin: Location,
    /// What it overrode, the most recent first.
    pub overrode: Vec<Former>,
}

/// A feature's value, read or as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AdjustedValue {
    /// Read by its declaration.
    Read(FeatureValue),
    /// As it is written.
    Written(#[serde(serialize_with = "written")] Scalar),
}

fn written<S: serde::Serializer>(scalar: &Scalar, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&scalar.text)
}

/// Limits of a product and its parts.
#[derive(Clone, Debug, Serialize)]
pub struct BudgetView {
    /// Of the whole image.
    #[serde(flatten)]
    pub image: Limits,
    /// By component.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<Name, Limits>,
}

/// Limits in bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// Of flash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash: Option<Stated<ByteSize>>,
    /// Of RAM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram: Option<Stated<ByteSize>>,
}

/// A component of the product.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What part of the product it is.
    pub layer: &'static str,
    /// What brought it in, in the order found.
    pub causes: Vec<Ground>,
}

/// What brought a component in.
#[derive(Clone, Debug, Serialize)]
pub struct Ground {
    /// Who asks for it.
    pub by: Asker,
    /// The component that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Name>,
    /// The capability that is asked for; none when the component itself is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<CapabilityName>,
    /// The condition under which it is asked for, in words that follow "when".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Where.
    pub origin: Location,
}

/// Who asks for a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asker {
    /// The product.
    Product,
    /// The profile.
    Profile,
    /// A component that requires what it provides.
    Requirement,
    /// A component that recommends what it provides.
    Recommendation,
}

/// A limit of a region.
#[derive(Clone, Debug, Serialize)]
pub struct Bound {
    /// Bytes.
    pub size: ByteSize,
    /// `board`, `profile` or `product`.
    pub by: &'static str,
    /// The name of that board, profile or product.
    pub name: Name,
    /// Where.
    pub origin: Location,
}
