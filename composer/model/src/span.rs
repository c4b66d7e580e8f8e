//! Where a value was written: every value a user wrote keeps its place, so that any later stage can
//! point at the line instead of naming it in prose.

use std::ops::Range;
use std::sync::Arc;

/// One file in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A half-open range of bytes in one source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// First byte, counted from the start of the file.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span over `start..end` of `source`.
    pub const fn new(source: SourceId, start: u32, end: u32) -> Self {
        Self { source, start, end }
    }

    /// The empty span at the start of a file, for complaints about the file as a whole.
    pub const fn file(source: SourceId) -> Self {
        Self::new(source, 0, 0)
    }
}

/// A value with the place it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Pairs a value with its place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// Changes the value, keeps the place.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned::new(f(self.value), self.span)
    }

    /// Borrows the value with its place.
    pub const fn as_ref(&self) -> Spanned<&T> {
        Spanned::new(&self.value, self.span)
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Spanned<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// One loaded file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'m> {
    /// Path as messages show it: relative to the workspace, `/` separated.
    pub path: &'m str,
    /// The text; lossily decoded where the file was not UTF-8, so that it can still be shown.
    pub text: &'m str,
}

/// Every file that was loaded, by [`SourceId`].
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<(Arc<str>, Text)>,
    /// What texts are parts of that were not read from their own files.
    buffer: Arc<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Text {
    Own(Arc<str>),
    /// Judged when it is asked for: few texts ever are.
    Part(Range<usize>),
}

/// A place as people and editors write it: both counted from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Location {
    /// Path as messages show it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl SourceMap {
    /// An empty map whose texts may be parts of `buffer`.
    pub fn over(buffer: Arc<Vec<u8>>) -> Self {
        Self { sources: Vec::new(), buffer }
    }

    /// Adds a file and gives its id.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        self.push(path.into(), Text::Own(text.into()))
    }

    /// Adds a file whose text is a part of the buffer; what is no UTF-8 there is shown as empty.
    pub fn add_part(&mut self, path: impl Into<Arc<str>>, text: Range<usize>) -> SourceId {
        self.push(path.into(), Text::Part(text))
    }

    fn push(&mut self, path: Arc<str>, text: Text) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).expect("fewer than 2^32 files"));
        self.sources.push((path, text));
        id
    }

    /// The file with this id.
    ///
    /// # Panics
    /// When the id is of another map.
    pub fn get(&self, id: SourceId) -> Source<'_> {
        let (path, text) = &self.sources[id.0 as usize];
        let text = match text {
            Text::Own(text) => text,
            Text::Part(range) => {
                let bytes = self.buffer.get(range.clone()).unwrap_or_default();
                std::str::from_utf8(bytes).unwrap_or_default()
            }
        };
        Source { path, text }
    }

    /// The same texts under other paths, for messages about a workspace beside another.
    pub fn renamed(&self, rename: impl Fn(&str) -> String) -> Self {
        let renamed = |(path, text): &(Arc<str>, Text)| (rename(path).into(), text.clone());
        let sources = self.sources.iter().map(renamed).collect();
        Self { sources, buffer: self.buffer.clone() }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether no file was added yet.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The text a span covers; empty where the span lies outside the text.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// The line and column where a span starts.
    pub fn location(&self, span: Span) -> Location {
        let source = self.get(span.source);
        let mut start = (span.start as usize).min(source.text.len());
        while !source.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &source.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Location {
            file: source.path.to_string(),
            line: count(before.bytes().filter(|b| *b == b'\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn location_agrees_with_counting_by_hand(text in "[a-zé\n]{0,40}", at in 0usize..60) {
            let mut map = SourceMap::default();
            let id = map.add("f", text.as_str());
            let found = map.location(Span::new(id, at as u32, at as u32));
            let (mut line, mut column) = (1, 1);
            for (index, c) in text.char_indices() {
                if index + c.len_utf8() > at { break; }
                if c == '\n' { line += 1; column = 1; } else { column += 1; }
            }
            prop_assert_eq!((found.line, found.column), (line, column));
        }
    }
}
