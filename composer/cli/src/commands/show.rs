//! `tarsia show`: every value of a product, with all that it extends, as one manifest. What a manifest
//! cannot say (which components come in, what limits the memory) stands below it in comments.

use std::fmt::Write as _;

use serde::Serialize;
use tarsia_model::render;
use tarsia_model::span::Location;
use tarsia_resolve::{AdjustedValue, Former, Limits, Part, Stated, View};

use crate::session::Session;
use crate::ui::Outcome;

/// Remarks start no further right than here, so that one long line does not push all aside.
const REMARKS: usize = 44;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    view: View,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<render::Json>,
}

/// Shows a product; one that does not resolve is shown as far as it goes, and fails.
pub fn run(session: &Session, name: &str, origin: bool) -> Outcome {
    let (catalogue, sources) = (session.catalogue(), session.sources());
    let composed = match session.compose(name) {
        Ok(composed) => composed,
        Err(problems) => return session.ui.report(&problems, sources),
    };
    let product = composed.product.clone();
    let (selection, problems) = if product.is_fragment {
        (None, composed.problems)
    } else {
        match session.manifests.select(composed) {
            Ok(selection) => (Some(selection), Vec::new()),
            Err(problems) => (None, problems),
        }
    };
    let view = View::of(catalogue, sources, &product, selection.as_ref());
    let diagnostics = problems.iter().map(|problem| render::json(problem, sources)).collect();
    let shown = Shown { view, diagnostics };
    session.ui.answer(|| Page::of(&shown.view, origin), &shown);
    if !session.ui.structured() {
        session.ui.warn(&problems, sources);
        session.ui.point(&problems);
    }
    Outcome::of(&problems)
}

/// Lines on their way to the terminal, each with what is said beside it.
struct Page {
    lines: Vec<(String, String)>,
    origin: bool,
}

impl Page {
    fn of(view: &View, origin: bool) -> String {
        let mut page = Self { lines: Vec::new(), origin };
        page.manifest(view);
        page.features(view);
        page.budget(view);
        page.parts(view);
        page.to_text()
    }

    fn to_text(&self) -> String {
        let remarked = self.lines.iter().filter(|(_, remark)| !remark.is_empty());
        let widths = remarked.map(|(line, _)| line.chars().count());
        let width = widths.max().unwrap_or(0).min(REMARKS);
        let mut text = String::new();
        for (line, remark) in &self.lines {
            // Writing to a string cannot fail.
            let _ = match remark.as_str() {
                "" => writeln!(text, "{line}"),
                remark => writeln!(text, "{line:<width$}  # {remark}"),
            };
        }
        text
    }

    fn line(&mut self, line: impl Into<String>, remark: impl Into<String>) {
        self.lines.push((line.into(), remark.into()));
    }

    /// What a value's line says beside it.
    fn remark(&self, origin: &Location, overrode: &[Former]) -> String {
        if !self.origin {
            return String::new();
        }
        let former = overrode.iter().map(|Former { value, origin }| {
            let value: Vec<&str> = value.split_whitespace().collect();
            format!("{} ({})", value.join(" ").escape_debug(), place(origin))
        });
        let former: Vec<String> = former.collect();
        let over = if former.is_empty() { "" } else { ", over " };
        format!("{}{over}{}", place(origin), former.join(", "))
    }

    fn value<T>(&mut self, key: &str, stated: &Stated<T>, text: String) {
        let remark = self.remark(&stated.origin, &stated.overrode);
        self.line(format!("{key}: {text}"), remark);
    }

    fn list<T: std::fmt::Display>(&mut self, key: &str, entries: &[Stated<T>]) {
        if entries.is_empty() {
            return;
        }
        self.line(format!("{key}:"), "");
        for entry in entries {
            let remark = self.remark(&entry.origin, &entry.overrode);
            self.line(format!("  - {}", entry.value), remark);
        }
    }

