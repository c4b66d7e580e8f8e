//! Why there is no selection: every conflict of a product, each minimal, each with its repairs.

use std::collections::BTreeSet;

use tarsia_manifest::{Catalogue, ComponentId, EffectiveProduct};
use tarsia_model::{Diagnostic, Name, Span};

use crate::attempt::Purpose;
use crate::change::Change;
use crate::core::{Core, Inquiry};
use crate::fact::Fact;
use crate::repair;
use crate::scope::Scope;
use crate::solver::{Effort, Exhausted, STEPS};
use crate::space::{Breadth, Space, supports_arch, supports_class};
use crate::tell::tell;
use crate::terms::Terms;

/// At most so many conflicts are told at once.
const CONFLICTS: usize = 20;

/// Facts that cannot hold together, and what to do about it.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The facts. Without any one of them, the rest can hold.
    pub causes: Vec<Premise>,
    /// Whether that is known of each of them: looking for it may take more steps than are spent on it.
    pub is_minimal: bool,
    /// Edits that end the conflict, the smallest first; each was tried.
    pub repairs: Vec<Change>,
    /// The conflict as it is told.
    pub diagnostic: Diagnostic,
}

/// A fact of a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Premise {
    /// What kind of fact it is.
    pub fact: Fact,
    /// The component that it is about; none for lines of product and profile.
    pub component: Option<Name>,
    /// Where it stands.
    pub span: Span,
    /// The fact in words.
    pub text: String,
}

/// Every conflict of a product, as far as they do not hide each other; none when they could not be
/// found.
pub fn explain(terms: &Terms<'_, '_>, purpose: &Purpose) -> Vec<Conflict> {
    let space = Space::reach(terms, Breadth::All);
    let scope = Scope { terms, space: &space };
    let cores = Cores::of(scope, CONFLICTS, &Effort::new());
    let count = cores.found.len();
    let tries = Effort::new();
    let conflict = |(core, diagnostic): (Core, Diagnostic)| {
        let repairs = repair::find(scope, purpose, &core.facts, count, &tries);
        let edits = repairs.iter().map(|change| change.edit(terms.catalogue, terms.product));
        let mut diagnostic = edits.fold(diagnostic, |diagnostic, edit| diagnostic.hint(edit));
        if !core.is_minimal {
            let note = format!(
                "not all of these lines may be needed: looking for fewer ended after {STEPS} steps"
            );
            diagnostic.notes.push(note);
        }
        let reason = |fact: &Fact| Premise {
            fact: *fact,
            component: fact.node().map(|at| space.name(at).clone()),
            span: scope.span(*fact),
            text: scope.text(*fact),
        };
        let causes = core.facts.iter().map(reason).collect();
        Conflict { causes, is_minimal: core.is_minimal, repairs, diagnostic }
    };
    cores.found.into_iter().map(conflict).collect()
}

/// Whether a product has fewer conflicts than so many, which is at least one, with a component that is
/// taken in any case. A product that names no frame to judge it in has not, nor has one whose
/// conflicts are not known when the effort ends.
pub fn has_fewer(
    catalogue: &Catalogue,
    product: &EffectiveProduct,
    forced: Option<ComponentId>,
    than: usize,
    effort: &Effort,
) -> bool {
    let Some(terms) = Terms::of(catalogue, product, forced, &mut Vec::new()) else {
        return false;
    };
    // What is unfit by itself is no conflict, but nothing to propose either.
    let fits = |(id, _): &(ComponentId, Span)| {
        let manifest = catalogue.components.at(*id);
        supports_class(manifest, &terms.setting.class)
            && supports_arch(manifest, &terms.setting.arch)
    };
    if !terms.listed.iter().all(fits) {
        return false;
    }
    if crate::resolve::is_possible(&terms, effort) {
        return true;
    }
    let space = Space::reach(&terms, Breadth::All);
    // That there is one more is known without knowing which.
    let cores = Cores::of(Scope { terms: &terms, space: &space }, than - 1, effort);
    cores.is_complete
}

/// Conflicts with their diagnostics.
struct Cores {
    found: Vec<(Core, Diagnostic)>,
    /// Whether there are no others.
    is_complete: bool,
}

impl Cores {
    /// At most so many.
    fn of(scope: Scope<'_, '_>, most: usize, effort: &Effort) -> Self {
        let mut cores = Self { found: Vec::new(), is_complete: false };
        cores.is_complete = cores.find(scope, most, effort).unwrap_or(false);
        cores
    }

    /// Finds them; whether there are no others.
    fn find(
        &mut self,
        scope: Scope<'_, '_>,
        most: usize,
        effort: &Effort,
    ) -> Result<bool, Exhausted> {
        let mut inquiry = Inquiry::new(scope, effort);
        let mut facts = inquiry.facts();
        already_told(scope, &mut facts);
        while self.found.len() < most {
            let Some(core) = inquiry.conflict(&facts)? else { return Ok(true) };
            let told = tell(&core.facts, scope);
            let before = facts.len();
            for same in &told.same {
                facts.remove(same);
            }
            if facts.len() == before {
                // What tells the same is not among the facts: leaving out any fact of the core ends it.
                core.facts.first().map(|fact| facts.remove(fact));
            }
            self.found.push((core, told.diagnostic));
        }
        inquiry.can_hold(&facts)
    }
}

/// What is wrong with what the product lists, by itself, was told where it is listed.
fn already_told(scope: Scope<'_, '_>, facts: &mut BTreeSet<Fact>) {
    let (space, setting) = (scope.space, &scope.terms.setting);
    for at in setting.named.iter().filter_map(|id| space.find(*id)) {
        let manifest = space.nodes[at].manifest;
        let class = supports_class(manifest, &setting.class);
        let arch = supports_arch(manifest, &setting.arch);
        facts.remove(&Fact::Class(at));
        facts.remove(&Fact::Arch(at));
        if !class || !arch {
            facts.remove(&Fact::Wish(at));
        }
    }
    facts.remove(&Fact::Kernels);
}
