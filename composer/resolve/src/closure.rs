//! Closes a product's wishes over what components require, choosing among alternatives by written
//! rules (docs/resolution.md). The choices follow one order; what a choice must not make impossible
//! is asked of an [`Outlook`], so that the quick way and the complete way choose alike.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{
    CapabilityId, Catalogue, ComponentId, EffectiveProduct, Layer, ProfileManifest,
};
use tarsia_model::Name;

use crate::setting::Setting;
use crate::space::{Space, has_one_owner};

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

    /// Of several providers, the one that a requirement for one is bound to: the only one, or the
    /// best of those preferred and listed. None when nothing decides.
    pub fn decide(
        &self,
        space: &Space<'_>,
        capability: CapabilityId,
        among: &[usize],
    ) -> Option<usize> {
        if let [only] = among {
            return Some(*only);
        }
        let mut deciding = self.deciding(capability).iter();
        deciding.find_map(|id| among.iter().copied().find(|at| space.nodes[*at].id == *id))
    }

    /// The place of a provider in the order of choice: preference, then the smaller promised size, then
    /// the name.
    fn rank<'c>(
        &self,
        space: &Space<'c>,
        capability: CapabilityId,
        at: usize,
    ) -> (usize, u64, &'c Name) {
        let (node, preferred) = (&space.nodes[at], self.of(capability));
        let place = preferred.iter().position(|id| *id == node.id).unwrap_or(preferred.len());
        let size = node.manifest.budget.as_ref().and_then(|budget| budget.flash.as_ref());
        (place, size.map_or(u64::MAX, |size| size.value.0), space.name(at))
    }

    /// Providers in the order of choice.
    pub fn order(
        &self,
        space: &Space<'_>,
        capability: CapabilityId,
        mut among: Vec<usize>,
    ) -> Vec<usize> {
        among.sort_by(|a, b| {
            self.rank(space, capability, *a).cmp(&self.rank(space, capability, *b))
        });
        among
    }
}

/// Answers whether a set can still grow into a selection.
pub trait Outlook {
    /// Whether some selection has all members of `members` and `candidate`. May say yes wrongly, if
    /// the caller then finds out; never no.
    fn is_open(&mut self, members: &Members, candidate: usize) -> bool;
}

/// The outlook that only sees what is wrong right away.
pub struct Hopeful;

impl Outlook for Hopeful {
    fn is_open(&mut self, _: &Members, _: usize) -> bool {
        true
    }
}

/// A requirement could not be served.
#[derive(Debug)]
pub struct DeadEnd;

/// What is chosen so far.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// By place in the space.
    chosen: Vec<bool>,
    /// In the order chosen.
    order: Vec<usize>,
    /// Who of them provides what.
    supply: BTreeMap<CapabilityId, Vec<usize>>,
    /// How many providers of a capability they need at most.
    demand: BTreeMap<CapabilityId, u32>,
    /// Capabilities of which one of them takes only one provider.
    single: BTreeSet<CapabilityId>,
    /// How many of their requirements are for a capability.
    users: BTreeMap<CapabilityId, u32>,
    /// Capabilities of which one of them must be the only provider.
    sole: BTreeSet<CapabilityId>,
    /// Whom they exclude.
    banned: BTreeSet<ComponentId>,
    /// Capabilities that are needed and not yet provided, those with the fewest possible providers first.
    open: BTreeSet<(usize, CapabilityId)>,
}

impl Members {
    /// Every member, in the order chosen.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Whether a node is chosen.
    pub fn has(&self, at: usize) -> bool {
        self.chosen.get(at).copied().unwrap_or(false)
    }

    /// Who of the members provides a capability, in the order of names.
    pub fn suppliers(&self, capability: CapabilityId) -> &[usize] {
        self.supply.get(&capability).map_or(&[], Vec::as_slice)
    }

    fn lacks(&self, capability: CapabilityId) -> bool {
        let wanted = self.demand.get(&capability).copied().unwrap_or(0) as usize;
        self.suppliers(capability).len() < wanted
    }
}

/// The rules of choice for one product.
pub struct Chooser<'a, 'c> {
    /// What can be reached.
    pub space: &'a Space<'c>,
    /// Which providers to prefer.
    pub preferences: &'a Preferences,
    /// Which members exclude whom, by place.
    pub conflicts: &'a Conflicts,
}

/// Whom each node excludes in this setting.
#[derive(Debug, Default)]
pub struct Conflicts(pub BTreeMap<usize, Vec<ComponentId>>);

