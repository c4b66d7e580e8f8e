//! What is told about a selection is so: on random catalogues, every line that is told to lead
//! somewhere does, every edit that is proposed does what it is proposed for, and what is called
//! impossible is impossible to an oracle that tries every set of components.

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use support::judge::Parts;
use support::random::{Case, OFFERED, any_case, calm_case};
use support::workspace::Workspace;
use tarsia_manifest::{Catalogue, EffectiveProduct, effective};
use tarsia_model::Diagnostic;
use tarsia_resolve::{
    Cause, Change, Reason, Remedy, Selection, Subject, User, Why, attempt, resolve, why_not,
};

/// The product of a workspace with its catalogue.
fn with_product<T>(
    workspace: &Workspace,
    read: impl FnOnce(&Catalogue, &EffectiveProduct) -> T,
) -> T {
    let loaded = workspace.load();
    let product = effective(&loaded.catalogue, &"p".parse().expect("a name")).expect("a product");
    read(&loaded.catalogue, &product)
}

fn subject(text: &str) -> Subject {
    match text.strip_prefix('k') {
        Some(rest) if rest.parse::<u8>().is_ok() => {
            Subject::Capability(text.parse().expect("a capability"))
        }
        _ => Subject::Component(text.parse().expect("a name")),
    }
}

/// Whether a line is in the selection as it is told.
fn holds(selection: &Selection<'_>, reason: &Reason<'_>) -> bool {
    let noted = selection.components[reason.to].causes.contains(reason.cause);
    let bound = match reason.cause {
        Cause::Component { by, capability, .. } => {
            let mut bindings = selection.components[by].bindings.iter();
            bindings.any(|binding| {
                binding.requirement.capability.value == *capability
                    && binding.providers.iter().any(|one| one.component == *reason.to)
            })
        }
        _ => true,
    };
    noted && bound && reason.from == reason.cause.user()
}

/// How many ways lead from a component back to the product or the profile, by trying all.
fn count<'s>(selection: &'s Selection<'_>, passed: &mut Vec<User<'s>>) -> usize {
    let Some(User::Component(to)) = passed.last().copied() else { return 1 };
    let by: BTreeSet<User<'s>> = selection.components[to].causes.iter().map(Cause::user).collect();
    let mut found = 0;
    for from in by {
        if !passed.contains(&from) {
            passed.push(from);
            found += count(selection, passed);
            passed.pop();
        }
    }
    found
}

