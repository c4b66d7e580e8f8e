//! The way from a product to its selection: the frame, the choice, and when there is none, the
//! reasons.

use std::collections::BTreeMap;

use tarsia_manifest::{Catalogue, EffectiveProduct};
use tarsia_model::{Diagnostic, Severity, Span};

use crate::assemble::assemble;
use crate::attempt::{Purpose, Refused};
use crate::bind::is_sound;
use crate::closure::{Chooser, Conflicts, Hopeful, Members, Preferences};
use crate::explain::{Conflict, Doubt, explain};
use crate::formula::Rules;
use crate::frame::{Frame, wishes};
use crate::recommend::{Advice, follow};
use crate::search::Search;
use crate::selection::Selection;
use crate::setting::Setting;
use crate::space::{Breadth, Space};
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
    let Some(frame) = Frame::find(catalogue, &product, &mut problems) else {
        wishes(catalogue, &product, &mut problems);
        return Err(Refused { problems, repairs });
    };
    let mut listed = wishes(catalogue, &product, &mut problems);
    listed.splice(0..0, [(frame.board_id, frame.board_span), (frame.kernel_id, frame.kernel_span)]);
    listed.extend(purpose.forced.map(|id| (id, product.name.span)));
    let setting = Setting::new(catalogue, &product, &frame, listed.iter().map(|(id, _)| *id));
    named::check(catalogue, &product, &frame, &setting, &listed, &mut problems);
    let preferences = Preferences::new(catalogue, &product, frame.profile, &setting);
    let space = Space::reach(catalogue, &product, frame.profile, &setting, Breadth::Fitting);
    let listed: Vec<(usize, Span)> =
        listed.iter().filter_map(|(id, span)| Some((space.find(*id)?, *span))).collect();
    let conflicts = exclusions(&space, &setting);
    let chooser = Chooser { space: &space, preferences: &preferences, conflicts: &conflicts };
    let rules =
        Rules { space: &space, setting: &setting, frame: &frame, preferences: &preferences };
    let chosen = choose(&chooser, rules, &listed);
    let complete = chosen.is_ok();
    let (members, advice) = match chosen {
        Ok(chosen) => chosen,
        Err(partial) => {
            let (product, frame, setting) = (&product, &frame, &setting);
            let doubt = Doubt { catalogue, product, frame, setting, purpose };
            for conflict in explain(&doubt) {
                problems.push(conflict.diagnostic);
                repairs.extend(conflict.repairs);
            }
            (partial, Vec::new())
        }
    };
    // What was chosen step by step is held against every rule once more.
    let sound = complete && is_sound(&chooser, &members);
    let mut components = assemble(&chooser, &members, &listed, &advice);
    features::apply(catalogue, &product, &mut components, !sound, &mut problems);
    if sound {
        named::useless(&product, &space, &setting, &components, &mut problems);
    }
    let limits = limits::find(catalogue, &product, frame.profile, frame.board, &mut problems);
    if !sound || problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(Refused { problems, repairs });
    }
    let order = order::start_order(&components, &setting.board_name);
    Ok(Selection {
        product,
        profile: frame.profile,
        board: setting.board_name,
        kernel: setting.kernel_name,
        components,
        order,
        limits,
        warnings: problems,
    })
}

/// Every conflict of a product: none when it has a selection, or names no frame to judge it in.
pub fn conflicts(catalogue: &Catalogue, product: &EffectiveProduct) -> Vec<Conflict> {
    let mut ignored = Vec::new();
    let Some(frame) = Frame::find(catalogue, product, &mut ignored) else {
        return Vec::new();
    };
    let listed = wishes(catalogue, product, &mut ignored);
    let ids = listed.iter().map(|(id, _)| *id).chain([frame.board_id, frame.kernel_id]);
    let setting = Setting::new(catalogue, product, &frame, ids);
    if is_possible(catalogue, product, &frame, &setting) {
        return Vec::new();
    }
    let purpose = &Purpose::default();
    explain(&Doubt { catalogue, product, frame: &frame, setting: &setting, purpose })
}

/// Whether some selection keeps every rule; mistakes in what the product says are not looked for.
pub fn is_possible(
    catalogue: &Catalogue,
    product: &EffectiveProduct,
    frame: &Frame<'_>,
    setting: &Setting,
) -> bool {
    let preferences = Preferences::new(catalogue, product, frame.profile, setting);
    let space = Space::reach(catalogue, product, frame.profile, setting, Breadth::Fitting);
    let ids = setting.named.iter();
    let listed: Vec<(usize, Span)> =
        ids.filter_map(|id| Some((space.find(*id)?, frame.board_span))).collect();
    let conflicts = exclusions(&space, setting);
    let chooser = Chooser { space: &space, preferences: &preferences, conflicts: &conflicts };
    let rules = Rules { space: &space, setting, frame, preferences: &preferences };
    choose(&chooser, rules, &listed).is_ok()
}

/// Whom each node excludes.
fn exclusions(space: &Space<'_>, setting: &Setting) -> Conflicts {
    let components = &space.catalogue.components;
    let mut excluded = BTreeMap::new();
    for (at, node) in space.nodes.iter().enumerate() {
        let holding = node
            .manifest
            .conflicts
            .iter()
            .filter(|conflict| setting.holds(node.manifest, conflict.when.as_ref()))
            .filter_map(|conflict| components.id(conflict.component.as_str()));
        let ids: Vec<_> = holding.collect();
        if !ids.is_empty() {
            excluded.insert(at, ids);
        }
    }
    Conflicts(excluded)
}

/// Chooses: first without looking far ahead, which nearly always does; then, when that got lost, with
/// the solver beside every choice. Both follow the same order, so both would choose the same.
///
/// # Errors
/// What could be chosen, when there is no selection.
fn choose<'a, 'c>(
    chooser: &Chooser<'a, 'c>,
    rules: Rules<'a, 'c>,
    listed: &[(usize, Span)],
) -> Result<(Members, Vec<Advice<'c>>), Members> {
    let start = || {
        let mut members = Members::default();
        for (at, _) in listed {
            chooser.add(&mut members, *at);
        }
        for want in &chooser.space.wants {
            if let Some(capability) = want.capability {
                chooser.require(&mut members, capability, 1);
            }
        }
        members
    };
    let possible = listed.iter().all(|(at, _)| chooser.space.nodes[*at].possible)
        && chooser.space.wants.iter().all(|want| {
            want.capability.is_some_and(|capability| chooser.space.possible_givers(capability) > 0)
        });
    let mut members = start();
    let mut search = None;
    let mut closed = chooser.close(&mut members, &mut Hopeful).is_ok();
    let allowed = &rules.frame.profile.kernels;
    let kernel = allowed.is_empty() || allowed.find(&rules.setting.kernel_name).is_some();
    if !possible || !kernel {
        // As much as can be, so that features can be judged.
        while !closed {
            closed = chooser.close(&mut members, &mut Hopeful).is_ok();
        }
        return Err(members);
    }
    if !closed || !is_sound(chooser, &members) {
        let Some(mut found) = Search::start(rules) else {
            while !closed {
                closed = chooser.close(&mut members, &mut Hopeful).is_ok();
            }
            return Err(members);
        };
        members = start();
        if chooser.close(&mut members, &mut found).is_err() {
            return Err(members);
        }
        search = Some(found);
    }
    let advice = follow(chooser, rules, &mut members, &mut search);
    Ok((members, advice))
}
