//! The resolver against an oracle that tries every set of components.
//!
//! What the resolver finds is always right. That it finds something is promised only where
//! alternatives do not get in each other's way: it takes the preferred provider and never goes back.
//! How often it gives up too early on other catalogues is counted, so that a change for the worse
//! shows; a resolver that searches will bring the count to nothing.

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use support::random::{Case, any_case, calm_case};
use tarsia_manifest::{Memory, effective, load};
use tarsia_resolve::{Cause, Index, Selection, resolve};

/// The numbers of a selection's components, without board and kernel.
fn numbers(selection: &Selection<'_>) -> Vec<usize> {
    let names = selection.components.keys().filter_map(|name| name.as_str().strip_prefix('c'));
    names.map(|number| number.parse().expect("a number")).collect()
}

/// Every component follows from the product or the profile, over the causes told.
fn is_caused(selection: &Selection<'_>) -> bool {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    loop {
        let before = reached.len();
        for (name, selected) in &selection.components {
            let caused = selected.causes.iter().any(|cause| match cause {
                Cause::Product { .. } | Cause::Profile { .. } => true,
                Cause::Component { by, .. } => reached.contains(by.as_str()),
            });
            if caused {
                reached.insert(name.as_str());
            }
        }
        if reached.len() == before {
            return before == selection.components.len();
        }
    }
}

/// Each requirement is bound to exactly those that provide it.
fn is_bound(case: &Case, selection: &Selection<'_>, set: &[usize]) -> bool {
    selection.components.values().flat_map(|selected| &selected.bindings).all(|binding| {
        let bound: Vec<&str> = binding.providers.iter().map(|p| p.component.as_str()).collect();
        let capability = binding.requirement.capability.as_str();
        let Some(number) = capability.strip_prefix('k') else {
            return bound == ["board"];
        };
        let number = number.parse().expect("a number");
        let names: Vec<String> =
            case.providers(set, number).iter().map(|(part, _)| format!("c{part}")).collect();
        bound == names
    })
}

/// Whether the resolver finds something; what it finds must be right.
fn finds(case: &Case) -> Result<bool, TestCaseError> {
    case.workspace().resolve(|found, _| match found {
        Ok(selection) => {
            let set = numbers(&selection);
            prop_assert!(case.is_valid(&set), "not valid: {set:?}");
            prop_assert!(is_caused(&selection), "without a cause: {selection:?}");
            prop_assert!(is_bound(case, &selection, &set), "bound otherwise: {selection:?}");
            let ordered: BTreeSet<_> = selection.order.iter().collect();
            prop_assert_eq!(ordered, selection.components.keys().collect());
            Ok(true)
        }
        Err(problems) => {
            prop_assert!(!problems.is_empty(), "a refusal has a reason");
            Ok(false)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_right_and_the_impossible_is_refused(case in any_case()) {
        let found = finds(&case)?;
        prop_assert!(!found || case.solution().is_some());
    }

    #[test]
    fn alternatives_that_do_not_interfere_are_always_found(case in calm_case()) {
        let solution = case.solution();
        prop_assert_eq!(finds(&case)?, solution.is_some(), "{:?}: {}", solution, case.workspace().outcome());
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
            let found = resolve(&Index::new(&loaded.catalogue), product);
            prop_assert!(found.map_or_else(|problems| !problems.is_empty(), |s| !s.components.is_empty()));
        }
    }
}

/// Of 4,000 random catalogues, the same in every run.
#[test]
fn few_solutions_are_missed() {
    let mut runner = TestRunner::deterministic();
    let (mut solvable, mut missed) = (0, 0);
    for _ in 0..4000 {
        let case = any_case().new_tree(&mut runner).expect("a case").current();
        if case.solution().is_some() {
            solvable += 1;
            missed += usize::from(!finds(&case).expect("what is found is right"));
        }
    }
    println!("{missed} of {solvable} solvable catalogues were given up");
    assert!(solvable > 500, "the catalogues are worth resolving: {solvable}");
    assert!(missed * 100 <= solvable * 10, "{missed} of {solvable}");
}
