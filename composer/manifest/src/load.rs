//! Reads every manifest of a workspace, in parallel, and reports every problem of every file.
//! Files are numbered in the order of their paths, so the result does not depend on timing.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use tarsia_model::{Code, Diagnostic, Name, SourceId, SourceMap, Span, Spanned, diagnostic};

use crate::files::{EntryKind, Files};
use crate::item::Item;
use crate::yaml::{self, MAX_FILE};
use crate::{ComponentManifest, ProductManifest, ProfileManifest};

/// The manifests of a workspace, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// `components/*/*/component.yaml`.
    pub components: BTreeMap<Name, ComponentManifest>,
    /// `profiles/*.yaml`.
    pub profiles: BTreeMap<Name, ProfileManifest>,
    /// `products/*.yaml`: products and fragments.
    pub products: BTreeMap<Name, ProductManifest>,
    /// The folder of each component, relative to the workspace.
    pub folders: BTreeMap<Name, String>,
    /// What would be in the maps above if its file had no errors: no reason to call it unknown.
    pub broken: Broken,
}

/// Names of manifests whose files have errors.
#[derive(Clone, Debug, Default)]
pub struct Broken {
    /// Components.
    pub components: BTreeSet<Name>,
    /// Profiles.
    pub profiles: BTreeSet<Name>,
    /// Products and fragments.
    pub products: BTreeSet<Name>,
}

/// What [`load`] found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Every file that was looked at, in the order of their paths.
    pub sources: SourceMap,
    /// Every manifest without errors.
    pub catalogue: Catalogue,
    /// Every problem, in the order of places.
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Component,
    Profile,
    Product,
}

/// A file to be read: its path, and the name its manifest must have.
struct Candidate {
    path: String,
    kind: Kind,
    name: Name,
}

enum Manifest {
    Component(Box<ComponentManifest>),
    Profile(Box<ProfileManifest>),
    Product(Box<ProductManifest>),
}

struct Read {
    text: String,
    manifest: Option<Manifest>,
    problems: Vec<Diagnostic>,
}

/// Reads every manifest of a workspace.
pub fn load(files: &impl Files) -> Loaded {
    let mut loaded = Loaded::default();
    let candidates = find(files, &mut loaded.diagnostics);
    let read: Vec<Read> = candidates
        .par_iter()
        .enumerate()
        .map(|(index, candidate)| {
            let id = u32::try_from(index).expect("fewer than 2^32 files");
            read(files, SourceId(id), candidate)
        })
        .collect();
    for (candidate, read) in candidates.into_iter().zip(read) {
        loaded.sources.add(candidate.path.as_str(), read.text);
        loaded.diagnostics.extend(read.problems);
        loaded.catalogue.admit(candidate, read.manifest, &mut loaded.diagnostics);
    }
    diagnostic::sort(&mut loaded.diagnostics);
    loaded
}

impl Catalogue {
    fn admit(
        &mut self,
        candidate: Candidate,
        manifest: Option<Manifest>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let Candidate { path, kind, name } = candidate;
        match manifest {
            Some(Manifest::Component(component)) => {
                if let Some(first) = self.components.get(&name) {
                    let message = format!("a second component is named `{name}`");
                    problems.push(
                        Diagnostic::at(Code::DuplicateName, component.component.span, message)
                            .also(first.component.span, "the first")
                            .hint("give one of them another name".to_owned()),
                    );
                    return;
                }
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                self.folders.insert(name.clone(), folder.to_owned());
                self.components.insert(name, *component);
            }
            Some(Manifest::Profile(profile)) => {
                self.profiles.insert(name, *profile);
            }
            Some(Manifest::Product(product)) => {
                self.products.insert(name, *product);
            }
            None => {
                match kind {
                    Kind::Component => self.broken.components.insert(name),
                    Kind::Profile => self.broken.profiles.insert(name),
                    Kind::Product => self.broken.products.insert(name),
                };
            }
        }
    }
}

