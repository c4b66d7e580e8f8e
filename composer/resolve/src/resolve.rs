//! The way from a product to its selection: the frame, the choice, and when there is none, the
//! reasons.

use tarsia_manifest::{Catalogue, EffectiveProduct};
use tarsia_model::{Code, Diagnostic, Severity};

use crate::assemble::assemble;
use crate::attempt::{Purpose, Refused};
use crate::bind::is_sound;
use crate::closure::{DeadEnd, Hopeful, Members};
use crate::explain::{Conflict, explain};
use crate::frame::Frame;
use crate::recommend::{Advice, Hearing};
use crate::scope::Scope;
use crate::search::Search;
use crate::selection::Selection;
use crate::setting::Setting;
use crate::solver::{Effort, STEPS};
use crate::space::{Breadth, Space, Want};
use crate::terms::Terms;
use crate::{features, limits, named, order};

/// Resolves a product against a catalogue: the selection, or every reason why there is none.
///
/// # Errors
/// Every mistake in what the product says, and one diagnostic per conflict: a minimal set of facts
/// that cannot hold together, with the edits that would end it.
pub fn resolve<'c>(
    catalogue: &'c Catalogue,
    product: EffectiveProduct,
) -> Result<Selection<'c>, Vec<Diagnostic>> {
    resolve_for(catalogue, product, &Purpose::default()).map_err(|refused| refused.problems)
}

/// Resolves a product that a question has changed.
///
/// # Errors
/// As [`resolve`], with the repairs as data, too.
pub fn resolve_for<'c>(
    catalogue: &'c Catalogue,
    product: EffectiveProduct,
    purpose: &Purpose,
) -> Result<Selection<'c>, Refused> {
    let mut problems = Vec::new();
    let mut repairs = Vec::new();
    let Some(terms) = Terms::of(catalogue, &product, purpose.forced, &mut problems) else {
        return Err(Refused { problems, repairs });
    };
    named::check(&terms, &mut problems);
    let space = Space::reach(&terms, Breadth::Fitting);
    let scope = Scope { terms: &terms, space: &space };
    let chosen = choose(scope, &Effort::new());
    let complete = chosen.is_ok();
    let (members, advice) = match chosen {
        Ok(chosen) => chosen,
        Err(partial) => {
            let found = match partial.end {
                DeadEnd::Unserved if !purpose.briefly => explain(&terms, purpose),
                DeadEnd::Unserved | DeadEnd::Undecided => Vec::new(),
            };
            if purpose.briefly {
                let message = format!("`{}` has no selection", product.name.value);
                problems.push(Diagnostic::at(Code::Unsatisfiable, product.name.span, message));
            } else if found.is_empty() && !has_errors(&problems) {
                problems.push(undecided(&product, partial.end));
            }
            for conflict in found {
                problems.push(conflict.diagnostic);
                repairs.extend(conflict.repairs);
            }
            (partial.members, Vec::new())
        }
    };
    // What was chosen step by step is held against every rule once more.
    let sound = complete && is_sound(scope, &members);
    let mut components = assemble(scope, &members, &advice);
    features::apply(catalogue, &product, &mut components, !sound, &mut problems);
    if sound {
        named::useless(scope, &components, &mut problems);
    }
    let Frame { profile, board, .. } = terms.frame;
    let limits = limits::find(catalogue, &product, profile, board, &mut problems);
    if !sound || has_errors(&problems) {
        return Err(Refused { problems, repairs });
    }
    let Setting { board_name: board, kernel_name: kernel, .. } = terms.setting;
    let order = order::start_order(&components, &board);
    Ok(Selection { product, profile, board, kernel, components, order, limits, warnings: problems })
}

fn has_errors(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

/// Every conflict of a product: none when it has a selection, or names no frame to judge it in.
pub fn conflicts(catalogue: &Catalogue, product: &EffectiveProduct) -> Vec<Conflict> {
    match Terms::of(catalogue, product, None, &mut Vec::new()) {
        Some(terms) if !is_possible(&terms, &Effort::new()) => explain(&terms, &Purpose::default()),
        _ => Vec::new(),
    }
}

/// Whether some selection is found that keeps every rule; mistakes in what the product says are not
/// looked for.
pub fn is_possible(terms: &Terms<'_, '_>, effort: &Effort) -> bool {
    let space = Space::reach(terms, Breadth::Fitting);
    choose(Scope { terms, space: &space }, effort).is_ok()
}

/// That the search for a selection, or for the reason why there is none, took too long.
fn undecided(product: &EffectiveProduct, end: DeadEnd) -> Diagnostic {
    let name = &product.name.value;
    let message = match end {
        DeadEnd::Unserved => {
            format!("`{name}` has no selection, and no reason was found within {STEPS} steps")
        }
        DeadEnd::Undecided => {
            format!("whether `{name}` has a selection was not found out within {STEPS} steps")
        }
    };
    Diagnostic::at(Code::Undecided, product.name.span, message)
        .hint("list some of the components it is to have, or exclude some with `without`, so that less is left to choose".to_owned())
}

/// How far choosing came when no selection was found.
struct Partial {
    members: Members,
    end: DeadEnd,
}

impl Partial {
    /// As many members as can be, so that features can be judged.
    fn of(scope: Scope<'_, '_>, mut members: Members, end: DeadEnd) -> Self {
        while members.close(scope, &mut Hopeful).is_err() {}
        Self { members, end }
    }
}

/// Chooses: first without looking far ahead, which nearly always does; then, when that got lost, with
/// the solver beside every choice. Both follow the same order, so both would choose the same.
///
/// # Errors
/// What could be chosen, when no selection was found.
fn choose<'c>(
    scope: Scope<'_, 'c>,
    effort: &Effort,
) -> Result<(Members, Vec<Advice<'c>>), Partial> {
    let Scope { terms, space } = scope;
    let listed: Vec<usize> = terms.listed.iter().filter_map(|(id, _)| space.find(*id)).collect();
    let start = || {
        let mut members = Members::default();
        for at in &listed {
            members.add(scope, *at);
        }
        for want in &space.wants {
            if let Some(capability) = want.capability {
                members.require(scope, capability, 1);
            }
        }
        members
    };
    let mut members = start();
    let closed = members.close(scope, &mut Hopeful).is_ok();
    let served = |want: &Want| want.capability.is_some_and(|c| space.possible_givers(c) > 0);
    let kernels = &terms.frame.profile.kernels;
    let possible = listed.iter().all(|at| space.nodes[*at].possible)
        && space.wants.iter().all(served)
        && (kernels.is_empty() || kernels.find(&terms.setting.kernel_name).is_some());
    if !possible {
        return Err(Partial::of(scope, members, DeadEnd::Unserved));
    }
    let mut search = None;
    if !closed || !is_sound(scope, &members) {
        let found = match Search::start(scope, effort) {
            Ok(found) => found.ok_or(DeadEnd::Unserved),
            Err(exhausted) => Err(exhausted.into()),
        };
        let found = match found {
            Ok(found) => search.insert(found),
            Err(end) => return Err(Partial::of(scope, members, end)),
        };
        members = start();
        if let Err(end) = members.close(scope, found) {
            return Err(Partial { members, end });
        }
    }
    let mut hearing = Hearing { scope, members, search, effort };
    match hearing.follow() {
        Ok(advice) => Ok((hearing.members, advice)),
        Err(exhausted) => Err(Partial { members: hearing.members, end: exhausted.into() }),
    }
}
