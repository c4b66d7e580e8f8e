//! The only place that knows the YAML library: text → [`Node`] tree, from the event stream of
//! serde-saphyr's parser. Events carry what its serde layer drops (the end of every value, the text
//! of numbers, quoting, every duplicate key), so one pass can report all problems of a file.
//! Nothing is expanded but aliases, and those under the same limits as everything else.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_saphyr::granit_parser as parser;
use tarsia_model::{Code, Diagnostic, SourceId, Span, Spanned};

use crate::node::{Kind, Node, Scalar};

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// The most values a file may hold after its aliases are expanded.
pub const MAX_NODES: usize = 50_000;
/// How deep lists and mappings may nest; a manifest needs six.
pub const MAX_DEPTH: usize = 32;

type Fatal = Box<Diagnostic>;
type Events<'t> = parser::Parser<'t, parser::StrInput<'t>>;

/// Reads one document. Problems that do not keep the rest from being read (duplicate keys) are
/// added to `problems` beside the first that does; `None` when there is no tree.
pub fn parse(source: SourceId, text: &str, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    let options = parser::options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH * 2,
        block_nesting_limit: MAX_DEPTH * 2,
    };
    let events = Events::new_from_str_with_options(text, options);
    let mut builder =
        Builder { events, source, len: text.len(), nodes: 0, anchors: BTreeMap::new(), problems };
    match builder.document() {
        Ok(node) => Some(node),
        Err(fatal) => {
            problems.push(*fatal);
            None
        }
    }
}

struct Builder<'t, 'p> {
    events: Events<'t>,
    source: SourceId,
    len: usize,
    nodes: usize,
    /// By the parser's id; `None` while the anchored value itself is being read.
    anchors: BTreeMap<usize, Option<Node>>,
    problems: &'p mut Vec<Diagnostic>,
}

impl<'t> Builder<'t, '_> {
    fn document(&mut self) -> Result<Node, Fatal> {
        let empty = |span| {
            Diagnostic::at(Code::EmptyFile, span, "the file holds no manifest")
                .hint("write the manifest, or delete the file".to_owned())
        };
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                parser::Event::DocumentStart(..) if root.is_some() => {
                    let message = "a second document starts here; a file holds one manifest";
                    return Err(self.fatal(Code::SeveralDocuments, span, message));
                }
                parser::Event::StreamEnd => break,
                parser::Event::StreamStart
                | parser::Event::DocumentStart(..)
                | parser::Event::DocumentEnd => {}
                event => root = Some(self.node(event, span, 1)?),
            }
        }
        match root {
            Some(Node { kind: Kind::Scalar(scalar), span }) if scalar.is_null() => {
                Err(Box::new(empty(span)))
            }
            Some(node) => Ok(node),
            None => Err(Box::new(empty(Span::file(self.source)))),
        }
    }

    fn next(&mut self) -> Result<(parser::Event<'t>, Span), Fatal> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                let span = self.span(span.start, span.end);
                Ok((event, span))
            }
            Some(Err(error)) => Err(self.syntax(&error)),
            None => {
                let end = u32::try_from(self.len).unwrap_or(u32::MAX);
                let span = Span::new(self.source, end, end);
                Err(self.fatal(Code::YamlSyntax, span, "the file ends inside a value"))
            }
        }
    }

    fn node(&mut self, event: parser::Event<'t>, span: Span, depth: usize) -> Result<Node, Fatal> {
        self.room(1, depth, span)?;
        let (anchor, tag) = match &event {
            parser::Event::Scalar(_, _, anchor, tag)
            | parser::Event::SequenceStart(_, anchor, tag)
            | parser::Event::MappingStart(_, anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if tag {
            let message = "manifests have no YAML tags";
            return Err(self.fatal(Code::YamlFeature, span, message));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        let node = match event {
            parser::Event::Scalar(text, style, ..) => {
                let quoted = style != parser::ScalarStyle::Plain;
                Node { span, kind: Kind::Scalar(Scalar { text: text.into_owned(), quoted }) }
            }
            parser::Event::SequenceStart(..) => self.list(span, depth)?,
            parser::Event::MappingStart(..) => self.map(span, depth)?,
            parser::Event::Alias(id) => return self.alias(id, span, depth),
            _ => return Err(self.fatal(Code::YamlSyntax, span, "a value is missing here")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, Some(node.clone()));
        }
        Ok(node)
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Node, Fatal> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == parser::Event::SequenceEnd {
                let span = cover(start, span, items.last());
                return Ok(Node { span, kind: Kind::List(items) });
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, start: Span, depth: usize) -> Result<Node, Fatal> {
        let mut entries: Vec<(Spanned<String>, Node)> = Vec::new();
        let mut seen = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == parser::Event::MappingEnd {
                let first = entries.first().map_or(start, |(key, _)| key.span);
                let start = if start.start == start.end { first } else { start };
                let span = cover(start, span, entries.last().map(|(_, node)| node));
                return Ok(Node { span, kind: Kind::Map(entries) });
            }
            let key = self.node(event, span, depth + 1)?;
            let Kind::Scalar(Scalar { text, quoted }) = key.kind else {
                let message = format!("a key must be a word, this is {}", key.describe());
                return Err(self.fatal(Code::YamlFeature, span, message));
            };
            if text == "<<" && !quoted {
                let hint = "write the keys out, or share them between products with `extends`";
                let merge = Diagnostic::at(Code::YamlFeature, span, "manifests have no merge keys");
                return Err(Box::new(merge.hint(hint.to_owned())));
            }
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span, depth + 1)?;
            match seen.entry(text.clone()) {
                Entry::Occupied(first) => {
                    let message = format!("the key `{text}` stands twice");
                    let found = Diagnostic::at(Code::DuplicateKey, span, message)
                        .label("again here")
                        .also(*first.get(), "first here")
                        .hint("keep one of them".to_owned());
                    self.problems.push(found);
                }
                Entry::Vacant(place) => {
                    place.insert(span);
                    entries.push((Spanned::new(text, span), value));
                }
            }
        }
    }

    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Node, Fatal> {
        let Some(Some(node)) = self.anchors.get(&id) else {
            return Err(self.fatal(Code::YamlSyntax, span, "an alias stands inside what it names"));
        };
        let (count, deep) = node.extent();
        let node = node.clone();
        self.room(count, depth + deep - 1, span)?;
        Ok(node)
    }

    /// Makes room for more values, or says which limit is passed and where.
    fn room(&mut self, count: usize, depth: usize, span: Span) -> Result<(), Fatal> {
        if depth > MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        self.nodes += count;
        if self.nodes > MAX_NODES {
            let message = format!("the file expands to more than {MAX_NODES} values");
            return Err(self.fatal(Code::YamlTooLarge, span, message));
        }
        Ok(())
    }

    fn too_deep(&self, span: Span) -> Fatal {
        let message = format!("lists and mappings nest deeper than {MAX_DEPTH} levels");
        self.fatal(Code::YamlTooDeep, span, message)
    }

    fn fatal(&self, code: Code, span: Span, message: impl Into<String>) -> Fatal {
        Box::new(Diagnostic::at(code, span, message))
    }

    fn syntax(&self, error: &parser::ScanError) -> Fatal {
        use parser::ErrorKind;
        let at = *error.marker();
        let span = self.span(at, at);
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => self.too_deep(span),
            ErrorKind::DirectiveDisallowed => {
                self.fatal(Code::YamlFeature, span, "manifests have no YAML directives")
            }
            kind => {
                let (message, hint) = explain(kind);
                let hint = hint.map(str::to_owned);
                Box::new(Diagnostic::at(Code::YamlSyntax, span, message).hint(hint))
            }
        }
    }

    /// Clamped to the file: positions at its end may lie one past it.
    fn span(&self, start: parser::Marker, end: parser::Marker) -> Span {
        let offset = |marker: parser::Marker| {
            u32::try_from(marker.byte_offset().unwrap_or(0).min(self.len)).unwrap_or(u32::MAX)
        };
        let start = offset(start);
        Span::new(self.source, start, offset(end).max(start))
    }
}