impl Chooser<'_, '_> {
    /// Makes a node a member, and opens what it needs.
    pub fn add(&self, members: &mut Members, at: usize) {
        if members.has(at) {
            return;
        }
        if members.chosen.len() < self.space.nodes.len() {
            members.chosen.resize(self.space.nodes.len(), false);
        }
        members.chosen[at] = true;
        members.order.push(at);
        let node = &self.space.nodes[at];
        members.banned.extend(self.conflicts.0.get(&at).into_iter().flatten());
        for (capability, provision) in &node.gives {
            let suppliers = members.supply.entry(*capability).or_default();
            let name = |at: &usize| self.space.name(*at);
            let place = suppliers.partition_point(|other| name(other) < name(&at));
            suppliers.insert(place, at);
            if provision.is_sole() {
                members.sole.insert(*capability);
            }
        }
        for need in &node.needs {
            if let Some(capability) = need.capability {
                if !need.requirement.is_many() {
                    members.single.insert(capability);
                }
                *members.users.entry(capability).or_default() += 1;
                self.require(members, capability, need.requirement.at_least());
            }
        }
    }

    /// Opens a requirement for so many providers.
    pub fn require(&self, members: &mut Members, capability: CapabilityId, count: u32) {
        let demand = members.demand.entry(capability).or_default();
        *demand = (*demand).max(count);
        if members.lacks(capability) {
            members.open.insert((self.space.possible_givers(capability), capability));
        }
    }

    /// Chooses until everything that is required is provided.
    ///
    /// # Errors
    /// [`DeadEnd`] when nothing is left to choose from.
    pub fn close(&self, members: &mut Members, outlook: &mut dyn Outlook) -> Result<(), DeadEnd> {
        // Whose turn it is, is found anew after each provider: what came in may need something narrower.
        while let Some(turn) = members.open.pop_first() {
            let (_, capability) = turn;
            if !members.lacks(capability) {
                continue;
            }
            let found = self
                .candidates(members, capability)
                .into_iter()
                .find(|at| !self.clashes(members, *at) && outlook.is_open(members, *at));
            self.add(members, found.ok_or(DeadEnd)?);
            if members.lacks(capability) {
                members.open.insert(turn);
            }
        }
        Ok(())
    }

    /// What could be added for a capability, in the order of choice.
    pub fn candidates(&self, members: &Members, capability: CapabilityId) -> Vec<usize> {
        let givers = self.space.givers(capability).iter().copied();
        let free = givers.filter(|at| self.space.nodes[*at].possible && !members.has(*at));
        self.preferences.order(self.space, capability, free.collect())
    }

    /// Whether a node can be seen right away not to go with the members, now or later.
    pub fn clashes(&self, members: &Members, at: usize) -> bool {
        let node = &self.space.nodes[at];
        if members.banned.contains(&node.id) {
            return true;
        }
        let excludes = |id: &ComponentId| {
            *id == node.id || self.space.find(*id).is_some_and(|other| members.has(other))
        };
        if self.conflicts.0.get(&at).into_iter().flatten().any(excludes) {
            return true;
        }
        let boots = |at: &usize| self.space.nodes[*at].manifest.layer.value == Layer::Boot;
        if boots(&at) && members.order.iter().any(boots) {
            return true;
        }
        node.gives.iter().any(|(capability, provision)| {
            let suppliers = members.suppliers(*capability);
            let crowded =
                !suppliers.is_empty() && (provision.is_sole() || members.sole.contains(capability));
            let mut together = suppliers.to_vec();
            together.push(at);
            // Who is bound to one provider only must know which.
            let undecided = members.single.contains(capability)
                && self.preferences.decide(self.space, *capability, &together).is_none();
            let contested = self.preferences.deciding(*capability).is_empty()
                && has_one_owner(provision)
                && members.users.get(capability).is_some_and(|users| *users > 1);
            crowded || undecided || contested
        }) || node.needs.iter().any(|need| {
            need.capability.is_some_and(|capability| {
                let suppliers = members.suppliers(capability);
                let undecided = !need.requirement.is_many()
                    && suppliers.len() > 1
                    && self.preferences.decide(self.space, capability, suppliers).is_none();
                let owned =
                    |at: &usize| self.space.provision(*at, capability).is_some_and(has_one_owner);
                let contested = self.preferences.deciding(capability).is_empty()
                    && members.users.contains_key(&capability)
                    && suppliers.iter().any(owned);
                undecided || contested
            })
        })
    }
}
