//! One setting of a product: the value that holds, the line that set it and the lines it overrode;
//! and, while products are put together, the values that may hold.

use std::collections::BTreeMap;

use tarsia_model::{Code, Diagnostic, Name, Span, Spanned};

use crate::ProductManifest;

/// A value with the places that brought it about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<T> {
    /// The value that holds.
    pub value: T,
    /// Where it stands.
    pub span: Span,
    /// Where its key stands; the value's own place for keys that every product has.
    pub key: Span,
    /// Where the values stand that it overrode, the most recent first.
    pub overrode: Vec<Span>,
}

impl<T: Clone> Decided<T> {
    /// The value with its place.
    pub fn spanned(&self) -> Spanned<T> {
        Spanned::new(self.value.clone(), self.span)
    }
}

/// Components in the order in which they are preferred.
#[derive(Clone, Debug)]
pub struct Preference(pub Vec<Spanned<Name>>);

impl std::fmt::Display for Preference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|name| name.as_str()).collect();
        write!(f, "[{}]", names.join(", "))
    }
}

/// The same names in the same order, wherever they stand.
impl PartialEq for Preference {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|name| &name.value).eq(other.0.iter().map(|name| &name.value))
    }
}

/// The values that may hold for one setting: of these, none overrides another.
#[derive(Clone, Debug)]
pub(crate) struct Slot<T>(pub(crate) Vec<Decided<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone + PartialEq + std::fmt::Display> Slot<T> {
    pub(crate) fn absorb(&mut self, other: &Self) {
        for value in &other.0 {
            let known =
                |mine: &Decided<T>| mine.span == value.span || mine.overrode.contains(&value.span);
            if !self.0.iter().any(known) {
                self.0.retain(|mine| !value.overrode.contains(&mine.span));
                self.0.push(value.clone());
            }
        }
    }

    pub(crate) fn decide(&mut self, value: T, span: Span, key: Span) {
        let mut overrode: Vec<Span> = Vec::new();
        for old in self.0.drain(..) {
            for span in std::iter::once(old.span).chain(old.overrode) {
                if !overrode.contains(&span) {
                    overrode.push(span);
                }
            }
        }
        self.0.push(Decided { value, span, key, overrode });
    }

    pub(crate) fn decide_from(&mut self, written: Option<&Spanned<T>>) {
        if let Some(written) = written {
            self.decide(written.value.clone(), written.span, written.span);
        }
    }

    /// The one value that holds, or the complaint that the product must decide about `what`.
    pub(crate) fn settle(
        self,
        what: &str,
        product: &ProductManifest,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Decided<T>> {
        let mut values = self.0.into_iter();
        let first = values.next()?;
        let others: Vec<_> = values.filter(|other| other.value != first.value).collect();
        if !others.is_empty() {
            let name = product.name();
            let place = product.extends.first().map_or(name.span, |parent| parent.span);
            let message = format!("what `{}` extends disagrees about {what}", name.value);
            let disagreement = Diagnostic::at(Code::ExtendsDisagree, place, message);
            let disagreement =
                std::iter::once(&first).chain(&others).fold(disagreement, |diagnostic, each| {
                    diagnostic.also(each.span, format!("{} here", each.value))
                });
            problems.push(disagreement.hint(format!("decide it in `{}` itself", name.value)));
        }
        Some(first)
    }
}

/// Takes over what a parent says about each key.
pub(crate) fn absorb_all<K: Clone + Ord, T: Clone + PartialEq + std::fmt::Display>(
    mine: &mut BTreeMap<K, Slot<T>>,
    parent: &BTreeMap<K, Slot<T>>,
) {
    for (key, slot) in parent {
        mine.entry(key.clone()).or_default().absorb(slot);
    }
}
