//! `record!` and `choice!`: one definition of a mapping's keys, or of a set of words, from which come
//! the type, its reader, its writer, its JSON Schema and its part of the reference page.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json};
use tarsia_model::{Code, Diagnostic, Span, suggest};

use crate::item::{Item, wrong_type};
use crate::node::{Kind, Node};
use crate::scalar::without_article;

/// Defines a struct read from a mapping: `"key" field: Type,` per key, where the type says whether
/// the key may be absent. `short "key"` lets a single value stand for a mapping with only that key.
/// `check path` names a function that judges the whole and returns `None` to refuse it.
macro_rules! record {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident = $noun:literal $(short $short:literal)? $(check $check:path)? {
            $($(#[doc = $doc:literal])+ $key:literal $field:ident: $type:ty,)*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// Where it stands.
            pub span: tarsia_model::Span,
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl $crate::item::Item for $name {
            fn decode(
                node: &$crate::node::Node,
                problems: &mut Vec<tarsia_model::Diagnostic>,
            ) -> Option<Self> {
                let short: &[&str] = &[$($short)?];
                let fields = $crate::record::Fields::open($noun, &[$($key),*], short, node, problems)?;
                $(let $field = fields.take::<$type>($key, problems);)*
                let record = Self { span: node.span, $($field: $field?,)* };
                $($check(&record, problems)?;)?
                Some(record)
            }
            fn encode(&self) -> serde_yaml::Value {
                let mut mapping = serde_yaml::Mapping::new();
                $(if !$crate::item::Item::is_absent(&self.$field) {
                    mapping.insert($key.into(), $crate::item::Item::encode(&self.$field));
                })*
                mapping.into()
            }
            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<Self>()
            }
            fn describe(page: &mut $crate::reference::Page) -> String {
                page.section($noun, concat!($($about, "\n"),+), &[$($short)?], |page| vec![
                    $($crate::reference::Row {
                        key: $key,
                        about: concat!($($doc, "\n"),+),
                        required: <$type as $crate::item::Item>::absent().is_none(),
                        kind: <$type as $crate::item::Item>::describe(page),
                    },)*
                ])
            }
        }

        impl $crate::pack::Pack for $name {
            fn pack(&self, packer: &mut $crate::pack::Packer) {
                packer.span(self.span);
                $($crate::pack::Pack::pack(&self.$field, packer);)*
            }
            fn unpack(unpacker: &mut $crate::pack::Unpacker<'_>) -> Option<Self> {
                let span = unpacker.span()?;
                $(let $field = $crate::pack::Pack::unpack(unpacker)?;)*
                Some(Self { span, $($field,)* })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut object = $crate::record::Object::default();
                $(object.field::<$type>($key, concat!($($doc, "\n"),+), generator);)*
                object.finish(concat!($($about, "\n"),+), &[$($short)?])
            }
        }
    };
}
pub(crate) use record;

/// Defines an enum of words: `Variant = "word",` each.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $name:ident = $noun:literal { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)* }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)* }

        impl $name {
            /// Every choice, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word as manifests have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::pack::Pack for $name {
            fn pack(&self, packer: &mut $crate::pack::Packer) {
                packer.number(*self as u64);
            }
            fn unpack(unpacker: &mut $crate::pack::Unpacker<'_>) -> Option<Self> {
                Self::ALL.get(usize::try_from(unpacker.number()?).ok()?).copied()
            }
        }

        /// As its word.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                let known = Self::ALL.iter().copied().find(|known| known.as_str() == text);
                known.ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not {}", $noun)))
            }
        }

        impl $crate::item::Item for $name {
            fn decode(
                node: &$crate::node::Node,
                problems: &mut Vec<tarsia_model::Diagnostic>,
            ) -> Option<Self> {
                let scalar = $crate::item::scalar(node, $noun, problems)?;
                match scalar.text.as_str() {
                    $($word => Some(Self::$variant),)*
                    text => {
                        problems.push($crate::item::not_one_of(node, $noun, text, &[$($word),*]));
                        None
                    }
                }
            }
            fn encode(&self) -> serde_yaml::Value {
                self.as_str().into()
            }
            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "enum": [$($word),*] })
            }
            fn describe(_: &mut $crate::reference::Page) -> String {
                let words: &[(&str, &str)] = &[$(($word, concat!($($doc),+))),*];
                $crate::reference::words(words)
            }
        }
    };
}
pub(crate) use choice;

