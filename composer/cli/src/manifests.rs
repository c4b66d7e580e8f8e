//! The manifests of one state of a workspace, and what its products come to: a problem in one
//! product's file does not concern another.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tarsia_manifest::{Catalogue, EffectiveProduct, Guest, Loaded, effective};
use tarsia_model::{Code, Diagnostic, Name, SourceMap, diagnostic};
use tarsia_resolve::Selection;

/// The manifests of one state of a workspace.
#[derive(Debug)]
pub struct Manifests {
    loaded: Loaded,
    /// The path of a file that was read beside the catalogues.
    guest: Option<Arc<str>>,
}

/// A product with everything it extends.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The product.
    pub product: EffectiveProduct,
    /// The problems of loading that concern it; without errors it can be resolved.
    pub problems: Vec<Diagnostic>,
}

impl Manifests {
    /// What was loaded.
    pub const fn new(loaded: Loaded) -> Self {
        Self { loaded, guest: None }
    }

    /// What was loaded, with a file beside the catalogues.
    pub fn with_guest(loaded: Loaded, guest: &Guest) -> Self {
        Self { loaded, guest: Some(guest.path.clone()) }
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
    pub fn problems(&self) -> &[Diagnostic] {
        &self.loaded.diagnostics
    }

    /// Every product that is no fragment, by name; those whose files have errors, too.
    pub fn buildable(&self) -> BTreeSet<&Name> {
        let catalogue = self.catalogue();
        let fragment = |name: &Name| catalogue.products.get(name).is_some_and(|p| p.is_fragment());
        let known = catalogue.products.keys().chain(&catalogue.broken.products);
        known.filter(|name| !fragment(name)).collect()
    }

    /// A product or fragment with everything it extends, and the problems of loading that concern it:
    /// those of other products' files do not.
    ///
    /// # Errors
    /// Those problems, and why there is no such product.
    pub fn compose(&self, name: &str) -> Result<Composed, Vec<Diagnostic>> {
        let name = self.name_of_product(name).map_err(|problem| vec![problem])?;
        let lineage = self.lineage(&name);
        let concerning = self.problems().iter().filter(|one| self.concerns(one, &lineage));
        let mut problems: Vec<Diagnostic> = concerning.cloned().collect();
        if self.catalogue().broken.workspace {
            // What a missing catalogue has cannot be called unknown.
            return Err(problems);
        }
        effective(self.catalogue(), &name)
            .map(|product| Composed { product, problems: problems.clone() })
            .map_err(|more| {
                problems.extend(more);
                diagnostic::drop_consequences(&mut problems);
                problems
            })
    }

    /// Resolves a product.
    ///
    /// # Errors
    /// Every reason why there is no selection, with the problems of loading that concern it.
    pub fn select(&self, composed: Composed) -> Result<Selection<'_>, Vec<Diagnostic>> {
        let Composed { product, mut problems } = composed;
        if product.is_fragment {
            let message = format!("`{}` is a fragment, not a product", product.name.value);
            problems.push(
                Diagnostic::at(Code::Abstract, product.name.span, message)
                    .hint("name a product that extends it".to_owned()),
            );
        } else {
            match tarsia_resolve::resolve(self.catalogue(), product) {
                Ok(selection) if problems.is_empty() => return Ok(selection),
                Ok(_) => {}
                Err(more) => problems.extend(more),
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
        let path = self.sources().get(label.span.source).path;
        if self.guest.as_deref() == Some(path) {
            return true;
        }
        self.catalogue().inside(path).strip_prefix("products/").is_none_or(|file| {
            lineage.iter().any(|name| file.strip_suffix(".yaml") == Some(name.as_str()))
        })
    }
}
