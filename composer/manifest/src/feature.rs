//! Features: what a component lets a product adjust. A declaration is judged once, when the
//! component is read; a product's value is judged against it by [`Feature::parse`].

use schemars::{Schema, SchemaGenerator};
use tarsia_model::{ByteSize, Code, Diagnostic, Millis, Name, Span, Spanned, suggest};

use crate::collection::Set;
use crate::item::Item;
use crate::node::{Node, Scalar};
use crate::pack::{Pack, Packer, Unpacker};
use crate::record::{choice, record};
use crate::reference::Page;
use crate::scalar::size;

choice! {
    /// What kind of value a feature has.
    pub enum FeatureKind = "a feature's type" {
        /// `true` or `false`
        Bool = "bool",
        /// one of `values`
        Enum = "enum",
        /// whole number of 32 bits
        Int = "int",
        /// bytes, or with a binary unit
        Size = "size",
        /// time with a unit
        Duration = "duration",
        /// text
        String = "string",
    }
}

record! {
    /// A feature of a component, adjusted by products under `features`.
    pub struct FeatureDeclaration = "a feature" {
        /// What kind of value it has.
        "type" kind: Spanned<FeatureKind>,
        /// One line on what it adjusts, with its unit.
        "summary" summary: Spanned<String>,
        /// The value when the product does not say.
        "default" default: Spanned<Scalar>,
        /// The smallest value (int, size, duration); 0 when absent.
        "min" min: Option<Spanned<Scalar>>,
        /// The largest value (int, size, duration); the largest of the type when absent.
        "max" max: Option<Spanned<Scalar>>,
        /// The values (enum).
        "values" values: Set<Name>,
        /// The longest text in bytes (string); 255 when absent.
        "max-length" max_length: Option<Spanned<u64>>,
    }
}

/// The values a feature can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeatureType {
    /// True or false.
    Bool,
    /// One of these, in the order declared.
    Enum(Vec<Name>),
    /// A whole number in this inclusive range, within 32 bits.
    Int {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A size in this inclusive range, within 32 bits.
    Size {
        /// Smallest.
        min: ByteSize,
        /// Largest.
        max: ByteSize,
    },
    /// A duration in this inclusive range.
    Duration {
        /// Shortest.
        min: Millis,
        /// Longest.
        max: Millis,
    },
    /// A text of at most so many bytes.
    String {
        /// Longest, in bytes.
        max_length: u64,
    },
}

/// A value of a feature. Programs are told sizes in bytes and durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(untagged)]
pub enum FeatureValue {
    /// Of [`FeatureType::Bool`].
    Bool(bool),
    /// Of [`FeatureType::Enum`].
    Enum(Name),
    /// Of [`FeatureType::Int`].
    Int(u64),
    /// Of [`FeatureType::Size`].
    Size(ByteSize),
    /// Of [`FeatureType::Duration`].
    Duration(Millis),
    /// Of [`FeatureType::String`].
    String(String),
}

impl std::fmt::Display for FeatureValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Enum(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Size(value) => write!(f, "{value}"),
            Self::Duration(value) => write!(f, "{value}"),
            Self::String(value) => write!(f, "{value}"),
        }
    }
}

/// Why a value is not one of a type's; the text completes "`x` is …".
#[derive(Debug)]
enum Refusal {
    Type { message: String, hint: String },
    Range { message: String, hint: Option<String> },
}

