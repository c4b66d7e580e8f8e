//! Why there is no selection: every conflict of a product, each minimal, each with its repairs.

use std::collections::BTreeSet;

use tarsia_manifest::{Catalogue, ComponentId, EffectiveProduct};
use tarsia_model::{Diagnostic, Name, Span};

use crate::attempt::Purpose;
use crate::change::Change;
use crate::closure::Preferences;
use crate::core::Inquiry;
use crate::fact::{Fact, Wording};
use crate::formula::Rules;
use crate::frame::{Frame, wishes};
use crate::repair;
use crate::setting::Setting;
use crate::space::{Breadth, Space, supports_arch, supports_class};
use crate::tell::tell;

/// At most so many conflicts are told at once.
const CONFLICTS: usize = 20;

/// A product without a selection.
#[derive(Clone, Copy, Debug)]
pub struct Doubt<'a, 'c> {
    /// The catalogue.
    pub catalogue: &'c Catalogue,
    /// The product.
    pub product: &'a EffectiveProduct,
    /// Its frame.
    pub frame: &'a Frame<'c>,
    /// Its fixed points.
    pub setting: &'a Setting,
    /// What was changed on purpose.
    pub purpose: &'a Purpose,
}

/// Facts that cannot hold together, and what to do about it.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The facts. Without any one of them, the rest can hold.
    pub causes: Vec<Premise>,
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

/// Every conflict of a product, as far as they do not hide each other.
pub fn explain(doubt: &Doubt<'_, '_>) -> Vec<Conflict> {
    let Doubt { catalogue, product, frame, setting, purpose } = *doubt;
    let space = Space::reach(catalogue, product, frame.profile, setting, Breadth::All);
    let preferences = Preferences::new(catalogue, product, frame.profile, setting);
    let rules = Rules { space: &space, setting, frame, preferences: &preferences };
    let mut listed = wishes(catalogue, product, &mut Vec::new());
    listed.extend(purpose.forced.map(|id| (id, product.name.span)));
    let listed: Vec<(usize, Span)> =
        listed.iter().filter_map(|(id, span)| Some((space.find(*id)?, *span))).collect();
    let words = Wording { space: &space, setting, frame, product, wishes: &listed };
    let (found, _) = cores(rules, &words, CONFLICTS);
    let count = found.len();
    let conflict = |(core, diagnostic): (BTreeSet<Fact>, Diagnostic)| {
        let repairs = repair::find(doubt, &words, &core, count);
        let edits = repairs.iter().map(|change| change.edit(catalogue, product));
        let diagnostic = edits.fold(diagnostic, |diagnostic, edit| diagnostic.hint(edit));
        let reason = |fact: &Fact| Premise {
            fact: *fact,
            component: fact.node().map(|at| space.name(at).clone()),
            span: words.span(*fact),
            text: words.text(*fact),
        };
        Conflict { causes: core.iter().map(reason).collect(), repairs, diagnostic }
    };
    found.into_iter().map(conflict).collect()
}

/// Whether a product has fewer conflicts than so many, which is at least one, with a component that is
/// taken in any case. A product that names no frame to judge it in has not.
pub fn has_fewer(
    catalogue: &Catalogue,
    product: &EffectiveProduct,
    forced: Option<ComponentId>,
    than: usize,
) -> bool {
    let mut ignored = Vec::new();
    let Some(frame) = Frame::find(catalogue, product, &mut ignored) else {
        return false;
    };
    let listed = wishes(catalogue, product, &mut ignored);
    let ids =
        listed.iter().map(|(id, _)| *id).chain([frame.board_id, frame.kernel_id]).chain(forced);
    let setting = Setting::new(catalogue, product, &frame, ids.clone());
    // What is unfit by itself is no conflict, but nothing to propose either.
    let fits = |id| {
        let manifest = catalogue.components.at(id);
        supports_class(manifest, &setting.class) && supports_arch(manifest, &setting.arch)
    };
    if !ids.into_iter().all(fits) {
        return false;
    }
    if crate::resolve::is_possible(catalogue, product, &frame, &setting) {
        return true;
    }
    let space = Space::reach(catalogue, product, frame.profile, &setting, Breadth::All);
    let preferences = Preferences::new(catalogue, product, frame.profile, &setting);
    let rules =
        Rules { space: &space, setting: &setting, frame: &frame, preferences: &preferences };
    let words = Wording { space: &space, setting: &setting, frame: &frame, product, wishes: &[] };
    // That there is one more is known without knowing which.
    !cores(rules, &words, than - 1).1
}

/// Conflicts with their diagnostics, at most so many; and whether there are more.
fn cores(
    rules: Rules<'_, '_>,
    words: &Wording<'_, '_>,
    most: usize,
) -> (Vec<(BTreeSet<Fact>, Diagnostic)>, bool) {
    let mut inquiry = Inquiry::new(rules);
    let mut facts = inquiry.facts();
    already_told(words, &mut facts);
    let mut found: Vec<(BTreeSet<Fact>, Diagnostic)> = Vec::new();
    while found.len() < most
        && let Some(core) = inquiry.conflict(&facts)
    {
        let told = tell(&core, words);
        let before = facts.len();
        for same in &told.same {
            facts.remove(same);
        }
        if facts.len() == before {
            // What tells the same is not among the facts: leaving out any fact of the core ends it.
            core.first().map(|fact| facts.remove(fact));
        }
        found.push((core, told.diagnostic));
    }
    let more = found.len() == most && !inquiry.can_hold(&facts);
    (found, more)
}

/// What is wrong with what the product lists, by itself, was told where it is listed.
fn already_told(words: &Wording<'_, '_>, facts: &mut BTreeSet<Fact>) {
    let Wording { space, setting, .. } = *words;
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
