//! Gets the bytes of sources into the store. In there, they are blobs like any other: those that nobody used for
//! the longest time may be collected, and are then fetched again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tarsia_cache::{ActionResult, Output, Store};
use tarsia_manifest::{LockedOrigin, LockedSource, SourceKind};
use tarsia_model::{Blake3, Diagnostic, FileDigest, Sha256, SourceId, Span, Spanned};

use super::apt::{Apt, Found};
use super::measure::{check, measure};
use super::scratch::Scratch;
use super::{SourceError, Wanted, address, git, local};
use crate::Surroundings;

/// The name of a source's bytes among the outputs of its result in the store.
const BYTES: &str = "bytes";

/// Fetches sources.
pub struct Fetcher<'a> {
    surroundings: &'a Surroundings,
    store: &'a Store,
    /// A folder for what is being fetched.
    scratch: PathBuf,
    /// The folder of apt's state.
    apt: PathBuf,
    /// Where sources are taken from instead of being fetched.
    vendored: Option<PathBuf>,
    /// Says what is fetched.
    say: &'a dyn Fn(&str),
    /// Architectures whose indexes were brought up to date.
    updated: RefCell<BTreeSet<String>>,
}

impl<'a> Fetcher<'a> {
    /// Fetches into a store; `cache` is the folder in which it keeps what makes the next time quicker. `say` is
    /// told what is fetched.
    pub fn new(
        surroundings: &'a Surroundings,
        store: &'a Store,
        cache: &Path,
        say: &'a dyn Fn(&str),
    ) -> Self {
        let (scratch, apt) = (cache.join("fetching"), cache.join("apt"));
        let updated = RefCell::default();
        Self { surroundings, store, scratch, apt, vendored: None, say, updated }
    }

    /// Takes sources from a folder that [`super::vendor()`] wrote, and from nowhere else, but for prebuilt ones that
    /// it does not have.
    pub fn vendored(mut self, folder: Option<PathBuf>) -> Self {
        self.vendored = folder;
        self
    }