impl FeatureType {
    /// The type with its range: `int from 0 to 3`.
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Enum(values) => {
                let words: Vec<&str> = values.iter().map(Name::as_str).collect();
                format!("one of {}", suggest::alternatives(&words))
            }
            Self::Int { min, max } => format!("int from {min} to {max}"),
            Self::Size { min, max } => format!("size from {min} to {max}"),
            Self::Duration { min, max: Millis(u64::MAX) } => format!("duration from {min}"),
            Self::Duration { min, max } => format!("duration from {min} to {max}"),
            Self::String { max_length } => format!("string of at most {max_length} bytes"),
        }
    }

    fn value(&self, scalar: &Scalar) -> Result<FeatureValue, Refusal> {
        let wrong =
            |what: &str, hint: String| Refusal::Type { message: format!("not {what}"), hint };
        let limits = |inside: bool, value: FeatureValue| {
            let message = || format!("out of range: {}", self.describe());
            if inside { Ok(value) } else { Err(Refusal::Range { message: message(), hint: None }) }
        };
        match self {
            Self::Bool => {
                let value = scalar.boolean().map_err(|hint| wrong("a bool", hint))?;
                Ok(FeatureValue::Bool(value))
            }
            Self::Enum(values) => match values.iter().find(|value| value.as_str() == scalar.text) {
                Some(value) => Ok(FeatureValue::Enum(value.clone())),
                None => Err(Refusal::Range {
                    message: format!("not {}", self.describe()),
                    hint: suggest::did_you_mean(&scalar.text, values.iter().map(Name::as_str)),
                }),
            },
            Self::Int { min, max } => {
                let value =
                    scalar.integer().map_err(|hint| match scalar.text.strip_prefix('-') {
                        Some(rest) if Scalar::plain(rest).integer().is_ok() && !scalar.quoted => {
                            let message = format!("out of range: {}", self.describe());
                            Refusal::Range { message, hint: None }
                        }
                        _ => wrong("an int", hint),
                    })?;
                limits((*min..=*max).contains(&value), FeatureValue::Int(value))
            }
            Self::Size { min, max } => {
                let value = size(scalar).map_err(|hint| wrong("a size", hint))?;
                limits((*min..=*max).contains(&value), FeatureValue::Size(value))
            }
            Self::Duration { min, max } => {
                let value: Millis =
                    scalar.text.parse().map_err(|hint| wrong("a duration", hint))?;
                limits((*min..=*max).contains(&value), FeatureValue::Duration(value))
            }
            Self::String { max_length } => {
                let inside = scalar.text.len() as u64 <= *max_length;
                limits(inside, FeatureValue::String(scalar.text.clone()))
            }
        }
    }
}

/// A feature whose declaration makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// As it was written.
    pub declaration: FeatureDeclaration,
    /// The values it can have.
    pub kind: FeatureType,
    /// The value when the product does not say.
    pub default: FeatureValue,
}

impl Feature {
    /// One line on what it adjusts.
    pub fn summary(&self) -> &str {
        &self.declaration.summary
    }

    /// Where it is declared.
    pub fn span(&self) -> Span {
        self.declaration.span
    }

    /// Judges a value that a product gives to this feature, called `name` in messages.
    ///
    /// # Errors
    /// `FeatureType` (E0411) or `FeatureRange` (E0412) with both places.
    pub fn parse(
        &self,
        name: &dyn std::fmt::Display,
        scalar: &Spanned<Scalar>,
    ) -> Result<FeatureValue, Box<Diagnostic>> {
        self.kind.value(scalar).map_err(|refusal| {
            let (code, message, hint) = match refusal {
                Refusal::Type { message, hint } => (Code::FeatureType, message, Some(hint)),
                Refusal::Range { message, hint } => (Code::FeatureRange, message, hint),
            };
            let message = format!("`{}` for `{name}` is {message}", scalar.text.escape_debug());
            Box::new(
                Diagnostic::at(code, scalar.span, message)
                    .also(self.limits_span(), "declared here")
                    .hint(hint),
            )
        })
    }

    /// The line that says what is allowed, rather than the start of the declaration.
    fn limits_span(&self) -> Span {
        let FeatureDeclaration { min, max, values, max_length, kind, .. } = &self.declaration;
        let limits = min.as_ref().or(max.as_ref()).map(|limit| limit.span);
        let limits = limits.or_else(|| values.first().map(|value| value.span));
        limits.or_else(|| max_length.as_ref().map(|max| max.span)).unwrap_or(kind.span)
    }
}

impl FeatureDeclaration {
    /// Judges the declaration itself.
    fn judge(self, problems: &mut Vec<Diagnostic>) -> Option<Feature> {
        let before = problems.len();
        self.refuse_foreign_keys(problems);
        let kind = self.judge_limits(problems);
        if problems.len() > before {
            return None;
        }
        let kind = kind?;
        match kind.value(&self.default) {
            Ok(default) => Some(Feature { declaration: self, kind, default }),
            Err(Refusal::Type { message, .. } | Refusal::Range { message, .. }) => {
                let message = format!("the default `{}` is {message}", self.default.text);
                problems.push(
                    Diagnostic::at(Code::BadFeature, self.default.span, message)
                        .also(self.kind.span, "declared here"),
                );
                None
            }
        }
    }

