//! The manual's pages about codes say what is so: every example is carried out with the real binary,
//! says exactly what its page shows, and says it no more after the page's fix. `TARSIA_BLESS=1`
//! renews what the pages show.
#![expect(clippy::disallowed_methods, reason = "reads whether the pages are to be renewed")]

#[path = "explain/page.rs"]
mod page;
mod support;

use std::path::Path;
use std::process::Command;

use page::{Block, Page, Part, changed};
use serde_json::Value;
use support::catalogue;
use support::workspace::Workspace;
use tarsia_model::Code;

/// What a command line of a page did.
struct Done {
    /// The diagnostics, without the lines that close them.
    said: String,
    code: i32,
}

impl Done {
    /// The codes of all diagnostics.
    fn codes(&self) -> Vec<&str> {
        let codes = self.said.lines().filter_map(|line| {
            let rest = line.strip_prefix("error[").or_else(|| line.strip_prefix("warning["))?;
            Some(rest.split_once(']')?.0)
        });
        codes.collect()
    }
}

/// Runs a line of a page as its reader would, at the top of the workspace, which is shown as `/src`.
fn shell(workspace: &Workspace, line: &str) -> Done {
    let binary = Path::new(env!("CARGO_BIN_EXE_tarsia"));
    let folder = binary.parent().expect("a folder").to_str().expect("UTF-8");
    let root = workspace.at("");
    let output = Command::new("/bin/sh")
        .args(["-c", line])
        .current_dir(&root)
        .env_clear()
        .env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin"))
        .env("HOME", &root)
        .output()
        .expect("a shell");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let root = root.to_string_lossy().trim_end_matches('/').to_owned();
    let closing =
        |line: &&str| line.starts_with("       Found ") || line.starts_with("        More ");
    let said: Vec<&str> = stderr.lines().take_while(|line| !closing(line)).collect();
    let said = said.join("\n");
    // A page about an invisible mark does without it.
    let said = said.replace(&root, "/src").replace('\u{feff}', "").trim_end().to_owned();
    Done { said, code: output.status.code().expect("no signal ended it") }
}

