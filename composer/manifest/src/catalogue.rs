//! What a load gives: the manifests of all catalogues, by name, with the texts that their places
//! refer to and every problem found.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_model::{Diagnostic, Name, SourceMap};

use crate::find::Kind;
use crate::{Components, ProductManifest, ProfileManifest};

/// The manifests of a workspace, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// `components/*/*/component.yaml`.
    pub components: Components,
    /// `profiles/*.yaml`.
    pub profiles: BTreeMap<Name, ProfileManifest>,
    /// `products/*.yaml`: products and fragments.
    pub products: BTreeMap<Name, ProductManifest>,
    /// What would be in the maps above if its file had no errors: no reason to call it unknown.
    pub broken: Broken,
    /// The folders of the catalogues in the order listed, as paths start with them: empty for the
    /// workspace itself, `../tarsia/` for another.
    pub prefixes: Vec<String>,
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
    /// Whether a catalogue is missing: then any name could be in it.
    pub workspace: bool,
}

/// What [`crate::load()`] found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Every file that was looked at: `tarsia.yaml`, then the catalogues in the order listed, each
    /// folder by folder in the order of names.
    pub sources: SourceMap,
    /// Every manifest without errors.
    pub catalogue: Catalogue,
    /// Every problem, in the order of places.
    pub diagnostics: Vec<Diagnostic>,
}

impl Broken {
    pub(crate) fn insert(&mut self, kind: Kind, name: Name) {
        match kind {
            Kind::Workspace => self.workspace = true,
            Kind::Component => _ = self.components.insert(name),
            Kind::Product => _ = self.products.insert(name),
            Kind::Profile => _ = self.profiles.insert(name),
        }
    }
}

impl Catalogue {
    /// The part of a path after its catalogue's folder: `products/a.yaml`. The longest match wins,
    /// because a catalogue can stand in the folder of another.
    pub fn inside<'p>(&self, path: &'p str) -> &'p str {
        let matching = self.prefixes.iter().filter_map(|prefix| path.strip_prefix(prefix.as_str()));
        matching.min_by_key(|rest| rest.len()).unwrap_or(path)
    }
}
