//! What every step of resolution looks at: the terms of a product, and what can be reached under them.

use tarsia_manifest::CapabilityId;

use crate::space::Space;
use crate::terms::Terms;

/// The terms of a product and what can be reached under them.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a, 'c> {
    /// The terms.
    pub terms: &'a Terms<'a, 'c>,
    /// What can be reached.
    pub space: &'a Space<'c>,
}

impl Scope<'_, '_> {
    /// Of several providers, the one that a requirement for one is bound to: the only one, or the
    /// best of those preferred and listed. None when nothing decides.
    pub fn decide(&self, capability: CapabilityId, among: &[usize]) -> Option<usize> {
        if let [only] = among {
            return Some(*only);
        }
        let mut deciding = self.terms.preferences.deciding(capability).iter();
        deciding.find_map(|id| among.iter().copied().find(|at| self.space.nodes[*at].id == *id))
    }

    /// Providers in the order of choice: preferred ones as the preferences say, then those that promise
    /// to be smaller, then by name.
    pub fn order(&self, capability: CapabilityId, among: &mut [usize]) {
        let preferred = self.terms.preferences.of(capability);
        among.sort_by_cached_key(|at| {
            let node = &self.space.nodes[*at];
            let place = preferred.iter().position(|id| *id == node.id).unwrap_or(preferred.len());
            let size = node.manifest.budget.as_ref().and_then(|budget| budget.flash.as_ref());
            (place, size.map_or(u64::MAX, |size| size.value.0), self.space.name(*at))
        });
    }
}
