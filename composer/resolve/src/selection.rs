//! The resolved set: what a product consists of, and why.

use std::collections::BTreeMap;

use tarsia_manifest::linux::{KernelModule, KernelOptions};
use tarsia_manifest::{
    ComponentManifest, EffectiveProduct, FeatureValue, ProfileManifest, Provision, Recommendation,
    Requirement,
};
use tarsia_model::{ByteSize, CapabilityName, Diagnostic, Name, Span, Spanned};

use crate::recommend::Outcome;

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
    /// Its provisions that hold here, each capability once.
    pub provides: Vec<&'c Provision>,
    /// The value of each of its features.
    pub features: BTreeMap<Name, FeatureSetting>,
    /// What each of its requirements that hold here is bound to, in the order of the manifest.
    pub bindings: Vec<Binding<'c>>,
    /// What became of each of its recommendations that hold here.
    pub recommendations: Vec<Recommended<'c>>,
    /// The options of the Linux kernel that it needs here.
    pub kernel_options: Vec<&'c KernelOptions>,
    /// The modules of a prebuilt Linux kernel that it needs here.
    pub kernel_modules: Vec<&'c KernelModule>,
}

/// Why a component is in a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The product names it.
    Product {
        /// Where.
        span: Span,
    },
    /// The product requires a capability that it provides.
    Wanted {
        /// The capability.
        capability: CapabilityName,
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
        /// The condition that switched the requirement on, in words that follow "when".
        when: Option<Spanned<String>>,
    },
    /// Another component recommends a capability that it provides.
    Recommended {
        /// The other component.
        by: Name,
        /// The capability.
        capability: CapabilityName,
        /// Where it recommends it.
        span: Span,
        /// The condition that switched the recommendation on, in words that follow "when".
        when: Option<Spanned<String>>,
    },
}

impl Cause {
    /// Where the cause stands.
    pub const fn span(&self) -> Span {
        match self {
            Self::Product { span }
            | Self::Wanted { span, .. }
            | Self::Profile { span, .. }
            | Self::Component { span, .. }
            | Self::Recommended { span, .. } => *span,
        }
    }

    /// The component whose line it is; none for lines of product and profile.
    pub const fn by(&self) -> Option<&Name> {
        match self {
            Self::Component { by, .. } | Self::Recommended { by, .. } => Some(by),
            Self::Product { .. } | Self::Wanted { .. } | Self::Profile { .. } => None,
        }
    }

    /// Whose line it is.
    pub const fn user(&self) -> User<'_> {
        match self {
            Self::Component { by, .. } | Self::Recommended { by, .. } => User::Component(by),
            Self::Product { .. } | Self::Wanted { .. } => User::Product,
            Self::Profile { .. } => User::Profile,
        }
    }

    /// The capability that was asked for; none when the component was named.
    pub const fn capability(&self) -> Option<&CapabilityName> {
        match self {
            Self::Product { .. } => None,
            Self::Wanted { capability, .. }
            | Self::Profile { capability, .. }
            | Self::Component { capability, .. }
            | Self::Recommended { capability, .. } => Some(capability),
        }
    }

    /// The condition that switched it on, in words that follow "when".
    pub const fn when(&self) -> Option<&Spanned<String>> {
        match self {
            Self::Component { when, .. } | Self::Recommended { when, .. } => when.as_ref(),
            Self::Product { .. } | Self::Wanted { .. } | Self::Profile { .. } => None,
        }
    }
}

/// Who asks for a component or for what it provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum User<'a> {
    /// The product.
    Product,
    /// The profile.
    Profile,
    /// A component.
    Component(&'a Name),
}

/// A recommendation of a component and what became of it.
#[derive(Clone, Debug)]
pub struct Recommended<'c> {
    /// The recommendation.
    pub recommendation: &'c Recommendation,
    /// What became of it.
    pub outcome: Outcome,
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
