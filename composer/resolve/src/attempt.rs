//! Questions of the form "what if": a product with changes made to it in memory, resolved.

use tarsia_manifest::{Catalogue, ComponentId, EffectiveProduct};
use tarsia_model::{Diagnostic, diagnostic};

use crate::change::Change;
use crate::resolve::resolve_for;
use crate::selection::Selection;

/// What a question has changed on purpose: no repair takes it back.
#[derive(Clone, Debug, Default)]
pub struct Purpose {
    /// Changes that were made to the product.
    pub changes: Vec<Change>,
    /// A component that is taken as if the product listed it, though it may be one that products
    /// cannot list.
    pub forced: Option<ComponentId>,
    /// Whether only the selection is asked for: why there is none is not told then.
    pub briefly: bool,
}

/// Why there is no selection.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Every reason.
    pub problems: Vec<Diagnostic>,
    /// Edits of the product each of which ends one of its conflicts.
    pub repairs: Vec<Change>,
}

impl Purpose {
    /// Whether a change would take back what was changed on purpose.
    pub fn is_against(&self, change: &Change) -> bool {
        self.changes.iter().any(|made| match (made, change) {
            (Change::Add(made) | Change::Allow(made), Change::Remove(other))
            | (Change::Remove(made), Change::Add(other) | Change::Allow(other)) => made == other,
            (Change::Require(made), Change::Waive(other))
            | (Change::Prefer(made, _), Change::Prefer(other, _)) => made == other,
            (Change::Set(made, _), Change::Set(other, _)) => made == other,
            (Change::Board(_), Change::Board(_))
            | (Change::Kernel(_), Change::Kernel(_))
            | (Change::Profile(_), Change::Profile(_)) => true,
            _ => false,
        })
    }
}

/// Resolves a product with changes made to it.
///
/// # Errors
/// What cannot be changed so, or why the changed product has no selection; places of what the
/// changes added are those of the product's name.
pub fn attempt<'c>(
    catalogue: &'c Catalogue,
    product: &EffectiveProduct,
    changes: &[Change],
) -> Result<Selection<'c>, Refused> {
    change(catalogue, product, changes, false)
}

/// The same without the conflicts, where only the selection matters.
///
/// # Errors
/// What cannot be changed so, mistakes in what the changed product says, and that there is no
/// selection.
pub fn attempt_briefly<'c>(
    catalogue: &'c Catalogue,
    product: &EffectiveProduct,
    changes: &[Change],
) -> Result<Selection<'c>, Refused> {
    change(catalogue, product, changes, true)
}

fn change<'c>(
    catalogue: &'c Catalogue,
    product: &EffectiveProduct,
    changes: &[Change],
    briefly: bool,
) -> Result<Selection<'c>, Refused> {
    let mut changed = product.clone();
    let mut problems = Vec::new();
    for change in changes {
        problems.extend(change.apply(catalogue, &mut changed).err());
    }
    if !problems.is_empty() {
        return Err(Refused { problems, repairs: Vec::new() });
    }
    let purpose = Purpose { changes: changes.to_vec(), forced: None, briefly };
    resolve_for(catalogue, changed, &purpose).map_err(Refused::without_consequences)
}

/// Resolves a product as if it listed a component, whether or not products can.
///
/// # Errors
/// Why that has no selection.
pub fn force<'c>(
    catalogue: &'c Catalogue,
    product: &EffectiveProduct,
    id: ComponentId,
) -> Result<Selection<'c>, Refused> {
    let name = catalogue.components.name(id).clone();
    let mut product = product.clone();
    product.without.retain(|gone| gone.value != name);
    let purpose = Purpose { changes: vec![Change::Allow(name)], forced: Some(id), briefly: false };
    resolve_for(catalogue, product, &purpose).map_err(Refused::without_consequences)
}

impl Refused {
    fn without_consequences(mut self) -> Self {
        diagnostic::drop_consequences(&mut self.problems);
        self
    }
}
