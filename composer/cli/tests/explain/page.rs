//! A page of the manual about one code, taken apart: its parts, their fenced blocks, and the files
//! that blocks stand for.

use std::path::{Path, PathBuf};

use tarsia_model::Code;

/// A page as it is written.
pub struct Page {
    /// Its code.
    pub code: Code,
    /// Its file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// A part of a page, by its heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What leads to the diagnostic, and the diagnostic.
    Example,
    /// What makes it go away.
    Fix,
}

/// What a fenced block is for.
pub enum Block {
    /// A file of the workspace, named in its first line.
    File {
        /// Where it is.
        path: String,
        /// Its text, with that line.
        text: String,
        /// The words beside the language, such as `latin-1`.
        form: String,
    },
    /// Commands, without their prompts.
    Commands(Vec<String>),
    /// What the last command says, and the line of the page after its opening fence.
    Said(String, usize),
}

impl Page {
    /// The page of a code.
    pub fn of(code: Code) -> Self {
        let path = folder().join(format!("{code}.md"));
        let text = std::fs::read_to_string(&path).expect("a page");
        Self { code, path, text }
    }

    /// What a remark with this start says, if the page has one.
    pub fn remark(&self, start: &str) -> Option<&str> {
        let remarks = self.text.lines().filter_map(|line| line.strip_prefix("<!-- "));
        let found = remarks.filter_map(|line| line.strip_suffix(" -->")?.strip_prefix(start));
        found.map(str::trim).next()
    }

    /// The blocks of a part, in order.
    pub fn blocks(&self, wanted: Part) -> Vec<Block> {
        let mut part = None;
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            match line {
                "## Example" => part = Some(Part::Example),
                "## The fix" => part = Some(Part::Fix),
                _ => {}
            }
            let Some(form) = line.strip_prefix("```") else {
                continue;
            };
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text: String = inside.map(|line| format!("{line}\n")).collect();
            if part == Some(wanted) {
                blocks.push(self.block(form, text, number + 1));
            }
        }
        blocks
    }

    fn block(&self, form: &str, text: String, line: usize) -> Block {
        if form == "console" {
            let commands = text.lines().map(|line| {
                let command = line.strip_prefix("$ ");
                command.unwrap_or_else(|| panic!("{}: no command: {line}", self.code)).to_owned()
            });
            return Block::Commands(commands.collect());
        }
        let first = text.lines().next().unwrap_or_default();
        let inner = first.strip_prefix("{# ").and_then(|rest| rest.strip_suffix(" #}"));
        let name = inner.or_else(|| first.strip_prefix("# ")).filter(|name| !name.contains(' '));
        match name {
            Some(path) => Block::File { path: path.to_owned(), text, form: form.to_owned() },
            None if form == "text" => Block::Said(text, line),
            None => panic!("{}: a block names no file: {first}", self.code),
        }
    }

    /// Writes the page with other lines in the block that starts at `line`.
    pub fn renew(&self, line: usize, said: &str) {
        let before = self.text.lines().take(line);
        let after = self.text.lines().skip(line).skip_while(|line| *line != "```");
        let lines: Vec<&str> = before.chain(said.lines()).chain(after).collect();
        std::fs::write(&self.path, lines.join("\n") + "\n").expect("the page is written");
    }
}

/// The folder of the manual.
pub fn manual() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The folder of the pages.
pub fn folder() -> PathBuf {
    manual().join("codes")
}

/// A manifest after a block of a fix: a block that starts like the manifest, with its name, is the
/// whole file, any other holds the keys that change.
pub fn changed(old: &str, block: &str) -> String {
    let (kept, new) = (entries(old), entries(block));
    let first = |entries: &[(String, String)]| entries.first().map(|(key, _)| key.clone());
    if kept.is_empty() || first(&kept) == first(&new) {
        return block.to_owned();
    }
    let mut text = String::new();
    let mut written: Vec<&str> = Vec::new();
    for (key, lines) in &kept {
        let change = new.iter().find(|(changed, _)| changed == key);
        match change {
            Some(_) if written.contains(&key.as_str()) => {}
            Some((key, lines)) => {
                written.push(key);
                text += lines;
            }
            None => text += lines,
        }
    }
    let added = new.iter().filter(|(key, _)| !written.contains(&key.as_str()));
    text + &added.map(|(_, lines)| lines.as_str()).collect::<String>()
}

/// The top-level keys of a manifest with their lines; comments before the first key have none.
fn entries(text: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let key = line.split_once(':').map(|(key, _)| key);
        match key.filter(|key| !key.starts_with([' ', '#', '-'])) {
            Some(key) => entries.push((key.to_owned(), format!("{line}\n"))),
            None if line.starts_with('#') => {}
            None => {
                if let Some((_, lines)) = entries.last_mut() {
                    *lines += &format!("{line}\n");
                }
            }
        }
    }
    entries
}