/// Finds the files to read, sorted by path.
fn find(files: &impl Files, problems: &mut Vec<Diagnostic>) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut finder = Finder { files, problems };
    for (root, kind) in finder.roots() {
        if kind == Kind::Component {
            finder.components(root, &mut found);
        } else {
            finder.manifests(root, kind, &mut found);
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

struct Finder<'f, 'p, F> {
    files: &'f F,
    problems: &'p mut Vec<Diagnostic>,
}

impl<F: Files> Finder<'_, '_, F> {
    /// The folders that manifests are in. One that is a link out of the workspace is refused.
    fn roots(&mut self) -> Vec<(&'static str, Kind)> {
        let roots = [
            ("components", Kind::Component),
            ("profiles", Kind::Profile),
            ("products", Kind::Product),
        ];
        let entries = self.files.list("").unwrap_or_default();
        let leaves = |root: &str| {
            entries.iter().any(|entry| entry.name == root && entry.kind == EntryKind::Outside)
        };
        let (outside, inside): (Vec<_>, Vec<_>) =
            roots.into_iter().partition(|(root, _)| leaves(root));
        outside.iter().for_each(|(root, _)| self.refuse_link(root));
        inside
    }

    fn components(&mut self, root: &str, found: &mut Vec<Candidate>) {
        for layer in self.entries(root, EntryKind::Folder) {
            // Cargo's output folder, when the device workspace was built in place.
            if layer == "target" {
                continue;
            }
            let layer = format!("{root}/{layer}");
            for name in self.entries(&layer, EntryKind::Folder) {
                let folder = format!("{layer}/{name}");
                let inside = self.entries(&folder, EntryKind::File);
                if inside.iter().any(|file| file == "component.yaml") {
                    let path = format!("{folder}/component.yaml");
                    found.extend(self.candidate(Kind::Component, path, &name));
                }
            }
        }
    }

    fn manifests(&mut self, root: &str, kind: Kind, found: &mut Vec<Candidate>) {
        for file in self.entries(root, EntryKind::File) {
            let path = format!("{root}/{file}");
            if let Some(stem) = file.strip_suffix(".yaml") {
                found.extend(self.candidate(kind, path, stem));
            } else if file.ends_with(".yml") {
                let message = format!("`{}` is not read", path.escape_debug());
                self.problems.push(
                    Diagnostic::error(Code::BadName, message)
                        .hint("give it a name that ends in `.yaml`".to_owned()),
                );
            }
        }
    }

    fn refuse_link(&mut self, path: &str) {
        let message = format!("`{}` is a link that leaves the workspace", path.escape_debug());
        self.problems.push(
            Diagnostic::error(Code::OutsideWorkspace, message)
                .hint("copy what it points to into the workspace".to_owned()),
        );
    }

    /// The names in a folder that are of this kind; a folder that does not exist is empty.
    fn entries(&mut self, folder: &str, kind: EntryKind) -> Vec<String> {
        let entries = match self.files.list(folder) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    let message = format!("`{}` could not be read: {error}", folder.escape_debug());
                    self.problems.push(Diagnostic::error(Code::Unreadable, message));
                }
                return Vec::new();
            }
        };
        let mut names = Vec::new();
        for entry in entries.into_iter().filter(|entry| !entry.name.starts_with('.')) {
            let path = format!("{folder}/{}", entry.name);
            let manifest = entry.name.ends_with(".yaml");
            match entry.kind {
                EntryKind::Outside if manifest || kind == EntryKind::Folder => {
                    self.refuse_link(&path);
                }
                EntryKind::Other if manifest || kind == EntryKind::Folder => {
                    let message = format!("`{}` leads to nothing readable", path.escape_debug());
                    self.problems.push(
                        Diagnostic::error(Code::Unreadable, message)
                            .hint("mend the link, or remove it".to_owned()),
                    );
                }
                EntryKind::Folder if manifest && kind == EntryKind::File => {
                    let message = format!("`{}` is a folder", path.escape_debug());
                    self.problems.push(
                        Diagnostic::error(Code::Unreadable, message)
                            .hint("put a manifest in its place, or rename it".to_owned()),
                    );
                }
                found if found == kind => names.push(entry.name),
                _ => {}
            }
        }
        names
    }

    /// Refuses names that could be options, paths or escape sequences wherever they turn up later.
    fn candidate(&mut self, kind: Kind, path: String, name: &str) -> Option<Candidate> {
        match name.parse() {
            Ok(name) => Some(Candidate { path, kind, name }),
            Err(rule) => {
                let message = format!("`{}` has a bad name", path.escape_debug());
                self.problems.push(Diagnostic::error(Code::BadName, message).hint(rule));
                None
            }
        }
    }
}

fn read(files: &impl Files, source: SourceId, candidate: &Candidate) -> Read {
    let mut problems = Vec::new();
    let text = match files.read(&candidate.path, MAX_FILE + 1) {
        Ok(bytes) => text(bytes, source, &mut problems),
        Err(error) => {
            let message = format!("the file could not be read: {error}");
            problems.push(Diagnostic::at(Code::Unreadable, Span::file(source), message));
            String::new()
        }
    };
    let manifest = if problems.is_empty() {
        yaml::parse(source, &text, &mut problems)
            .and_then(|node| decode(&node, candidate, &mut problems))
            .filter(|_| problems.is_empty())
    } else {
        None
    };
    Read { text, manifest, problems }
}

/// Checks what must hold before a file is YAML.
fn text(bytes: Vec<u8>, source: SourceId, problems: &mut Vec<Diagnostic>) -> String {
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

fn decode(
    node: &crate::Node,
    candidate: &Candidate,
    problems: &mut Vec<Diagnostic>,
) -> Option<Manifest> {
    let (manifest, name) = match candidate.kind {
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
fn check_stem(candidate: &Candidate, name: &Spanned<Name>, problems: &mut Vec<Diagnostic>) {
    if candidate.name == name.value {
        return;
    }
    let what = match candidate.kind {
        Kind::Component => "folder",
        Kind::Profile | Kind::Product => "file",
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
