//! The form of a result's record. It is text, so that a person can read what a store holds:
//!
//! ```text
//! tarsia-result 2 <BLAKE3 of all that follows this line>
//! key <the action's key>
//! output <digest> <size in bytes, decimal> <x when executable, else -> <name>
//! log <digest>
//! notes <bytes, decimal>
//! <the notes, as many bytes>
//! ```
//!
//! There is a line `output` per output, by name, and one `log` or none; each line ends with a line feed,
//! also the last before the notes. Names have no control characters (see [`check_name`]). The key is in
//! the record so that a record which got into another's place is not believed. Digests and numbers are
//! written as they are read: a record has one form, and what is not in that form is damaged.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tarsia_model::Blake3;

use crate::CacheError;
use crate::action::{ActionResult, Output};

/// The form described above; a record of another form counts as absent.
const VERSION: u32 = 2;

/// What a record's bytes come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// A sound record of this form.
    Sound(ActionResult),
    /// A record of another form, by another version of Tarsia.
    Other,
    /// None.
    Damaged,
}

/// Names of outputs are relative paths that lead no way up, with `/` between their parts.
pub(crate) fn check_name(name: &str) -> Result<(), CacheError> {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    if name.split('/').all(part) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(CacheError::Name { name: name.to_owned() })
}

pub(crate) fn encode(key: Blake3, result: &ActionResult) -> String {
    let mut body = format!("key {key}\n");
    for (name, Output { digest, size, executable }) in &result.outputs {
        let executable = if *executable { 'x' } else { '-' };
        let _ = writeln!(body, "output {digest} {size} {executable} {name}");
    }
    if let Some(log) = result.log {
        let _ = writeln!(body, "log {log}");
    }
    let _ = write!(body, "notes {}\n{}", result.notes.len(), result.notes);
    format!("tarsia-result {VERSION} {}\n{body}", Blake3::of(body.as_bytes()))
}

pub(crate) fn decode(key: Blake3, bytes: &[u8]) -> Record {
    match std::str::from_utf8(bytes).ok().and_then(head) {
        Some((version, _)) if version != VERSION => Record::Other,
        Some((_, body)) => {
            let result = body_of(key, body);
            // One form only: whatever else was accepted could be read in two ways.
            let same = |result: &ActionResult| encode(key, result).as_bytes() == bytes;
            result.filter(same).map_or(Record::Damaged, Record::Sound)
        }
        None => Record::Damaged,
    }
}

/// The version, and what stands below the first line when its digest is right.
fn head(text: &str) -> Option<(u32, &str)> {
    let (head, body) = text.split_once('\n')?;
    let (version, digest) = head.strip_prefix("tarsia-result ")?.split_once(' ')?;
    let sound = digest.parse() == Ok(Blake3::of(body.as_bytes()));
    Some((version.parse().ok()?, body)).filter(|_| sound)
}

fn body_of(key: Blake3, body: &str) -> Option<ActionResult> {
    let mut result = ActionResult { outputs: BTreeMap::new(), log: None, notes: String::new() };
    let (first, mut rest) = body.split_once('\n')?;
    if first.strip_prefix("key ")?.parse() != Ok(key) {
        return None;
    }
    loop {
        let (line, below) = rest.split_once('\n')?;
        let (what, value) = line.split_once(' ')?;
        match what {
            "output" => {
                let [digest, size, executable, name] = value.splitn(4, ' ').collect::<Vec<_>>()[..]
                else {
                    return None;
                };
                check_name(name).ok()?;
                let output = Output {
                    digest: digest.parse().ok()?,
                    size: size.parse().ok()?,
                    executable: executable == "x",
                };
                result.outputs.insert(name.to_owned(), output);
            }
            "log" => result.log = Some(value.parse().ok()?),
            "notes" => {
                if value.parse() != Ok(below.len()) {
                    return None;
                }
                below.clone_into(&mut result.notes);
                return Some(result);
            }
            _ => return None,
        }
        rest = below;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ActionResult {
        let output = |text: &str| Output {
            digest: Blake3::of(text.as_bytes()),
            size: text.len() as u64,
            executable: text == "tool",
        };
        ActionResult {
            outputs: [("bin/a tool".to_owned(), output("tool")), ("log.txt".into(), output("x"))]
                .into(),
            log: Some(Blake3::of(b"log")),
            notes: "two\nlines\n".into(),
        }
    }

    #[test]
    fn reads_what_it_wrote_and_nothing_else() {
        let key = Blake3::of(b"key");
        for result in [sample(), ActionResult::default()] {
            let text = encode(key, &result);
            assert_eq!(decode(key, text.as_bytes()), Record::Sound(result.clone()));
            assert_eq!(decode(Blake3::of(b"other"), text.as_bytes()), Record::Damaged);
            for end in 0..text.len() {
                assert_eq!(decode(key, &text.as_bytes()[..end]), Record::Damaged, "cut at {end}");
            }
            let longer = format!("{text}\n");
            assert_eq!(decode(key, longer.as_bytes()), Record::Damaged);
            let later = text.replacen("result 2", "result 3", 1);
            assert_eq!(decode(key, later.as_bytes()), Record::Other);
        }
    }

    #[test]
    fn names_stay_below_their_folder() {
        for good in ["a", "a/b", ".hidden", "a b", "ä"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "..", "a/../b", "./a", "a//b", "a\nb", "a\0"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
