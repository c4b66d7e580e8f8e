//! The modules of a prebuilt kernel that a selection asks for.

use tarsia_model::{Name, Span};
use tarsia_resolve::Selection;

/// A module that a component asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelModule {
    /// Its name, with `_`: `virtio_net`.
    pub name: String,
    /// The component.
    pub component: Name,
    /// Where.
    pub span: Span,
}

/// Every module with who asks for it, in the order of components and their manifests.
pub(crate) fn modules(selection: &Selection<'_>) -> Vec<KernelModule> {
    let of = |(component, module): (&Name, &tarsia_manifest::linux::KernelModule)| KernelModule {
        name: module.module.value.to_string(),
        component: component.clone(),
        span: module.module.span,
    };
    let all = selection.components.iter();
    all.flat_map(|(name, one)| one.kernel_modules.iter().map(move |module| (name, *module)))
        .map(of)
        .collect()
}
