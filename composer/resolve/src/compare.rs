//! What differs between two selections, by value: of two products, of a product before and after an
//! edit, or of one product in two revisions of a workspace, whose places cannot be compared.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{Decided, EffectiveLimits};
use tarsia_model::{ByteSize, CapabilityName, Name};

use crate::promised::{Promised, promise};
use crate::selection::{Cause, FeatureSetting, Limit, LimitSource, Selected, Selection, User};

/// What differs from one selection to another. Places in what is called `before` are of the sources
/// of the first, those in what is called `after` of the second.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// Which of profile, board and kernel differ.
    pub frame: Vec<Switched<'a>>,
    /// Components that only the second has, by name.
    pub gained: Vec<Member<'a>>,
    /// Components that only the first has, by name.
    pub lost: Vec<Member<'a>>,
    /// What is served by other components, for components that both have, the product and the profile.
    pub rebound: Vec<Rebound<'a>>,
    /// Features that differ, of components that both have.
    pub features: Vec<Adjusted<'a>>,
    /// Limits of other sizes.
    pub limits: Vec<Relimited<'a>>,
    /// Promises of other sizes, of components that both have.
    pub promises: Vec<Promise<'a>>,
    /// What the gained promise to take at most.
    pub gained_size: Promised,
    /// What the lost promised to take at most.
    pub lost_size: Promised,
}

/// A component that only one selection has.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a Name,
    /// What it is in the selection that has it.
    pub selected: &'a Selected<'a>,
}

/// One of profile, board and kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switched<'a> {
    /// Which: the key of a product.
    pub key: &'static str,
    /// Its name in the first.
    pub before: &'a Name,
    /// Its name in the second.
    pub after: &'a Name,
}

/// Other providers of what someone requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebound<'a> {
    /// What is required.
    pub capability: &'a CapabilityName,
    /// Who requires it.
    pub user: User<'a>,
    /// Its providers in the first, by name; none where it was not required.
    pub before: Vec<&'a Name>,
    /// Its providers in the second, by name; none where it is not required.
    pub after: Vec<&'a Name>,
}

/// A feature with another value, or one that is the default in one selection and set in the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adjusted<'a> {
    /// Whose feature.
    pub component: &'a Name,
    /// Which.
    pub feature: &'a Name,
    /// As the first has it; none where it was not declared.
    pub before: Option<&'a FeatureSetting>,
    /// As the second has it; none where it is not declared.
    pub after: Option<&'a FeatureSetting>,
}

/// A limit of another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relimited<'a> {
    /// `flash` or `ram`.
    pub region: &'a str,
    /// Who limits.
    pub by: LimitSource,
    /// What is limited: one component; none for the whole image.
    pub component: Option<&'a Name>,
    /// In the first; none where nothing was limited.
    pub before: Option<ByteSize>,
    /// In the second; none where nothing is limited.
    pub after: Option<ByteSize>,
}

/// A promise of another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise<'a> {
    /// Whose promise.
    pub component: &'a Name,
    /// `flash` or `ram`.
    pub region: &'static str,
    /// In the first; none where it promised nothing.
    pub before: Option<ByteSize>,
    /// In the second; none where it promises nothing.
    pub after: Option<ByteSize>,
}

impl<'a> Comparison<'a> {
    /// What differs from `before` to `after`.
    pub fn of(before: &'a Selection<'a>, after: &'a Selection<'a>) -> Self {
        let (gained, lost) = (absent(after, before), absent(before, after));
        Self {
            frame: frame(before, after),
            rebound: rebound(before, after),
            features: features(before, after),
            limits: limits(before, after),
            promises: promises(before, after),
            gained_size: Promised::of(gained.iter().map(|one| one.selected)),
            lost_size: Promised::of(lost.iter().map(|one| one.selected)),
            gained,
            lost,
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.frame.is_empty()
            && self.gained.is_empty()
            && self.lost.is_empty()
            && self.rebound.is_empty()
            && self.features.is_empty()
            && self.limits.is_empty()
            && self.promises.is_empty()
    }

    /// Components that both have and of which something differs, by name.
    pub fn changed(&self) -> BTreeSet<&'a Name> {
        let rebound = self.rebound.iter().filter_map(|one| match one.user {
            User::Component(name) => Some(name),
            User::Product | User::Profile => None,
        });
        let features = self.features.iter().map(|one| one.component);
        let promises = self.promises.iter().map(|one| one.component);
        rebound.chain(features).chain(promises).collect()
    }
}

impl Adjusted<'_> {
    /// Whether only who decides the value differs.
    pub fn is_same_value(&self) -> bool {
        let value = |setting: Option<&FeatureSetting>| setting.map(|one| one.value.clone());
        value(self.before) == value(self.after)
    }
}

/// The components of one selection that the other does not have.
fn absent<'a>(of: &'a Selection<'a>, from: &Selection<'_>) -> Vec<Member<'a>> {
    let members = of.components.iter().map(|(name, selected)| Member { name, selected });
    members.filter(|member| from.get(member.name).is_none()).collect()
}

