//! Recommendations: taken one after the other, in the order of names, once everything required is
//! there; each only when it does not make anything impossible.

use std::collections::BTreeSet;

use tarsia_manifest::{CapabilityId, Recommendation};
use tarsia_model::Name;

use crate::bind::is_sound;
use crate::closure::{DeadEnd, Hopeful, Members, Outlook as _};
use crate::scope::Scope;
use crate::search::Search;
use crate::solver::{Effort, Exhausted};

/// What became of a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A provider was taken because of it.
    Taken,
    /// A provider was there anyway.
    Present,
    /// No provider can be here.
    Impossible,
}

/// A recommendation of a node and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Advice<'c> {
    /// The node that recommends.
    pub by: usize,
    /// The recommendation.
    pub recommendation: &'c Recommendation,
    /// What became of it.
    pub outcome: Outcome,
}

/// Hears recommendations for what is chosen so far.
pub struct Hearing<'a, 'c> {
    /// What is chosen from.
    pub scope: Scope<'a, 'c>,
    /// What is chosen so far: everything required.
    pub members: Members,
    /// The solver, when the choice needed it.
    pub search: Option<Search<'a, 'c>>,
    /// What may still be spent on it.
    pub effort: &'a Effort,
}

/// When what is taken without asking the solver is held against every rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    AtTheEnd,
    AtEachStep,
}

impl<'c> Hearing<'_, 'c> {
    /// Follows the recommendations of all members, and of those that come in by them.
    ///
    /// # Errors
    /// [`Exhausted`] when it is not known whether one can be followed.
    pub fn follow(&mut self) -> Result<Vec<Advice<'c>>, Exhausted> {
        let before = self.members.clone();
        let advice = self.pass(Care::AtTheEnd)?;
        // Where the end keeps every rule, so did each step: what was taken goes together. Else it is
        // not known which step was wrong.
        let taken = advice.iter().any(|one| one.outcome == Outcome::Taken);
        if !taken || is_sound(self.scope, &self.members) {
            return Ok(advice);
        }
        (self.members, self.search) = (before, None);
        self.pass(Care::AtEachStep)
    }

    fn pass(&mut self, care: Care) -> Result<Vec<Advice<'c>>, Exhausted> {
        let Scope { terms, space } = self.scope;
        let mut waiting: BTreeSet<(&Name, usize, usize)> = BTreeSet::new();
        let mut seen = 0;
        let mut advice = Vec::new();
        loop {
            for at in &self.members.order()[seen..] {
                let manifest = space.nodes[*at].manifest;
                for (place, one) in manifest.recommends.iter().enumerate() {
                    if terms.setting.holds(manifest, one.when.as_ref()) {
                        waiting.insert((space.name(*at), place, *at));
                    }
                }
            }
            seen = self.members.order().len();
            let Some((_, place, by)) = waiting.pop_first() else {
                return Ok(advice);
            };
            let recommendation = &space.nodes[by].manifest.recommends[place];
            let name = recommendation.capability.as_str();
            let outcome = match terms.catalogue.components.capability(name) {
                Some(one) if !self.members.suppliers(one).is_empty() => Outcome::Present,
                Some(one) if self.take(care, one)? => Outcome::Taken,
                _ => Outcome::Impossible,
            };
            advice.push(Advice { by, recommendation, outcome });
        }
    }

    /// Takes the first provider of a capability that can be taken.
    fn take(&mut self, care: Care, capability: CapabilityId) -> Result<bool, Exhausted> {
        let scope = self.scope;
        for candidate in self.members.candidates(scope, capability) {
            if self.members.clashes(scope, candidate) {
                continue;
            }
            if self.search.is_none() {
                let mut tried = self.members.clone();
                tried.add(scope, candidate);
                let closed = tried.close(scope, &mut Hopeful).is_ok();
                if closed && (care == Care::AtTheEnd || is_sound(scope, &tried)) {
                    self.members = tried;
                    return Ok(true);
                }
                self.search = Search::start(scope, self.effort)?;
            }
            let Some(search) = &mut self.search else { return Ok(false) };
            if search.is_open(&self.members, candidate)? {
                self.members.add(scope, candidate);
                // Open means that every choice from here on has a way to the end.
                return match self.members.close(scope, search) {
                    Ok(()) => Ok(true),
                    Err(DeadEnd::Unserved) => Ok(false),
                    Err(DeadEnd::Undecided) => Err(Exhausted),
                };
            }
        }
        Ok(false)
    }
}
