//! The resolved set: what a product consists of, and why.

use std::collections::BTreeMap;

use tarsia_manifest::{
    ComponentManifest, EffectiveProduct, FeatureValue, ProfileManifest, Provision, Requirement,
};
use tarsia_model::{ByteSize, CapabilityName, Diagnostic, Name, Span};

/// A product's components, closed over what they require.
#[derive(Debug)]
pub struct Selection<'c> {
    /// The product with everything it extends.
    pub product: EffectiveProduct,
    /// Its profile.
    pub profile: &'c ProfileManifest,
    /// Its board.
    pub board: Name,
    /// Its kernel flavour.
    pub kernel: Name,
    /// Every component, by name.
    pub components: BTreeMap<Name, Selected<'c>>,
    /// The names in the order in which the components start: each after those it requires.
    pub order: Vec<Name>,
    /// What limits flash and RAM, by region.
    pub limits: BTreeMap<String, Vec<Limit>>,
    /// What is not wrong but worth a look.
    pub warnings: Vec<Diagnostic>,
}

/// One component of a selection.
#[derive(Debug)]
pub struct Selected<'c> {
    /// Its manifest.
    pub manifest: &'c ComponentManifest,
    /// Everything that brought it in, in the order found.
    pub causes: Vec<Cause>,
    /// The value of each of its features.
    pub features: BTreeMap<Name, FeatureSetting>,
    /// What each of its requirements is bound to, in the order of the manifest.
    pub bindings: Vec<Binding<'c>>,
}

/// Why a component is in a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The product names it.
    Product {
        /// Where.
        span: Span,
    },
    /// The profile requires a capability that it provides.
    Profile {
        /// The capability.
        capability: CapabilityName,
        /// Where.
        span: Span,
    },
    /// Another component requires a capability that it provides.
    Component {
        /// The other component.
        by: Name,
        /// The capability.
        capability: CapabilityName,
        /// Where it requires it.
        span: Span,
    },
}

impl Cause {
    /// Where the cause stands.
    pub const fn span(&self) -> Span {
        match self {
            Self::Product { span } | Self::Profile { span, .. } | Self::Component { span, .. } => {
                *span
            }
        }
    }

    /// What the cause does to the component, as the start of a label.
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Product { .. } => "the product names",
            Self::Profile { .. } => "the profile needs",
            Self::Component { .. } => "this brings in",
        }
    }
}

/// A feature's value and where it was set.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSetting {
    /// The value.
    pub value: FeatureValue,
    /// Where the product set it; none when it is the declared default.
    pub set: Option<Span>,
    /// Where the feature is declared.
    pub declared: Span,
}

/// One requirement and what fulfils it.
#[derive(Debug)]
pub struct Binding<'c> {
    /// The requirement.
    pub requirement: &'c Requirement,
    /// The providers, by name; more than one only where the requirement takes many.
    pub providers: Vec<Provided<'c>>,
}

/// A provider with the one of its provisions that is meant.
#[derive(Clone, Debug)]
pub struct Provided<'c> {
    /// The providing component.
    pub component: Name,
    /// Its provision.
    pub provision: &'c Provision,
}

/// A limit on a region's size, and who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The limit.
    pub size: ByteSize,
    /// Who set it.
    pub by: LimitSource,
    /// The name of that board, profile or product; a product may have it from one it extends.
    pub name: Name,
    /// Where.
    pub span: Span,
}

/// Who may limit a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitSource {
    /// The hardware ends there.
    Board,
    /// The class of device ends there.
    Profile,
    /// The product's budget.
    Product,
}

impl LimitSource {
    /// The word for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Profile => "profile",
            Self::Product => "product",
        }
    }
}

impl<'c> Selection<'c> {
    /// The component with this name, which must be in the selection.
    pub fn get(&self, name: &Name) -> Option<&Selected<'c>> {
        self.components.get(name)
    }
}
