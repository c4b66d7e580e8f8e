//! What an action's key is made of. The same description is the key and its explanation, so that
//! neither can miss what the other has.

use std::collections::BTreeMap;
use std::sync::Arc;

use tarsia_model::Blake3;
use tarsia_plan::key::{self, Describe, Visitor};

use super::action::Action;
use crate::tree::Tree;

/// An input whose content is known.
#[derive(Clone, Debug)]
pub enum Given {
    /// A file.
    File(Blake3),
    /// A folder.
    Tree(Arc<Tree>),
}

impl Given {
    /// The digest of all of it.
    pub fn digest(&self) -> Blake3 {
        match self {
            Self::File(digest) => *digest,
            Self::Tree(tree) => tree.digest,
        }
    }
}

/// An action whose inputs are known.
#[derive(Debug)]
pub struct Described<'a, 'w> {
    /// The action.
    pub action: &'a Action<'w>,
    /// What it reads, by path in its own folder.
    pub inputs: BTreeMap<String, Given>,
}

impl Described<'_, '_> {
    /// Its key.
    pub fn key(&self) -> Blake3 {
        key::key(self)
    }

    /// Everything that the key is made of, with the files of folders one by one.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = key::explain(self);
        for (path, given) in &self.inputs {
            if let Given::Tree(tree) = given {
                let files = tree.files().map(|(name, file)| {
                    let mode = if file.executable { " executable" } else { "" };
                    format!("input {path}/{name}: {}{mode}", file.digest)
                });
                lines.extend(files);
            }
        }
        lines.sort();
        lines
    }
}

impl Describe for Described<'_, '_> {
    fn describe(&self, visitor: &mut dyn Visitor) {
        let action = self.action;
        visitor.input("builder", "", action.builder);
        visitor.input("step", "", &action.step);
        for name in &action.outputs {
            visitor.input("output", name, "");
        }
        for setting in &action.settings {
            visitor.input(setting.kind, &setting.name, &setting.value);
        }
        for (path, given) in &self.inputs {
            let kind = match given {
                Given::File(_) => "input",
                Given::Tree(_) => "folder",
            };
            visitor.input(kind, path, &given.digest().to_string());
        }
    }
}
