//! Whether a component could be part of a product at all, given its class, board and kernel, and the
//! shortest reason when it could not.

use std::cell::RefCell;
use std::collections::BTreeMap;

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
        if let Some(answer) = self.known.borrow().get(name) {
            return answer.clone();
        }
        // A component that is asked about while it is being judged stands for itself: components
        // may require each other.
        self.known.borrow_mut().insert(name.clone(), None);
        let answer = self.judge(component);
        self.known.borrow_mut().insert(name.clone(), answer.clone());
        answer
    }

    fn judge(&self, component: &ComponentManifest) -> Option<String> {
        let Setting { class, board, arch, kernel } = self.setting;
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
        component.requires.iter().find_map(|requirement| {
            let capability = &requirement.capability.value;
            let needed = requirement.at_least() > 0;
            if !needed || !self.providers(capability).is_empty() {
                return None;
            }
            if requirement.is_hardware() {
                let board = self.catalogue.component(board);
                let has = board.is_some_and(|board| provision(board, capability).is_some());
                return (!has).then(|| {
                    format!(
                        "needs `{capability}`, which board `{}` does not have",
                        self.setting.board
                    )
                });
            }
            Some(format!("needs `{capability}`, which nothing here can provide"))
        })
    }
}
