//! Which providers a product would rather have: its own word, then its profile's.

use std::collections::BTreeMap;

use tarsia_manifest::{CapabilityId, Catalogue, ComponentId, EffectiveProduct, ProfileManifest};

use crate::setting::Setting;

/// Which providers to prefer: the product's word, then the profile's.
#[derive(Clone, Debug, Default)]
pub struct Preferences {
    /// Components by capability, best first; those of the product stand before those of the profile.
    ranked: BTreeMap<CapabilityId, Vec<ComponentId>>,
    /// Those of them that the product lists.
    deciding: BTreeMap<CapabilityId, Vec<ComponentId>>,
}

impl Preferences {
    /// The preferences of a product and its profile.
    pub fn new(
        catalogue: &Catalogue,
        product: &EffectiveProduct,
        profile: &ProfileManifest,
        setting: &Setting,
    ) -> Self {
        let components = &catalogue.components;
        let mut ranked: BTreeMap<CapabilityId, Vec<ComponentId>> = BTreeMap::new();
        let words = product.prefer.iter().map(|(capability, names)| (capability, &*names.value.0));
        let class = profile.prefer.iter().map(|(capability, names)| (&capability.value, &**names));
        for (capability, names) in words.chain(class) {
            let Some(capability) = components.capability(capability.as_str()) else {
                continue;
            };
            let list = ranked.entry(capability).or_default();
            for id in names.iter().filter_map(|name| components.id(name.as_str())) {
                if !list.contains(&id) {
                    list.push(id);
                }
            }
        }
        let mut deciding = ranked.clone();
        for list in deciding.values_mut() {
            list.retain(|id| setting.named.contains(id));
        }
        Self { ranked, deciding }
    }

    /// The preferred components for a capability, best first.
    pub fn of(&self, capability: CapabilityId) -> &[ComponentId] {
        self.ranked.get(&capability).map_or(&[], Vec::as_slice)
    }

    /// The preferred components for a capability that the product lists, best first. Only these decide
    /// between several providers: what else is in may change with every edit.
    pub fn deciding(&self, capability: CapabilityId) -> &[ComponentId] {
        self.deciding.get(&capability).map_or(&[], Vec::as_slice)
    }
}
