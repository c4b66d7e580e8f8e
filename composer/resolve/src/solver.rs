//! The SAT solver behind one narrow door: clauses in, a model or a core out. The answer "possible or
//! not" is the only thing that choices depend on, so the solver's own preferences never show.

use rustsat::instances::{BasicVarManager, ManageVars as _};
use rustsat::solvers::{Solve as _, SolveIncremental as _, SolverResult};
use rustsat::types::{Clause, Lit, TernaryVal};
use rustsat_batsat::BasicSolver;

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
    /// A solver without clauses.
    pub fn new() -> Self {
        Self { solver: BasicSolver::default(), variables: BasicVarManager::default() }
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
    pub fn solve(&mut self, assumptions: &[Lit]) -> bool {
        // A variable in no clause is not known to the solver.
        if let Some(last) = self.variables.max_var() {
            self.solver.reserve(last).expect("batsat has room");
        }
        let result = self.solver.solve_assumps(assumptions).expect("batsat has no failures");
        result == SolverResult::Sat
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
}
