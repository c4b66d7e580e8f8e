//! The external sources of a selection.

use std::path::{Path, PathBuf};

use tarsia_manifest::{Catalogue, LockedSource, Source, SourceKind};
use tarsia_model::Name;
use tarsia_resolve::Selection;

use super::SourceError;

/// A source that a component of a product has.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The component.
    pub component: Name,
    /// The source's name.
    pub name: Name,
    /// What the manifest says of it.
    pub source: &'a Source,
    /// The component's folder.
    pub folder: PathBuf,
    /// The architecture of the board.
    pub board_arch: Option<Name>,
}

/// Every source of the components of a selection, in the order of components and names. `root` is the workspace's
/// folder.
pub fn wanted<'a>(
    root: &Path,
    catalogue: &Catalogue,
    selection: &Selection<'a>,
) -> Vec<Wanted<'a>> {
    let board = selection.components.get(selection.board.as_str());
    let board_arch = board.and_then(|board| board.manifest.board.as_ref());
    let board_arch = board_arch.map(|board| board.arch.value.clone());
    let mut found = Vec::new();
    for (component, selected) in &selection.components {
        let folder = catalogue.components.folder(component.as_str()).unwrap_or_default();
        for (name, source) in selected.manifest.sources.iter() {
            found.push(Wanted {
                component: component.clone(),
                name: name.value.clone(),
                source,
                folder: root.join(folder),
                board_arch: board_arch.clone(),
            });
        }
    }
    found.sort_by(|one, two| one.key().cmp(&two.key()));
    found
}

/// What stands for the architecture in a package's name.
const ARCH: &str = "{arch}";

impl Wanted<'_> {
    /// What it is found by in a lock file.
    pub fn key(&self) -> (&Name, &Name) {
        (&self.component, &self.name)
    }

    /// The architecture of its package.
    ///
    /// # Errors
    /// When the manifest does not say it, and Debian has none like the board's.
    pub(super) fn package_arch(&self) -> Result<String, SourceError> {
        if let Some(arch) = &self.source.arch {
            return Ok(arch.as_str().to_owned());
        }
        let board = self.board_arch.as_ref().map_or("", Name::as_str);
        // https://wiki.debian.org/SupportedArchitectures, by the names that boards have here.
        let arch = match board {
            "aarch64" | "armv8a" | "arm64" => "arm64",
            "x86-64" | "amd64" => "amd64",
            "armv7a" | "armhf" => "armhf",
            "riscv64" | "rv64gc" => "riscv64",
            other => return Err(SourceError::NoArch { arch: other.to_owned() }),
        };
        Ok(arch.to_owned())
    }

    /// The package that the manifest names.
    ///
    /// # Errors
    /// As of [`Wanted::package_arch`], where the architecture is in the name.
    pub(super) fn package(&self) -> Result<String, SourceError> {
        let pattern = self.source.deb.as_ref().map_or("", |package| package.as_str());
        if !pattern.contains(ARCH) {
            return Ok(pattern.to_owned());
        }
        Ok(pattern.replace(ARCH, &self.package_arch()?))
    }

    /// Whether a lock file's entry is about the same as the manifest: the version, where a package's name
    /// does not say one, may be any.
    pub(super) fn is_met_by(&self, locked: &LockedSource) -> bool {
        let (source, origin) = (self.source, &locked.origin);
        if locked.kind.value != source.kind() {
            return false;
        }
        match source.kind() {
            SourceKind::Deb => {
                let named = if source.follows() { &origin.followed } else { &origin.package };
                self.package().ok().as_deref() == named.as_ref().map(|package| package.as_str())
                    && origin.followed.is_some() == source.follows()
                    && self.package_arch().ok().as_deref()
                        == origin.arch.as_ref().map(|arch| arch.as_str())
            }
            SourceKind::Archive => {
                source.archive.as_ref().map(|address| &address.value)
                    == origin.address.as_ref().map(|address| &address.value)
                    && source.sha256.as_ref().is_some_and(|one| one.value == locked.sha256.value)
            }
            SourceKind::Git => {
                source.git.as_ref().map(|address| &address.value)
                    == origin.address.as_ref().map(|address| &address.value)
                    && source.revision.as_ref().map(|revision| revision.as_str())
                        == locked.version.as_ref().map(|version| version.as_str())
            }
            SourceKind::Prebuilt => {
                source.prebuilt.as_ref().map(|path| &path.value)
                    == origin.path.as_ref().map(|path| &path.value)
                    && source.sha256.as_ref().is_some_and(|one| one.value == locked.sha256.value)
            }
        }
    }

    /// What the manifest asks for, in a few words.
    pub(super) fn described(&self) -> String {
        let source = self.source;
        match source.kind() {
            SourceKind::Deb => {
                let package = self.package().unwrap_or_default();
                let arch = self.package_arch().unwrap_or_else(|_| "no architecture".to_owned());
                let of = if source.follows() { "what the package" } else { "package" };
                let depends = if source.follows() { " depends on" } else { "" };
                format!("{of} {package} for {arch}{depends}")
            }
            SourceKind::Archive => {
                format!("file {}", source.archive.as_ref().map_or("", |address| address.as_str()))
            }
            SourceKind::Git => {
                let revision = source.revision.as_ref().map_or("", |revision| revision.as_str());
                let address = source.git.as_ref().map_or("", |address| address.as_str());
                format!("commit {} of {address}", revision.get(..12).unwrap_or(revision))
            }
            SourceKind::Prebuilt => {
                format!("prebuilt {}", source.prebuilt.as_ref().map_or("", |path| path.as_str()))
            }
        }
    }
}
