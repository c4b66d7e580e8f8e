//! Recommendations: taken one after the other, in the order of names, once everything required is
//! there; each only when it does not make anything impossible.

use std::collections::BTreeSet;

use tarsia_manifest::{CapabilityId, Recommendation};
use tarsia_model::Name;

use crate::bind::is_sound;
use crate::closure::{Chooser, Hopeful, Members, Outlook as _};
use crate::formula::Rules;
use crate::search::Search;

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

/// Follows the recommendations of all members, and of those that come in by them.
pub fn follow<'a, 'c>(
    chooser: &Chooser<'a, 'c>,
    rules: Rules<'a, 'c>,
    members: &mut Members,
    search: &mut Option<Search<'a, 'c>>,
) -> Vec<Advice<'c>> {
    let before = members.clone();
    let advice = pass(chooser, rules, members, search, Care::AtTheEnd);
    // Where the end keeps every rule, so did each step: what was taken goes together. Else it is not
    // known which step was wrong.
    let taken = advice.iter().any(|one| one.outcome == Outcome::Taken);
    if !taken || is_sound(chooser, members) {
        return advice;
    }
    (*members, *search) = (before, None);
    pass(chooser, rules, members, search, Care::AtEachStep)
}

/// When what is taken without asking the solver is held against every rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    AtTheEnd,
    AtEachStep,
}

fn pass<'a, 'c>(
    chooser: &Chooser<'a, 'c>,
    rules: Rules<'a, 'c>,
    members: &mut Members,
    search: &mut Option<Search<'a, 'c>>,
    care: Care,
) -> Vec<Advice<'c>> {
    let space = chooser.space;
    let mut waiting: BTreeSet<(&Name, usize, usize)> = BTreeSet::new();
    let mut seen = 0;
    let mut advice = Vec::new();
    loop {
        for at in &members.order()[seen..] {
            let manifest = space.nodes[*at].manifest;
            for (place, one) in manifest.recommends.iter().enumerate() {
                if rules.setting.holds(manifest, one.when.as_ref()) {
                    waiting.insert((space.name(*at), place, *at));
                }
            }
        }
        seen = members.order().len();
        let Some((_, place, by)) = waiting.pop_first() else {
            return advice;
        };
        let recommendation = &space.nodes[by].manifest.recommends[place];
        let capability = space.catalogue.components.capability(recommendation.capability.as_str());
        let outcome = match capability {
            Some(capability) if !members.suppliers(capability).is_empty() => Outcome::Present,
            Some(capability) if take(chooser, rules, members, search, care, capability) => {
                Outcome::Taken
            }
            _ => Outcome::Impossible,
        };
        advice.push(Advice { by, recommendation, outcome });
    }
}

/// Takes the first provider of a capability that can be taken.
fn take<'a, 'c>(
    chooser: &Chooser<'a, 'c>,
    rules: Rules<'a, 'c>,
    members: &mut Members,
    search: &mut Option<Search<'a, 'c>>,
    care: Care,
    capability: CapabilityId,
) -> bool {
    for candidate in chooser.candidates(members, capability) {
        if chooser.clashes(members, candidate) {
            continue;
        }
        if search.is_none() {
            let mut tried = members.clone();
            chooser.add(&mut tried, candidate);
            let closed = chooser.close(&mut tried, &mut Hopeful).is_ok();
            if closed && (care == Care::AtTheEnd || is_sound(chooser, &tried)) {
                *members = tried;
                return true;
            }
            *search = Search::start(rules);
        }
        let Some(search) = search else { return false };
        if search.is_open(members, candidate) {
            chooser.add(members, candidate);
            // Open means that every choice from here on has a way to the end.
            return chooser.close(members, search).is_ok();
        }
    }
    false
}
