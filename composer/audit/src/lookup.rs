//! Who a piece of code or a variable belongs to.
//!
//! # Code
//! After link-time optimisation a function is made of many crates' code. Each instruction belongs to
//! the innermost inlined function whose source is not Rust's own library: `Option::map` inlined into
//! a driver is the driver's doing, a driver inlined into the executor's `poll` is not the executor's.
//! Where all of it is the library's, the symbol's name decides:
//! 1. a word of the generated root (`service_x`) names its component;
//! 2. generic code belongs to the first component whose types it mentions, failing that to the first
//!    crate: `drop_in_place::<heapless::String>` belongs to `heapless`;
//! 3. otherwise the crate that had it compiled, if that is not the library;
//! 4. otherwise it is the library's own: the compiler runtime or the core library.
//!
//! Without debug information the same rules go by the symbol's name alone.
//!
//! Assembly has neither source nor crate; a component may name its symbols.
//! C code has no crate in its names; the path of its source leads to the package it came with.
//!
//! # Variables
//! The crate in the symbol's name; in the generated root the component a word of it names. Without a
//! Rust name (C, `#[no_mangle]`) the file of its declaration.

use crate::debug::Debug;
use crate::firmware::Symbol;
use crate::mangled::{Mangled, Mention};
use crate::owner::{Index, is_library};
use crate::{Owner, Structural};

const ROOT: Owner = Owner::Structural(Structural::Root);

/// An owner with the source file that told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub owner: Owner,
    pub file: Option<String>,
}

/// The means to find out.
pub(crate) struct Lookup<'data> {
    pub index: Index,
    pub debug: Debug<'data>,
}

impl Lookup<'_> {
    /// The owner of the instruction at `address`, inside `symbol` where it is inside one.
    pub(crate) fn code(&self, address: u64, symbol: Option<&Symbol<'_>>) -> Found {
        let frames = self.debug.frames(address);
        let mut library = None;
        for (depth, frame) in frames.iter().enumerate() {
            let Some(file) = &frame.file else { continue };
            match self.index.by_path(file) {
                Some(ROOT) => {
                    let outer =
                        frames[depth..].iter().filter_map(|frame| frame.function.as_deref());
                    let owner = self.in_root(outer.chain(symbol.map(|symbol| symbol.name)));
                    return Found { owner, file: Some(file.clone()) };
                }
                Some(owner) if is_library(&owner) => library = Some((owner, file)),
                Some(owner) => {
                    return Found { owner, file: Some(file.clone()) };
                }
                None => {}
            }
        }
        let mangled = symbol.and_then(|symbol| Mangled::parse(symbol.name));
        if let Some(owner) = mangled.as_ref().and_then(|mangled| self.named(mangled)) {
            return Found { owner, file: library.map(|(_, file)| file.clone()) };
        }
        if let Some((owner, file)) = library {
            return Found { owner, file: Some(file.clone()) };
        }
        let first = mangled.as_ref().and_then(|mangled| mangled.mentions.first());
        if let Some(first) = first {
            return Found { owner: self.mentioned(first), file: None };
        }
        if let Some(owner) = symbol.and_then(|symbol| self.index.by_word(symbol.name)) {
            return Found { owner, file: None };
        }
        let runtime = symbol.is_some_and(|symbol| is_runtime(symbol.name));
        let kind = if runtime { Structural::Runtime } else { Structural::Code };
        Found { owner: Owner::Structural(kind), file: None }
    }

    /// The owner of a variable or constant with a symbol.
    pub(crate) fn variable(&self, symbol: &Symbol<'_>) -> Option<Found> {
        let file = self.debug.variable(symbol.address).map(str::to_owned);
        let by_name = Mangled::parse(symbol.name).and_then(|mangled| {
            let first = mangled.mentions.first()?;
            if self.index.is_root(&first.library) {
                return Some(self.in_root(std::iter::once(symbol.name)));
            }
            Some(self.mentioned(first))
        });
        let by_file = || match self.index.by_path(file.as_deref()?)? {
            ROOT => Some(self.in_root(std::iter::once(symbol.name))),
            owner => Some(owner),
        };
        let owner = by_name.or_else(by_file)?;
        Some(Found { owner, file })
    }

    /// Whose part of the generated root one of these names is, innermost first.
    fn in_root<'n>(&self, names: impl Iterator<Item = &'n str>) -> Owner {
        let path = |name: &str| Mangled::parse(name).map_or_else(|| name.to_owned(), |m| m.path);
        names.map(path).find_map(|path| self.index.by_word(&path)).unwrap_or(ROOT)
    }

    /// The owner of code that is all the library's, by its symbol's name (rules 1 to 3).
    fn named(&self, mangled: &Mangled) -> Option<Owner> {
        let root = |library: &str| self.index.is_root(library);
        if mangled.mentions.iter().any(|mention| root(&mention.library))
            && let Some(owner) = self.index.by_word(&mangled.path)
        {
            return Some(owner);
        }
        let mentioned: Vec<Owner> =
            mangled.mentions.iter().map(|m| self.mentioned(m)).filter(is_someone).collect();
        let component = mentioned.iter().find(|owner| matches!(owner, Owner::Component(_)));
        if let Some(owner) = component.or(mentioned.first()) {
            return Some(owner.clone());
        }
        let asked = mangled.instantiated_by.as_deref()?;
        self.index.by_library(asked).filter(|owner| !is_library(owner))
    }

    /// The owner of a crate; its hash tells two versions of one name apart. A crate that nobody
    /// was said to bring in gets a row of its own rather than being spread over its neighbours.
    fn mentioned(&self, mention: &Mention) -> Owner {
        let exact = self.debug.crate_root(&mention.library, &mention.hash);
        exact
            .and_then(|path| self.index.by_path(path))
            .or_else(|| self.index.by_library(&mention.library))
            .unwrap_or_else(|| Owner::Package { name: mention.library.clone(), version: None })
    }
}

/// Whether an owner is neither Rust's library nor the root.
fn is_someone(owner: &Owner) -> bool {
    !is_library(owner) && *owner != ROOT
}

/// Names that compilers call without being asked (Arm "Run-time ABI for the Arm Architecture",
/// section 5; libgcc's "Routines for integer arithmetic" and "floating point emulation").
fn is_runtime(name: &str) -> bool {
    let arithmetic = |name: &str| {
        name.starts_with("__")
            && [
                "si2", "di2", "ti2", "si3", "di3", "ti3", "sf2", "df2", "sf3", "df3", "sfsi",
                "dfsi", "sisf", "sidf",
            ]
            .iter()
            .any(|end| name.ends_with(end))
    };
    name.starts_with("__aeabi_")
        || name.starts_with("__riscv_save_")
        || name.starts_with("__riscv_restore_")
        || matches!(name, "memcpy" | "memmove" | "memset" | "memcmp" | "bcmp" | "strlen")
        || arithmetic(name)
}
