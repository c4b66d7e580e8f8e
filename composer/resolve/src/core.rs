//! Minimal conflicts: sets of facts that cannot hold together, of which none can be left out.

use std::collections::BTreeSet;

use rustsat::types::Lit;
use tarsia_manifest::ComponentId;

use crate::fact::Fact;
use crate::formula::Formula;
use crate::scope::Scope;
use crate::solver::{Effort, Exhausted};

/// Facts that cannot hold together.
#[derive(Debug)]
pub struct Core {
    /// The facts.
    pub facts: BTreeSet<Fact>,
    /// Whether each of them is known to be needed.
    pub is_minimal: bool,
}

/// The facts of one product, to be asked in any combination.
#[derive(Debug)]
pub struct Inquiry<'a, 'c> {
    scope: Scope<'a, 'c>,
    formula: Formula<'a, 'c>,
    /// Every fact with its literal.
    facts: Vec<(Fact, Lit)>,
}

impl<'a, 'c> Inquiry<'a, 'c> {
    /// The facts of a product, over a space of breadth `All`.
    pub fn new(scope: Scope<'a, 'c>, effort: &Effort) -> Self {
        let formula = Formula::new(scope, true, effort);
        let facts = formula.facts();
        Self { scope, formula, facts }
    }

    /// Every fact.
    pub fn facts(&self) -> BTreeSet<Fact> {
        self.facts.iter().map(|(fact, _)| *fact).collect()
    }

    /// Whether a wish also decides between providers: then its absence must be said, too.
    fn decides(&self, fact: Fact) -> bool {
        let Fact::Wish(at) = fact else { return false };
        let id: ComponentId = self.scope.space.nodes[at].id;
        let gives = self.scope.space.nodes[at].gives.iter();
        gives.into_iter().any(|(c, _)| self.scope.terms.preferences.deciding(*c).contains(&id))
    }

    /// Whether these facts can hold together.
    ///
    /// # Errors
    /// [`Exhausted`] when the effort ends before it is known.
    pub fn can_hold(&mut self, facts: &BTreeSet<Fact>) -> Result<bool, Exhausted> {
        Ok(self.ask(facts)?.is_none())
    }

    /// Those of these facts that already cannot hold together; none when all can.
    fn ask(&mut self, facts: &BTreeSet<Fact>) -> Result<Option<BTreeSet<Fact>>, Exhausted> {
        let mut assumptions: Vec<Lit> = Vec::new();
        for (fact, literal) in &self.facts {
            if facts.contains(fact) {
                assumptions.push(*literal);
            } else if self.decides(*fact) {
                assumptions.push(!*literal);
            }
        }
        if self.formula.solve(&assumptions)? {
            return Ok(None);
        }
        let core: BTreeSet<Lit> = self.formula.solver.core().into_iter().collect();
        let in_core = |(_, literal): &&(Fact, Lit)| core.contains(literal);
        Ok(Some(self.facts.iter().filter(in_core).map(|(fact, _)| *fact).collect()))
    }

    /// A set of these facts that cannot hold together; none when all can.
    ///
    /// # Errors
    /// [`Exhausted`] when the effort ends before it is known whether they can.
    pub fn conflict(&mut self, facts: &BTreeSet<Fact>) -> Result<Option<Core>, Exhausted> {
        let Some(found) = self.ask(facts)? else { return Ok(None) };
        let mut core = Core { facts: found, is_minimal: true };
        core.is_minimal = self.shrink(&mut core.facts).is_ok();
        Ok(Some(core))
    }

    /// Leaves out what is not needed for a conflict. When the effort ends before that, what is left
    /// still is one.
    fn shrink(&mut self, core: &mut BTreeSet<Fact>) -> Result<(), Exhausted> {
        // Cores of cores get small quickly, and what follows asks once per fact.
        while let Some(smaller) = self.ask(core)?.filter(|smaller| smaller.len() < core.len()) {
            *core = smaller;
        }
        let mut needed = BTreeSet::new();
        // What the product itself says is tried last: a conflict that its own lines are part of tells
        // more.
        while let Some(fact) = core.iter().rev().find(|fact| !needed.contains(*fact)).copied() {
            let mut rest = core.clone();
            rest.remove(&fact);
            let Some(smaller) = self.ask(&rest)? else {
                needed.insert(fact);
                continue;
            };
            rest = smaller.union(&needed).copied().collect();
            // Without a wish that decided, other providers are bound, and what was needed with it need
            // not be needed now.
            if core.difference(&rest).any(|gone| self.decides(*gone)) {
                rest = smaller;
                needed.clear();
            }
            *core = rest;
        }
        Ok(())
    }
}
