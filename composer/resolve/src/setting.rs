//! What a product decides before anything is chosen for it, and whether a condition holds under it.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{
    Catalogue, ComponentId, ComponentManifest, Condition, EffectiveProduct, FeatureValue,
};
use tarsia_model::{CapabilityName, Name, suggest};

use crate::frame::Frame;

/// The fixed points of one product.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The profile's name: the class of device.
    pub class: Name,
    /// The board's architecture.
    pub arch: Name,
    /// The board.
    pub board: ComponentId,
    /// Its name.
    pub board_name: Name,
    /// The kernel flavour.
    pub kernel: ComponentId,
    /// Its name.
    pub kernel_name: Name,
    /// What the product lists, board, kernel and boot component included.
    pub named: BTreeSet<ComponentId>,
    /// What the product excludes.
    pub without: BTreeSet<ComponentId>,
    /// Values of features that the product sets and that are sound.
    features: BTreeMap<(Name, Name), FeatureValue>,
    /// What the board provides.
    hardware: BTreeSet<CapabilityName>,
}

impl Setting {
    /// The setting of a product whose frame was found and whose wishes are these.
    pub fn new(
        catalogue: &Catalogue,
        product: &EffectiveProduct,
        frame: &Frame<'_>,
        wishes: impl IntoIterator<Item = ComponentId>,
    ) -> Self {
        let components = &catalogue.components;
        let mut features = BTreeMap::new();
        for (path, value) in &product.features {
            let manifest = components.get(path.component.as_str());
            let feature = manifest.and_then(|manifest| manifest.features.get(&path.feature));
            if let Some(Ok(value)) = feature.map(|feature| feature.parse(path, &value.spanned())) {
                features.insert((path.component.clone(), path.feature.clone()), value);
            }
        }
        let id = |name: &Name| components.id(name.as_str());
        let (board, kernel) = (frame.board_id, frame.kernel_id);
        let mut setting = Self {
            class: frame.profile.profile.value.clone(),
            arch: frame.arch.clone(),
            board,
            board_name: frame.board.component.value.clone(),
            kernel,
            kernel_name: frame.kernel.component.value.clone(),
            named: wishes.into_iter().chain([board, kernel]).collect(),
            without: product.without.iter().filter_map(|name| id(&name.value)).collect(),
            features,
            hardware: BTreeSet::new(),
        };
        // What the board offers only under a condition on hardware would depend on itself.
        let offered: Vec<_> = frame
            .board
            .provides
            .iter()
            .filter(|provision| setting.holds(frame.board, provision.when.as_ref()))
            .map(|provision| provision.capability.value.clone())
            .collect();
        setting.hardware.extend(offered);
        setting
    }

    /// The value that a feature of a component has in this product; none when there is no such
    /// feature.
    pub fn value(&self, component: &ComponentManifest, feature: &str) -> Option<FeatureValue> {
        let declared = component.features.get(feature)?;
        let feature = feature.parse().ok()?;
        let set = self.features.get(&(component.component.value.clone(), feature));
        Some(set.unwrap_or(&declared.default).clone())
    }

    /// Whether a condition of a component holds; no condition always does.
    pub fn holds(&self, component: &ComponentManifest, when: Option<&Condition>) -> bool {
        when.is_none_or(|condition| self.failing(component, condition).is_none())
    }

    /// What of a condition does not hold, for messages; none when all does.
    pub fn failing(&self, component: &ComponentManifest, condition: &Condition) -> Option<String> {
        let owner = &component.component.value;
        for (name, test) in condition.features.iter() {
            let feature = component.features.get(&name.value)?;
            let value = self.value(component, name.value.as_str())?;
            if !test.passes(feature, &value) {
                return Some(format!(
                    "`{owner}.{}` is {value}, not {}",
                    name.value,
                    test.describe()
                ));
            }
        }
        let lists = [
            (&condition.classes, &self.class, "the class"),
            (&condition.arch, &self.arch, "the architecture"),
            (&condition.kernels, &self.kernel_name, "the kernel"),
            (&condition.boards, &self.board_name, "the board"),
        ];
        for (allowed, actual, what) in lists {
            if !allowed.is_empty() && allowed.find(actual).is_none() {
                let names: Vec<_> = allowed.iter().map(|name| name.value.as_str()).collect();
                let names = suggest::alternatives(&names);
                return Some(format!("{what} is `{actual}`, not {names}"));
            }
        }
        let missing = condition.hardware.iter().find(|one| !self.hardware.contains(&one.value))?;
        Some(format!("board `{}` does not have `{}`", self.board_name, missing.value))
    }
}

/// A condition in words that follow "when".
pub fn describe(component: &Name, condition: &Condition) -> String {
    let mut parts = Vec::new();
    for (name, test) in condition.features.iter() {
        parts.push(format!("`{component}.{}` is {}", name.value, test.describe()));
    }
    let lists = [
        (&condition.classes, "the class"),
        (&condition.arch, "the architecture"),
        (&condition.kernels, "the kernel"),
        (&condition.boards, "the board"),
    ];
    for (allowed, what) in lists.into_iter().filter(|(allowed, _)| !allowed.is_empty()) {
        let names: Vec<_> = allowed.iter().map(|name| name.value.as_str()).collect();
        parts.push(format!("{what} is {}", suggest::alternatives(&names)));
    }
    if !condition.hardware.is_empty() {
        let names: Vec<_> = condition.hardware.iter().map(|name| name.value.as_str()).collect();
        parts.push(format!("the board has {}", suggest::listed(&names)));
    }
    parts.join(" and ")
}
