//! Closes a product's wishes over what components require, choosing among alternatives by written
//! rules (docs/resolution.md). The choices follow one order; what a choice must not make impossible
//! is asked of an [`Outlook`], so that the quick way and the complete way choose alike.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{CapabilityId, ComponentId, Layer};

use crate::scope::Scope;
use crate::solver::Exhausted;
use crate::space::has_one_owner;

/// Answers whether a set can still grow into a selection.
pub trait Outlook {
    /// Whether some selection has all members of `members` and `candidate`. May say yes wrongly, if
    /// the caller then finds out; never no.
    ///
    /// # Errors
    /// [`Exhausted`] when that cannot be known.
    fn is_open(&mut self, members: &Members, candidate: usize) -> Result<bool, Exhausted>;
}

/// The outlook that only sees what is wrong right away.
pub struct Hopeful;

impl Outlook for Hopeful {
    fn is_open(&mut self, _: &Members, _: usize) -> Result<bool, Exhausted> {
        Ok(true)
    }
}

/// Why choosing ended before everything required was provided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadEnd {
    /// Nothing was left to choose from.
    Unserved,
    /// Which candidate can be taken was not found out.
    Undecided,
}

impl From<Exhausted> for DeadEnd {
    fn from(_: Exhausted) -> Self {
        Self::Undecided
    }
}

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

    /// Makes a node a member, and opens what it needs.
    pub fn add(&mut self, scope: Scope<'_, '_>, at: usize) {
        if self.has(at) {
            return;
        }
        if self.chosen.len() < scope.space.nodes.len() {
            self.chosen.resize(scope.space.nodes.len(), false);
        }
        self.chosen[at] = true;
        self.order.push(at);
        let node = &scope.space.nodes[at];
        self.banned.extend(&node.excludes);
        for (capability, provision) in &node.gives {
            let suppliers = self.supply.entry(*capability).or_default();
            let name = |at: &usize| scope.space.name(*at);
            let place = suppliers.partition_point(|other| name(other) < name(&at));
            suppliers.insert(place, at);
            if provision.is_sole() {
                self.sole.insert(*capability);
            }
        }
        for need in &node.needs {
            if let Some(capability) = need.capability {
                if !need.requirement.is_many() {
                    self.single.insert(capability);
                }
                *self.users.entry(capability).or_default() += 1;
                self.require(scope, capability, need.requirement.at_least());
            }
        }
    }

    /// Opens a requirement for so many providers.
    pub fn require(&mut self, scope: Scope<'_, '_>, capability: CapabilityId, count: u32) {
        let demand = self.demand.entry(capability).or_default();
        *demand = (*demand).max(count);
        if self.lacks(capability) {
            self.open.insert((scope.space.possible_givers(capability), capability));
        }
    }

    /// Chooses until everything that is required is provided.
    ///
    /// # Errors
    /// [`DeadEnd`] when no candidate can be taken, or it is not known which can.
    pub fn close(
        &mut self,
        scope: Scope<'_, '_>,
        outlook: &mut dyn Outlook,
    ) -> Result<(), DeadEnd> {
        // Whose turn it is, is found anew after each provider: what came in may need something narrower.
        while let Some(turn) = self.open.pop_first() {
            let (_, capability) = turn;
            if !self.lacks(capability) {
                continue;
            }
            let mut found = None;
            for at in self.candidates(scope, capability) {
                if !self.clashes(scope, at) && outlook.is_open(self, at)? {
                    found = Some(at);
                    break;
                }
            }
            self.add(scope, found.ok_or(DeadEnd::Unserved)?);
            if self.lacks(capability) {
                self.open.insert(turn);
            }
        }
        Ok(())
    }

    /// What could be added for a capability, in the order of choice.
    pub fn candidates(&self, scope: Scope<'_, '_>, capability: CapabilityId) -> Vec<usize> {
        let givers = scope.space.givers(capability).iter().copied();
        let free = givers.filter(|at| scope.space.nodes[*at].possible && !self.has(*at));
        let mut free: Vec<usize> = free.collect();
        scope.order(capability, &mut free);
        free
    }

    /// Whether a node can be seen right away not to go with the members, now or later.
    pub fn clashes(&self, scope: Scope<'_, '_>, at: usize) -> bool {
        let node = &scope.space.nodes[at];
        if self.banned.contains(&node.id) {
            return true;
        }
        let excludes = |id: &ComponentId| {
            *id == node.id || scope.space.find(*id).is_some_and(|other| self.has(other))
        };
        if node.excludes.iter().any(excludes) {
            return true;
        }
        let boots = |at: &usize| scope.space.nodes[*at].manifest.layer.value == Layer::Boot;
        if boots(&at) && self.order.iter().any(boots) {
            return true;
        }
        node.gives.iter().any(|(capability, provision)| {
            let suppliers = self.suppliers(*capability);
            let crowded =
                !suppliers.is_empty() && (provision.is_sole() || self.sole.contains(capability));
            // Who is bound to one provider only must know which.
            let undecided = !suppliers.is_empty()
                && self.single.contains(capability)
                && scope.decide(*capability, &[suppliers, &[at]].concat()).is_none();
            let contested = scope.terms.preferences.deciding(*capability).is_empty()
                && has_one_owner(provision)
                && self.users.get(capability).is_some_and(|users| *users > 1);
            crowded || undecided || contested
        }) || node.needs.iter().any(|need| {
            need.capability.is_some_and(|capability| {
                let suppliers = self.suppliers(capability);
                let undecided = !need.requirement.is_many()
                    && suppliers.len() > 1
                    && scope.decide(capability, suppliers).is_none();
                let owned =
                    |at: &usize| scope.space.provision(*at, capability).is_some_and(has_one_owner);
                let contested = scope.terms.preferences.deciding(capability).is_empty()
                    && self.users.contains_key(&capability)
                    && suppliers.iter().any(owned);
                undecided || contested
            })
        })
    }
}
