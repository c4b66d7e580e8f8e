//! A workspace, loaded: what every command starts from.

use std::path::{Path, PathBuf};

use tarsia_build::Surroundings;
use tarsia_build::firmware::{Event, Workplace};
use tarsia_build::product::{self, Measured};
use tarsia_cache::Store;
use tarsia_manifest::{Catalogue, Disk, Loaded, effective, load};
use tarsia_model::{Code, Diagnostic, Name, SourceMap};
use tarsia_plan::Firmware;
use tarsia_resolve::{Index, Selection};

use crate::args::Global;
use crate::ui::Ui;

/// A loaded workspace.
pub struct Session {
    /// How to speak to the user.
    pub ui: Ui,
    /// The workspace's folder.
    pub root: PathBuf,
    /// The machine.
    pub surroundings: Surroundings,
    loaded: Loaded,
    store: Store,
}

impl Session {
    /// Finds and loads the workspace.
    pub fn open(global: &Global, ui: Ui) -> Result<Self, Diagnostic> {
        let root = find_root(global)?;
        let surroundings = Surroundings::read();
        let unreadable = |error: std::io::Error| {
            let message = format!("read the workspace {}: {error}", root.display());
            Diagnostic::error(Code::WorkspaceNotFound, message)
        };
        let disk = Disk::new(&root).map_err(unreadable)?;
        let cache = global.cache_dir.clone();
        let cache = cache.unwrap_or_else(|| surroundings.cache_home.join("tarsia"));
        Ok(Self { ui, loaded: load(&disk), store: Store::new(cache), surroundings, root })
    }

    /// The texts that places refer to.
    pub const fn sources(&self) -> &SourceMap {
        &self.loaded.sources
    }

    /// Every manifest.
    pub const fn catalogue(&self) -> &Catalogue {
        &self.loaded.catalogue
    }

    /// Every problem found while loading.
    pub fn load_problems(&self) -> &[Diagnostic] {
        &self.loaded.diagnostics
    }

    /// Resolves a product, with the problems of loading that concern it: those of other products'
    /// files do not.
    pub fn resolve<'s>(
        &'s self,
        index: &Index<'s>,
        name: &str,
    ) -> Result<Selection<'s>, Vec<Diagnostic>> {
        let name: Name = name.parse().map_err(|reason| {
            let message = format!("use {name:?} as the name of a product: {reason}");
            vec![Diagnostic::error(Code::BadName, message)]
        })?;
        let mut problems: Vec<Diagnostic> = self
            .load_problems()
            .iter()
            .filter(|problem| self.concerns(problem, &name))
            .cloned()
            .collect();
        match effective(self.catalogue(), &name) {
            // A broken file is reported by its own errors.
            Err(_) if self.catalogue().broken.products.contains(&name) && !problems.is_empty() => {}
            Err(more) => problems.extend(more),
            Ok(product) => {
                if product.is_fragment {
                    let message = format!("build `{name}`: it is a fragment");
                    problems.push(
                        Diagnostic::at(Code::Abstract, product.name.span, message)
                            .hint("name a product that extends it".to_owned()),
                    );
                } else if problems.is_empty() {
                    return tarsia_resolve::resolve(index, product);
                } else if let Err(more) = tarsia_resolve::resolve(index, product) {
                    problems.extend(more);
                }
            }
        }
        Err(problems)
    }

    fn concerns(&self, problem: &Diagnostic, product: &Name) -> bool {
        let Some(label) = &problem.primary else {
            return true;
        };
        let path = &self.sources().get(label.span.source).path;
        let lineage = effective(self.catalogue(), product).map(|e| e.lineage).unwrap_or_default();
        path.strip_prefix("products/").is_none_or(|file| {
            let stem = file.strip_suffix(".yaml").unwrap_or(file);
            stem == product.as_str() || lineage.iter().any(|name| name.as_str() == stem)
        })
    }

    /// Plans the firmware of a selection.
    pub fn plan(&self, selection: &Selection<'_>) -> Result<Firmware, Diagnostic> {
        let inputs = tarsia_build::inputs::read(&self.root, self.catalogue(), selection)?;
        tarsia_plan::compose(selection, &inputs)
    }

    /// Compiles a selection and accounts for its bytes.
    pub fn measure(&self, selection: &Selection<'_>) -> Result<Measured, Diagnostic> {
        let plan = self.plan(selection)?;
        let place = Workplace {
            surroundings: &self.surroundings,
            devices: &self.root.join(tarsia_build::inputs::DEVICES),
            work: &self.root.join("out/.device"),
            store: &self.store,
        };
        let name = &selection.product.name.value;
        let mut progress = |event| match event {
            Event::Cached | Event::Compiled(_) => {}
            Event::Fetching => self.ui.status("Fetching", "crates, once"),
            Event::Compiling(toolchain) => {
                self.ui.status("Compiling", &format!("{name} for {} ({toolchain})", plan.target));
            }
        };
        product::measure(&place, selection, &plan, &mut progress)
    }

    /// The folder of a product's outputs.
    pub fn out(&self, product: &Name) -> PathBuf {
        self.root.join("out").join(product.as_str())
    }
}

/// The workspace asked for, or the nearest one upwards.
#[expect(clippy::disallowed_methods, reason = "the command line's paths start where the user is")]
fn find_root(global: &Global) -> Result<PathBuf, Diagnostic> {
    let here = std::env::current_dir().map_err(|error| {
        Diagnostic::error(Code::WorkspaceNotFound, format!("find the current folder: {error}"))
    })?;
    let is_workspace =
        |folder: &&Path| folder.join("components").is_dir() && folder.join("products").is_dir();
    let not_found = |place: &Path| {
        let message = format!("find a workspace in {}", place.display());
        Diagnostic::error(Code::WorkspaceNotFound, message).hint(
            "a workspace has the folders `components` and `products`; name it with -C".to_owned(),
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
