//! How a product differs from another state of it, ready to be told: a comparison with the places of
//! both sides, each looked up in its own texts.

use std::collections::BTreeMap;

use serde::Serialize;
use tarsia_manifest::{Decided, FeatureValue};
use tarsia_model::span::Location;
use tarsia_model::{ByteSize, CapabilityName, Name, SourceMap};

use crate::compare::{Comparison, Member, Promise, Relimited};
use crate::promised::{Promised, Total, promise};
use crate::selection::{FeatureSetting, Selection, User};
use crate::view::Ground;

/// How a product differs from another state of it.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The version of the firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Pair<Placed<String>>>,
    /// Which of profile, board and kernel differ, by key.
    #[serde(flatten)]
    pub frame: BTreeMap<&'static str, Pair<Placed<Name>>>,
    /// Components that came in, by name.
    pub gained: Vec<Arrival>,
    /// Components that went, by name.
    pub lost: Vec<Arrival>,
    /// Who is served by others, or served no longer.
    pub providers: Vec<Reserved>,
    /// Features with another value, of components that both have.
    pub features: Vec<Retuned>,
    /// Limits of other sizes.
    pub limits: Vec<Resized>,
    /// Promises of other sizes, of components that both have.
    pub promises: Vec<Resized>,
    /// What the components that came in promise to take at most.
    pub gained_size: Sums,
    /// What the components that went promised.
    pub lost_size: Sums,
}

/// The same thing on both sides; none where it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair<T> {
    /// On the first side.
    pub before: Option<T>,
    /// On the second side.
    pub after: Option<T>,
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it is set.
    pub origin: Location,
}

/// A component that only one side has.
#[derive(Clone, Debug, Serialize)]
pub struct Arrival {
    /// Its name.
    pub component: Name,
    /// What part of the product it is.
    pub layer: &'static str,
    /// What brought it in, first of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Ground>,
    /// Bytes of flash that it promises to take at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash: Option<ByteSize>,
    /// Bytes of RAM that it promises to take at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram: Option<ByteSize>,
}

/// Other providers of what someone requires.
#[derive(Clone, Debug, Serialize)]
pub struct Reserved {
    /// What is required.
    pub capability: CapabilityName,
    /// Who requires it: `product`, `profile` or `component`.
    pub by: &'static str,
    /// The component that requires it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Name>,
    /// Its providers on the first side; empty where it was not required.
    pub before: Vec<Name>,
    /// Its providers on the second side.
    pub after: Vec<Name>,
}

/// A feature with another value.
#[derive(Clone, Debug, Serialize)]
pub struct Retuned {
    /// `component.feature`.
    pub feature: String,
    /// Its values; none where it is not declared. Sizes are in bytes, durations in milliseconds.
    #[serde(flatten)]
    pub values: Pair<Tuned>,
}

/// A feature's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tuned {
    /// The value.
    pub value: FeatureValue,
    /// Whether the product sets it; otherwise it is the declared default.
    pub set: bool,
    /// Where it is set, or where the default is declared.
    pub origin: Location,
}

/// A limit or promise of another size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resized {
    /// `flash` or `ram`.
    pub region: String,
    /// Who limits it: `board`, `profile` or `product`; `component` for a promise.
    pub by: &'static str,
    /// The component that is limited or promises; none for the whole image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Name>,
    /// The sizes in bytes.
    #[serde(flatten)]
    pub sizes: Pair<ByteSize>,
}

/// Sums of what components promise, by region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Of flash.
    pub flash: Sum,
    /// Of RAM, without stacks.
    pub ram: Sum,
}

/// A sum of promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Bytes, of those components that promise something.
    pub promised: ByteSize,
    /// How many components promise nothing.
    pub unknown: usize,
}

