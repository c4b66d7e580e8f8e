//! The one place that writes to the terminal: answers to the standard output, everything else to
//! the standard error.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;
use tarsia_model::{Code, Diagnostic, Severity, SourceMap, render};

use crate::args::{Color, Format, Global};
use crate::board::Size;

/// How to speak to the user.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    format: Format,
    color: bool,
    terminal: bool,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As asked.
    Success,
    /// The build failed, the image is too large, the pattern never appeared, or what was to be the
    /// same differs.
    Failure,
    /// What the user wrote is wrong.
    BadInput,
}

impl Outcome {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::BadInput => 2,
        }
    }

    /// What a set of diagnostics comes to.
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
        errors.map(|diagnostic| Self::of_code(diagnostic.code)).max().unwrap_or(Self::Success)
    }

    fn of_code(code: Code) -> Self {
        // E05..: budgets; E06..: building and running; E08..: external sources. All others judge what
        // was written.
        let late = ["E05", "E06", "E08"].iter().any(|group| code.as_str().starts_with(group));
        if late { Self::Failure } else { Self::BadInput }
    }
}

impl Ui {
    /// Speaks as the command line asks.
    pub fn new(global: &Global) -> Self {
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => std::io::stderr().is_terminal(),
        };
        let terminal = std::io::stderr().is_terminal() && !is_dumb();
        Self { format: global.format, color, terminal }
    }

    /// Whether answers are for programs.
    pub fn structured(&self) -> bool {
        matches!(self.format, Format::Json | Format::Yaml)
    }

    /// How many characters a line of an answer may have: the terminal's width, or what most take.
    pub fn width(&self) -> usize {
        const USUAL: usize = 120;
        let terminal = terminal_size::terminal_size_of(std::io::stdout());
        terminal.map_or(USUAL, |(width, _)| usize::from(width.0))
    }

    /// Writes an answer: `text` for people, `value` for programs.
    pub fn answer(&self, text: impl FnOnce() -> String, value: &impl Serialize) {
        write_out(&if self.structured() { self.encode(value) } else { text() });
    }

    /// A value for programs.
    pub fn encode(&self, value: &impl Serialize) -> String {
        if self.format == Format::Yaml {
            serde_yaml::to_string(value).unwrap_or_default()
        } else {
            serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
        }
    }

    /// Writes an answer that has one form.
    pub fn print(&self, text: &str) {
        write_out(text);
    }

    /// Writes a line of a device's console.
    pub fn console(&self, line: &str) {
        if self.structured() {
            write_err(&format!("{line}\n"));
        } else {
            write_out(&format!("{line}\n"));
        }
    }

    /// Says what is going on.
    pub fn status(&self, verb: &str, text: &str) {
        write_err(&self.line(verb, text));
    }

    /// A line that says what is going on.
    pub fn line(&self, verb: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[1;32m{verb:>12}\u{1b}[0m {text}\n")
        } else {
            format!("{verb:>12} {text}\n")
        }
    }

    /// The room for a board; none where there is no terminal that can move its cursor.
    pub fn room(&self) -> Option<Size> {
        const USUAL: (usize, usize) = (80, 24);
        let asked = terminal_size::terminal_size_of(std::io::stderr());
        let asked = asked.map(|(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
        // A terminal may not know how large it is.
        let (columns, rows) = asked.filter(|(columns, _)| *columns > 0).unwrap_or(USUAL);
        self.terminal.then_some(Size { columns, rows })
    }

    /// Writes what a board draws.
    pub fn draw(&self, bytes: &str) {
        write_err(bytes);
    }

    /// Reports problems and says what they come to. For programs, the problems are the answer.
    pub fn report(&self, diagnostics: &[Diagnostic], sources: &SourceMap) -> Outcome {
        self.report_each(&[(diagnostics, sources)])
    }

    /// Reports problems of several states of a workspace, each with its own texts.
    pub fn report_each(&self, parts: &[(&[Diagnostic], &SourceMap)]) -> Outcome {
        let each = || {
            let parts = parts.iter();
            parts.flat_map(|(list, sources)| list.iter().map(move |one| (one, *sources)))
        };
        let all: Vec<Diagnostic> = each().map(|(one, _)| one.clone()).collect();
        if self.structured() {
            let list: Vec<_> = each().map(|(one, sources)| render::json(one, sources)).collect();
            self.answer(String::new, &serde_json::json!({ "diagnostics": list }));
        } else {
            let texts = each().map(|(one, sources)| render::text(one, sources, self.color));
            write_err(&texts.collect::<Vec<String>>().join("\n"));
            self.point(&all);
        }
        Outcome::of(&all)
    }

    /// Counts problems of which people have seen the whole list.
    pub fn count(&self, diagnostics: &[Diagnostic]) {
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let counted = |n: usize, what: &str| {
            let plural = if n == 1 { "" } else { "s" };
            (n > 0).then(|| format!("{n} {what}{plural}"))
        };
        let parts = [counted(errors, "error"), counted(diagnostics.len() - errors, "warning")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if !self.structured() && !parts.is_empty() {
            write_err("\n");
            self.status("Found", &parts.join(", "));
            self.more(diagnostics);
        }
    }

    /// Ends a list of problems without a count with where there is more about them.
    pub fn point(&self, diagnostics: &[Diagnostic]) {
        if !self.structured() && explained(diagnostics).is_some() {
            write_err("\n");
            self.more(diagnostics);
        }
    }

    fn more(&self, diagnostics: &[Diagnostic]) {
        if let Some(code) = explained(diagnostics) {
            self.status("More", &format!("with `tarsia explain {code}`"));
        }
    }

    /// Shows problems without making them the answer.
    pub fn warn(&self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        if !diagnostics.is_empty() {
            write_err(&render::all(diagnostics, sources, self.color));
        }
    }
}

/// The code of the first error. What is wrong with the command line itself needs no page: the hint
/// is enough.
fn explained(diagnostics: &[Diagnostic]) -> Option<Code> {
    let mut errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.next().map(|error| error.code).filter(|code| *code != Code::Usage)
}

/// Whether the terminal says of itself that it can do nothing.
#[expect(clippy::disallowed_methods, reason = "what is shown while a build runs is no answer")]
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|kind| kind == "dumb")
}

/// A reader that has seen enough (`tarsia list … | head -1`) is no error.
fn write_out(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn write_err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