    fn refuse_foreign_keys(&self, problems: &mut Vec<Diagnostic>) {
        use FeatureKind::{Duration, Enum, Int, Size, String};
        let ranged: &[FeatureKind] = &[Int, Size, Duration];
        let keys = [
            ("min", self.min.as_ref().map(|min| min.span), ranged),
            ("max", self.max.as_ref().map(|max| max.span), ranged),
            ("values", self.values.first().map(|value| value.span), &[Enum]),
            ("max-length", self.max_length.as_ref().map(|max| max.span), &[String]),
        ];
        for (key, span, kinds) in keys {
            if let Some(span) = span.filter(|_| !kinds.contains(&self.kind.value)) {
                let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                let message = format!(
                    "`{key}` is for {}, but this is a feature of type `{}`",
                    suggest::alternatives(&words),
                    self.kind.value
                );
                problems.push(
                    Diagnostic::at(Code::BadFeature, span, message)
                        .also(self.kind.span, "declared here"),
                );
            }
        }
    }

    fn judge_limits(&self, problems: &mut Vec<Diagnostic>) -> Option<FeatureType> {
        const WIDEST: u64 = u32::MAX as u64;
        match self.kind.value {
            FeatureKind::Bool => Some(FeatureType::Bool),
            FeatureKind::Enum if self.values.is_empty() => {
                let message = "a feature of type `enum` needs its `values`";
                problems.push(
                    Diagnostic::at(Code::BadFeature, self.kind.span, message)
                        .hint("add `values: [a, b]`".to_owned()),
                );
                None
            }
            FeatureKind::Enum => {
                Some(FeatureType::Enum(self.values.iter().map(|v| v.value.clone()).collect()))
            }
            FeatureKind::Int => {
                let kind = |min, max| FeatureType::Int { min, max };
                let (min, max) = self.range(WIDEST, kind, problems)?;
                Some(kind(min, max))
            }
            FeatureKind::Size => {
                let kind = |min, max| FeatureType::Size { min: ByteSize(min), max: ByteSize(max) };
                let (min, max) = self.range(WIDEST, kind, problems)?;
                Some(kind(min, max))
            }
            FeatureKind::Duration => {
                let kind = |min, max| FeatureType::Duration { min: Millis(min), max: Millis(max) };
                let (min, max) = self.range(u64::MAX, kind, problems)?;
                Some(kind(min, max))
            }
            FeatureKind::String => {
                let max_length = self.max_length.as_ref().map_or(255, |max| max.value);
                Some(FeatureType::String { max_length })
            }
        }
    }

    /// `min` and `max` as plain numbers, each within `0..=widest` and in order.
    fn range(
        &self,
        widest: u64,
        kind: impl Fn(u64, u64) -> FeatureType,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<(u64, u64)> {
        let mut limit = |key: &str, written: &Option<Spanned<Scalar>>, absent: u64| {
            let Some(written) = written else {
                return Some(absent);
            };
            match kind(0, widest).value(written) {
                Ok(FeatureValue::Int(number)) => Some(number),
                Ok(FeatureValue::Size(ByteSize(bytes))) => Some(bytes),
                Ok(FeatureValue::Duration(Millis(millis))) => Some(millis),
                Ok(_) => None,
                Err(Refusal::Type { message, .. } | Refusal::Range { message, .. }) => {
                    let message = format!("`{key}: {}` is {message}", written.text);
                    problems.push(
                        Diagnostic::at(Code::BadFeature, written.span, message)
                            .also(self.kind.span, "declared here"),
                    );
                    None
                }
            }
        };
        let (min, max) = (limit("min", &self.min, 0), limit("max", &self.max, widest));
        let (min, max) = (min?, max?);
        if let (true, Some(low), Some(high)) = (min > max, &self.min, &self.max) {
            let message = format!("`min` {} is larger than `max` {}", low.text, high.text);
            problems.push(
                Diagnostic::at(Code::BadFeature, low.span, message).also(high.span, "the largest"),
            );
            return None;
        }
        Some((min, max))
    }
}

/// Only what was written is packed; the rest follows from it.
impl Pack for Feature {
    fn pack(&self, packer: &mut Packer) {
        self.declaration.pack(packer);
    }
    fn unpack(unpacker: &mut Unpacker<'_>) -> Option<Self> {
        FeatureDeclaration::unpack(unpacker)?.judge(&mut Vec::new())
    }
}

impl Item for Feature {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        FeatureDeclaration::decode(node, problems)?.judge(problems)
    }
    fn encode(&self) -> serde_yaml::Value {
        self.declaration.encode()
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        FeatureDeclaration::schema(generator)
    }
    fn describe(page: &mut Page) -> String {
        FeatureDeclaration::describe(page)
    }
}