/// A case after changes; none when they say more than a case can.
fn changed(case: &Case, changes: &[Change]) -> Option<Case> {
    let mut case = case.clone();
    let number = |name: &str| name[1..].parse::<usize>().expect("a number");
    for change in changes {
        match change {
            Change::Add(name) => {
                case.wishes.insert(number(name.as_str()));
                case.without.remove(&number(name.as_str()));
            }
            Change::Remove(name) => {
                let gone = number(name.as_str());
                if !case.wishes.contains(&gone) {
                    return None;
                }
                case.wishes.retain(|wish| *wish != gone);
            }
            Change::Require(capability) => case.wants.push(number(capability.as_str())),
            _ => return None,
        }
    }
    Some(case)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_leads_somewhere_is_told_in_full(case in any_case()) {
        with_product(&case.workspace(), |catalogue, product| {
            let Ok(selection) = resolve(catalogue, product.clone()) else { return Ok(()) };
            for name in selection.components.keys() {
                let why = Why::of(&selection, &Subject::Component(name.clone()));
                let why = why.expect("it is in the selection");
                prop_assert!(why.reasons.iter().all(|reason| holds(&selection, reason)));
                let chains = why.chains(100);
                prop_assert!(chains.complete);
                let found = chains.shortest.len() + chains.more;
                prop_assert_eq!(found, count(&selection, &mut vec![User::Component(name)]));
                prop_assert!(chains.shortest.is_sorted_by_key(Vec::len));
                for chain in &chains.shortest {
                    prop_assert_eq!(chain.last().map(|reason| reason.to), Some(name));
                    prop_assert!(matches!(chain[0].from, User::Product | User::Profile));
                    let linked = |pair: &[Reason<'_>]| pair[1].from == User::Component(pair[0].to);
                    prop_assert!(chain.windows(2).all(linked));
                    let passed: BTreeSet<_> = chain.iter().map(|reason| reason.to).collect();
                    prop_assert_eq!(passed.len(), chain.len());
                }
            }
            Ok(())
        })?;
    }

    /// Where alternatives do not get in each other's way, nothing else can take the place of the
    /// lines that lead somewhere.
    #[test]
    fn without_what_leads_there_it_goes(case in calm_case()) {
        with_product(&case.workspace(), |catalogue, product| {
            let Ok(selection) = resolve(catalogue, product.clone()) else { return Ok(()) };
            for name in selection.components.keys().filter(|name| name.as_str().starts_with('c')) {
                let asked = Subject::Component(name.clone());
                let why = Why::of(&selection, &asked).expect("it is in the selection");
                let firsts: Vec<_> =
                    why.chains(1000).shortest.iter().map(|chain| chain[0]).collect();
                if firsts.iter().any(|first| first.from == User::Profile) {
                    continue;
                }
                let wishes: BTreeSet<_> = firsts.iter().map(|first| first.to.clone()).collect();
                let drop: Vec<Change> = wishes.into_iter().map(Change::Remove).collect();
                let after = attempt(catalogue, product, &drop).expect("less is asked for");
                prop_assert!(!asked.is_in(&after), "{name} stays: {after:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_would_bring_something_in_does(case in any_case()) {
        with_product(&case.workspace(), |catalogue, product| {
            let Ok(selection) = resolve(catalogue, product.clone()) else { return Ok(()) };
            let names = (0..case.parts.len()).map(|part| format!("c{part}"));
            let capabilities = (0..OFFERED).map(|capability| format!("k{capability}"));
            for text in names.chain(capabilities) {
                let asked = subject(&text);
                if asked.is_in(&selection) {
                    continue;
                }
                let found = why_not(catalogue, &selection, &asked);
                prop_assert!(!found.absences.is_empty(), "{text} is absent for no reason");
                let edits = match &found.remedy {
                    Remedy::Edit(edit) => std::slice::from_ref(&**edit),
                    Remedy::Unknown => &[],
                    Remedy::Conflict { problems, edits } => {
                        prop_assert!(!problems.is_empty());
                        let way = match &asked {
                            Subject::Component(name) => Change::Add(name.clone()),
                            Subject::Capability(name) => Change::Require(name.clone()),
                        };
                        let with = changed(&case, &[way]).expect("a case");
                        prop_assert!(with.selections().is_empty(), "{} is possible", text);
                        edits
                    }
                };
                for edit in edits {
                    let after = attempt(catalogue, product, &edit.changes);
                    let after = after.map_err(|refused| refused.problems).expect("it was tried");
                    prop_assert!(asked.is_in(&after), "{text}: {:?}", edit.changes);
                    let set: Parts = after
                        .components
                        .keys()
                        .filter_map(|name| name.as_str().strip_prefix('c')?.parse().ok())
                        .collect();
                    if let Some(with) = changed(&case, &edit.changes) {
                        prop_assert!(with.is_valid(&set), "{text}: {:?}", edit.changes);
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn every_repair_ends_a_conflict(case in any_case()) {
        with_product(&case.workspace(), |catalogue, product| {
            let Err(refused) = attempt(catalogue, product, &[]) else { return Ok(()) };
            for repair in &refused.repairs {
                let after = attempt(catalogue, product, std::slice::from_ref(repair));
                let left = after.map_or_else(|refused| refused.problems, |_| Vec::new());
                let texts = |problems: &[Diagnostic]| -> Vec<String> {
                    problems.iter().map(|one| format!("{} {}", one.code, one.message)).collect()
                };
                let (before, after) = (texts(&refused.problems), texts(&left));
                prop_assert!(after.len() < before.len(), "{repair:?} of {before:#?} leaves {after:#?} in {}", case.text());
            }
            Ok(())
        })?;
    }
}