impl Difference {
    /// How `after` differs from `before`, each with the texts of its places. That a value which was a
    /// default is now set, or the other way, is no difference.
    pub fn of(
        (before, old): (&Selection<'_>, &SourceMap),
        (after, new): (&Selection<'_>, &SourceMap),
    ) -> Self {
        let Comparison {
            frame: _,
            gained,
            lost,
            rebound,
            features,
            limits,
            promises,
            gained_size,
            lost_size,
        } = Comparison::of(before, after);
        let [a, b] = [&before.product, &after.product];
        let frame = [
            ("profile", pair((a.profile.as_ref(), old), (b.profile.as_ref(), new))),
            ("board", pair((a.board.as_ref(), old), (b.board.as_ref(), new))),
            ("kernel", pair((a.kernel.as_ref(), old), (b.kernel.as_ref(), new))),
        ];
        let frame = frame.into_iter().filter_map(|(key, pair)| Some((key, pair?)));
        let features = features.iter().filter(|feature| !feature.is_same_value());
        Self {
            version: pair((a.version.as_ref(), old), (b.version.as_ref(), new)),
            frame: frame.collect(),
            gained: gained.iter().map(|member| arrival(member, new)).collect(),
            lost: lost.iter().map(|member| arrival(member, old)).collect(),
            providers: rebound
                .into_iter()
                .map(|one| {
                    let (by, component) = match one.user {
                        User::Product => ("product", None),
                        User::Profile => ("profile", None),
                        User::Component(name) => ("component", Some(name.clone())),
                    };
                    Reserved {
                        capability: one.capability.clone(),
                        by,
                        component,
                        before: one.before.into_iter().cloned().collect(),
                        after: one.after.into_iter().cloned().collect(),
                    }
                })
                .collect(),
            features: features
                .map(|one| Retuned {
                    feature: format!("{}.{}", one.component, one.feature),
                    values: Pair {
                        before: one.before.map(|setting| tuned(setting, old)),
                        after: one.after.map(|setting| tuned(setting, new)),
                    },
                })
                .collect(),
            limits: limits
                .into_iter()
                .map(|Relimited { region, by, component, before, after }| Resized {
                    region: region.to_owned(),
                    by: by.as_str(),
                    component: component.cloned(),
                    sizes: Pair { before, after },
                })
                .collect(),
            promises: promises
                .into_iter()
                .map(|Promise { component, region, before, after }| Resized {
                    region: region.to_owned(),
                    by: "component",
                    component: Some(component.clone()),
                    sizes: Pair { before, after },
                })
                .collect(),
            gained_size: gained_size.into(),
            lost_size: lost_size.into(),
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.version.is_none()
            && self.frame.is_empty()
            && self.gained.is_empty()
            && self.lost.is_empty()
            && self.providers.is_empty()
            && self.features.is_empty()
            && self.limits.is_empty()
            && self.promises.is_empty()
    }
}

impl From<Promised> for Sums {
    fn from(promised: Promised) -> Self {
        let sum = |total: Total| Sum { promised: total.known, unknown: total.unknown };
        Self { flash: sum(promised.flash), ram: sum(promised.ram) }
    }
}

/// What a product sets, when it differs.
fn pair<T: Clone + PartialEq>(
    (before, old): (Option<&Decided<T>>, &SourceMap),
    (after, new): (Option<&Decided<T>>, &SourceMap),
) -> Option<Pair<Placed<T>>> {
    if before.map(|decided| &decided.value) == after.map(|decided| &decided.value) {
        return None;
    }
    let placed = |decided: &Decided<T>, sources: &SourceMap| Placed {
        value: decided.value.clone(),
        origin: sources.location(decided.span),
    };
    Some(Pair {
        before: before.map(|decided| placed(decided, old)),
        after: after.map(|decided| placed(decided, new)),
    })
}

fn tuned(setting: &FeatureSetting, sources: &SourceMap) -> Tuned {
    let origin = sources.location(setting.set.unwrap_or(setting.declared));
    Tuned { value: setting.value.clone(), set: setting.set.is_some(), origin }
}

fn arrival(member: &Member<'_>, sources: &SourceMap) -> Arrival {
    let Member { name, selected } = member;
    Arrival {
        component: (*name).clone(),
        layer: selected.manifest.layer.value.as_str(),
        cause: selected.causes.first().map(|cause| Ground::of(cause, sources)),
        flash: promise(selected, "flash"),
        ram: promise(selected, "ram"),
    }
}
