//! How a lock file differs from what the manifests ask for.

use std::collections::BTreeMap;

use tarsia_manifest::{LockFile, LockedSource, SourceKind};
use tarsia_model::{Code, Diagnostic, Name};

use super::Wanted;

/// What a lock file does not have as the manifests have it.
#[derive(Clone, Debug, Default)]
pub struct Drift<'a> {
    /// Sources that it does not have.
    pub missing: Vec<Wanted<'a>>,
    /// Sources that it has otherwise, with what it has.
    pub changed: Vec<(Wanted<'a>, LockedSource)>,
    /// What no component has any more.
    pub gone: Vec<LockedSource>,
}

impl<'a> Drift<'a> {
    /// Compares.
    pub fn of(wanted: &[Wanted<'a>], lock: Option<&LockFile>) -> Self {
        let mut drift = Self::default();
        let locked = lock.map_or(&[][..], |lock| &lock.sources);
        let mut known: BTreeMap<(&Name, &Name), &LockedSource> =
            locked.iter().map(|one| (one.key(), one)).collect();
        for one in wanted {
            match known.remove(&one.key()) {
                None => drift.missing.push(one.clone()),
                Some(locked) if !one.is_met_by(locked) => {
                    drift.changed.push((one.clone(), locked.clone()));
                }
                Some(_) => {}
            }
        }
        drift.gone = known.into_values().cloned().collect();
        drift
    }

    /// Whether there is no difference.
    pub const fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.changed.is_empty() && self.gone.is_empty()
    }

    /// The differences, a line each: `+` what is missing, `~` what is otherwise, `-` what is gone.
    pub fn lines(&self) -> Vec<String> {
        let named = |(component, source): (&Name, &Name)| format!("{component}.{source}");
        let missing =
            self.missing.iter().map(|one| format!("+ {}: {}", named(one.key()), one.described()));
        let changed = self.changed.iter().map(|(one, locked)| {
            format!("~ {}: {}, locked as {}", named(one.key()), one.described(), was(locked))
        });
        let gone = self.gone.iter().map(|one| format!("- {}: {}", named(one.key()), was(one)));
        missing.chain(changed).chain(gone).collect()
    }

    /// Why nothing goes on with `--locked`. `path` is the lock file's, and `product` the product's name.
    pub fn refusal(&self, path: &str, product: &Name) -> Diagnostic {
        let message = format!("`{path}` does not match the manifests");
        let place = self.missing.first().or_else(|| self.changed.first().map(|(one, _)| one));
        let mut found = match place {
            Some(one) => Diagnostic::at(Code::LockOutdated, one.source.place(), message),
            None => Diagnostic::error(Code::LockOutdated, message),
        };
        found.notes = self.lines();
        found.hint(format!(
            "`tarsia lock {product}` writes it; without `--locked`, a build does so, too"
        ))
    }
}

/// What an entry of a lock file is, in a few words.
pub(super) fn was(locked: &LockedSource) -> String {
    let origin = &locked.origin;
    let version = locked.version.as_ref().map_or("", |version| version.as_str());
    match locked.kind.value {
        SourceKind::Deb => {
            let package = origin.package.as_ref().map_or("", |package| package.as_str());
            let arch = origin.arch.as_ref().map_or("", |arch| arch.as_str());
            format!("package {package} {version} for {arch}")
        }
        SourceKind::Archive => {
            let address = origin.address.as_ref().map_or("", |address| address.as_str());
            format!("file {address} with SHA-256 {}", locked.sha256.value)
        }
        SourceKind::Git => {
            let address = origin.address.as_ref().map_or("", |address| address.as_str());
            format!("commit {} of {address}", version.get(..12).unwrap_or(version))
        }
        SourceKind::Prebuilt => {
            let path = origin.path.as_ref().map_or("", |path| path.as_str());
            format!("prebuilt {path} with SHA-256 {}", locked.sha256.value)
        }
    }
}
