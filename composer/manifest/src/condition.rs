//! `when`: under which circumstances a requirement, a provision, a recommendation or a conflict
//! holds. All that a condition speaks of is decided before anything is chosen: the component's own
//! features, which only a product sets, and what board, kernel and profile a product names.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_yaml::Value;
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Spanned, suggest};

use crate::collection::{Set, Table};
use crate::feature::{Feature, FeatureValue};
use crate::item::Item;
use crate::node::{Kind, Node, Scalar};
use crate::pack::{Pack, Packer, Unpacker};
use crate::record::record;
use crate::reference::Page;

record! {
    /// A condition: all that it names must hold.
    pub struct Condition = "a condition" {
        /// Values of the component's own features, by feature.
        "features" features: Table<Name, FeatureTest>,
        /// One of these classes of devices (profiles).
        "classes" classes: Set<Name>,
        /// One of these architectures.
        "arch" arch: Set<Name>,
        /// One of these kernel flavours.
        "kernels" kernels: Set<Name>,
        /// One of these boards.
        "boards" boards: Set<Name>,
        /// Capabilities that the board provides, all of them.
        "hardware" hardware: Set<CapabilityName>,
    }
}

/// What a feature's value must be: a value, one of a list of values, or within a range.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureTest {
    /// One of these values.
    OneOf(Vec<Spanned<Scalar>>),
    /// Within this range.
    Range(Box<FeatureRange>),
}

record! {
    /// A range of values, both ends included.
    pub struct FeatureRange = "a range of values" {
        /// The smallest.
        "min" min: Option<Spanned<Scalar>>,
        /// The largest.
        "max" max: Option<Spanned<Scalar>>,
    }
}

impl FeatureTest {
    /// Every value that it names.
    pub fn values(&self) -> Vec<&Spanned<Scalar>> {
        match self {
            Self::OneOf(values) => values.iter().collect(),
            Self::Range(range) => range.min.iter().chain(&range.max).collect(),
        }
    }

    /// Whether a value of `feature` passes. What was refused when the component was read passes
    /// never.
    pub fn passes(&self, feature: &Feature, value: &FeatureValue) -> bool {
        let read = |scalar: &Spanned<Scalar>| feature.parse(&"", scalar).ok();
        match self {
            Self::OneOf(values) => values.iter().any(|one| read(one).as_ref() == Some(value)),
            Self::Range(range) => {
                let above = range.min.as_ref().is_none_or(|m| read(m).is_some_and(|m| m <= *value));
                let below = range.max.as_ref().is_none_or(|m| read(m).is_some_and(|m| m >= *value));
                above && below
            }
        }
    }

    /// The test as it is written, for messages: `true`, `[a, b]`, `from 2 to 8`.
    pub fn describe(&self) -> String {
        match self {
            Self::OneOf(values) => {
                let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
                suggest::alternatives(&texts)
            }
            Self::Range(range) => match (&range.min, &range.max) {
                (Some(min), Some(max)) => format!("{} to {}", min.text, max.text),
                (Some(min), None) => format!("at least {}", min.text),
                (None, Some(max)) => format!("at most {}", max.text),
                (None, None) => "anything".to_owned(),
            },
        }
    }
}

impl Pack for FeatureTest {
    fn pack(&self, packer: &mut Packer) {
        matches!(self, Self::Range(_)).pack(packer);
        match self {
            Self::OneOf(values) => values.pack(packer),
            Self::Range(range) => range.pack(packer),
        }
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        if bool::unpack(unpacker)? {
            Pack::unpack(unpacker).map(Self::Range)
        } else {
            Pack::unpack(unpacker).map(Self::OneOf)
        }
    }
}

impl Item for FeatureTest {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        match &node.kind {
            Kind::Map(_) => FeatureRange::decode(node, problems).map(Box::new).map(Self::Range),
            Kind::List(_) => Vec::decode(node, problems).map(Self::OneOf),
            Kind::Scalar(_) => Spanned::decode(node, problems).map(|one| Self::OneOf(vec![one])),
        }
    }
    fn encode(&self) -> Value {
        match self {
            Self::OneOf(values) => match values.as_slice() {
                [one] => one.encode(),
                _ => values.encode(),
            },
            Self::Range(range) => range.encode(),
        }
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (one, many) = (Scalar::schema(generator), Vec::<Scalar>::schema(generator));
        let range = FeatureRange::schema(generator);
        json_schema!({ "anyOf": [one, many, range] })
    }
    fn describe(page: &mut Page) -> String {
        format!("value, list of values, or {}", FeatureRange::describe(page))
    }
}

impl Condition {
    /// Judges it against the features of the component it belongs to.
    pub(crate) fn judge(&self, features: &Table<Name, Feature>, problems: &mut Vec<Diagnostic>) {
        let lists = [&self.classes, &self.arch, &self.kernels, &self.boards];
        let says_nothing = self.features.is_empty()
            && self.hardware.is_empty()
            && lists.iter().all(|list| list.is_empty());
        if says_nothing {
            problems.push(
                Diagnostic::at(Code::BadCondition, self.span, "a condition must name something")
                    .hint(
                        "remove `when`, or name a feature: `when: { features: { … } }`".to_owned(),
                    ),
            );
        }
        for (name, test) in self.features.iter() {
            let Some(feature) = features.get(&name.value) else {
                let known: Vec<&str> = features.keys().map(|key| key.value.as_str()).collect();
                let near = suggest::did_you_mean(name.as_str(), known.iter().copied());
                let message = format!(
                    "the condition names the feature `{name}`, which the component does not have",
                    name = name.value
                );
                let known = || match known.as_slice() {
                    [] => "declare it under `features`".to_owned(),
                    known => format!("its features are {}", suggest::listed(known)),
                };
                problems.push(
                    Diagnostic::at(Code::BadCondition, name.span, message)
                        .hint(near.unwrap_or_else(known)),
                );
                continue;
            };
            let (before, values) = (problems.len(), test.values());
            if values.is_empty() {
                let message = format!("no value of `{}` is named here", name.value);
                problems.push(Diagnostic::at(Code::BadCondition, name.span, message));
            }
            for value in &values {
                if let Err(problem) = feature.parse(&name.value, value) {
                    problems.push(Diagnostic { code: Code::BadCondition, ..*problem });
                }
            }
            let ends = values.iter().filter_map(|value| feature.parse(&"", value).ok());
            let ends: Vec<FeatureValue> = ends.collect();
            if let (FeatureTest::Range(range), [low, high]) = (test, ends.as_slice())
                && problems.len() == before
                && low > high
            {
                let message = format!("no value of `{}` is in this range", name.value);
                problems.push(Diagnostic::at(Code::BadCondition, range.span, message));
            }
        }
    }
}