    fn manifest(&mut self, view: &View) {
        let key = if view.fragment { "fragment" } else { "product" };
        self.value(key, &view.product, view.product.value.to_string());
        if let [parents @ .., _] = view.lineage.as_slice()
            && !parents.is_empty()
        {
            let names: Vec<&str> = parents.iter().map(|name| name.as_str()).collect();
            self.line(format!("# with all of {}", names.join(", ")), "");
        }
        for (key, text) in [("summary", &view.summary), ("version", &view.version)] {
            if let Some(text) = text {
                self.value(key, text, scalar(&text.value));
            }
        }
        let names = [
            ("profile", &view.profile),
            ("board", &view.board),
            ("kernel", &view.kernel),
            ("boot", &view.boot),
        ];
        for (key, name) in names {
            if let Some(name) = name {
                self.value(key, name, name.value.to_string());
            }
        }
        let lists = [
            ("drivers", &view.drivers),
            ("services", &view.services),
            ("apps", &view.apps),
            ("without", &view.without),
        ];
        for (key, list) in lists {
            self.list(key, list);
        }
        self.list("requires", &view.requires);
        if !view.prefer.is_empty() {
            self.line("prefer:", "");
        }
        for (capability, preference) in &view.prefer {
            let names: Vec<&str> = preference.value.iter().map(|name| name.as_str()).collect();
            self.value(&format!("  {capability}"), preference, format!("[{}]", names.join(", ")));
        }
    }

    fn features(&mut self, view: &View) {
        if !view.features.is_empty() {
            self.line("features:", "");
        }
        for (path, adjusted) in &view.features {
            let value = match &adjusted.value {
                AdjustedValue::Read(tarsia_manifest::FeatureValue::String(text)) => scalar(text),
                AdjustedValue::Read(value) => value.to_string(),
                AdjustedValue::Written(written) if written.quoted => quoted(&written.text),
                AdjustedValue::Written(written) => scalar(&written.text),
            };
            let place = self.remark(&adjusted.origin, &adjusted.overrode);
            let remark = match (adjusted.set, place.is_empty()) {
                (true, _) => place,
                (false, true) => "default".to_owned(),
                (false, false) => format!("default, {place}"),
            };
            self.line(format!("  {path}: {value}"), remark);
        }
    }

    fn budget(&mut self, view: &View) {
        let budget = &view.budget;
        let Limits { flash, ram } = &budget.image;
        if flash.is_none() && ram.is_none() && budget.components.is_empty() {
            return;
        }
        self.line("budget:", "");
        self.limits("  ", &budget.image);
        if !budget.components.is_empty() {
            self.line("  components:", "");
        }
        for (name, limits) in &budget.components {
            self.line(format!("    {name}:"), "");
            self.limits("      ", limits);
        }
    }

    fn limits(&mut self, indent: &str, limits: &Limits) {
        for (region, limit) in [("flash", &limits.flash), ("ram", &limits.ram)] {
            if let Some(limit) = limit {
                self.value(&format!("{indent}{region}"), limit, limit.value.to_string());
            }
        }
    }

    /// What the manifest comes to.
    fn parts(&mut self, view: &View) {
        if let Some(components) = &view.components {
            self.line("", "");
            self.line("# components:", "");
            for (name, part) in components {
                let remark = if self.origin { causes(part) } else { String::new() };
                self.line(format!("#   {name} ({})", part.layer), remark);
            }
        }
        if let Some(limits) = &view.limits {
            self.line("# limits:", "");
            for (region, bounds) in limits {
                for bound in bounds {
                    let remark = self.remark(&bound.origin, &[]);
                    let line =
                        format!("#   {region}: {} by {} {}", bound.size, bound.by, bound.name);
                    self.line(line, remark);
                }
            }
        }
    }
}

/// What brought a component in; `--format json` has all of it.
fn causes(part: &Part) -> String {
    let Some((first, more)) = part.causes.split_first() else {
        return String::new();
    };
    let more = match more.len() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    format!("{} ({}){more}", first.to_string().escape_debug(), place(&first.origin))
}

/// A place as terminals may see it.
pub fn place(location: &Location) -> String {
    location.to_string().escape_debug().to_string()
}

/// A text as YAML has it: plain where it stays the text it is, in quotes otherwise.
fn scalar(text: &str) -> String {
    let inner = |c: char| c.is_alphanumeric() || "-_./+,()' ".contains(c);
    let ends = |c: char| c.is_alphanumeric() || "_.)".contains(c);
    let plain = text.chars().all(inner)
        && text.starts_with(char::is_alphanumeric)
        && text.ends_with(ends)
        && !text.eq_ignore_ascii_case("null");
    if plain { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes (YAML 1.2.2, section 5.7), with nothing in it that steers a terminal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Rust escapes exactly what is not to be printed: controls, marks of direction, unassigned.
            c if c.escape_debug().len() > 1 && c != '\'' => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}
