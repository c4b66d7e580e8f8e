//! Diagnostics as people and programs read them: source lines with carets (annotate-snippets, the
//! renderer of rustc and cargo) or JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::span::Location;
use crate::{Diagnostic, Label, Severity, SourceMap, Span};

/// Control characters are shown escaped: a manifest must not be able to steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' => c,
            c if c.is_control() || is_direction_mark(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Unicode bidirectional controls (UAX #9): they can make a line read differently from what it says.
const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// How many bytes of one line are shown; beyond it the line is cut around the caret.
const LINE_LIMIT: usize = 240;

/// The lines around a span with the span's place in them, ready to be shown.
struct Excerpt {
    text: String,
    line: usize,
    start: usize,
    end: usize,
}

fn excerpt(sources: &SourceMap, span: Span) -> Excerpt {
    let text = sources.get(span.source).text;
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    // A caret under one line says enough; a span over many lines would show the whole mapping.
    let end = floor((span.end as usize).clamp(start, line_end.max(start)));
    let (from, to) = if line_end - line_start > LINE_LIMIT {
        (floor(start.saturating_sub(60).max(line_start)), floor((start + 120).min(line_end)))
    } else {
        (line_start, line_end)
    };
    let (from, to) = (from.min(start), to.max(end).min(floor(from + LINE_LIMIT)));
    let before = printable(&text[from..start]);
    let marked = printable(&text[start..end.min(to).max(start)]);
    let after = printable(&text[end.min(to).max(start)..to.max(start)]);
    let line = text[..line_start].bytes().filter(|b| *b == b'\n').count() + 1;
    Excerpt {
        start: before.len(),
        end: before.len() + marked.len(),
        text: format!("{before}{marked}{after}"),
        line,
    }
}

/// Renders one diagnostic with its source lines; `color` uses ANSI styles.
pub fn text(diagnostic: &Diagnostic, sources: &SourceMap, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = printable(&diagnostic.message);
    let notes: Vec<String> = diagnostic.notes.iter().map(|note| printable(note)).collect();
    let hints: Vec<String> = diagnostic.hints.iter().map(|hint| printable(hint)).collect();
    let labels: Vec<(AnnotationKind, &Label, Excerpt, Location)> = diagnostic
        .primary
        .iter()
        .map(|label| (AnnotationKind::Primary, label))
        .chain(diagnostic.related.iter().map(|label| (AnnotationKind::Context, label)))
        .map(|(kind, label)| {
            (kind, label, excerpt(sources, label.span), sources.location(label.span))
        })
        .collect();
    let paths: Vec<String> = labels
        .iter()
        // The renderer counts columns inside the shown line; a cut line would give a wrong one.
        .map(|(_, _, _, location)| location.file.clone())
        .collect();
    let texts: Vec<String> = labels.iter().map(|(_, label, _, _)| printable(&label.text)).collect();

    let title = level.primary_title(message.as_str()).id(diagnostic.code.as_str());
    let mut group: Group<'_> = if labels.is_empty() {
        Group::with_title(title)
    } else {
        title.elements(std::iter::empty::<Snippet<'_, annotate_snippets::Annotation<'_>>>())
    };
    for (((kind, _, shown, _), path), label) in labels.iter().zip(&paths).zip(&texts) {
        let annotation = kind.span(shown.start..shown.end);
        let annotation =
            if label.is_empty() { annotation } else { annotation.label(label.as_str()) };
        group = group.element(
            Snippet::source(shown.text.as_str())
                .line_start(shown.line)
                .path(path.as_str())
                .annotation(annotation),
        );
    }
    for note in &notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for hint in &hints {
        group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    format!("{}\n", renderer.render(&[group]))
}

/// Renders many, separated by blank lines.
pub fn all(diagnostics: &[Diagnostic], sources: &SourceMap, color: bool) -> String {
    let parts: Vec<String> = diagnostics.iter().map(|d| text(d, sources, color)).collect();
    parts.join("\n")
}

/// A diagnostic for programs; places are resolved to file, line and column.
#[derive(Debug, serde::Serialize)]
pub struct Json {
    code: crate::Code,
    severity: Severity,
    message: String,
    location: Option<Location>,
    label: Option<String>,
    related: Vec<JsonLabel>,
    notes: Vec<String>,
    hints: Vec<String>,
}

/// A related place for programs.
#[derive(Debug, serde::Serialize)]
pub struct JsonLabel {
    location: Location,
    text: String,
}

/// Makes the form for programs.
pub fn json(diagnostic: &Diagnostic, sources: &SourceMap) -> Json {
    Json {
        code: diagnostic.code,
        severity: diagnostic.severity,
        message: diagnostic.message.clone(),
        location: diagnostic.primary.as_ref().map(|label| sources.location(label.span)),
        label: diagnostic.primary.as_ref().map(|l| l.text.clone()).filter(|t| !t.is_empty()),
        related: diagnostic
            .related
            .iter()
            .map(|l| JsonLabel { location: sources.location(l.span), text: l.text.clone() })
            .collect(),
        notes: diagnostic.notes.clone(),
        hints: diagnostic.hints.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;
    use proptest::prelude::*;

    #[test]
    fn shows_the_line_a_caret_and_a_hint() {
        let mut sources = SourceMap::default();
        let id = sources.add("products/p.yaml", "product: p\nprofle: mini\n");
        let d = Diagnostic::at(Code::UnknownKey, Span::new(id, 11, 17), "unknown key `profle`")
            .label("not a key of a product")
            .also(Span::new(id, 0, 7), "in this product")
            .hint("did you mean `profile`?".to_owned());
        insta::assert_snapshot!(text(&d, &sources, false));
    }

    #[test]
    fn terminal_controls_are_not_passed_on() {
        let mut sources = SourceMap::default();
        let id = sources.add("p.yaml", "a: \u{1b}[31mred\u{202e}\n");
        let d = Diagnostic::at(Code::BadName, Span::new(id, 3, 12), "bad \u{1b}[2J name");
        let shown = text(&d, &sources, false);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }

    proptest! {
        #[test]
        fn any_span_in_any_text_renders(body in "\\PC{0,300}(\n\\PC{0,20}){0,3}", a in 0u32..400, b in 0u32..400) {
            let mut sources = SourceMap::default();
            let id = sources.add("f", body);
            let d = Diagnostic::at(Code::BadName, Span::new(id, a.min(b), a.max(b)), "m").label("l");
            prop_assert!(text(&d, &sources, false).contains("E0205"));
        }
    }
}
