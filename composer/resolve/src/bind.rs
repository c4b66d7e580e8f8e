//! Binds what was chosen: which providers serve which requirement, and whether the whole keeps every
//! rule. The choosing looks only as far ahead as it must; this looks at everything.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{CapabilityId, Layer};

use crate::circle::{Step, circle};
use crate::closure::Members;
use crate::scope::Scope;
use crate::space::{Need, has_one_owner, starts_first};

/// The members that a need is bound to, in the order of names; none when nothing decides between
/// several.
pub fn bound(scope: Scope<'_, '_>, members: &Members, need: &Need<'_>) -> Vec<usize> {
    let Some(capability) = need.capability else {
        return Vec::new();
    };
    let suppliers = members.suppliers(capability);
    if need.requirement.is_many() {
        return suppliers.to_vec();
    }
    scope.decide(capability, suppliers).into_iter().collect()
}

/// Whether the members keep every rule: everything served, nothing excluded, owned or provided
/// twice, and an order of start.
pub fn is_sound(scope: Scope<'_, '_>, members: &Members) -> bool {
    let space = scope.space;
    let mut steps = Vec::new();
    let mut owned: BTreeSet<(usize, CapabilityId)> = BTreeSet::new();
    let mut layers: BTreeMap<Layer, usize> = BTreeMap::new();
    for at in members.order() {
        let node = &space.nodes[*at];
        *layers.entry(node.manifest.layer.value).or_default() += 1;
        let mut present =
            node.excludes.iter().filter_map(|id| space.find(*id)).filter(|at| members.has(*at));
        if !node.possible || present.next().is_some() {
            return false;
        }
        for (capability, provision) in &node.gives {
            if provision.is_sole() && members.suppliers(*capability).len() > 1 {
                return false;
            }
        }
        for need in &node.needs {
            let providers = bound(scope, members, need);
            if providers.len() < need.requirement.at_least() as usize
                || (!need.requirement.is_many() && providers.is_empty())
            {
                return false;
            }
            for to in providers {
                let Some(capability) = need.capability else { continue };
                let Some(provision) = space.provision(to, capability) else { continue };
                if has_one_owner(provision) && !owned.insert((to, capability)) {
                    return false;
                }
                if starts_first(provision) {
                    steps.push(Step { from: *at, place: need.place, to });
                }
            }
        }
    }
    let crowded = [Layer::Board, Layer::Kernel, Layer::Boot]
        .iter()
        .any(|layer| layers.get(layer).is_some_and(|count| *count > 1));
    !crowded && circle(&steps).is_none()
}
