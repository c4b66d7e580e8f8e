//! One problem, as data: what it is, where it stands, what else is involved and what to do about it.
//! Stages collect diagnostics instead of stopping at the first; rendering is [`crate::render`]'s.

use crate::{Code, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The command fails.
    Error,
    /// The command goes on.
    Warning,
}

/// A place with what it has to do with the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there; may be empty for the place of the problem itself.
    pub text: String,
}

/// A problem with its places and its repair.
///
/// The message is a lower-case fragment that fits "failed to …" or states the fact, without a final
/// period. Budget messages carry both numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Diagnostic {
    /// Stable code.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where; none for problems outside any file, such as a missing tool.
    pub primary: Option<Label>,
    /// Other places that are part of the problem.
    pub related: Vec<Label>,
    /// Facts that belong to the message but to no place.
    pub notes: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
    /// Whether it may follow from another problem: a name is unknown whose file has errors.
    pub consequence: bool,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: None,
            related: Vec::new(),
            notes: Vec::new(),
            hints: Vec::new(),
            consequence: false,
        }
    }

    /// An error at a place.
    pub fn at(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { primary: Some(Label { span, text: String::new() }), ..Self::error(code, message) }
    }

    /// Makes it a warning.
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Makes it one that is not worth a word while its cause is reported, when `follows`.
    pub fn consequence(mut self, follows: bool) -> Self {
        self.consequence = follows;
        self
    }

    /// Says at the caret what is there.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = text.into();
        }
        self
    }

    /// Adds another place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a repair; `None` adds nothing.
    pub fn hint(mut self, text: impl Into<Option<String>>) -> Self {
        self.hints.extend(text.into());
        self
    }
}

/// Drops what may follow from another error, when there is one.
pub fn drop_consequences(diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.iter().any(|d| d.severity == Severity::Error && !d.consequence) {
        diagnostics.retain(|diagnostic| !diagnostic.consequence);
    }
}

/// Sorts by place so that reports read like the file, and drops exact repeats.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.primary.as_ref().map(|l| l.span), d.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    diagnostics.dedup();
}
