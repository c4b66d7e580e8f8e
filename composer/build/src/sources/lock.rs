//! A product's lock file on the disk, and how it follows the manifests.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_manifest::{LARGEST_LOCK, LockFile, LockedSource, SourceKind};
use tarsia_model::{Code, Diagnostic, Name, SourceMap};

use super::drift::was;
use super::{Drift, Fetcher, Wanted};

/// A product's lock file.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Its path as messages show it.
    pub shown: String,
    /// What is in it; none when there is no such file.
    pub file: Option<LockFile>,
    product: Name,
    path: PathBuf,
}

/// What became of a lock file.
#[derive(Clone, Debug, Default)]
pub struct Relocked {
    /// Every source, in order.
    pub sources: Vec<LockedSource>,
    /// What changed, a line each: `+`, `~` or `-`.
    pub changes: Vec<String>,
    /// Whether the file was written or removed.
    pub written: bool,
}

impl Lock {
    /// Reads the lock file of a product, whose manifest is `manifest`, a path below `root`.
    ///
    /// # Errors
    /// Everything that is wrong with it, with the place in the message.
    pub fn open(root: &Path, manifest: &str, product: &Name) -> Result<Self, Vec<Diagnostic>> {
        let stem = manifest.strip_suffix(".yaml").unwrap_or(manifest);
        let shown = format!("{stem}.lock");
        let path = root.join(&shown);
        let mut lock = Self { shown, file: None, product: product.clone(), path };
        let unreadable = |error: std::io::Error| {
            let message = format!("`{}` could not be read: {error}", lock.shown);
            vec![Diagnostic::error(Code::Unreadable, message)]
        };
        let bytes = match fs::metadata(&lock.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(lock),
            Err(error) => return Err(unreadable(error)),
            // What is too large is read up to where that shows.
            Ok(_) => {
                let file = fs::File::open(&lock.path).map_err(unreadable)?;
                let mut bytes = Vec::new();
                let limit = LARGEST_LOCK as u64 + 1;
                std::io::Read::read_to_end(&mut std::io::Read::take(file, limit), &mut bytes)
                    .map_err(unreadable)?;
                bytes
            }
        };
        let mut sources = SourceMap::default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let id = sources.add(lock.shown.as_str(), text);
        let renew = format!("`tarsia lock {product}` writes it anew once it is out of the way");
        let read = LockFile::read(bytes, id).map_err(|problems| {
            let each = problems.into_iter().map(|problem| placeless(problem, &sources));
            let mut problems: Vec<Diagnostic> = each.collect();
            if let Some(last) = problems.last_mut() {
                last.hints.push(renew);
            }
            problems
        })?;
        if read.product.value != *product {
            let place = sources.location(read.product.span);
            let message = format!(
                "{place}: the lock file is of the product `{}`, not of `{product}`",
                read.product.value
            );
            return Err(vec![Diagnostic::error(Code::StemMismatch, message)]);
        }
        lock.file = Some(read);
        Ok(lock)
    }

    /// How it differs from what the manifests ask for.
    pub fn drift<'a>(&self, wanted: &[Wanted<'a>]) -> Drift<'a> {
        Drift::of(wanted, self.file.as_ref())
    }

    /// The locked sources, when they are those that are wanted.
    ///
    /// # Errors
    /// How they differ.
    pub fn exact(&self, wanted: &[Wanted<'_>]) -> Result<Vec<LockedSource>, Diagnostic> {
        let drift = self.drift(wanted);
        if !drift.is_empty() {
            return Err(drift.refusal(&self.shown, &self.product));
        }
        Ok(self.file.as_ref().map(|file| file.sources.clone()).unwrap_or_default())
    }

    /// Makes the file follow the manifests: what is missing or otherwise is looked up and fetched, what is gone is
    /// dropped, and the rest stays as it is, but for what `renew` says. Without sources there is no file.
    ///
    /// # Errors
    /// Every source that could not be had; then nothing is written.
    pub fn follow(
        &self,
        fetcher: &Fetcher<'_>,
        wanted: &[Wanted<'_>],
        renew: &dyn Fn(&Wanted<'_>) -> bool,
    ) -> Result<Relocked, Vec<Diagnostic>> {
        let (mut sources, mut problems) = (Vec::new(), Vec::new());
        for one in wanted {
            let (component, name) = one.key();
            let known = self.file.as_ref();
            let known = known.and_then(|file| file.find(component.as_str(), name.as_str()));
            match known.filter(|locked| one.is_met_by(locked) && !renewed(one, renew)) {
                Some(locked) => sources.push(locked.clone()),
                None => match fetcher.lock(one) {
                    Ok(locked) => sources.push(locked),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let new = LockFile::new(self.product.clone(), sources);
        let changes = changes(self.file.as_ref(), &new);
        let written = self.write(&new).map_err(|problem| vec![problem])?;
        Ok(Relocked { sources: new.sources, changes, written })
    }

    /// Writes the file unless it is as it should be.
    fn write(&self, lock: &LockFile) -> Result<bool, Diagnostic> {
        let failed = |error: std::io::Error| {
            let message = format!("`{}` could not be written: {error}", self.shown);
            Diagnostic::error(Code::OutputFailed, message)
        };
        if lock.sources.is_empty() {
            if self.file.is_none() {
                return Ok(false);
            }
            return fs::remove_file(&self.path).map(|()| true).map_err(failed);
        }
        let text = lock.text();
        if fs::read(&self.path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(false);
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let write = || {
            use std::os::unix::fs::PermissionsExt as _;
            let mut file = tempfile::Builder::new().prefix(".tarsia-").tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            // As any other file of the workspace: a temporary one is nobody else's.
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
            file.persist(&self.path)?;
            Ok(true)
        };
        write().map_err(failed)
    }
}

/// Only packages have versions that a manifest does not fix.
fn renewed(one: &Wanted<'_>, renew: &dyn Fn(&Wanted<'_>) -> bool) -> bool {
    one.source.kind() == SourceKind::Deb && renew(one)
}

/// What differs between two lock files.
fn changes(old: Option<&LockFile>, new: &LockFile) -> Vec<String> {
    let find = |file: Option<&LockFile>, one: &LockedSource| {
        file.and_then(|file| file.find(one.component.as_str(), one.source.as_str())).cloned()
    };
    let named = |one: &LockedSource| format!("{}.{}", one.component.value, one.source.value);
    let mut lines = Vec::new();
    for one in &new.sources {
        match find(old, one) {
            None => lines.push(format!("+ {}: {}", named(one), was(one))),
            Some(before) if was(&before) != was(one) || before.sha256.value != one.sha256.value => {
                lines.push(format!("~ {}: {}, before {}", named(one), was(one), was(&before)));
            }
            Some(_) => {}
        }
    }
    for one in old.map_or(&[][..], |old| &old.sources) {
        if find(Some(new), one).is_none() {
            lines.push(format!("- {}: {}", named(one), was(one)));
        }
    }
    lines
}

/// A problem of a file that is not among the texts of the workspace: its place goes into the message.
fn placeless(problem: Diagnostic, sources: &SourceMap) -> Diagnostic {
    let place = problem.primary.as_ref().map(|label| sources.location(label.span));
    let message = match place {
        Some(place) => format!("{place}: {}", problem.message),
        None => problem.message.clone(),
    };
    let notes = problem
        .related
        .iter()
        .map(|label| format!("{}: {}", sources.location(label.span), label.text));
    let notes = notes.chain(problem.notes.iter().cloned()).collect();
    Diagnostic { notes, hints: problem.hints, ..Diagnostic::error(problem.code, message) }
}
