//! A workspace, loaded: what every command starts from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tarsia_build::Surroundings;
use tarsia_build::firmware::{Event, Workplace};
use tarsia_build::product::{self, Measured};
use tarsia_cache::Store;
use tarsia_manifest::{Catalogue, Disk, Loaded, effective, load};
use tarsia_model::{Code, Diagnostic, Name, SourceMap, diagnostic};
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
            let message = format!("the workspace {} could not be read: {error}", root.display());
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
        let name = self.name_of_product(name).map_err(|problem| vec![problem])?;
        let lineage = self.lineage(&name);
        let mut problems: Vec<Diagnostic> = self
            .load_problems()
            .iter()
            .filter(|problem| self.concerns(problem, &lineage))
            .cloned()
            .collect();
        match effective(self.catalogue(), &name) {
            Err(more) => problems.extend(more),
            Ok(product) => {
                if product.is_fragment {
                    let message = format!("`{name}` is a fragment, not a product");
                    problems.push(
                        Diagnostic::at(Code::Abstract, product.name.span, message)
                            .hint("name a product that extends it".to_owned()),
                    );
                } else {
                    match tarsia_resolve::resolve(index, product) {
                        Ok(selection) if problems.is_empty() => return Ok(selection),
                        Ok(_) => {}
                        Err(more) => problems.extend(more),
                    }
                }
            }
        }
        diagnostic::drop_consequences(&mut problems);
        Err(problems)
    }

    fn name_of_product(&self, text: &str) -> Result<Name, Diagnostic> {
        text.parse().map_err(|rule: String| {
            // What a shell completes is the path.
            let stem = Path::new(text).file_stem().and_then(|stem| stem.to_str());
            let known = stem.filter(|stem| self.catalogue().products.contains_key(*stem));
            let hint = known.map_or(rule, |stem| format!("name the product: `{stem}`"));
            Diagnostic::error(Code::BadName, format!("{text:?} is not a name of a product"))
                .hint(hint)
        })
    }

    /// The product and all it extends, as far as their files can be read.
    fn lineage<'s>(&'s self, product: &'s Name) -> BTreeSet<&'s Name> {
        let mut found = BTreeSet::new();
        let mut pending = vec![product];
        while let Some(name) = pending.pop() {
            if found.insert(name) {
                let extended = self.catalogue().products.get(name).map(|p| p.extends.iter());
                pending.extend(extended.into_iter().flatten().map(|parent| &parent.value));
            }
        }
        found
    }

    fn concerns(&self, problem: &Diagnostic, lineage: &BTreeSet<&Name>) -> bool {
        let Some(label) = &problem.primary else {
            return true;
        };
        let path = &self.sources().get(label.span.source).path;
        path.strip_prefix("products/").is_none_or(|file| {
            lineage.iter().any(|name| file.strip_suffix(".yaml") == Some(name.as_str()))
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
        let mut compiled = 0;
        let mut progress = |event| match event {
            Event::Cached => {}
            Event::Compiled(krate) => {
                compiled += 1;
                self.ui.transient("Compiled", &format!("{compiled} crates, last {krate}"));
            }
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
        Diagnostic::error(
            Code::WorkspaceNotFound,
            format!("cannot find the current folder: {error}"),
        )
    })?;
    let is_workspace =
        |folder: &&Path| folder.join("components").is_dir() && folder.join("products").is_dir();
    let not_found = |place: &Path| {
        let message = format!("there is no workspace in {}", place.display());
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
