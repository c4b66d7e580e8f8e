//! `products/<name>.yaml`: a product, or a fragment that products share through `extends`.

use schemars::{Schema, SchemaGenerator};
use serde_yaml::Value;
use tarsia_model::{ByteSize, CapabilityName, Code, Diagnostic, Name, Spanned};

use crate::collection::{OneOrMany, Set, Table};
use crate::component::Budget;
use crate::item::Item;
use crate::node::{Kind, Node, Scalar};
use crate::pack::{Pack, Packer, Unpacker};
use crate::record::record;
use crate::reference::Page;
use crate::scalar::FeaturePath;

record! {
    /// A product, or a fragment: one file with exactly one of `product` and `fragment`.
    pub struct ProductManifest = "a product" check check_product {
        /// Its name, which is also the file's.
        "product" product: Option<Spanned<Name>>,
        /// Its name, if it cannot be built on its own and only serves others to extend.
        "fragment" fragment: Option<Spanned<Name>>,
        /// One line on what it is.
        "summary" summary: Option<Spanned<String>>,
        /// The version of the firmware.
        "version" version: Option<Spanned<String>>,
        /// Products and fragments whose settings it takes over; its own lines override them.
        "extends" extends: OneOrMany<Name>,
        /// The class of device it is.
        "profile" profile: Option<Spanned<Name>>,
        /// The board it runs on.
        "board" board: Option<Spanned<Name>>,
        /// The kernel flavour that runs its services.
        "kernel" kernel: Option<KernelName>,
        /// Drivers it has, beside those that others require.
        "drivers" drivers: Set<Name>,
        /// Services it has, beside those that others require.
        "services" services: Set<Name>,
        /// Apps it has.
        "apps" apps: Set<Name>,
        /// The component that starts it, on boards that need one.
        "boot" boot: Option<Spanned<Name>>,
        /// Capabilities it has, whichever component provides them.
        "requires" requires: Set<CapabilityName>,
        /// Which components to prefer, best first, when a capability has several providers.
        "prefer" prefer: Table<CapabilityName, Set<Name>>,
        /// Components that it does not have: neither taken over from what it extends, nor chosen.
        "without" without: Set<Name>,
        /// Values of features, by component and feature: `supervisor.deadline: 2s`.
        "features" features: Table<FeaturePath, Spanned<Scalar>>,
        /// Limits of its image.
        "budget" budget: Option<ProductBudget>,
    }
}

/// The one kernel flavour of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelName(pub Spanned<Name>);

impl Pack for KernelName {
    fn pack(&self, packer: &mut Packer) {
        self.0.pack(packer);
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        Pack::unpack(unpacker).map(Self)
    }
}

impl Item for KernelName {
    /// Two kernels are not a mistake in YAML but in the product, and are told as such.
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        match &node.kind {
            Kind::List(names) if names.len() > 1 => {
                let message = format!("a product has one kernel, and here are {}", names.len());
                problems.push(
                    Diagnostic::at(Code::TwoKernels, node.span, message).hint(
                        "keep one; a product that only changes the kernel can extend this one"
                            .to_owned(),
                    ),
                );
                None
            }
            _ => Spanned::decode(node, problems).map(Self),
        }
    }
    fn encode(&self) -> Value {
        self.0.encode()
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Name::schema(generator)
    }
    fn describe(page: &mut Page) -> String {
        Name::describe(page)
    }
}

record! {
    /// Limits of a product's image and of its parts.
    pub struct ProductBudget = "the budget of a product" {
        /// Bytes of flash for the whole image.
        "flash" flash: Option<Spanned<ByteSize>>,
        /// Bytes of RAM for the whole image.
        "ram" ram: Option<Spanned<ByteSize>>,
        /// Limits by component.
        "components" components: Table<Name, Budget>,
    }
}

impl ProductManifest {
    /// Its name with its place.
    pub fn name(&self) -> &Spanned<Name> {
        let name = self.product.as_ref().or(self.fragment.as_ref());
        name.expect("a manifest with neither name was refused when it was read")
    }

    /// Whether it only serves others to extend.
    pub fn is_fragment(&self) -> bool {
        self.fragment.is_some()
    }
}

fn check_product(product: &ProductManifest, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let before = problems.len();
    match (&product.product, &product.fragment) {
        (Some(product), Some(fragment)) => problems.push(
            Diagnostic::at(
                Code::BadValue,
                fragment.span,
                "a file is a product or a fragment, not both",
            )
            .also(product.span, "the product")
            .hint("remove one of the two keys".to_owned()),
        ),
        (None, None) => problems.push(
            Diagnostic::at(Code::MissingKey, product.span, "a product needs the key `product`")
                .hint(
                    "write `product: <name>`, or `fragment: <name>` for what products share"
                        .to_owned(),
                ),
        ),
        _ => {}
    }
    let lists = [&product.drivers, &product.services, &product.apps];
    for removed in &product.without {
        if let Some(listed) = lists.iter().find_map(|list| list.find(&removed.value)) {
            let message = format!("`{}` is both listed and removed", removed.value);
            problems.push(
                Diagnostic::at(Code::BadValue, removed.span, message)
                    .also(listed.span, "listed here"),
            );
        }
    }
    (problems.len() == before).then_some(())
}
