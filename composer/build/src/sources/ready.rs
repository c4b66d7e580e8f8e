//! A source whose bytes are in the store, as the actions that read it see it.

use tarsia_image::content::Data;
use tarsia_image::tree::{Kind, Tree};
use tarsia_manifest::LockedSource;
use tarsia_model::{Blake3, Code, Diagnostic};

use super::kept::kept;
use super::unpacked::plain_file;
use super::{Unpacked, Wanted, folder, tree};
use crate::engine::Workshop;

/// A source that was fetched.
#[derive(Clone, Debug)]
pub struct Ready<'a> {
    /// What the manifest says of it.
    pub wanted: Wanted<'a>,
    /// Which bytes it is.
    pub locked: LockedSource,
}

impl Ready<'_> {
    /// Whether it is this source of this component.
    pub fn is(&self, component: &str, name: &str) -> bool {
        let (of, own) = self.wanted.key();
        of.as_str() == component && own.as_str() == name
    }

    /// What it is unpacked from and how, for keys and for the name of its folder: the same bytes may be an archive for
    /// one and a file for another.
    pub fn identity(&self) -> String {
        let source = self.wanted.source;
        let (kind, unpack) =
            (source.kind(), source.unpack.as_ref().map_or("", |path| path.as_str()));
        let (strip, twins) = (source.strip(), source.allows_twins());
        // Where that is not known, nothing comes of it: whatever asks for its content asks for this, too.
        let file = plain_file(&self.wanted).ok().flatten().unwrap_or_default();
        format!("{} {kind} {file:?} {unpack:?} {strip} {twins}", self.locked.blake3.value)
    }

    /// A folder with what is in it, unpacked once for all builds in this workspace, and again when it is not as it was
    /// any more: then `again` is told its name. Nothing may write there.
    ///
    /// # Errors
    /// That the store lost it, and why its archive is refused.
    pub fn folder(
        &self,
        workshop: &Workshop<'_>,
        again: impl Fn(&str),
    ) -> Result<Unpacked, Diagnostic> {
        let name = Blake3::of(self.identity().as_bytes()).to_string();
        let place = workshop.folder.join("sources").join(&name);
        let (component, source) = self.wanted.key();
        let say = || again(&format!("{component}.{source}"));
        kept(&place, say, || folder(workshop.store, &self.wanted, &self.locked, &place))
    }

    /// One file of it.
    ///
    /// # Errors
    /// As [`Ready::folder`]; and that there is no such file.
    pub fn file(&self, workshop: &Workshop<'_>, path: &str) -> Result<Vec<u8>, Diagnostic> {
        let found: Tree = tree(workshop.store, &self.wanted, &self.locked, workshop.folder)?;
        let inode = found.find(path.as_bytes()).map(|id| found.inode(id));
        let data: Option<&Data> = inode.and_then(|inode| match &inode.kind {
            Kind::File(data) => Some(data),
            _ => None,
        });
        let (component, name) = self.wanted.key();
        let missing = || {
            let message = format!("the source `{name}` of `{component}` has no file `{path}`");
            Diagnostic::at(Code::ActionFailed, self.wanted.source.span, message)
        };
        data.ok_or_else(missing)?.bytes().map_err(|error| {
            Diagnostic::error(Code::OutputFailed, format!("cannot read a source: {error}"))
        })
    }
}
