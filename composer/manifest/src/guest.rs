//! A product's file that stands outside of the catalogues and is read as if it stood in `products`:
//! a draft, or what someone sent.

use std::path::Path;
use std::sync::Arc;

use tarsia_model::{Code, Diagnostic, Name, SourceId, Spanned};

use crate::files::Files;
use crate::node::Kind;
use crate::yaml::{self, MAX_FILE};

/// A product's file outside of the catalogues.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its path: absolute, or relative to the workspace.
    pub path: Arc<str>,
    /// The name of the product in it. When the file does not state one, that of the file: then
    /// loading says what is wrong with it.
    pub name: Name,
}

impl Guest {
    /// Looks up which product a file has.
    ///
    /// # Errors
    /// A file that cannot be read (E0101), or has a name in it nowhere (E0205).
    pub fn find(files: &impl Files, path: &str) -> Result<Self, Diagnostic> {
        let shown = path.escape_debug();
        let bytes = files.read(path, MAX_FILE + 1).map_err(|error| {
            Diagnostic::error(Code::Unreadable, format!("`{shown}` could not be read: {error}"))
        })?;
        let stem = || Path::new(path).file_stem()?.to_str()?.parse().ok();
        let name = stated(&bytes).or_else(stem).ok_or_else(|| {
            Diagnostic::error(Code::BadName, format!("`{shown}` names no product"))
                .hint("write `product: <name>` into it".to_owned())
        })?;
        Ok(Self { path: path.into(), name })
    }
}

/// The name that a file states; what else is in it is read later.
fn stated(bytes: &[u8]) -> Option<Name> {
    let text = std::str::from_utf8(bytes).ok()?;
    let Kind::Map(entries) = yaml::parse(SourceId(0), text, &mut Vec::new())?.kind else {
        return None;
    };
    let own =
        |(key, _): &&(Spanned<String>, _)| matches!(key.value.as_str(), "product" | "fragment");
    match &entries.iter().find(own)?.1.kind {
        Kind::Scalar(name) => name.text.parse().ok(),
        Kind::List(_) | Kind::Map(_) => None,
    }
}
