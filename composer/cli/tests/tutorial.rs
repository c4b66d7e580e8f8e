//! The tutorial for vendors, docs/tutorial-vendor.md, followed to the letter: its files are written
//! into a folder beside a copy of this repository, its commands are run there, the image boots, and
//! each command says what the page shows. `TARSIA_BLESS=1` renews what the page shows.
#![expect(clippy::disallowed_methods, reason = "reads whether the page is to be renewed")]

#[expect(dead_code, reason = "the commands are those of the page")]
#[path = "firmware/workspace.rs"]
mod workspace;

use std::path::{Path, PathBuf};
use std::process::Command;

use workspace::{Workspace, remove};

/// Stands for any text within a line, and alone for any lines.
const ANYTHING: &str = "…";

/// A part of the page that is followed.
enum Step {
    /// A file to write: where, and its text.
    File(String, String),
    /// A command line.
    Command(String),
    /// What the command before says, and the line of the page after the opening fence.
    Says(String, usize),
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial-vendor.md")
}

/// The steps of the page. A block whose language is followed by `ignore` is none, unless it is Rust:
/// there the word only keeps mdBook from testing it.
fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(form) = line.strip_prefix("```") else { continue };
        let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let inside: Vec<&str> = inside.collect();
        match form {
            "console" => {
                let commands = inside.iter().map(|line| {
                    line.strip_prefix("$ ").unwrap_or_else(|| panic!("no command: {line}"))
                });
                steps.extend(commands.map(|line| Step::Command(line.to_owned())));
            }
            "text" => {
                let text = inside.iter().map(|line| format!("{line}\n")).collect();
                steps.push(Step::Says(text, number + 1));
            }
            _ if form.ends_with(",ignore") && !form.starts_with("rust") => {}
            _ => {
                let first = inside.first().copied().unwrap_or_default();
                let path = first.strip_prefix("# ").or_else(|| first.strip_prefix("// "));
                let path = path.unwrap_or_else(|| panic!("a block names no file: {first}"));
                let text = inside[1..].iter().map(|line| format!("{line}\n")).collect();
                steps.push(Step::File(path.to_owned(), text));
            }
        }
    }
    steps
}

/// The vendor's folder, without what an earlier run left but for the compiled crates of the device.
fn vendor(tarsia: &Workspace) -> Workspace {
    let root = tarsia.root.with_file_name("acme");
    for entry in ["tarsia.yaml", "components", "products", "out/pump-monitor"] {
        remove(&root.join(entry));
    }
    std::fs::create_dir_all(&root).expect("a folder");
    let (store, through) = (tarsia.store.clone(), Vec::new());
    Workspace { root, store, through, environment: Vec::new() }
}

/// Runs a line of the page as its reader would: what it says, and its exit code.
fn shell(vendor: &Workspace, line: &str) -> (String, Option<i32>) {
    let binary = Path::new(env!("CARGO_BIN_EXE_tarsia"));
    let folder = binary.parent().expect("a folder").to_str().expect("UTF-8");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("exec 2>&1; {line}")])
        .current_dir(&vendor.root)
        .env("PATH", format!("{folder}:{path}"))
        .env("XDG_CACHE_HOME", &vendor.store)
        .output()
        .expect("a shell");
    (String::from_utf8(output.stdout).expect("UTF-8"), output.status.code())
}

/// Whether a line is as shown, where `…` stands for any text.
fn is_line(shown: &str, line: &str) -> bool {
    let mut parts = shown.split(ANYTHING);
    let Some(mut rest) = parts.next().and_then(|start| line.strip_prefix(start)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Whether lines are as shown, where a line `…` stands for any lines.
fn is_text(shown: &[&str], said: &[&str]) -> bool {
    match (shown, said) {
        ([], said) => said.is_empty(),
        ([ANYTHING], _) => true,
        ([ANYTHING, rest @ ..], said) => (0..=said.len()).any(|n| is_text(rest, &said[n..])),
        ([line, rest @ ..], [first, others @ ..]) => is_line(line, first) && is_text(rest, others),
        (_, []) => false,
    }
}

/// The lines of a text, without spaces at their ends.
fn trimmed(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// Writes the page with other lines in the blocks that start at these lines, from the last to the first.
fn renew(page: &Path, text: &str, blocks: &[(usize, String)]) {
    let mut lines: Vec<&str> = text.lines().collect();
    for (start, said) in blocks.iter().rev() {
        let length = lines[*start..].iter().take_while(|line| **line != "```").count();
        lines.splice(*start..start + length, trimmed(said));
    }
    std::fs::write(page, lines.join("\n") + "\n").expect("the page is written");
}

#[test]
fn the_tutorial_leads_to_a_reading() {
    let tarsia = Workspace::open("tutorial/tarsia");
    let vendor = vendor(&tarsia);
    let text = std::fs::read_to_string(page()).expect("the page");
    let mut last: Option<(String, String)> = None;
    let (mut wrong, mut told): (Vec<(usize, String)>, String) = Default::default();
    for step in steps(&text) {
        match step {
            Step::File(path, text) => vendor.write(&path, &text),
            Step::Command(line) => {
                let (said, code) = shell(&vendor, &line);
                let expected = if said.contains("error[") { 2 } else { 0 };
                assert_eq!(code, Some(expected), "{line}: {said}");
                last = Some((line, said));
            }
            Step::Says(shown, place) => {
                let (line, said) = last.take().expect("a command before");
                if !is_text(&trimmed(&shown), &trimmed(&said)) {
                    told +=
                        &format!("docs/tutorial-vendor.md:{}: {line} says\n{said}\n", place + 1);
                    wrong.push((place, said));
                }
            }
        }
    }
    if std::env::var_os("TARSIA_BLESS").is_some() {
        renew(&page(), &text, &wrong);
    } else {
        assert!(wrong.is_empty(), "{told}TARSIA_BLESS=1 renews the page");
    }
}
