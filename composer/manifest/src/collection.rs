//! Lists without repeats and mappings by name, which keep the place of every entry.

use schemars::{Schema, SchemaGenerator};
use serde_yaml::{Mapping, Value};
use tarsia_model::{Code, Diagnostic, Span, Spanned};

use crate::item::{Item, wrong_type};
use crate::node::{Kind, Node, Scalar};
use crate::reference::Page;

/// A list in which nothing stands twice, in the order written.
#[derive(Clone, Debug, PartialEq)]
pub struct Set<T>(pub Vec<Spanned<T>>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for Set<T> {
    type Target = [Spanned<T>];
    fn deref(&self) -> &[Spanned<T>] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a Spanned<T>;
    type IntoIter = std::slice::Iter<'a, Spanned<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: PartialEq> Set<T> {
    /// The entry equal to `value`.
    pub fn find(&self, value: &T) -> Option<&Spanned<T>> {
        self.0.iter().find(|entry| entry.value == *value)
    }
}

impl<T: Item + Ord + std::fmt::Display> Item for Set<T> {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let items = Vec::<Spanned<T>>::decode(node, problems)?;
        let mut seen: std::collections::BTreeMap<&T, Span> = std::collections::BTreeMap::new();
        for item in &items {
            if let Some(first) = seen.insert(&item.value, item.span) {
                let message = format!("`{}` stands twice in the list", item.value);
                problems.push(
                    Diagnostic::at(Code::DuplicateEntry, item.span, message)
                        .also(first, "first here")
                        .hint("remove one of them".to_owned()),
                );
            }
        }
        Some(Self(items))
    }
    fn encode(&self) -> Value {
        self.0.encode()
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let items = T::schema(generator);
        schemars::json_schema!({ "type": "array", "items": items, "uniqueItems": true })
    }
    fn describe(page: &mut Page) -> String {
        Vec::<T>::describe(page)
    }
    fn absent() -> Option<Self> {
        Some(Self::default())
    }
    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

/// One name or a list of names: `extends: a` or `extends: [a, b]`.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOrMany<T>(pub Set<T>);

impl<T> std::ops::Deref for OneOrMany<T> {
    type Target = [Spanned<T>];
    fn deref(&self) -> &[Spanned<T>] {
        &self.0
    }
}

impl<T: Item + Ord + std::fmt::Display> Item for OneOrMany<T> {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(_) => Spanned::<T>::decode(node, problems).map(|one| Self(Set(vec![one]))),
            _ => Set::decode(node, problems).map(Self),
        }
    }
    fn encode(&self) -> Value {
        match &*self.0.0 {
            [one] => one.encode(),
            _ => self.0.encode(),
        }
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (one, many) = (T::schema(generator), Set::<T>::schema(generator));
        schemars::json_schema!({ "anyOf": [one, many] })
    }
    fn describe(page: &mut Page) -> String {
        format!("{0}, or list of {0}", T::describe(page))
    }
    fn absent() -> Option<Self> {
        Some(Self(Set::default()))
    }
    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

/// A mapping from names to values, in the order written.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<K, V>(pub Vec<(Spanned<K>, V)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> Table<K, V> {
    /// Keys with their places, and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Spanned<K>, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The value under `key`.
    pub fn get<Q: PartialEq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.iter().find(|(known, _)| known.value.borrow() == key).map(|(_, value)| value)
    }

    /// Keys with their places.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Spanned<K>> {
        self.0.iter().map(|(key, _)| key)
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Item + std::fmt::Display, V: Item> Item for Table<K, V> {
    fn decode(node: &Node, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            problems.push(wrong_type(node, "a mapping"));
            return None;
        };
        let mut complete = true;
        let mut table = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let scalar = Scalar { text: key.value.clone(), quoted: true };
            let key = Node { span: key.span, kind: Kind::Scalar(scalar) };
            let entry = (Spanned::decode(&key, problems), V::decode(value, problems));
            match entry {
                (Some(key), Some(value)) => table.push((key, value)),
                _ => complete = false,
            }
        }
        complete.then_some(Self(table))
    }
    fn encode(&self) -> Value {
        let entries = self.0.iter().map(|(k, v)| (Value::String(k.to_string()), v.encode()));
        Value::Mapping(entries.collect::<Mapping>())
    }
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (names, values) = (K::schema(generator), V::schema(generator));
        schemars::json_schema!({
            "type": "object", "propertyNames": names, "additionalProperties": values
        })
    }
    fn describe(page: &mut Page) -> String {
        format!("mapping of {} to {}", K::describe(page), V::describe(page))
    }
    fn absent() -> Option<Self> {
        Some(Self::default())
    }
    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}