/// Writes a file of a page as its form says.
fn write(workspace: &Workspace, path: &str, text: &str, form: &str) {
    let bytes = match form.split_once(',').map_or("", |(_, form)| form) {
        "" => text.as_bytes().to_vec(),
        "latin-1" => text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect(),
        "byte-order-mark" => format!("\u{feff}{text}").into_bytes(),
        other => panic!("no such form of a file: {other}"),
    };
    let path = workspace.at(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}

/// Carries out a page's example: its last command, and what that said.
fn example(page: &Page, workspace: &Workspace) -> (String, Done) {
    let mut last = None;
    let mut shown = None;
    for block in page.blocks(Part::Example) {
        match block {
            Block::File { path, text, form } => write(workspace, &path, &text, &form),
            Block::Commands(lines) => {
                for line in lines {
                    let done = shell(workspace, &line);
                    last = Some((line, done));
                }
            }
            Block::Said(text, line) => shown = Some((text, line)),
        }
    }
    let (code, path) = (page.code, page.path.display());
    let (line, done) = last.unwrap_or_else(|| panic!("{path}: no command"));
    assert_eq!(done.codes(), [code.as_str()], "{path}: {line} says\n{}", done.said);
    let (shown, place) = shown.unwrap_or_else(|| panic!("{path}: nothing is said"));
    if std::env::var_os("TARSIA_BLESS").is_some() {
        page.renew(place, &done.said);
    } else {
        assert_eq!(shown.trim_end(), done.said, "{path}: {line}; TARSIA_BLESS=1 renews it");
    }
    (line, done)
}

/// Carries out a page's fix. Without commands of its own, the example's has to succeed now.
fn fix(page: &Page, workspace: &Workspace, again: String) {
    let path = page.path.display();
    let mut last = None;
    let mut changes = 0;
    for block in page.blocks(Part::Fix) {
        changes += 1;
        match block {
            Block::File { path, text, form } => {
                let old = std::fs::read_to_string(workspace.at(&path)).unwrap_or_default();
                write(workspace, &path, &changed(&old, &text), &form);
            }
            Block::Commands(lines) => {
                for line in lines {
                    let done = shell(workspace, &line);
                    last = Some((line, done));
                }
            }
            Block::Said(..) => panic!("{path}: a fix ends in silence"),
        }
    }
    assert!(changes > 0, "{path}: nothing is changed");
    let (line, done) = last.unwrap_or_else(|| {
        let done = shell(workspace, &again);
        (again, done)
    });
    assert_eq!((done.code, done.codes()), (0, Vec::new()), "{path}: {line} says\n{}", done.said);
}

#[test]
fn examples_say_what_is_shown_and_fixes_help() {
    let mut not_executed = String::new();
    for code in Code::ALL {
        let page = Page::of(*code);
        if let Some(why) = page.remark("not executed:") {
            assert!(!why.is_empty(), "{code}: why not?");
            not_executed += &format!("{code}: {why}\n");
            continue;
        }
        let workspace = Workspace::new();
        let (line, done) = example(&page, &workspace);
        let warning = done.said.starts_with("warning[");
        assert_eq!(done.code == 0, warning, "{code}: {}", done.said);
        match page.remark("fix not executed:") {
            Some(why) => not_executed += &format!("{code}, the fix: {why}\n"),
            None => fix(&page, &workspace, line),
        }
    }
    insta::assert_snapshot!(not_executed);
}

#[test]
fn the_manual_has_every_page() {
    let manual = |name| std::fs::read_to_string(page::manual().join(name)).expect("a page");
    let (contents, overview) = (manual("SUMMARY.md"), manual("diagnostics.md"));
    for code in Code::ALL {
        let title = code.title();
        let entry = format!("  - [{code}: {title}](codes/{code}.md)\n");
        assert!(contents.contains(&entry), "docs/SUMMARY.md lacks{entry}");
        let entry = format!("- [{code}](codes/{code}.md): {title}\n");
        assert!(overview.contains(&entry), "docs/diagnostics.md lacks {entry}");
    }
    let pages = page::folder().read_dir().expect("pages").count();
    assert_eq!(pages, Code::ALL.len(), "a page without a code");
    for (path, _) in catalogue::FILES {
        let name = path.trim_end_matches("/component.yaml").trim_end_matches(".yaml");
        let name = name.rsplit('/').next().expect("a name");
        assert!(overview.contains(&format!("`{name}`")), "docs/diagnostics.md lacks `{name}`");
    }
}

/// No workspace is needed, and a code may be written in any of the usual ways.
#[test]
fn the_command() {
    let nowhere = Workspace::empty();
    for text in ["E0401", "e0401", "E401", "401"] {
        let run = nowhere.run(&["explain", text]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
        assert_eq!(run.stdout, Code::NoProvider.page());
    }
    insta::assert_snapshot!("list", nowhere.run(&["explain"]));
    insta::assert_snapshot!("unknown", nowhere.run(&["explain", "E0499"]));
    insta::assert_snapshot!("unknown_far", nowhere.run(&["explain", "panic"]));

    let json = |args: &[&str]| -> Value {
        let run = nowhere.run(&[args, &["--format", "json"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
        serde_json::from_str(&run.stdout).expect("JSON")
    };
    let one = json(&["explain", "E0401"]);
    let expected = serde_json::json!({
        "code": "E0401", "title": Code::NoProvider.title(), "page": Code::NoProvider.page(),
    });
    assert_eq!(one, expected);
    let all = json(&["explain"]);
    assert_eq!(all["codes"].as_array().map(Vec::len), Some(Code::ALL.len()));
    assert_eq!(all["codes"][0]["group"], "Files and YAML text");
}
