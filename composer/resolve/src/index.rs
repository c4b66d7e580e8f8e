//! The components and profiles a product may choose from, indexed by what they provide.

use std::collections::BTreeMap;

use tarsia_manifest::{Catalogue, ComponentManifest, Layer, ProfileManifest, Provision};
use tarsia_model::{CapabilityName, Name};

/// An index over loaded manifests.
#[derive(Debug)]
pub struct Index<'c> {
    manifests: &'c Catalogue,
    providers: BTreeMap<&'c CapabilityName, Vec<&'c ComponentManifest>>,
}

impl<'c> Index<'c> {
    /// Indexes loaded manifests.
    pub fn new(manifests: &'c Catalogue) -> Self {
        let mut providers: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for component in manifests.components.values() {
            for provision in &component.provides {
                let list = providers.entry(&provision.capability.value).or_default();
                // A manifest may provide a capability in two forms; it is one provider still.
                if !list.iter().any(|other: &&ComponentManifest| std::ptr::eq(*other, component)) {
                    list.push(component);
                }
            }
        }
        Self { manifests, providers }
    }

    /// The manifests behind the index.
    pub const fn manifests(&self) -> &'c Catalogue {
        self.manifests
    }

    /// The component with this name.
    pub fn component(&self, name: &Name) -> Option<&'c ComponentManifest> {
        self.manifests.components.get(name)
    }

    /// The profile with this name.
    pub fn profile(&self, name: &Name) -> Option<&'c ProfileManifest> {
        self.manifests.profiles.get(name)
    }

    /// Every component that provides a capability, by name.
    pub fn providers(&self, capability: &CapabilityName) -> &[&'c ComponentManifest] {
        self.providers.get(capability).map_or(&[], Vec::as_slice)
    }

    /// Every capability that anything provides.
    pub fn capabilities(&self) -> impl Iterator<Item = &'c CapabilityName> {
        self.providers.keys().copied()
    }

    /// The names of the components of one layer.
    pub fn names_of(&self, layer: Layer) -> impl Iterator<Item = &'c str> {
        self.manifests
            .components
            .values()
            .filter(move |component| component.layer.value == layer)
            .map(|component| component.component.value.as_str())
    }
}

/// The provision of a capability by a component.
pub fn provision<'c>(
    component: &'c ComponentManifest,
    capability: &CapabilityName,
) -> Option<&'c Provision> {
    component.provides.iter().find(|provision| provision.capability.value == *capability)
}

/// Whether a component's manifest admits an architecture.
pub fn supports_arch(component: &ComponentManifest, arch: &Name) -> bool {
    component.arch.is_empty() || component.arch.iter().any(|other| other.value == *arch)
}

/// Whether a component's manifest admits a class of device.
pub fn supports_class(component: &ComponentManifest, class: &Name) -> bool {
    component.classes.is_empty() || component.classes.iter().any(|other| other.value == *class)
}
