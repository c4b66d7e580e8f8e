//! The facts from which it follows that a product can or cannot be: each is one line somewhere, and
//! each can be dropped to ask what would be without it.

use tarsia_manifest::CapabilityId;
use tarsia_model::{Span, suggest};

use crate::scope::Scope;
use crate::setting::describe;
use crate::space::only_for;

/// One fact. Nodes are places in a [`Space`](crate::space::Space).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The product lists a node.
    Wish(usize),
    /// The product names its board.
    Board,
    /// The product names its kernel.
    Kernel,
    /// The product or its profile requires a capability: the place in `wants`.
    Want(usize),
    /// A feature of a node has the value it has: the place in its `features`.
    Feature(usize, usize),
    /// A node requires a capability: the place in its `requires`.
    Need(usize, usize),
    /// A node takes only one provider of a capability: the place in its `requires`.
    Single(usize, usize),
    /// A node excludes a component: the place in its `conflicts`.
    Conflict(usize, usize),
    /// A node must be the only provider of a capability.
    Sole(usize, CapabilityId),
    /// What a node provides has one owner.
    Owner(usize, CapabilityId),
    /// The product excludes a node.
    Without(usize),
    /// A node is only taken when the product lists it.
    Unnamed(usize),
    /// A node is only for some classes.
    Class(usize),
    /// A node is only for some architectures.
    Arch(usize),
    /// The profile allows only some kernels.
    Kernels,
}

impl Fact {
    /// The node that it is about; none for lines of product and profile about no component.
    pub const fn node(self) -> Option<usize> {
        match self {
            Self::Wish(at)
            | Self::Feature(at, _)
            | Self::Need(at, _)
            | Self::Single(at, _)
            | Self::Conflict(at, _)
            | Self::Sole(at, _)
            | Self::Owner(at, _)
            | Self::Without(at)
            | Self::Unnamed(at)
            | Self::Class(at)
            | Self::Arch(at) => Some(at),
            Self::Board | Self::Kernel | Self::Want(_) | Self::Kernels => None,
        }
    }
}

impl Scope<'_, '_> {
    /// Where a fact stands.
    pub fn span(&self, fact: Fact) -> Span {
        let (product, frame) = (self.terms.product, &self.terms.frame);
        let manifest = |at: usize| self.space.nodes[at].manifest;
        match fact {
            Fact::Wish(at) => {
                let mut listed = self.terms.listed.iter();
                let wish = listed.find(|(id, _)| *id == self.space.nodes[at].id);
                wish.map_or(product.name.span, |(_, span)| *span)
            }
            Fact::Board => frame.board_span,
            Fact::Kernel => frame.kernel_span,
            Fact::Want(want) => self.space.wants[want].span,
            Fact::Feature(at, feature) => {
                let (name, feature) = &manifest(at).features.0[feature];
                let set = product.features.iter().find(|(path, _)| {
                    path.component == manifest(at).component.value && path.feature == name.value
                });
                set.map_or(feature.declaration.default.span, |(_, value)| value.span)
            }
            Fact::Need(at, need) | Fact::Single(at, need) => {
                manifest(at).requires[need].capability.span
            }
            Fact::Conflict(at, conflict) => manifest(at).conflicts[conflict].component.span,
            Fact::Sole(at, capability) | Fact::Owner(at, capability) => self
                .space
                .provision(at, capability)
                .map_or(manifest(at).component.span, |provision| provision.capability.span),
            Fact::Without(at) => {
                let name = &manifest(at).component.value;
                let line = product.without.iter().find(|gone| gone.value == *name);
                line.map_or(product.name.span, |line| line.span)
            }
            Fact::Unnamed(at) => {
                let shy = manifest(at).only_if_named.as_ref();
                shy.map_or(manifest(at).component.span, |shy| shy.span)
            }
            Fact::Class(at) => manifest(at).classes[0].span,
            Fact::Arch(at) => manifest(at).arch[0].span,
            Fact::Kernels => frame.profile.kernels[0].span,
        }
    }

    /// The fact in words, complete by itself.
    pub fn text(&self, fact: Fact) -> String {
        let setting = &self.terms.setting;
        let manifest = |at: usize| self.space.nodes[at].manifest;
        let name = |at: usize| self.space.name(at);
        let when = |at: usize, condition: Option<&_>| {
            condition.map_or(String::new(), |c| format!(" when {}", describe(name(at), c)))
        };
        match fact {
            // What a question adds stands in no line of the product.
            Fact::Wish(at) if self.span(fact) == self.terms.product.name.span => {
                format!("`{}` is asked for", name(at))
            }
            Fact::Wish(at) => format!("the product names `{}`", name(at)),
            Fact::Board => format!("the product's board is `{}`", setting.board_name),
            Fact::Kernel => format!("the product's kernel is `{}`", setting.kernel_name),
            Fact::Want(want) => {
                let want = &self.space.wants[want];
                let by = if want.by_profile { "profile" } else { "product" };
                format!("the {by} requires `{}`", want.name)
            }
            Fact::Feature(at, feature) => {
                let feature = &manifest(at).features.0[feature].0.value;
                let value = setting.value(manifest(at), feature.as_str());
                let value = value.map_or(String::new(), |value| value.to_string());
                format!("`{}.{feature}` is {value}", name(at))
            }
            Fact::Need(at, need) => {
                let need = &manifest(at).requires[need];
                let count = match need.at_least() {
                    1 => String::new(),
                    count => format!("{count} providers of "),
                };
                let when = when(at, need.when.as_ref());
                format!("`{}` needs {count}`{}`{when}", name(at), need.capability.value)
            }
            Fact::Single(at, need) => {
                let need = &manifest(at).requires[need];
                let when = when(at, need.when.as_ref());
                format!("`{}` takes one `{}`{when}", name(at), need.capability.value)
            }
            Fact::Conflict(at, conflict) => {
                let conflict = &manifest(at).conflicts[conflict];
                let when = when(at, conflict.when.as_ref());
                format!("`{}` excludes `{}`{when}", name(at), conflict.component.value)
            }
            Fact::Sole(at, capability) => format!(
                "`{}` must be the only provider of `{}`",
                name(at),
                self.space.catalogue.components.capabilities()[capability.0 as usize]
            ),
            Fact::Owner(at, capability) => format!(
                "`{}` of `{}` has one owner",
                self.space.catalogue.components.capabilities()[capability.0 as usize],
                name(at)
            ),
            Fact::Without(at) => format!("`{}` is removed by the product's `without`", name(at)),
            Fact::Unnamed(at) => {
                format!("`{}` is only taken when the product lists it", name(at))
            }
            Fact::Class(at) => {
                let only = only_for(&manifest(at).classes);
                format!("`{}` is {only}, not for `{}`", name(at), setting.class)
            }
            Fact::Arch(at) => {
                let only = only_for(&manifest(at).arch);
                format!(
                    "`{}` is {only}, and `{}` is {}",
                    name(at),
                    setting.board_name,
                    setting.arch
                )
            }
            Fact::Kernels => {
                let kernels = &self.terms.frame.profile.kernels;
                let names: Vec<_> = kernels.iter().map(|name| name.value.as_str()).collect();
                format!("`{}` is only for the kernels {}", setting.class, suggest::listed(&names))
            }
        }
    }
}