/// The entries of a mapping while a record is read from it.
pub struct Fields<'n> {
    noun: &'static str,
    span: Span,
    entries: Vec<(&'n str, &'n Node)>,
    /// Known keys that an unknown one was probably meant to be.
    meant: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Complains about a node that is no mapping and about keys that are not `known`.
    pub fn open(
        noun: &'static str,
        known: &[&'static str],
        short: &[&'static str],
        node: &'n Node,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let entries = match (&node.kind, short) {
            (Kind::Map(entries), _) => entries,
            (Kind::Scalar(scalar), [key]) if !scalar.is_null() => {
                return Some(Self {
                    noun,
                    span: node.span,
                    entries: vec![(*key, node)],
                    meant: Vec::new(),
                });
            }
            _ => {
                problems.push(wrong_type(node, &format!("a mapping ({noun})")));
                return None;
            }
        };
        let mut meant = Vec::new();
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            meant.extend(suggest::nearest(key, known.iter().copied()));
            let message = format!("unknown key `{}` in {noun}", key.escape_debug());
            let near = suggest::did_you_mean(key, known.iter().copied());
            let hint =
                near.unwrap_or_else(|| format!("{noun} has the keys {}", suggest::listed(known)));
            problems.push(Diagnostic::at(Code::UnknownKey, key.span, message).hint(hint));
        }
        let entries = entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
        Some(Self { noun, span: node.span, entries, meant })
    }

    /// Reads one key; complains when it is required and absent.
    pub fn take<T: Item>(&self, key: &str, problems: &mut Vec<Diagnostic>) -> Option<T> {
        match self.entries.iter().find(|(known, _)| *known == key) {
            Some((_, node)) => T::decode(node, problems),
            // A key that was mistyped is not reported as missing, too.
            None if self.meant.contains(&key) => T::absent(),
            None => T::absent().or_else(|| {
                let message = format!("{} needs the key `{key}`", self.noun);
                problems.push(Diagnostic::at(Code::MissingKey, self.span, message));
                None
            }),
        }
    }
}

/// A JSON Schema of a mapping while it is put together.
#[derive(Default)]
pub struct Object {
    properties: Map<String, Json>,
    required: Vec<Json>,
}

impl Object {
    /// Adds a key.
    pub fn field<T: Item>(&mut self, key: &str, about: &str, generator: &mut SchemaGenerator) {
        let mut schema = T::schema(generator);
        schema.insert("description".to_owned(), prose(about).into());
        self.properties.insert(key.to_owned(), schema.to_value());
        if T::absent().is_none() {
            self.required.push(key.into());
        }
    }

    /// The schema; a single value may stand for a mapping with only the key in `short`.
    pub fn finish(self, about: &str, short: &[&str]) -> Schema {
        let short = short.first().and_then(|key| self.properties.get(*key)).cloned();
        let mut object = json_schema!({
            "type": "object",
            "properties": self.properties,
            "additionalProperties": false
        });
        if !self.required.is_empty() {
            object.insert("required".to_owned(), self.required.into());
        }
        let mut schema = match short {
            Some(short) => json_schema!({ "anyOf": [short, object] }),
            None => object,
        };
        schema.insert("description".to_owned(), prose(about).into());
        schema
    }
}

/// Doc comments as running text: one line per paragraph.
pub fn prose(doc: &str) -> String {
    let paragraphs = doc.split("\n\n").map(|paragraph| {
        paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
    });
    paragraphs.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// A record's name for headings: its noun without the article.
pub fn heading(noun: &str) -> String {
    let noun = without_article(noun);
    let mut letters = noun.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
