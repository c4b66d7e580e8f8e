//! One side of a comparison: a product of the workspace as it is, of a revision, or in a file.

use std::io::ErrorKind;
use std::path::Path;

use tarsia_build::revision::GitTree;
use tarsia_manifest::{Disk, Guest, load, load_with};
use tarsia_model::{Code, Diagnostic, SourceMap};
use tarsia_resolve::Selection;

use crate::manifests::Manifests;
use crate::session::Session;

/// What a word of the command line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand<'t> {
    /// A product of the workspace.
    Name(&'t str),
    /// A product's file.
    File(&'t str),
    /// A product of an earlier state of the workspace.
    Revision {
        /// As git knows it.
        revision: &'t str,
        /// Its name.
        product: &'t str,
    },
}

impl<'t> Operand<'t> {
    /// Reads a word. A revision may have slashes and colons in it, a path only starts with them.
    pub fn parse(text: &'t str) -> Self {
        if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) {
            return Self::File(text);
        }
        match text.rsplit_once(':') {
            Some((revision, product)) => Self::Revision { revision, product },
            None if text.contains('/') || text.ends_with(".yaml") => Self::File(text),
            None => Self::Name(text),
        }
    }
}

/// A product in one state of the workspace.
pub struct Side<'s> {
    /// How it is called in the answer.
    pub label: String,
    /// The product's name.
    pub product: String,
    /// The texts that places refer to; those of a revision have it before their path.
    pub sources: SourceMap,
    revision: Option<&'s str>,
    manifests: Held<'s>,
}

enum Held<'s> {
    /// The workspace as it is.
    Session(&'s Manifests),
    Own(Box<Manifests>),
}

impl<'s> Side<'s> {
    /// Reads what an operand names.
    ///
    /// # Errors
    /// A file or revision that cannot be read; that there is no such product is told by [`Self::select`].
    pub fn open(session: &'s Session, operand: Operand<'s>) -> Result<Self, Diagnostic> {
        match operand {
            Operand::Name(product) => Ok(Self {
                label: product.to_owned(),
                product: product.to_owned(),
                sources: session.sources().clone(),
                revision: None,
                manifests: Held::Session(&session.manifests),
            }),
            Operand::File(path) => Self::file(session, path),
            Operand::Revision { revision, product } => {
                let tree = GitTree::open(&session.surroundings, &session.root, revision)?;
                let manifests = Manifests::new(load(&tree));
                let sources = manifests.sources().renamed(|path| match tree.holds(path) {
                    true => format!("{revision}:{path}"),
                    false => path.to_owned(),
                });
                Ok(Self {
                    label: format!("{revision}:{product}"),
                    product: product.to_owned(),
                    sources,
                    revision: Some(revision),
                    manifests: Held::Own(Box::new(manifests)),
                })
            }
        }
    }

    fn file(session: &Session, text: &str) -> Result<Self, Diagnostic> {
        let unreadable = |error: std::io::Error| {
            let message = format!("`{}` could not be read: {error}", text.escape_debug());
            Diagnostic::error(Code::Unreadable, message)
        };
        let path = Path::new(text).canonicalize().map_err(unreadable)?;
        let root = session.root.canonicalize().map_err(unreadable)?;
        let path = path.strip_prefix(&root).unwrap_or(&path).to_str();
        let path = path.ok_or_else(|| unreadable(ErrorKind::InvalidFilename.into()))?;
        let disk = Disk::new(root).map_err(unreadable)?;
        let guest = Guest::find(&disk, path)?;
        let manifests = Manifests::with_guest(load_with(&disk, &guest), &guest);
        Ok(Self {
            label: text.to_owned(),
            product: guest.name.to_string(),
            sources: manifests.sources().clone(),
            revision: None,
            manifests: Held::Own(Box::new(manifests)),
        })
    }

    /// Resolves the product.
    ///
    /// # Errors
    /// Every reason why there is no selection.
    pub fn select(&self) -> Result<Selection<'_>, Vec<Diagnostic>> {
        let manifests = match &self.manifests {
            Held::Session(manifests) => manifests,
            Held::Own(manifests) => manifests.as_ref(),
        };
        let selected = manifests.compose(&self.product).and_then(|found| manifests.select(found));
        selected.map_err(|mut problems| {
            // A problem without a place does not show by itself which state it is about.
            if let Some(revision) = self.revision {
                let placeless = problems.iter_mut().filter(|problem| problem.primary.is_none());
                for problem in placeless {
                    problem.notes.push(format!("in the revision `{}`", revision.escape_debug()));
                }
            }
            problems
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands() {
        let revision = |revision, product| Operand::Revision { revision, product };
        for (text, operand) in [
            ("soil-sensor", Operand::Name("soil-sensor")),
            ("new.yaml", Operand::File("new.yaml")),
            ("./new", Operand::File("./new")),
            ("drafts/new", Operand::File("drafts/new")),
            ("../a:b.yaml", Operand::File("../a:b.yaml")),
            ("v1.0:soil-sensor", revision("v1.0", "soil-sensor")),
            ("origin/main:a", revision("origin/main", "a")),
            ("HEAD^{/fix: it}:a", revision("HEAD^{/fix: it}", "a")),
            (":a", revision("", "a")),
        ] {
            assert_eq!(Operand::parse(text), operand, "{text}");
        }
    }
}
