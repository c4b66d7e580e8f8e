//! The resolver against a judge that tries every set of components: it finds a selection exactly
//! where there is one, the very one that the written order of choice leads to; and where there is
//! none, it tells facts that exclude each other, of which none can be left out.

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use support::judge::Parts;
use support::random::{Case, Need, Share, any_case};
use tarsia_manifest::{Memory, effective, load};
use tarsia_resolve::{Cause, Conflict, Fact, Premise, Selection, conflicts, resolve};

/// How many random catalogues each property is tried on. `TARSIA_CASES` asks for more.
fn cases() -> ProptestConfig {
    #[expect(clippy::disallowed_methods, reason = "a test may be asked to take longer")]
    let asked = std::env::var("TARSIA_CASES").ok().and_then(|count| count.parse().ok());
    let cases = asked.unwrap_or(10_000);
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    }
}

/// The numbers of a selection's components, without board and kernel.
fn numbers(selection: &Selection<'_>) -> Parts {
    let names = selection.components.keys().filter_map(|name| name.as_str().strip_prefix('c'));
    names.map(|number| number.parse().expect("a number")).collect()
}

/// Every component follows from the product or the profile, over the causes told.
fn is_caused(selection: &Selection<'_>) -> bool {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = reached.len();
        for (name, selected) in &selection.components {
            let caused = |cause: &Cause| cause.by().is_none_or(|by| reached.contains(by.as_str()));
            if selected.causes.iter().any(caused) {
                reached.insert(name.as_str());
            }
        }
        if reached.len() == before {
            return before == selection.components.len();
        }
    }
}

/// Each requirement is bound to exactly those that the rules say.
fn is_bound(case: &Case, selection: &Selection<'_>, set: &Parts) -> bool {
    selection.components.values().flat_map(|selected| &selected.bindings).all(|binding| {
        let bound: Vec<&str> = binding.providers.iter().map(|p| p.component.as_str()).collect();
        let capability = binding.requirement.capability.as_str();
        let Some(number) = capability.strip_prefix('k') else {
            return bound == ["board"];
        };
        let need = if binding.requirement.is_many() { Need::AtLeast(0) } else { Need::One };
        let bound_to = case.bound(set, number.parse().expect("a number"), need);
        let names: Vec<String> = bound_to.iter().map(|part| format!("c{part}")).collect();
        bound == names
    })
}

/// What is left of a case when only these facts hold, and the components whose features are free.
fn reduced(case: &Case, facts: &[&Premise]) -> (Case, Vec<usize>) {
    let mut left = case.clone();
    let has = |fact: Fact, part: Option<usize>| {
        facts.iter().any(|reason| kind(reason.fact) == kind(fact) && number(reason) == part)
    };
    let quoted = |reason: &Premise, at: usize| {
        let name = reason.text.split('`').nth(at).expect("a name in quotes");
        name.strip_prefix('k').map(|number| number.parse::<usize>().expect("a number"))
    };
    let about = |fact: Fact, part: usize, at: usize, capability: usize| {
        facts.iter().any(|reason| {
            kind(reason.fact) == kind(fact)
                && number(reason) == Some(part)
                && quoted(reason, at) == Some(capability)
        })
    };
    left.wishes.retain(|wish| has(Fact::Wish(0), Some(*wish)));
    left.without.retain(|part| has(Fact::Without(0), Some(*part)));
    for (list, by) in [(&mut left.wants, "product"), (&mut left.profile, "profile")] {
        list.retain(|capability| {
            facts.iter().any(|reason| {
                matches!(reason.fact, Fact::Want(_))
                    && reason.text.contains(by)
                    && quoted(reason, 1) == Some(*capability)
            })
        });
    }
    left.shared_uart = !facts
        .iter()
        .any(|reason| matches!(reason.fact, Fact::Owner(..)) && reason.text.contains("hw.uart"));
    let mut free = Vec::new();
    for (index, part) in left.parts.iter_mut().enumerate() {
        let placed = |wanted: fn(usize, usize) -> Fact, place: usize| {
            facts.iter().any(|reason| {
                let node = reason.fact.node().unwrap_or_default();
                number(reason) == Some(index) && reason.fact == wanted(node, place)
            })
        };
        let requires = part.requires.iter().enumerate().filter_map(|(place, (c, need, when))| {
            let need = match (placed(Fact::Need, place), placed(Fact::Single, place), need) {
                (true, true, need) => *need,
                (true, false, Need::AtLeast(least)) => Need::AtLeast(*least),
                (true, false, _) => Need::Any,
                (false, true, _) => Need::AtMostOne,
                (false, false, _) => return None,
            };
            Some((*c, need, *when))
        });
        part.requires = requires.collect();
        let conflicts = part.conflicts.iter().enumerate();
        let kept = conflicts.filter(|(place, _)| placed(Fact::Conflict, *place));
        part.conflicts = kept.map(|(_, conflict)| *conflict).collect();
        part.shy &= has(Fact::Unnamed(0), Some(index));
        part.class |= !has(Fact::Class(0), Some(index));
        part.arch |= !has(Fact::Arch(0), Some(index));
        let any = tarsia_manifest::CapabilityId(0);
        for (capability, provision) in &mut part.provides {
            provision.sole &= about(Fact::Sole(0, any), index, 3, *capability);
            if provision.share == Share::Exclusive
                && !about(Fact::Owner(0, any), index, 1, *capability)
            {
                provision.share = Share::Mutex;
            }
        }
        if !has(Fact::Feature(0, 0), Some(index)) {
            free.push(index);
        }
    }
    // Only where a condition is left does a feature matter.
    free.retain(|part| {
        let part = &left.parts[*part];
        part.requires.iter().any(|(_, _, when)| when.is_some())
            || part.conflicts.iter().any(|(_, when)| when.is_some())
            || part.provides.values().any(|provision| provision.when.is_some())
    });
    (left, free)
}

