//! The outlook that knows: whether a set of members can still grow into a selection is asked of the
//! SAT solver. It is made only when the quick way got lost.

use crate::closure::{Members, Outlook};
use crate::formula::{Formula, Rules};

/// A solver that follows the choices made so far.
#[derive(Debug)]
pub struct Search<'a, 'c> {
    formula: Formula<'a, 'c>,
    /// How many members, in the order chosen, the clauses already hold.
    asserted: usize,
    /// Whether the last model has all of them.
    fresh: bool,
}

impl<'a, 'c> Search<'a, 'c> {
    /// Whether there is any selection; then a search for the one to choose.
    pub fn start(rules: Rules<'a, 'c>) -> Option<Self> {
        let mut formula = Formula::new(rules, false);
        let possible = formula.solve(&[]);
        possible.then_some(Self { formula, asserted: 0, fresh: true })
    }
}

impl Outlook for Search<'_, '_> {
    fn is_open(&mut self, members: &Members, candidate: usize) -> bool {
        for at in &members.order()[self.asserted..] {
            let literal = self.formula.node(*at);
            self.fresh &= self.formula.solver.holds(literal);
        }
        // Clauses are added after the model was asked: they would end it.
        let candidate = self.formula.node(candidate);
        if self.fresh && self.formula.solver.holds(candidate) {
            return true;
        }
        for at in &members.order()[self.asserted..] {
            let literal = self.formula.node(*at);
            self.formula.solver.clause(&[literal]);
        }
        self.asserted = members.order().len();
        let open = self.formula.solve(&[candidate]);
        self.fresh = open;
        open
    }
}
