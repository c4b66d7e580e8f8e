//! An action while it is carried out: what it was given.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fs_err as fs;
use tarsia_model::{Blake3, Code, Diagnostic};

use super::action::{Made, Origin};
use super::describe::{Described, Given};
use super::event::{Event, Observer};
use super::workshop::Workshop;
use crate::tree::Tree;

/// An action that is carried out.
pub struct Job<'a> {
    /// The action with what it reads.
    pub described: &'a Described<'a, 'a>,
    /// Where.
    pub workshop: &'a Workshop<'a>,
    /// Whether this is the second of two runs that are compared: then everything that may differ
    /// between machines differs from the first.
    pub other: bool,
    pub(super) observer: &'a dyn Observer,
}

impl Job<'_> {
    /// Its name.
    pub fn name(&self) -> String {
        self.described.action.name()
    }

    /// Says what is going on.
    pub fn progress(&self, text: &str) {
        self.observer.notice(&Event::Progress { action: &self.name(), text });
    }

    /// Says that the folder of a source is unpacked anew.
    pub fn again(&self, source: &str) {
        self.observer.notice(&Event::Again { source });
    }

    /// Says which command is replaced by another.
    pub fn instead_of(&self, command: &str) {
        self.observer.notice(&Event::Instead { command });
    }

    /// Keeps all that a program said, with its command and in place of what the last one said; gives where,
    /// as the user knows it. None where that cannot be written.
    pub fn keep_log(&self, command: &str, said: &str) -> Option<String> {
        let path = self.workshop.folder.join("logs").join(self.name() + ".log");
        fs::create_dir_all(path.parent()?).ok()?;
        fs::write(&path, format!("{command}\n\n{said}")).ok()?;
        let shown = path.strip_prefix(self.workshop.root).unwrap_or(&path);
        Some(shown.display().to_string())
    }

    /// What another build, which has just ended the same action, puts into the store; none when it failed, and in
    /// the second of two runs that are compared.
    pub fn made_meanwhile(&self) -> Option<Made> {
        if self.other {
            return None;
        }
        let store = self.workshop.store;
        // The other one keeps its result after it lets go of what both wait for: a few syncs later.
        for _ in 0..100 {
            if let Some(result) = store.recall(self.described.key()).ok()? {
                let fetched = result.outputs.iter().map(|(name, output)| {
                    let bytes = store.get(output.digest).ok()??;
                    Some((name.clone(), bytes))
                });
                return fetched.collect();
            }
            if self.workshop.is_interrupted() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// The content of an input that is a file: exactly what the key was made of.
    ///
    /// # Errors
    /// That it cannot be read or is not what it was.
    pub fn bytes(&self, input: &str) -> Result<Vec<u8>, Diagnostic> {
        let action = self.described.action;
        let (origin, given) = (action.inputs.get(input), self.described.inputs.get(input));
        let (Some(origin), Some(Given::File(digest))) = (origin, given) else {
            return Err(wrong(format!("`{}` has no input `{input}`", action.name())));
        };
        let bytes = match origin {
            Origin::Text(bytes) => bytes.clone(),
            Origin::File(path) => fs::read(path).map_err(|error| wrong(error.to_string()))?,
            Origin::Output(..) => return self.workshop.fetch(input, *digest),
            Origin::Tree(..) => {
                return Err(wrong(format!("`{input}` is a folder")));
            }
        };
        if Blake3::of(&bytes) != *digest {
            return Err(wrong(format!("`{input}` was changed while it was read")));
        }
        Ok(bytes)
    }

    /// An input that is a folder: where it is, and what the key was made of.
    pub fn trees(&self) -> impl Iterator<Item = (&str, &Path, &Arc<Tree>)> {
        let given = self.described.inputs.iter();
        given.filter_map(|(name, given)| match (given, &self.described.action.inputs[name]) {
            (Given::Tree(tree), Origin::Tree(path, _)) => {
                Some((name.as_str(), path.as_path(), tree))
            }
            _ => None,
        })
    }

    /// The names of the inputs that are files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let given = self.described.inputs.iter();
        given.filter(|(_, given)| matches!(given, Given::File(_))).map(|(name, _)| name.as_str())
    }
}

fn wrong(message: String) -> Diagnostic {
    Diagnostic::error(Code::ActionFailed, message)
}
