//! Finds the manifests of the catalogues: which folders are listed, and which files are to be read.
//! What cannot be a manifest but looks like one is a problem, not a silence.

use std::io;
use std::sync::Arc;

use rayon::prelude::*;
use tarsia_model::{Code, Diagnostic, Name};

use crate::collection::Set;
use crate::files::{Entry, EntryKind, Files, Home, Mark, Stat};
use crate::snapshot::{Listing, PastFile};
use crate::survey::Survey;

/// What a file is the manifest of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Workspace,
    Component,
    Product,
    Profile,
}

/// A catalogue in use.
pub(crate) struct Origin {
    /// What its paths start with: empty, or its folder and `/`.
    pub(crate) prefix: String,
    pub(crate) home: Home,
    pub(crate) overrides: Set<Name>,
}

/// A file to be read: its path, and the name its manifest must have.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'p> {
    pub(crate) path: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) name: Name,
    /// Its place in the list of catalogues.
    pub(crate) origin: usize,
    /// What an earlier load found there.
    pub(crate) past: Option<&'p PastFile>,
}

/// A folder of a catalogue.
pub(crate) struct Folder<'p> {
    pub(crate) path: String,
    pub(crate) kind: FolderKind,
    pub(crate) origin: usize,
    pub(crate) listing: Listing,
    /// The names of what may have a manifest, in order, with what an earlier load found there.
    pub(crate) names: Vec<(Name, Option<&'p PastFile>)>,
    /// Whether it is not as an earlier load found it.
    pub(crate) changed: bool,
}

/// What is looked for in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FolderKind {
    /// Layers.
    Components,
    /// Components.
    Layer,
    /// Manifests of this kind.
    Manifests(Kind),
}

const ROOTS: [(&str, FolderKind); 3] = [
    ("components", FolderKind::Components),
    ("products", FolderKind::Manifests(Kind::Product)),
    ("profiles", FolderKind::Manifests(Kind::Profile)),
];

/// Every folder that holds manifests, in the order in which their files are numbered.
pub(crate) fn folders<'p>(
    survey: &Survey<'p, impl Files>,
    origins: &[Origin],
    problems: &mut Vec<Diagnostic>,
) -> Vec<Folder<'p>> {
    let roots: Vec<(usize, String, FolderKind)> = origins
        .iter()
        .enumerate()
        .flat_map(|(index, origin)| {
            ROOTS.map(|(name, kind)| (index, format!("{}{name}", origin.prefix), kind))
        })
        .collect();
    let look = |(origin, path, kind): (usize, String, FolderKind)| {
        let home = &origins[origin].home;
        let mut finder = Finder { survey, home, problems: Vec::new(), unsettled: false };
        let folder = finder.folder(origin, path, kind);
        (folder, finder.problems)
    };
    let mut found = Vec::new();
    for (folder, more) in roots.into_par_iter().map(look).collect::<Vec<_>>() {
        problems.extend(more);
        let layer =
            |name: &String| (folder.origin, format!("{}/{name}", folder.path), FolderKind::Layer);
        let layers: Vec<_> = folder.listing.layers.iter().map(layer).collect();
        found.push(folder);
        for (folder, more) in layers.into_par_iter().map(look).collect::<Vec<_>>() {
            problems.extend(more);
            found.push(folder);
        }
    }
    found
}

impl<'p> Folder<'p> {
    /// The files to look for in it.
    fn candidates(&self) -> impl IndexedParallelIterator<Item = Candidate<'p>> {
        let (kind, end) = match self.kind {
            FolderKind::Manifests(kind) => (kind, ".yaml"),
            _ => (Kind::Component, "/component.yaml"),
        };
        self.names.par_iter().map(move |(name, past)| {
            let path = [&self.path, "/", name.as_str(), end].concat().into();
            Candidate { path, kind, name: name.clone(), origin: self.origin, past: *past }
        })
    }
}

/// The files to look for in all folders, in the order in which they are numbered.
pub(crate) fn candidates<'p>(folders: &[Folder<'p>]) -> Vec<Candidate<'p>> {
    let mut candidates = Vec::with_capacity(folders.iter().map(|folder| folder.names.len()).sum());
    folders.iter().for_each(|folder| candidates.par_extend(folder.candidates()));
    candidates
}

struct Finder<'f, 'p, F> {
    survey: &'f Survey<'p, F>,
    home: &'f Home,
    problems: Vec<Diagnostic>,
    /// Whether what was found can change without a change to the folder.
    unsettled: bool,
}