fn kind(fact: Fact) -> std::mem::Discriminant<Fact> {
    std::mem::discriminant(&fact)
}

fn texts(conflict: &Conflict) -> Vec<&str> {
    conflict.causes.iter().map(|reason| reason.text.as_str()).collect()
}

/// The number of the component that a fact is about.
fn number(reason: &Premise) -> Option<usize> {
    reason.component.as_ref()?.as_str().strip_prefix('c')?.parse().ok()
}

proptest! {
    #![proptest_config(cases())]

    /// Same satisfiability, same selection.
    #[test]
    fn resolves_as_the_rules_say(case in any_case()) {
        let expected = case.selections().chosen();
        case.workspace().resolve(|found, _| match found {
            Ok(selection) => {
                let set = numbers(&selection);
                prop_assert_eq!(Some(&set), expected.as_ref(), "{}", case.text());
                prop_assert!(is_caused(&selection), "without a cause: {selection:?}");
                prop_assert!(is_bound(&case, &selection, &set), "bound otherwise: {selection:?}");
                let ordered: BTreeSet<_> = selection.order.iter().collect();
                prop_assert_eq!(ordered, selection.components.keys().collect());
                Ok(())
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty(), "a refusal has a reason: {}", case.text());
                prop_assert_eq!(None, expected, "{}", case.text());
                Ok(())
            }
        })?;
    }

    /// Facts that are told as a conflict cannot hold together, and without any one of them the others
    /// can. Every repair ends a conflict.
    #[test]
    fn conflicts_are_minimal(case in any_case()) {
        let loaded = case.workspace().load();
        let product = effective(&loaded.catalogue, &"p".parse().expect("a name")).expect("a product");
        let found = conflicts(&loaded.catalogue, &product);
        let fits = case.wishes.iter().all(|wish| case.parts[*wish].arch && case.parts[*wish].class);
        if fits {
            prop_assert_eq!(found.is_empty(), !case.selections().is_empty());
        }
        for conflict in &found {
            let all: Vec<&Premise> = conflict.causes.iter().collect();
            let (left, free) = reduced(&case, &all);
            if free.len() > 3 {
                continue;
            }
            prop_assert!(!left.is_possible(&free), "{:#?} is no conflict in {}", texts(conflict), case.text());
            for reason in &all {
                // There is one board and one kernel here: no selection is without them.
                if matches!(reason.fact, Fact::Board | Fact::Kernel) {
                    continue;
                }
                let others: Vec<&Premise> = all.iter().copied().filter(|one| one != reason).collect();
                let (left, free) = reduced(&case, &others);
                prop_assert!(free.len() > 4 || left.is_possible(&free), "{} is not needed in {:#?} of {}", reason.text, texts(conflict), case.text());
            }
        }
        for conflict in &found {
            for repair in &conflict.repairs {
                let mut repaired = product.clone();
                repair.apply(&loaded.catalogue, &mut repaired).expect("an edit that can be made");
                let left = conflicts(&loaded.catalogue, &repaired).len();
                prop_assert!(left < found.len(), "{repair:?} repairs nothing");
            }
        }
    }

    #[test]
    fn the_order_of_files_does_not_matter(case in any_case(), folders in prop::collection::vec(0u8..4, 8)) {
        let moved = Case { folders, ..case.clone() };
        prop_assert_eq!(case.workspace().outcome(), moved.workspace().outcome());
    }

    /// With files missing, whatever is left is resolved or refused.
    #[test]
    fn holes_in_the_catalogue_are_survived(case in any_case(), gone in prop::collection::btree_set(0usize..11, 0..4)) {
        let files = case.workspace().0.into_iter().enumerate().filter(|(index, _)| !gone.contains(index));
        let loaded = load(&files.map(|(_, file)| file).collect::<Memory>());
        if let Ok(product) = effective(&loaded.catalogue, &"p".parse().expect("a name")) {
            let found = resolve(&loaded.catalogue, product);
            prop_assert!(found.map_or_else(|problems| !problems.is_empty(), |s| !s.components.is_empty()));
        }
    }
}
