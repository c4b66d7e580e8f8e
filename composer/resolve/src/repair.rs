//! What could be edited so that a conflict ends: for each of its facts the ways to change it, each
//! tried before it is proposed.

use std::collections::BTreeSet;

use tarsia_manifest::{FeaturePath, Layer, Scalar};
use tarsia_model::Name;

use crate::attempt::Purpose;
use crate::change::Change;
use crate::domain;
use crate::explain::has_fewer;
use crate::fact::Fact;
use crate::scope::Scope;
use crate::solver::Effort;

/// At most so many repairs are shown.
const SHOWN: usize = 4;

/// At most so many are tried.
const TRIED: usize = 24;

/// Repairs of a conflict, the smallest edits first. `count` is how many conflicts the product has;
/// a repair leaves fewer.
pub fn find(
    scope: Scope<'_, '_>,
    purpose: &Purpose,
    core: &BTreeSet<Fact>,
    count: usize,
    effort: &Effort,
) -> Vec<Change> {
    let catalogue = scope.terms.catalogue;
    let mut ways: BTreeSet<Change> = BTreeSet::new();
    for fact in core {
        change(scope, *fact, &mut ways);
    }
    let works = |way: &Change| {
        let mut product = scope.terms.product.clone();
        way.apply(catalogue, &mut product).is_ok()
            && has_fewer(catalogue, &product, purpose.forced, count, effort)
    };
    ways.retain(|way| !purpose.is_against(way));
    ways.into_iter().take(TRIED).filter(works).take(SHOWN).collect()
}

/// The ways to change a fact by editing the product.
fn change(scope: Scope<'_, '_>, fact: Fact, ways: &mut BTreeSet<Change>) {
    let (space, setting) = (scope.space, &scope.terms.setting);
    let name = |at: usize| space.name(at).clone();
    let components = &space.catalogue.components;
    let others = |layer: Layer, but: &Name| -> Vec<Name> {
        let all = components.of_layer(layer).map(|id| components.name(id).clone());
        all.filter(|other| other != but).collect()
    };
    match fact {
        Fact::Wish(at) => drop(ways.insert(Change::Remove(name(at)))),
        Fact::Without(at) => drop(ways.insert(Change::Allow(name(at)))),
        Fact::Unnamed(at) => drop(ways.insert(Change::Add(name(at)))),
        Fact::Want(want) if !space.wants[want].by_profile => {
            ways.insert(Change::Waive(space.wants[want].name.clone()));
        }
        Fact::Board => {
            ways.extend(others(Layer::Board, &setting.board_name).into_iter().map(Change::Board));
        }
        Fact::Kernel => {
            let kernels = others(Layer::Kernel, &setting.kernel_name);
            let allowed = &scope.terms.frame.profile.kernels;
            let allowed = |name: &Name| allowed.is_empty() || allowed.find(name).is_some();
            ways.extend(kernels.into_iter().filter(allowed).map(Change::Kernel));
        }
        Fact::Feature(at, place) => {
            let (feature, declared) = &space.nodes[at].manifest.features.0[place];
            let path = FeaturePath { component: name(at), feature: feature.value.clone() };
            let manifest = space.nodes[at].manifest;
            let Some(now) = setting.value(manifest, feature.value.as_str()) else { return };
            let values = domain::values(manifest, feature.value.as_str(), declared, &now);
            for value in values.into_iter().filter(|value| *value != now) {
                ways.insert(Change::Set(path.clone(), Scalar::plain(value.to_string())));
            }
        }
        Fact::Single(at, place) => {
            let capability = &space.nodes[at].manifest.requires[place].capability;
            for id in
                components.capability(capability.as_str()).map_or(&[][..], |id| space.givers(id))
            {
                if setting.named.contains(&space.nodes[*id].id) {
                    ways.insert(Change::Prefer(capability.value.clone(), name(*id)));
                }
            }
        }
        Fact::Want(_)
        | Fact::Need(..)
        | Fact::Conflict(..)
        | Fact::Sole(..)
        | Fact::Owner(..)
        | Fact::Class(_)
        | Fact::Arch(_)
        | Fact::Kernels => {}
    }
}