fn frame<'a>(before: &'a Selection<'a>, after: &'a Selection<'a>) -> Vec<Switched<'a>> {
    let parts = [
        ("profile", &before.profile.profile.value, &after.profile.profile.value),
        ("board", &before.board, &after.board),
        ("kernel", &before.kernel, &after.kernel),
    ];
    let parts = parts.into_iter().map(|(key, before, after)| Switched { key, before, after });
    parts.filter(|part| part.before != part.after).collect()
}

/// Who serves whom with what.
fn served<'a>(
    selection: &'a Selection<'a>,
    other: &Selection<'_>,
) -> BTreeMap<(&'a CapabilityName, User<'a>), BTreeSet<&'a Name>> {
    let mut served: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, selected) in &selection.components {
        for cause in &selected.causes {
            if let Cause::Wanted { capability, .. } | Cause::Profile { capability, .. } = cause {
                served.entry((capability, cause.user())).or_default().insert(name);
            }
        }
        // What is new or gone as a whole is bound otherwise as a whole.
        for binding in selected.bindings.iter().filter(|_| other.get(name).is_some()) {
            let key = (&binding.requirement.capability.value, User::Component(name));
            let providers = binding.providers.iter().map(|provider| &provider.component);
            served.entry(key).or_default().extend(providers);
        }
    }
    served
}

fn rebound<'a>(before: &'a Selection<'a>, after: &'a Selection<'a>) -> Vec<Rebound<'a>> {
    let (old, new) = (served(before, after), served(after, before));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    let providers = |map: &BTreeMap<_, BTreeSet<&'a Name>>, key: &_| -> Vec<&'a Name> {
        map.get(key).into_iter().flatten().copied().collect()
    };
    let compared = keys.into_iter().map(|key| Rebound {
        capability: key.0,
        user: key.1,
        before: providers(&old, &key),
        after: providers(&new, &key),
    });
    compared.filter(|one| one.before != one.after).collect()
}

/// Components that both have, with what each has of them.
fn common<'a>(
    before: &'a Selection<'a>,
    after: &'a Selection<'a>,
) -> impl Iterator<Item = (&'a Name, &'a Selected<'a>, &'a Selected<'a>)> {
    let old = before.components.iter();
    old.filter_map(|(name, old)| Some((name, old, after.get(name)?)))
}

fn features<'a>(before: &'a Selection<'a>, after: &'a Selection<'a>) -> Vec<Adjusted<'a>> {
    let mut found = Vec::new();
    for (component, old, new) in common(before, after) {
        let names: BTreeSet<&Name> = old.features.keys().chain(new.features.keys()).collect();
        for feature in names {
            let (before, after) = (old.features.get(feature), new.features.get(feature));
            let value = |setting: Option<&FeatureSetting>| {
                setting.map(|one| (one.value.clone(), one.set.is_some()))
            };
            if value(before) != value(after) {
                found.push(Adjusted { component, feature, before, after });
            }
        }
    }
    found
}

fn limits<'a>(before: &'a Selection<'a>, after: &'a Selection<'a>) -> Vec<Relimited<'a>> {
    let mut found = Vec::new();
    let regions: BTreeSet<&String> = before.limits.keys().chain(after.limits.keys()).collect();
    for region in regions {
        for by in [LimitSource::Board, LimitSource::Profile, LimitSource::Product] {
            let sizes = |selection: &Selection<'_>| -> Vec<ByteSize> {
                let all = selection.limits.get(region).into_iter().flatten();
                all.filter(|limit: &&Limit| limit.by == by).map(|limit| limit.size).collect()
            };
            let (mut old, mut new) = (sizes(before), sizes(after));
            // A profile has a ceiling and a budget: what stays is not compared with what does not.
            old.retain(|size| match new.iter().position(|other| other == size) {
                Some(place) => {
                    new.remove(place);
                    false
                }
                None => true,
            });
            for place in 0..old.len().max(new.len()) {
                let (before, after) = (old.get(place).copied(), new.get(place).copied());
                found.push(Relimited { region, by, component: None, before, after });
            }
        }
    }
    let (old, new) = (&before.product.budget.components, &after.product.budget.components);
    let names: BTreeSet<&Name> = old.keys().chain(new.keys()).collect();
    type Pick = fn(&EffectiveLimits) -> Option<&Decided<ByteSize>>;
    let regions: [(&str, Pick); 2] =
        [("flash", |limits| limits.flash.as_ref()), ("ram", |limits| limits.ram.as_ref())];
    for name in names {
        for (region, pick) in regions {
            let size = |limits: Option<&EffectiveLimits>| limits.and_then(pick).map(|s| s.value);
            let (before, after) = (size(old.get(name)), size(new.get(name)));
            if before != after {
                let (by, component) = (LimitSource::Product, Some(name));
                found.push(Relimited { region, by, component, before, after });
            }
        }
    }
    found
}

fn promises<'a>(before: &'a Selection<'a>, after: &'a Selection<'a>) -> Vec<Promise<'a>> {
    let each = common(before, after).flat_map(|(component, old, new)| {
        ["flash", "ram"].map(|region| Promise {
            component,
            region,
            before: promise(old, region),
            after: promise(new, region),
        })
    });
    each.filter(|one| one.before != one.after).collect()
}
