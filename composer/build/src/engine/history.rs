//! What each action was made of when it was last built here, and how long that took: for telling why
//! it is carried out again, and which action to start first. Nothing depends on it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_cache::Memo;
use tarsia_model::Blake3;

use super::describe::Described;
use super::event::Reason;

/// The form of the files; one of another form counts as absent.
const FORM: &str = "tarsia-history 1";

/// Where it is kept.
#[derive(Clone, Debug)]
pub struct History {
    folder: PathBuf,
}

/// What is known without reading all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// The key.
    pub key: Blake3,
    /// How long it took when it was last carried out, in milliseconds.
    pub took: u64,
}

impl History {
    /// The history in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, action: &str) -> PathBuf {
        self.folder.join(action)
    }

    /// The last build of an action.
    pub fn last(&self, action: &str) -> Option<Last> {
        // Some have many thousands of lines.
        let file = std::fs::File::open(self.path(action)).ok()?;
        let mut first = String::new();
        BufReader::with_capacity(256, file.take(256)).read_line(&mut first).ok()?;
        head(&first)
    }

    /// Why an action differs from the last build of it.
    pub fn reason(&self, described: &Described<'_, '_>, key: Blake3) -> Reason {
        let name = described.action.name();
        let Ok(text) = fs::read_to_string(self.path(&name)) else { return Reason::New };
        let Some((first, old)) = text.split_once('\n') else { return Reason::New };
        match head(first) {
            None => Reason::New,
            Some(last) if last.key == key => Reason::Lost,
            Some(_) => {
                let old: Vec<&str> = old.lines().collect();
                difference(&old, &described.lines())
            }
        }
    }

    /// Notes what an action is made of now.
    pub fn note(&self, described: &Described<'_, '_>, last: Last) {
        let text = format!("{FORM} {} {}\n", last.key, last.took);
        let text = text + &described.lines().join("\n");
        // Who cannot write here gets no explanations next time.
        let _ = Memo::new(Path::new(&self.path(&described.action.name()))).write(text.as_bytes());
    }
}

fn head(line: &str) -> Option<Last> {
    let mut words = line.trim_end().strip_prefix(FORM)?.split_whitespace();
    let last = Last { key: words.next()?.parse().ok()?, took: words.next()?.parse().ok()? };
    words.next().is_none().then_some(last)
}

/// What comes first when several things differ: what people change, before what follows from it.
fn rank(what: &str) -> usize {
    let kinds = [
        "input ",
        "command ",
        "flag ",
        "define ",
        "environment ",
        "tool ",
        "platform ",
        "output ",
        "builder ",
    ];
    kinds.iter().position(|kind| what.starts_with(kind)).unwrap_or(kinds.len())
}

/// The first difference between two sorted lists of `what: value`.
fn difference(old: &[&str], new: &[String]) -> Reason {
    let split = |line: &str| -> (String, String) {
        let (what, value) = line.split_once(": ").unwrap_or((line, ""));
        (what.to_owned(), value.to_owned())
    };
    let old: std::collections::BTreeMap<_, _> = old.iter().map(|line| split(line)).collect();
    let new: std::collections::BTreeMap<_, _> = new.iter().map(|line| split(line)).collect();
    let all: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = all.into_iter().filter(|what| old.get(*what) != new.get(*what));
    // That a folder differs follows from its files.
    let first = differing.min_by_key(|what| (rank(what), (*what).clone()));
    first.map_or(Reason::Lost, |what| Reason::Changed {
        what: what.clone(),
        old: old.get(what).cloned(),
        new: new.get(what).cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_what_somebody_changed() {
        let new = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let changed = |what: &str, old: Option<&str>, new: Option<&str>| Reason::Changed {
            what: what.to_owned(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        };
        let old = ["folder d: 1", "input d/a: 5", "input d/b: 6", "tool rustc: 1.90"];
        let cases = [
            (
                new(&["folder d: 2", "input d/a: 5", "input d/b: 7", "tool rustc: 1.91"]),
                changed("input d/b", Some("6"), Some("7")),
            ),
            (
                new(&["folder d: 2", "input d/b: 6", "tool rustc: 1.90"]),
                changed("input d/a", Some("5"), None),
            ),
            (
                new(&["folder d: 1", "input d/a: 5", "input d/b: 6", "tool rustc: 1.91"]),
                changed("tool rustc", Some("1.90"), Some("1.91")),
            ),
            (
                new(&[
                    "folder d: 1",
                    "flag -O: ",
                    "input d/a: 5",
                    "input d/b: 6",
                    "tool rustc: 1.90",
                ]),
                changed("flag -O", None, Some("")),
            ),
        ];
        for (lines, reason) in cases {
            assert_eq!(difference(&old, &lines), reason);
        }
    }
}
