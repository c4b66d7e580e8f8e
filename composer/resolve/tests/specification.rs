//! The specification, docs/resolution.md, says what is so: each of its examples is resolved, and
//! comes to what stands below it. `TARSIA_BLESS=1` renews what stands there.
#![expect(clippy::disallowed_methods, reason = "reads whether the page is to be renewed")]

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use support::workspace::Workspace;
use tarsia_model::{Diagnostic, Severity};
use tarsia_resolve::{Cause, Outcome, Selected, Selection};

/// A fenced block of the page.
struct Block {
    /// What stands behind the opening fence: a language, then words after commas.
    form: String,
    /// Its lines.
    text: String,
    /// The number of its first line, counted from 0.
    line: usize,
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/resolution.md")
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(form) = line.strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text = inside.map(|line| format!("{line}\n")).collect();
            blocks.push(Block { form: form.to_owned(), text, line: number + 1 });
        }
    }
    blocks
}

/// The workspace of an example: one component per entry, which may go on in indented lines, then the
/// lines of the profile and of the product below `# profile` and `# product`.
fn workspace(example: &str) -> Workspace {
    let [mut components, mut profile, mut product] = [const { String::new() }; 3];
    let mut part = &mut components;
    for line in example.lines() {
        match line {
            "# profile" => part = &mut profile,
            "# product" => part = &mut product,
            _ if line.starts_with("  ") && part.ends_with(",\n") => {
                part.truncate(part.trim_end().len());
                part.push_str(&format!(" {}\n", line.trim_start()));
            }
            _ => part.push_str(&format!("{line}\n")),
        }
    }
    Workspace::new(&components, &product).profile(&profile)
}

fn cause(cause: &Cause) -> String {
    let when = cause.when().map_or(String::new(), |when| format!(" when {}", when.value));
    let text = match cause {
        Cause::Product { .. } => "named by the product".to_owned(),
        Cause::Wanted { capability, .. } => format!("the product requires {capability}"),
        Cause::Profile { capability, .. } => format!("the profile requires {capability}"),
        Cause::Component { by, capability, .. } => format!("{by} requires {capability}"),
        Cause::Recommended { by, capability, .. } => format!("{by} recommends {capability}"),
    };
    text + &when.replace('`', "")
}

/// A selection: each component beside board and kernel with its causes, then what became of
/// recommendations, and what the form of the block asks for.
fn selected(selection: &Selection<'_>, form: &str) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").expect("a String grows");
    let names = || selection.components.iter();
    for (name, Selected { causes, .. }) in names() {
        if ![&selection.board, &selection.kernel].contains(&name) {
            let causes: Vec<String> = causes.iter().map(cause).collect();
            say(format!("{name}: {}", causes.join("; ")));
        }
    }
    for (name, Selected { recommendations, .. }) in names() {
        for one in recommendations {
            let outcome = match one.outcome {
                Outcome::Taken => "taken",
                Outcome::Present => "present",
                Outcome::Impossible => "impossible",
            };
            let capability = &one.recommendation.capability.value;
            say(format!("{name} recommends {capability}: {outcome}"));
        }
    }
    for word in form.split(',').skip(1) {
        match word {
            "features" => {
                for (name, Selected { features, .. }) in names() {
                    for (feature, setting) in features {
                        let by = if setting.set.is_some() { "set" } else { "default" };
                        say(format!("{name}.{feature} = {} ({by})", setting.value));
                    }
                }
            }
            "order" => {
                let order: Vec<&str> = selection.order.iter().map(|name| name.as_str()).collect();
                say(format!("order of start: {}", order.join(", ")));
            }
            other => panic!("nothing is shown for `{other}`"),
        }
    }
    text + &told(&selection.warnings)
}

/// Diagnostics without the lines they quote.
fn told(problems: &[Diagnostic]) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").expect("a String grows");
    for problem in problems {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        say(format!("{severity} {}: {}", problem.code, problem.message));
        for label in &problem.related {
            say(format!("  because {}", label.text));
        }
        for note in &problem.notes {
            say(format!("  note: {note}"));
        }
        for hint in &problem.hints {
            say(format!("  repair: {hint}"));
        }
    }
    text
}

/// What an example comes to.
fn outcome(example: &Block, form: &str) -> String {
    workspace(&example.text).resolve(|found, _| match found {
        Ok(selection) => selected(&selection, form),
        Err(problems) => told(&problems),
    })
}

#[test]
fn examples_come_to_what_is_shown() {
    let text = std::fs::read_to_string(page()).expect("the page");
    let blocks = blocks(&text);
    let mut renewed: Vec<String> = Vec::new();
    let mut lines = text.lines();
    let mut here = 0;
    let mut examples = 0;
    for pair in blocks.windows(2) {
        let [example, shown] = pair else { unreachable!("windows of two") };
        if example.form != "yaml" || !shown.form.starts_with("text") {
            continue;
        }
        examples += 1;
        let found = outcome(example, &shown.form);
        renewed.extend(lines.by_ref().take(shown.line - here).map(str::to_owned));
        renewed.extend(found.lines().map(str::to_owned));
        here = shown.line + shown.text.lines().count();
        if shown.text.lines().count() > 0 {
            lines.nth(shown.text.lines().count() - 1);
        }
        if std::env::var_os("TARSIA_BLESS").is_none() {
            let place = shown.line + 1;
            assert_eq!(shown.text, found, "docs/resolution.md:{place}; TARSIA_BLESS=1 renews it");
        }
    }
    assert!(examples >= 20, "{examples} examples");
    if std::env::var_os("TARSIA_BLESS").is_some() {
        renewed.extend(lines.map(str::to_owned));
        std::fs::write(page(), renewed.join("\n") + "\n").expect("the page is written");
    }
}

/// What all examples share stands on the page as it is.
#[test]
fn the_page_shows_what_examples_share() {
    let text = std::fs::read_to_string(page()).expect("the page");
    let workspace = Workspace::new("", "");
    let mut shown = 0;
    for block in blocks(&text) {
        let path = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
        if let Some(file) = path.and_then(|path| workspace.0.get(path)) {
            let (_, text) = block.text.split_once('\n').expect("a line after the path");
            assert_eq!(text.trim_end(), file.trim_end(), "{path:?}");
            shown += 1;
        }
    }
    assert_eq!(shown, workspace.0.len(), "every shared file");
}
