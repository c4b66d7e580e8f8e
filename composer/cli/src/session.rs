//! A workspace, loaded: what every command starts from.

use std::path::{Path, PathBuf};

use tarsia_build::Surroundings;
use tarsia_build::product::Measured;
use tarsia_cache::Store;
use tarsia_manifest::{Catalogue, WORKSPACE_FILE};
use tarsia_model::{Code, Diagnostic, Name, SourceMap};
use tarsia_plan::Firmware;
use tarsia_resolve::Selection;

use crate::args::Global;
use crate::making::{How, make};
use crate::manifests::{Composed, Manifests};
use crate::recall::load_through;
use crate::ui::Ui;

/// A loaded workspace.
pub struct Session {
    /// How to speak to the user.
    pub ui: Ui,
    /// The workspace's folder.
    pub root: PathBuf,
    /// The machine.
    pub surroundings: Surroundings,
    /// What was loaded.
    pub manifests: Manifests,
    /// Where results are kept.
    pub store: Store,
    /// The cache folder.
    pub cache: PathBuf,
}

impl Session {
    /// Finds and loads the workspace.
    pub fn open(global: &Global, ui: Ui) -> Result<Self, Diagnostic> {
        let root = find_root(global)?;
        let surroundings = Surroundings::read();
        let unreadable = |error: std::io::Error| {
            let message = format!("the workspace {} could not be read: {error}", root.display());
            Diagnostic::error(Code::WorkspaceNotFound, message)
        };
        let cache = cache_folder(global, &surroundings);
        let manifests = Manifests::new(load_through(&root, &cache).map_err(unreadable)?);
        Ok(Self { ui, manifests, store: Store::new(&cache), cache, surroundings, root })
    }

    /// The texts that places refer to.
    pub const fn sources(&self) -> &SourceMap {
        self.manifests.sources()
    }

    /// Every manifest.
    pub const fn catalogue(&self) -> &Catalogue {
        self.manifests.catalogue()
    }

    /// Every problem found while loading.
    pub fn load_problems(&self) -> &[Diagnostic] {
        self.manifests.problems()
    }

    /// A product with everything it extends.
    pub fn compose(&self, name: &str) -> Result<Composed, Vec<Diagnostic>> {
        self.manifests.compose(name)
    }

    /// The names given, or those of all products that can be built.
    pub fn asked(&self, names: &[String]) -> Vec<String> {
        match names {
            [] => self.manifests.buildable().into_iter().map(Name::to_string).collect(),
            names => names.to_vec(),
        }
    }

    /// Resolves a product.
    pub fn resolve<'s>(&'s self, name: &str) -> Result<Selection<'s>, Vec<Diagnostic>> {
        self.manifests.select(self.compose(name)?)
    }

    /// Plans the firmware of a selection.
    pub fn plan(&self, selection: &Selection<'_>) -> Result<Firmware, Vec<Diagnostic>> {
        let inputs = tarsia_build::inputs::read(&self.root, self.catalogue(), selection);
        tarsia_plan::compose(selection, &inputs.map_err(|problem| vec![problem])?)
    }

    /// Compiles a selection and accounts for its bytes.
    pub fn measure(&self, selection: &Selection<'_>) -> Result<Measured, Vec<Diagnostic>> {
        let only = std::slice::from_ref(selection);
        make(self, only, &How::default(), |making| making.measured(0))?
    }

    /// The folder of a product's outputs.
    pub fn out(&self, product: &Name) -> PathBuf {
        self.root.join("out").join(product.as_str())
    }
}

/// The folder of the store and of what makes the next run quicker.
pub fn cache_folder(global: &Global, surroundings: &Surroundings) -> PathBuf {
    let asked = global.cache_dir.clone();
    asked.unwrap_or_else(|| surroundings.cache_home.join("tarsia"))
}

/// The workspace asked for, or the nearest one upwards.
#[expect(clippy::disallowed_methods, reason = "the command line's paths start where the user is")]
fn find_root(global: &Global) -> Result<PathBuf, Diagnostic> {
    let here = std::env::current_dir().map_err(|error| {
        Diagnostic::error(
            Code::WorkspaceNotFound,
            format!("cannot find the current folder: {error}"),
        )
    })?;
    let is_workspace = |folder: &&Path| {
        folder.join(WORKSPACE_FILE).is_file()
            || folder.join("components").is_dir() && folder.join("products").is_dir()
    };
    let not_found = |place: &Path| {
        let message = format!("there is no workspace in {}", place.display());
        Diagnostic::error(Code::WorkspaceNotFound, message).hint(
            "a workspace has a file `tarsia.yaml`, or folders `components` and `products`; name it with -C"
                .to_owned(),
        )
    };
    match &global.workspace {
        Some(folder) => {
            let folder = here.join(folder);
            let found = Some(folder.as_path()).filter(is_workspace);
            found.map(Path::to_owned).ok_or_else(|| not_found(&folder))
        }
        None => {
            here.ancestors().find(is_workspace).map(Path::to_owned).ok_or_else(|| not_found(&here))
        }
    }
}
