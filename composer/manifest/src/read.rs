//! Reads one file: bytes to text to a manifest, with every problem on the way.

use std::io;

use tarsia_model::{Code, Diagnostic, Name, SourceId, Span, Spanned};

use crate::find::{Candidate, Kind};
use crate::item::Item;
use crate::pack;
use crate::yaml::{self, MAX_FILE};
use crate::{ComponentManifest, ProductManifest, ProfileManifest, WorkspaceManifest};

/// So many problems of one file are told one by one: a broken line can have tens of thousands.
const TOLD: usize = 100;

/// A manifest of any kind.
#[derive(Clone, Debug)]
pub(crate) enum Manifest {
    Workspace(Box<WorkspaceManifest>),
    Component(Box<ComponentManifest>),
    Profile(Box<ProfileManifest>),
    Product(Box<ProductManifest>),
}

impl Manifest {
    /// Where it says what it is.
    pub(crate) fn place(&self) -> Span {
        match self {
            Self::Workspace(workspace) => workspace.span,
            Self::Component(component) => component.component.span,
            Self::Profile(profile) => profile.profile.span,
            Self::Product(product) => product.name().span,
        }
    }

    /// Its bytes in a snapshot.
    pub(crate) fn packed(&self) -> Vec<u8> {
        match self {
            Self::Workspace(workspace) => pack::packed(workspace),
            Self::Component(component) => pack::packed(component),
            Self::Profile(profile) => pack::packed(profile),
            Self::Product(product) => pack::packed(product),
        }
    }
}

/// A file that was read.
pub(crate) struct Read {
    pub(crate) text: String,
    /// None when there are problems.
    pub(crate) manifest: Option<Manifest>,
    pub(crate) problems: Vec<Diagnostic>,
}

/// Makes a manifest of what was read of a file, and says everything that is wrong with it.
pub(crate) fn decode(
    bytes: io::Result<Vec<u8>>,
    source: SourceId,
    candidate: &Candidate<'_>,
) -> Read {
    let mut problems = Vec::new();
    let text = match bytes {
        Ok(bytes) => text(bytes, source, &mut problems),
        Err(error) => {
            let message = format!("the file could not be read: {error}");
            problems.push(Diagnostic::at(Code::Unreadable, Span::file(source), message));
            String::new()
        }
    };
    let manifest = if problems.is_empty() {
        yaml::parse(source, &text, &mut problems)
            .and_then(|node| manifest(&node, candidate, &mut problems))
            .filter(|_| problems.is_empty())
    } else {
        None
    };
    let more = problems.len().saturating_sub(TOLD);
    problems.truncate(TOLD);
    if let Some(last) = problems.last_mut().filter(|_| more > 0) {
        last.notes.push(format!("{more} more problems of this file are not shown"));
    }
    Read { text, manifest, problems }
}

/// Checks what must hold before a file is YAML.
pub(crate) fn text(bytes: Vec<u8>, source: SourceId, problems: &mut Vec<Diagnostic>) -> String {
    let start = Span::file(source);
    if bytes.len() > MAX_FILE {
        let message = format!("the file is larger than {MAX_FILE} bytes");
        problems.push(Diagnostic::at(Code::YamlTooLarge, start, message));
        return String::new();
    }
    match String::from_utf8(bytes) {
        Ok(text) => {
            if text.starts_with('\u{feff}') {
                let message = "the file starts with a byte order mark";
                let span = Span::new(source, 0, 3);
                problems.push(
                    Diagnostic::at(Code::ByteOrderMark, span, message)
                        .hint("save it as UTF-8 without one".to_owned()),
                );
            }
            text
        }
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let at = u32::try_from(offset).unwrap_or(u32::MAX);
            let byte = error.as_bytes()[offset];
            let message = format!("byte {byte:#04x} at offset {offset} is not UTF-8");
            // The shown text has U+FFFD, of 3 bytes, in its place.
            let span = Span::new(source, at, at + 3);
            problems.push(
                Diagnostic::at(Code::NotUtf8, span, message).hint("save it as UTF-8".to_owned()),
            );
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }
    }
}

fn manifest(
    node: &crate::Node,
    candidate: &Candidate<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Manifest> {
    let (manifest, name) = match candidate.kind {
        Kind::Workspace => {
            let workspace = WorkspaceManifest::decode(node, problems)?;
            return Some(Manifest::Workspace(Box::new(workspace)));
        }
        Kind::Component => {
            let component = ComponentManifest::decode(node, problems)?;
            let name = component.component.clone();
            (Manifest::Component(Box::new(component)), name)
        }
        Kind::Profile => {
            let profile = ProfileManifest::decode(node, problems)?;
            let name = profile.profile.clone();
            (Manifest::Profile(Box::new(profile)), name)
        }
        Kind::Product => {
            let product = ProductManifest::decode(node, problems)?;
            let name = product.name().clone();
            (Manifest::Product(Box::new(product)), name)
        }
    };
    check_stem(candidate, &name, problems);
    Some(manifest)
}

/// Names are found by file name, on the command line and in `extends`, so both must agree.
fn check_stem(candidate: &Candidate<'_>, name: &Spanned<Name>, problems: &mut Vec<Diagnostic>) {
    if candidate.name == name.value {
        return;
    }
    let what = match candidate.kind {
        Kind::Component => "folder",
        Kind::Profile | Kind::Product | Kind::Workspace => "file",
    };
    let message = format!(
        "the {what} is named `{}`, but the manifest in it says `{}`",
        candidate.name, name.value
    );
    problems.push(
        Diagnostic::at(Code::StemMismatch, name.span, message)
            .hint(format!("write `{}` here, or rename the {what}", candidate.name)),
    );
}
