//! Minimal conflicts: sets of facts that cannot hold together, of which none can be left out.

use std::collections::BTreeSet;

use rustsat::types::Lit;
use tarsia_manifest::ComponentId;

use crate::fact::Fact;
use crate::formula::{Formula, Rules};

/// The facts of one product, to be asked in any combination.
#[derive(Debug)]
pub struct Inquiry<'a, 'c> {
    rules: Rules<'a, 'c>,
    formula: Formula<'a, 'c>,
    /// Every fact with its literal.
    facts: Vec<(Fact, Lit)>,
}

impl<'a, 'c> Inquiry<'a, 'c> {
    /// The facts of a product, over a space of breadth `All`.
    pub fn new(rules: Rules<'a, 'c>) -> Self {
        let formula = Formula::new(rules, true);
        let facts = formula.facts();
        Self { rules, formula, facts }
    }

    /// Every fact.
    pub fn facts(&self) -> BTreeSet<Fact> {
        self.facts.iter().map(|(fact, _)| *fact).collect()
    }

    /// Whether a wish also decides between providers: then its absence must be said, too.
    fn decides(&self, fact: Fact) -> bool {
        let Fact::Wish(at) = fact else { return false };
        let id: ComponentId = self.rules.space.nodes[at].id;
        let gives = self.rules.space.nodes[at].gives.iter();
        gives.into_iter().any(|(c, _)| self.rules.preferences.deciding(*c).contains(&id))
    }

    /// Whether these facts can hold together.
    pub fn can_hold(&mut self, facts: &BTreeSet<Fact>) -> bool {
        self.ask(facts).is_ok()
    }

    /// Whether these facts can hold together.
    ///
    /// # Errors
    /// Those of them that already cannot.
    fn ask(&mut self, facts: &BTreeSet<Fact>) -> Result<(), BTreeSet<Fact>> {
        let mut assumptions: Vec<Lit> = Vec::new();
        for (fact, literal) in &self.facts {
            if facts.contains(fact) {
                assumptions.push(*literal);
            } else if self.decides(*fact) {
                assumptions.push(!*literal);
            }
        }
        if self.formula.solve(&assumptions) {
            return Ok(());
        }
        let core: BTreeSet<Lit> = self.formula.solver.core().into_iter().collect();
        let in_core = |(_, literal): &&(Fact, Lit)| core.contains(literal);
        Err(self.facts.iter().filter(in_core).map(|(fact, _)| *fact).collect())
    }

    /// A minimal set of these facts that cannot hold together; none when all can.
    pub fn conflict(&mut self, facts: &BTreeSet<Fact>) -> Option<BTreeSet<Fact>> {
        let mut core = self.ask(facts).err()?;
        // Cores of cores get small quickly, and what follows asks once per fact.
        while let Err(smaller) = self.ask(&core) {
            if smaller.len() >= core.len() {
                break;
            }
            core = smaller;
        }
        let mut needed = BTreeSet::new();
        // What the product itself says is tried last: a conflict that its own lines are part of tells
        // more.
        while let Some(fact) = core.iter().rev().find(|fact| !needed.contains(*fact)).copied() {
            core.remove(&fact);
            match self.ask(&core) {
                Ok(()) => {
                    core.insert(fact);
                    needed.insert(fact);
                }
                Err(smaller) => core = smaller.union(&needed).copied().collect(),
            }
        }
        Some(core)
    }
}