/// From where a collection starts to the end of its last value, or of its closing bracket.
fn cover(start: Span, end: Span, last: Option<&Node>) -> Span {
    let bracket = end.end > end.start;
    let last = last.filter(|node| node.span.source == start.source).map(|node| node.span.end);
    let end = if bracket { end.end } else { last.unwrap_or(start.end) };
    Span { end: end.max(start.end), ..start }
}

/// What is wrong, in our words: the library's own may change between its versions.
fn explain(kind: &parser::ErrorKind) -> (String, Option<&'static str>) {
    use parser::ErrorKind as Kind;
    let (message, hint) = match kind {
        Kind::UnclosedFlowCollection { open } => {
            return (format!("the bracket `{open}` is never closed"), None);
        }
        Kind::UnexpectedCharacter { character } => {
            let message = format!("the character `{}` cannot stand here", character.escape_debug());
            return (message, Some("put text that holds it in quotes"));
        }
        Kind::MisplacedFlowCollectionEnd | Kind::MismatchedFlowCollectionEnd { .. } => {
            ("this bracket closes nothing that was opened", None)
        }
        Kind::ExpectedFlowMappingSeparator | Kind::ExpectedFlowSequenceSeparator => {
            ("a `,` or the closing bracket is missing", None)
        }
        Kind::UnclosedQuotedScalar | Kind::InvalidQuotedScalarIndent => {
            ("text in quotes does not end before the next line", Some("close the quotes"))
        }
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            ("something follows the closing quotes", Some("double a single quote to write one"))
        }
        Kind::UnknownQuotedScalarEscape
        | Kind::InvalidQuotedScalarHexEscape
        | Kind::InvalidUnicodeEscape => {
            ("YAML does not have this escape", Some("in single quotes, `\\` is itself"))
        }
        Kind::TabNotAllowed | Kind::TabInBlockIndentation | Kind::TabInIndentation => {
            ("a tab stands where YAML wants spaces", Some("indent with spaces"))
        }
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => (
            "a `:` cannot stand here",
            Some("put text that holds `: ` in quotes, and check the indentation"),
        ),
        Kind::ExpectedBlockMappingKey
        | Kind::ExpectedBlockSequenceEntry
        | Kind::BlockSequenceEntryNotAllowed
        | Kind::InvalidIndentation
        | Kind::InvalidSimpleKey
        | Kind::SimpleKeyExpected => {
            ("this fits neither the lines before it nor their indentation", None)
        }
        Kind::UnknownAnchor => ("no anchor of this name stands before this alias", None),
        Kind::BomInsideDocument => ("a byte order mark stands inside the file", None),
        _ => ("this is not well-formed YAML", None),
    };
    (message.to_owned(), hint)
}
