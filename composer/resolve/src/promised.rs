//! What components promise to take of flash and RAM at most: the only sizes that are known before
//! anything is built.

use tarsia_manifest::Budget;
use tarsia_model::{ByteSize, Spanned};

use crate::selection::Selected;

/// What components promise together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promised {
    /// Bytes of flash.
    pub flash: Total,
    /// Bytes of RAM, without stacks.
    pub ram: Total,
}

/// A sum of promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The sum of those that there are.
    pub known: ByteSize,
    /// How many components promise nothing.
    pub unknown: usize,
}

impl Promised {
    /// What these components promise.
    pub fn of<'a>(components: impl IntoIterator<Item = &'a Selected<'a>>) -> Self {
        let mut promised = Self::default();
        for selected in components {
            promised.flash.add(promise(selected, "flash"));
            promised.ram.add(promise(selected, "ram"));
        }
        promised
    }
}

impl Total {
    fn add(&mut self, promise: Option<ByteSize>) {
        match promise {
            Some(size) => self.known.0 = self.known.0.saturating_add(size.0),
            None => self.unknown += 1,
        }
    }
}

/// What a component promises to take of a region at most.
pub fn promise(selected: &Selected<'_>, region: &str) -> Option<ByteSize> {
    let Budget { flash, ram, .. } = selected.manifest.budget.as_ref()?;
    let size: Option<&Spanned<ByteSize>> = if region == "flash" { flash } else { ram }.as_ref();
    size.map(|size| size.value)
}