impl<'p, F: Files> Finder<'_, 'p, F> {
    /// A folder that does not exist is empty; one that is a link out of the catalogue is refused.
    fn folder(&mut self, origin: usize, path: String, kind: FolderKind) -> Folder<'p> {
        let past = self.survey.past.folders.get(&path).filter(|past| past.kind == kind);
        if let Some(past) = past.filter(|past| self.is_unchanged(&path, &past.listing)) {
            let names = past.files.iter().map(|file| (file.name.clone(), Some(file))).collect();
            let listing = past.listing.clone();
            return Folder { path, kind, origin, listing, names, changed: false };
        }
        let mut folder = Folder {
            path,
            kind,
            origin,
            listing: Listing::default(),
            names: Vec::new(),
            changed: true,
        };
        match self.entries(&folder.path) {
            Ok((mark, entries)) => {
                for entry in entries {
                    self.sort_in(entry, &mut folder);
                }
                let settled = !self.unsettled && self.problems.is_empty();
                folder.listing.mark = self.survey.settled(mark).filter(|_| settled);
            }
            Err(problem) => self.problems.extend(problem),
        }
        folder.names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(past) = past {
            for (name, file) in &mut folder.names {
                let found = past.files.binary_search_by(|file| file.name.cmp(name));
                *file = found.ok().map(|index| &past.files[index]);
            }
            let same_names = folder.names.len() == past.files.len()
                && folder.names.iter().all(|(_, file)| file.is_some());
            folder.changed = !same_names || folder.listing != past.listing;
        }
        folder
    }

    /// Whether a listing would find what it found before.
    fn is_unchanged(&self, path: &str, past: &Listing) -> bool {
        let stat = |path: &str| self.survey.files.stat(path, self.home).ok();
        past.mark.is_some()
            && stat(path).is_some_and(|s| s.kind == EntryKind::Folder && Some(s.mark) == past.mark)
            && past.links.iter().all(|(name, kind)| {
                stat(&format!("{path}/{name}")).is_some_and(|stat| stat.kind == *kind)
            })
    }

    fn entries(&self, path: &str) -> Result<(Mark, Vec<Entry>), Option<Diagnostic>> {
        let judged = |error: io::Error| {
            let absent = error.kind() == io::ErrorKind::NotFound;
            (!absent).then(|| unreadable(path, &error))
        };
        let stat = self.survey.stat(path, self.home).map_err(judged)?;
        if stat.kind == EntryKind::Outside {
            return Err(Some(leaves(path)));
        }
        Ok((stat.mark, self.survey.files.list(path, self.home).map_err(judged)?))
    }

    fn sort_in(&mut self, entry: Entry, folder: &mut Folder<'_>) {
        let Entry { name, kind, linked } = entry;
        if name.starts_with('.') {
            return;
        }
        if linked {
            folder.listing.links.push((name.clone(), kind));
        }
        let path = || format!("{}/{name}", folder.path);
        let wanted = match folder.kind {
            FolderKind::Manifests(_) => EntryKind::File,
            _ => EntryKind::Folder,
        };
        let manifest = name.ends_with(".yaml");
        if kind != wanted {
            if manifest || wanted == EntryKind::Folder {
                self.problems.extend(unfit(&path(), kind));
            }
            return;
        }
        match folder.kind {
            // Cargo's output folder, when the device workspace was built in place.
            FolderKind::Components if name == "target" => {}
            FolderKind::Components => folder.listing.layers.push(name),
            FolderKind::Layer => match name.parse() {
                Ok(name) => folder.names.push((name, None)),
                Err(rule) => {
                    let path = format!("{}/component.yaml", path());
                    // A folder that is no component may have any name, and may become one.
                    self.unsettled = true;
                    if self.survey.files.stat(&path, self.home).is_ok() {
                        self.problems.push(bad_name(&path, rule));
                    }
                }
            },
            FolderKind::Manifests(_) => match name.strip_suffix(".yaml").map(str::parse) {
                Some(Ok(name)) => folder.names.push((name, None)),
                Some(Err(rule)) => self.problems.push(bad_name(&path(), rule)),
                None if name.ends_with(".yml") => {
                    let message = format!("`{}` is not read", path().escape_debug());
                    self.problems.push(
                        Diagnostic::error(Code::BadName, message)
                            .hint("give it a name that ends in `.yaml`".to_owned()),
                    );
                }
                None => {}
            },
        }
    }
}

/// Whether there is a manifest at a path; `None` when what is there is no file.
///
/// # Errors
/// What is wrong with what stands there.
pub(crate) fn present(stat: io::Result<Stat>, path: &str) -> Result<bool, Diagnostic> {
    match stat {
        Ok(stat) => unfit(path, stat.kind).map_or(Ok(true), Err),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(false)
        }
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Why what stands where a manifest should be cannot be one.
fn unfit(path: &str, kind: EntryKind) -> Option<Diagnostic> {
    let unreadable = |what: &str, hint: &str| {
        let message = format!("`{}` {what}", path.escape_debug());
        Diagnostic::error(Code::Unreadable, message).hint(hint.to_owned())
    };
    match kind {
        EntryKind::File => None,
        EntryKind::Outside => Some(leaves(path)),
        EntryKind::Other => {
            Some(unreadable("leads to nothing readable", "mend the link, or remove it"))
        }
        EntryKind::Folder => {
            Some(unreadable("is a folder", "put a manifest in its place, or rename it"))
        }
    }
}

fn leaves(path: &str) -> Diagnostic {
    let message = format!("`{}` is a link that leaves the workspace", path.escape_debug());
    Diagnostic::error(Code::OutsideWorkspace, message)
        .hint("copy what it points to into the workspace".to_owned())
}

fn unreadable(path: &str, error: &io::Error) -> Diagnostic {
    let message = format!("`{}` could not be read: {error}", path.escape_debug());
    Diagnostic::error(Code::Unreadable, message)
}

/// Refuses names that could be options, paths or escape sequences wherever they turn up later.
fn bad_name(path: &str, rule: String) -> Diagnostic {
    let message = format!("`{}` has a bad name", path.escape_debug());
    Diagnostic::error(Code::BadName, message).hint(rule)
}
