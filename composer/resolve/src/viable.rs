//! Whether a component could be part of a product at all, given its class, board and kernel, and the
//! shortest reason when it could not.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{ComponentManifest, Layer};
use tarsia_model::{CapabilityName, Name, suggest};

use crate::index::{Index, provision, supports_arch, supports_class};

/// What a product has decided before any capability is resolved.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The profile's name: the class of device.
    pub class: Name,
    /// The board.
    pub board: Name,
    /// The board's architecture.
    pub arch: Name,
    /// The kernel flavour.
    pub kernel: Name,
    /// What the product lists.
    pub named: BTreeSet<Name>,
    /// What the product removed from what it extends.
    pub without: BTreeSet<Name>,
}

/// Answers for one product, each found once.
pub struct Viability<'a, 'c> {
    catalogue: &'a Index<'c>,
    setting: &'a Setting,
    known: RefCell<BTreeMap<Name, Option<String>>>,
}

impl<'a, 'c> Viability<'a, 'c> {
    /// Answers for components of `catalogue` in `setting`.
    pub fn new(catalogue: &'a Index<'c>, setting: &'a Setting) -> Self {
        Self { catalogue, setting, known: RefCell::default() }
    }

    /// The components that could provide a capability here, by name.
    pub fn providers(&self, capability: &CapabilityName) -> Vec<&'c ComponentManifest> {
        let all = self.catalogue.providers(capability).iter();
        all.copied().filter(|component| self.why_not(component).is_none()).collect()
    }

    /// Why a component cannot be in the product, as a fragment after its name; none when it can.
    pub fn why_not(&self, component: &ComponentManifest) -> Option<String> {
        let name = &component.component.value;
        if !self.known.borrow().contains_key(name) {
            self.settle(component);
        }
        self.known.borrow().get(name).cloned().flatten()
    }

    /// Judges a component together with all it may lead to: components may require each other, so
    /// none of them can be judged before the others. Each passes for possible until it fails by
    /// itself or too little of what it needs is left; so the answers do not depend on who asks first.
    fn settle(&self, component: &ComponentManifest) {
        let mut reached = Vec::new();
        let mut waiting = vec![component];
        while let Some(next) = waiting.pop() {
            let name = &next.component.value;
            if self.known.borrow().contains_key(name) {
                continue;
            }
            let reason = self.unfit(next);
            if reason.is_none() {
                reached.push(next);
                let needed = next.requires.iter().filter(|requirement| requirement.at_least() > 0);
                let providers = needed.map(|r| self.catalogue.providers(&r.capability.value));
                waiting.extend(providers.flatten().copied());
            }
            self.known.borrow_mut().insert(name.clone(), reason);
        }
        loop {
            let failed: Vec<_> = reached
                .iter()
                .map(|component| (&component.component.value, component))
                .filter(|(name, _)| self.known.borrow()[*name].is_none())
                .map(|(name, component)| (name.clone(), self.unserved(component)))
                .filter(|(_, reason)| reason.is_some())
                .collect();
            if failed.is_empty() {
                return;
            }
            self.known.borrow_mut().extend(failed);
        }
    }

    /// What is against a component by itself.
    fn unfit(&self, component: &ComponentManifest) -> Option<String> {
        let Setting { class, board, arch, kernel, named, without } = self.setting;
        let name = &component.component.value;
        match component.layer.value {
            Layer::Board if name != board => {
                return Some(format!("is another board than `{board}`"));
            }
            Layer::Kernel if name != kernel => {
                return Some(format!("is another kernel than `{kernel}`"));
            }
            _ => {}
        }
        if without.contains(name) {
            return Some("is removed by the product's `without`".into());
        }
        let shy = component.only_if_named.as_ref().is_some_and(|only| only.value);
        if shy && !named.contains(name) {
            return Some("is only taken when the product lists it".into());
        }
        if !supports_class(component, class) {
            let classes: Vec<_> = component.classes.iter().map(|c| c.value.as_str()).collect();
            return Some(format!("is only for {}, not for `{class}`", suggest::listed(&classes)));
        }
        if !supports_arch(component, arch) {
            let arches: Vec<_> = component.arch.iter().map(|a| a.value.as_str()).collect();
            return Some(format!(
                "is only for {}, and `{board}` is {}",
                suggest::listed(&arches),
                arch
            ));
        }
        None
    }

    /// Which of a component's needs cannot be met.
    fn unserved(&self, component: &ComponentManifest) -> Option<String> {
        component.requires.iter().find_map(|requirement| {
            let capability = &requirement.capability.value;
            let (wanted, possible) = (requirement.at_least(), self.providers(capability).len());
            if possible >= wanted as usize {
                return None;
            }
            if requirement.is_hardware() && possible == 0 {
                let Setting { board, .. } = self.setting;
                let has = self
                    .catalogue
                    .component(board)
                    .is_some_and(|b| provision(b, capability).is_some());
                return (!has)
                    .then(|| format!("needs `{capability}`, which board `{board}` does not have"));
            }
            Some(match possible {
                0 => format!("needs `{capability}`, which nothing here can provide"),
                _ => format!(
                    "needs {wanted} providers of `{capability}`, and only {possible} can be here"
                ),
            })
        })
    }
}