    /// Looks up what a source is now, fetches it, and says what it is.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn lock(&self, wanted: &Wanted<'_>) -> Result<LockedSource, Diagnostic> {
        self.locked(wanted).map_err(|error| error.of(wanted))
    }

    /// Fetches a source that the store does not have; says whether it was fetched.
    ///
    /// # Errors
    /// Why it cannot be had, or that it is not what it was.
    pub fn fetch(&self, wanted: &Wanted<'_>, locked: &LockedSource) -> Result<bool, Diagnostic> {
        self.fetched(wanted, locked).map_err(|error| error.of(wanted))
    }

    fn fetched(&self, wanted: &Wanted<'_>, locked: &LockedSource) -> Result<bool, SourceError> {
        let (size, sha256) = (locked.size.value, locked.sha256.value);
        let known = self.known(sha256)?.is_some_and(|known| known.blake3 == locked.blake3.value);
        // A file beside the manifest is looked at each time: it may have changed.
        if known && locked.kind.value != SourceKind::Prebuilt {
            return Ok(false);
        }
        let found = self.bring(wanted, Some(locked), |to| {
            let text = |text: &Option<Spanned<String>>| {
                text.as_ref().map(|text| text.value.clone()).unwrap_or_default()
            };
            let origin = &locked.origin;
            match locked.kind.value {
                SourceKind::Deb => {
                    let apt = Apt::open(self.surroundings, &self.apt, &wanted.package_arch()?)?;
                    let by = (text(&origin.origin), text(&origin.suite));
                    let file = origin.file.as_ref().map_or("", |file| file.as_str());
                    apt.fetch((&by.0, &by.1), file, (size, sha256), to)
                }
                // What is a little larger is told as another size than expected.
                _ => self.direct(wanted, size.saturating_add(1 << 20), to),
            }
        })?;
        check(found, Some(size), Some(sha256))?;
        if found.blake3 != locked.blake3.value {
            let expected = locked.blake3.value;
            return Err(SourceError::Blake3 { expected, found: found.blake3 });
        }
        Ok(!known)
    }

    fn locked(&self, wanted: &Wanted<'_>) -> Result<LockedSource, SourceError> {
        let (source, kind) = (wanted.source, wanted.source.kind());
        if kind == SourceKind::Deb {
            return self.locked_package(wanted);
        }
        let expected = source.sha256.as_ref().map(|digest| digest.value);
        let known = match expected.filter(|_| kind == SourceKind::Archive) {
            Some(sha256) => self.known(sha256)?,
            None => None,
        };
        let found = match known {
            Some(found) => found,
            None => self.bring(wanted, None, |to| self.direct(wanted, address::LARGEST, to))?,
        };
        let mut origin = no_origin();
        let version = match kind {
            SourceKind::Git => {
                origin.address.clone_from(&source.git);
                source.revision.as_ref().map(|one| written(one.as_str().to_owned()))
            }
            SourceKind::Archive => {
                origin.address.clone_from(&source.archive);
                None
            }
            _ => {
                origin.path.clone_from(&source.prebuilt);
                None
            }
        };
        Ok(entry(wanted, version, origin, found))
    }

    fn locked_package(&self, wanted: &Wanted<'_>) -> Result<LockedSource, SourceError> {
        let (named, arch) = (wanted.package()?, wanted.package_arch()?);
        let apt = Apt::open(self.surroundings, &self.apt, &arch)?;
        if self.updated.borrow_mut().insert(arch.clone()) {
            (self.say)(&format!("the indexes of packages for {arch}"));
            apt.update()?;
        }
        let follows = wanted.source.follows();
        let (name, found) = match follows {
            true => apt.followed(&named)?,
            false => (named.clone(), apt.newest(&named)?),
        };
        let Found { package, index } = found;
        let by = (index.origin.as_str(), index.suite.as_str());
        let expected = (package.size, package.sha256);
        let found = match self.known(package.sha256)? {
            Some(found) => found,
            None => {
                let said = (package.size, package.sha256);
                let found = self.bring_as(wanted, Some(said), |to| {
                    apt.fetch(by, &package.file, expected, to)
                })?;
                check(found, Some(package.size), Some(package.sha256))?;
                found
            }
        };
        let malformed = |what: &str| SourceError::Index(format!("the {what} of `{name}`"));
        let origin = LockedOrigin {
            origin: Some(written(index.origin.clone())),
            suite: Some(written(index.suite.clone())),
            part: Some(written(index.part.clone())),
            package: Some(written(name.parse().map_err(|_| malformed("name"))?)),
            followed: match follows {
                true => Some(written(named.parse().map_err(|_| malformed("name"))?)),
                false => None,
            },
            arch: Some(written(arch.parse().map_err(|_| malformed("architecture"))?)),
            file: Some(written(package.file.parse().map_err(|_| malformed("file"))?)),
            ..no_origin()
        };
        Ok(entry(wanted, Some(written(package.version)), origin, found))
    }

    /// What the store knows under a digest.
    fn known(&self, sha256: Sha256) -> Result<Option<FileDigest>, SourceError> {
        let result = self.store.recall(key(sha256))?;
        let output = result.and_then(|result| result.outputs.get(BYTES).copied());
        Ok(output.map(|Output { digest, size, .. }| FileDigest { size, sha256, blake3: digest }))
    }

    fn bring(
        &self,
        wanted: &Wanted<'_>,
        locked: Option<&LockedSource>,
        get: impl FnOnce(&Path) -> Result<(), SourceError>,
    ) -> Result<FileDigest, SourceError> {
        let expected = locked.map(|locked| (locked.size.value, locked.sha256.value));
        self.bring_as(wanted, expected, get)
    }

    /// Gets a source's bytes, from the vendored ones where there are any, and keeps them if they are what they
    /// should be.
    fn bring_as(
        &self,
        wanted: &Wanted<'_>,
        expected: Option<(u64, Sha256)>,
        get: impl FnOnce(&Path) -> Result<(), SourceError>,
    ) -> Result<FileDigest, SourceError> {
        let failed = SourceError::io("make a temporary folder");
        let folder = Scratch::new(&self.scratch).map_err(failed)?;
        let file = folder.path().join("bytes");
        let manifest = wanted.source.sha256.as_ref().map(|digest| digest.value);
        let sha256 = expected.map(|(_, sha256)| sha256).or(manifest);
        if wanted.source.kind() != SourceKind::Prebuilt {
            (self.say)(&format!("{}.{}", wanted.component, wanted.name));
        }
        let vendored = self.vendored.as_ref().zip(sha256);
        let vendored = vendored
            .map(|(folder, sha256)| folder.join("sources").join(sha256.to_string()))
            .filter(|path| path.is_file());
        match vendored {
            Some(from) => address::copy(&from, address::LARGEST, &file)?,
            None if self.vendored.is_some() && wanted.source.kind() != SourceKind::Prebuilt => {
                return Err(SourceError::NotVendored);
            }
            None => get(&file)?,
        }
        let found = measure(&file)?;
        check(found, expected.map(|(size, _)| size), sha256)?;
        let kept = self.store.put_file(&file)?;
        let output = Output { executable: false, ..kept };
        let outputs = BTreeMap::from([(BYTES.to_owned(), output)]);
        let result = ActionResult { outputs, log: None, notes: String::new() };
        self.store.record(key(found.sha256), &result)?;
        Ok(found)
    }

    /// Gets what is fetched without a package manager.
    fn direct(&self, wanted: &Wanted<'_>, limit: u64, to: &Path) -> Result<(), SourceError> {
        let source = wanted.source;
        match (&source.archive, &source.git, &source.revision, &source.prebuilt) {
            (Some(from), ..) => address::fetch(self.surroundings, from.as_str(), limit, to),
            (_, Some(from), Some(revision), _) => {
                let scratch = to.parent().unwrap_or(Path::new("."));
                git::fetch(self.surroundings, from.as_str(), revision.as_str(), scratch, to)
            }
            (.., Some(path)) => local::fetch(&wanted.folder, path.as_str(), to),
            _ => Err(SourceError::NotFetched),
        }
    }
}

/// Under which key the store knows what has a digest.
fn key(sha256: Sha256) -> Blake3 {
    Blake3::of(format!("external source 1 {sha256}").as_bytes())
}

/// A value that no file has yet.
const fn written<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::file(SourceId(0)))
}

const fn no_origin() -> LockedOrigin {
    LockedOrigin {
        span: Span::file(SourceId(0)),
        origin: None,
        suite: None,
        part: None,
        package: None,
        followed: None,
        arch: None,
        file: None,
        address: None,
        path: None,
    }
}

fn entry(
    wanted: &Wanted<'_>,
    version: Option<Spanned<String>>,
    origin: LockedOrigin,
    found: FileDigest,
) -> LockedSource {
    LockedSource {
        span: Span::file(SourceId(0)),
        component: written(wanted.component.clone()),
        source: written(wanted.name.clone()),
        kind: written(wanted.source.kind()),
        version,
        origin,
        size: written(found.size),
        sha256: written(found.sha256),
        blake3: written(found.blake3),
    }
}
