//! The outlook that knows: whether a set of members can still grow into a selection is asked of the
//! SAT solver. It is made only when the quick way got lost.

use crate::closure::{Members, Outlook};
use crate::formula::Formula;
use crate::scope::Scope;
use crate::solver::{Effort, Exhausted};

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
    ///
    /// # Errors
    /// [`Exhausted`] when the effort ends before it is known.
    pub fn start(scope: Scope<'a, 'c>, effort: &Effort) -> Result<Option<Self>, Exhausted> {
        let mut formula = Formula::new(scope, false, effort);
        let possible = formula.solve(&[])?;
        Ok(possible.then_some(Self { formula, asserted: 0, fresh: true }))
    }
}

impl Outlook for Search<'_, '_> {
    fn is_open(&mut self, members: &Members, candidate: usize) -> Result<bool, Exhausted> {
        for at in &members.order()[self.asserted..] {
            let literal = self.formula.node(*at);
            self.fresh &= self.formula.solver.holds(literal);
        }
        // Clauses are added after the model was asked: they would end it.
        let candidate = self.formula.node(candidate);
        if self.fresh && self.formula.solver.holds(candidate) {
            return Ok(true);
        }
        for at in &members.order()[self.asserted..] {
            let literal = self.formula.node(*at);
            self.formula.solver.clause(&[literal]);
        }
        self.asserted = members.order().len();
        let open = self.formula.solve(&[candidate])?;
        self.fresh = open;
        Ok(open)
    }
}
