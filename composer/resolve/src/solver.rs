//! The SAT solver behind one narrow door: clauses in, a model or a core out. The answer "possible or
//! not" is the only thing that choices depend on, so the solver's own preferences never show.

use std::cell::Cell;
use std::rc::Rc;

use rustsat::instances::{BasicVarManager, ManageVars as _};
use rustsat::solvers::{Solve as _, SolveIncremental as _, SolverResult};
use rustsat::types::{Clause, Lit, TernaryVal};
use rustsat_batsat::BasicSolver;

/// How many steps a new effort has.
pub const STEPS: u64 = 500_000;

/// What may still be spent on questions, in steps: one per decision of a solver. Some questions are
/// hard for every solver of this kind. A count gives the same answer on every machine, which a clock
/// does not.
#[derive(Clone, Debug)]
pub struct Effort(Rc<Cell<u64>>);

/// The effort was spent before there was an answer.
#[derive(Clone, Copy, Debug)]
pub struct Exhausted;

impl Effort {
    /// [`STEPS`] steps.
    pub fn new() -> Self {
        Self(Rc::new(Cell::new(STEPS)))
    }

    /// Takes a step; whether that was one too many.
    fn step(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}

/// A solver with the variables handed out so far.
pub struct Solver {
    solver: BasicSolver,
    variables: BasicVarManager,
}

impl std::fmt::Debug for Solver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solver").field("variables", &self.variables).finish_non_exhaustive()
    }
}

impl Solver {
    /// A solver without clauses, which spends of an effort.
    pub fn new(effort: &Effort) -> Self {
        let mut solver = BasicSolver::default();
        let effort = effort.clone();
        solver.batsat_mut().cb_mut().set_stop(move || effort.step());
        Self { solver, variables: BasicVarManager::default() }
    }

    /// A variable of its own, as the literal that says it is true.
    pub fn variable(&mut self) -> Lit {
        self.variables.new_var().pos_lit()
    }

    /// Adds a clause: one of these literals holds.
    pub fn clause(&mut self, literals: &[Lit]) {
        let clause: Clause = literals.iter().copied().collect();
        self.solver.add_clause(clause).expect("batsat takes every clause");
    }

    /// Whether all clauses can hold together with these literals.
    ///
    /// # Errors
    /// [`Exhausted`] when the effort ends before it is known.
    pub fn solve(&mut self, assumptions: &[Lit]) -> Result<bool, Exhausted> {
        // A variable in no clause is not known to the solver.
        if let Some(last) = self.variables.max_var() {
            self.solver.reserve(last).expect("batsat has room");
        }
        let result = self.solver.solve_assumps(assumptions).expect("batsat has no failures");
        match result {
            SolverResult::Sat => Ok(true),
            SolverResult::Unsat => Ok(false),
            SolverResult::Interrupted => Err(Exhausted),
        }
    }

    /// Whether a literal holds in the model of the last successful answer.
    pub fn holds(&self, literal: Lit) -> bool {
        self.solver.lit_val(literal).is_ok_and(|value| value == TernaryVal::True)
    }

    /// Assumptions of the last unsuccessful answer that already contradict the clauses.
    pub fn core(&mut self) -> Vec<Lit> {
        let core = self.solver.core().expect("there is a core after an unsuccessful answer");
        core.into_iter().map(|literal| !literal).collect()
    }

    /// A literal that holds when the one before or this one does.
    pub fn some_of(&mut self, earlier: Option<Lit>, this: Lit) -> Lit {
        let Some(earlier) = earlier else {
            return this;
        };
        let either = self.variable();
        self.clause(&[!earlier, either]);
        self.clause(&[!this, either]);
        either
    }

    /// A literal that holds exactly when one of these does.
    pub fn either(&mut self, literals: &[Lit]) -> Lit {
        if let [only] = literals {
            return *only;
        }
        let either = self.variable();
        for literal in literals {
            self.clause(&[!*literal, either]);
        }
        let mut clause = literals.to_vec();
        clause.push(!either);
        self.clause(&clause);
        either
    }

    /// A literal that holds exactly when all of these do.
    pub fn all(&mut self, literals: &[Lit]) -> Lit {
        let negated: Vec<Lit> = literals.iter().map(|literal| !*literal).collect();
        !self.either(&negated)
    }

    /// At least so many of the literals hold, or one of `unless`.
    pub fn at_least(&mut self, count: usize, literals: &[Lit], unless: &[Lit]) {
        if count > literals.len() {
            return self.clause(unless);
        }
        // counts[k] holds only if more than k of the literals so far do (Sinz, "Towards an optimal CNF
        // encoding of boolean cardinality constraints", 2005, turned round).
        let mut counts: Vec<Lit> = Vec::new();
        for literal in literals {
            let mut next = Vec::new();
            for k in 0..count.min(counts.len() + 1) {
                let here = self.variable();
                let before = counts.get(k).copied();
                let mut reached: Vec<Lit> = vec![!here, *literal];
                reached.extend(before);
                self.clause(&reached);
                if k > 0 {
                    let mut one_less = vec![!here, counts[k - 1]];
                    one_less.extend(before);
                    self.clause(&one_less);
                }
                next.push(here);
            }
            counts = next;
        }
        let mut clause = unless.to_vec();
        clause.extend(counts.get(count - 1));
        self.clause(&clause);
    }
}
