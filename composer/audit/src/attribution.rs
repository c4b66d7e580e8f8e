//! The account of an image: every used byte of flash and RAM in exactly one row.
//!
//! The flash that is used runs from the region's base to the last loaded byte, gaps included. The
//! RAM that is used is every section placed in it, what aligns them, and the stack that is reserved.
//! Initial values of variables are stored in flash and count there too, for the variable's owner.

use tarsia_image::{FlashError, Region};

use crate::{Memory, Owner, Owners};

/// More than any microcontroller has, in bytes; a larger ELF is damaged.
pub(crate) const MOST: u64 = 1 << 28;

/// What to account for.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The linked ELF, with symbols and debug information.
    pub elf: &'a [u8],
    /// Flash as linked for.
    pub flash: Region,
    /// RAM as linked for.
    pub ram: Region,
    /// Who brings in what.
    pub owners: &'a Owners,
    /// Bytes reserved for the main stack; a section `.stack` (all RAM that is left, in some linker
    /// scripts) is not counted.
    pub stack: u64,
}

/// Why an image cannot be accounted for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The file is of another format.
    #[error("the linked file is not an ELF")]
    NotElf,
    /// The ELF is damaged.
    #[error("the linked file is not a usable ELF: {0}")]
    Elf(String),
    /// The debug information is damaged.
    #[error("the debug information cannot be read: {0}")]
    Debug(String),
    /// The flash image is no image.
    #[error(transparent)]
    Flash(#[from] FlashError),
    /// A section is in neither memory.
    #[error(
        "the section `{section}` at {place} is neither in the flash {flash} nor in the RAM {ram}"
    )]
    Stray {
        /// Its name.
        section: String,
        /// Where it is.
        place: Region,
        /// Flash as linked for.
        flash: Region,
        /// RAM as linked for.
        ram: Region,
    },
    /// The ELF claims more memory than a microcontroller can have.
    #[error("the linked file takes {size} bytes, more than the {MOST} that can be accounted for")]
    TooLarge {
        /// What it takes.
        size: u64,
    },
}

impl From<object::Error> for AuditError {
    fn from(error: object::Error) -> Self {
        Self::Elf(error.to_string())
    }
}

impl From<gimli::Error> for AuditError {
    fn from(error: gimli::Error) -> Self {
        Self::Debug(error.to_string())
    }
}

/// Where some bytes of a row come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// Section of the ELF; empty for what is in none.
    pub section: String,
    /// Source file.
    pub file: Option<String>,
    /// Symbol, demangled.
    pub symbol: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
}

impl Part {
    /// The most telling of symbol, file and section.
    pub fn name(&self) -> &str {
        self.symbol.as_deref().or(self.file.as_deref()).unwrap_or(&self.section)
    }
}

/// What one owner takes of one memory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// The owner.
    pub owner: Owner,
    /// Its bytes, by section, file and symbol.
    pub parts: Vec<Part>,
}

impl Row {
    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// The largest parts, at most `count`.
    pub fn largest(&self, count: usize) -> impl Iterator<Item = &Part> {
        let mut parts: Vec<&Part> = self.parts.iter().collect();
        parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.cmp(b)));
        parts.into_iter().take(count)
    }
}

/// What is used of one memory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// The memory, as linked for.
    pub region: Region,
    /// Bytes used, measured on the ELF, not on the rows; the rows sum to it.
    pub used: u64,
    /// One row for each owner, by owner.
    pub rows: Vec<Row>,
}

/// The account of an image.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attribution {
    /// Flash.
    pub flash: Usage,
    /// RAM.
    pub ram: Usage,
}

impl Attribution {
    /// One of the two.
    pub const fn memory(&self, memory: Memory) -> &Usage {
        match memory {
            Memory::Flash => &self.flash,
            Memory::Ram => &self.ram,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A usage with rows of the given sizes.
    pub(crate) fn usage(rows: &[(Owner, u64)]) -> Usage {
        let part = |bytes| Part { section: ".text".into(), file: None, symbol: None, bytes };
        Usage {
            region: Region { base: 0, size: 1 << 20 },
            used: rows.iter().map(|(_, bytes)| bytes).sum(),
            rows: rows
                .iter()
                .map(|(owner, bytes)| Row { owner: owner.clone(), parts: vec![part(*bytes)] })
                .collect(),
        }
    }
}
