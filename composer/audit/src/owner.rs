//! Who a byte can belong to, and how the names and paths found in an ELF lead there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tarsia_model::Name;

/// Where a byte belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Owner {
    /// A component: its own crate, what only it brings in, what was generated for it.
    Component(Name),
    /// A crate that several components bring in.
    Package {
        /// Package name as in Cargo.toml.
        name: String,
        /// Its version, where it is known.
        version: Option<String>,
    },
    /// No component: what every image has.
    Structural(Structural),
}

/// Bytes that belong to the image as a whole.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Structural {
    /// Addresses of interrupt handlers that the hardware reads.
    VectorTable,
    /// Headers that a boot ROM or loader reads.
    ImageHeader,
    /// The generated root, beyond what it has for single components.
    Root,
    /// Rust's core library.
    Core,
    /// What the compiler calls on its own: memory copies, division, floating point.
    Runtime,
    /// Assembly and code without debug information.
    Code,
    /// Tables for unwinding the stack.
    Unwind,
    /// Read-only data without a symbol that no single owner refers to.
    Constants,
    /// Variables without a symbol that no single owner refers to.
    Variables,
    /// Initial values of such variables, stored in flash.
    InitialValues,
    /// Bytes that only align their neighbours, and gaps.
    Padding,
    /// Reserved for the main stack.
    Stack,
    /// What a file system needs for itself.
    FileSystem,
    /// Digests by which the root file system is verified.
    HashTree,
    /// What says where the partitions of a disk are.
    PartitionTable,
    /// Room in partitions that nothing takes.
    Free,
}

impl fmt::Display for Structural {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::VectorTable => "vector table",
            Self::ImageHeader => "image header",
            Self::Root => "composition root",
            Self::Core => "Rust core library",
            Self::Runtime => "compiler runtime",
            Self::Code => "assembly and code without source",
            Self::Unwind => "unwind tables",
            Self::Constants => "shared constants",
            Self::Variables => "shared variables",
            Self::InitialValues => "initial values of variables",
            Self::Padding => "padding and alignment",
            Self::Stack => "main stack",
            Self::FileSystem => "file system",
            Self::HashTree => "hash tree",
            Self::PartitionTable => "partition table",
            Self::Free => "free space",
        })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component(name) => f.pad(name.as_str()),
            Self::Package { name, version: Some(version) } => f.pad(&format!("{name} {version}")),
            Self::Package { name, version: None } => f.pad(name),
            Self::Structural(kind) => kind.fmt(f),
        }
    }
}

impl Owner {
    /// `component`, `crate` or `structural`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Component(_) => "component",
            Self::Package { .. } => "crate",
            Self::Structural(_) => "structural",
        }
    }
}

/// A Cargo package and how it shows in an ELF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Package name as in Cargo.toml; its library is taken to have the same name with `_` for `-`.
    pub name: String,
    /// Version, where it matters which of several is meant.
    pub version: Option<String>,
    /// Folders of its sources as debug information names them, after remapping, with a final `/`:
    /// `/cargo/embassy-executor-0.10.0/`, `/tarsia/drivers/pl011-uart/`.
    pub prefixes: Vec<String>,
}

/// A component and the packages that are in the image because of it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The component.
    pub name: Name,
    /// Its own crate and those only it brings in.
    pub packages: Vec<Package>,
    /// Identifiers in the generated root that belong to it, beside the ones every component has
    /// (see [`Owners`]): names of a kernel's tasks, say; and symbols of its assembly, such as
    /// `Reset`, that carry no debug information.
    pub identifiers: Vec<String>,
}

/// Everything that is known before the build about who brings in what.
///
/// In the generated root, an identifier belongs to component `soil-moisture` when it is
/// `service_soil_moisture`, `task_soil_moisture`, `SLOT_SOIL_MOISTURE`, `CONFIG_SOIL_MOISTURE`,
/// `TASK_SOIL_MOISTURE`, `FUTURE_SOIL_MOISTURE` or one of the component's own `identifiers`, or
/// contains one of these between `_` or the ends (macros wrap names:
/// `__service_soil_moisture_task`); the longest such word decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    /// Components of the selection.
    pub components: Vec<Component>,
    /// Packages that several components bring in.
    pub shared: Vec<Package>,
    /// The generated root's package.
    pub root: Package,
}

/// [`Owners`] made ready for look-ups.
pub(crate) struct Index {
    /// By folder of the sources, longest first.
    prefixes: Vec<(String, Owner)>,
    /// By library name; several owners when there are several versions.
    libraries: BTreeMap<String, BTreeSet<Owner>>,
    /// By identifier in the root, longest first.
    words: Vec<(String, Owner)>,
    root: String,
}

impl Index {
    pub(crate) fn new(owners: &Owners) -> Self {
        let mut found: Vec<(&Package, Owner)> =
            vec![(&owners.root, Owner::Structural(Structural::Root))];
        let mut words = Vec::new();
        for component in &owners.components {
            let owner = Owner::Component(component.name.clone());
            found.extend(component.packages.iter().map(|package| (package, owner.clone())));
            let ident = component.name.ident();
            let upper = ident.to_ascii_uppercase();
            let usual = [
                format!("service_{ident}"),
                format!("task_{ident}"),
                format!("SLOT_{upper}"),
                format!("TASK_{upper}"),
                format!("FUTURE_{upper}"),
                format!("CONFIG_{upper}"),
            ];
            let all = usual.into_iter().chain(component.identifiers.iter().cloned());
            words.extend(all.map(|word| (word, owner.clone())));
        }
        found.extend(owners.shared.iter().map(|package| {
            let (name, version) = (package.name.clone(), package.version.clone());
            (package, Owner::Package { name, version })
        }));
        let mut libraries: BTreeMap<String, BTreeSet<Owner>> = BTreeMap::new();
        let mut prefixes = Vec::new();
        for (package, owner) in found {
            libraries.entry(package.name.replace('-', "_")).or_default().insert(owner.clone());
            prefixes.extend(package.prefixes.iter().map(|prefix| (prefix.clone(), owner.clone())));
        }
        let longest = |a: &(String, Owner), b: &(String, Owner)| {
            b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b))
        };
        prefixes.sort_by(longest);
        words.sort_by(longest);
        Self { prefixes, libraries, words, root: owners.root.name.replace('-', "_") }
    }

    /// The owner of a source file.
    pub(crate) fn by_path(&self, path: &str) -> Option<Owner> {
        let known = self.prefixes.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
        known.map(|(_, owner)| owner.clone()).or_else(|| library_path(path).map(Owner::Structural))
    }

    /// The owner of a library by its crate name, when only one can be meant.
    pub(crate) fn by_library(&self, library: &str) -> Option<Owner> {
        match library {
            "core" | "alloc" | "std" => return Some(Owner::Structural(Structural::Core)),
            // `__rustc` holds the symbols that rustc itself links to: the panic handler, allocators.
            "compiler_builtins" | "__rustc" => return Some(Owner::Structural(Structural::Runtime)),
            _ => {}
        }
        let owners = self.libraries.get(library)?;
        (owners.len() == 1).then(|| owners.first().cloned()).flatten()
    }

    /// Whether this is the generated root's crate.
    pub(crate) fn is_root(&self, library: &str) -> bool {
        library == self.root
    }

    /// The component that words of a path in the generated root name.
    pub(crate) fn by_word(&self, path: &str) -> Option<Owner> {
        let bounded = |at: usize, size: usize| {
            let edge = |c: Option<char>| c.is_none_or(|c| c == '_' || !c.is_alphanumeric());
            edge(path[..at].chars().next_back()) && edge(path[at + size..].chars().next())
        };
        let found = self.words.iter().find(|(word, _)| {
            path.match_indices(word.as_str()).any(|(at, found)| bounded(at, found.len()))
        });
        found.map(|(_, owner)| owner.clone())
    }
}

/// Rust's own libraries by their folder, wherever the sources stand: `/rustc/<hash>/library/core/…`
/// of a prebuilt library, `…/rustlib/src/rust/library/core/…` of one built with the firmware.
fn library_path(path: &str) -> Option<Structural> {
    let (_, rest) = path.split_once("/library/")?;
    match rest.split('/').next()? {
        "compiler-builtins" => Some(Structural::Runtime),
        "core" | "alloc" | "std" | "stdarch" | "portable-simd" | "panic_abort" => {
            Some(Structural::Core)
        }
        _ => None,
    }
}

/// Whether an owner is Rust's own library.
pub(crate) const fn is_library(owner: &Owner) -> bool {
    matches!(owner, Owner::Structural(Structural::Core | Structural::Runtime))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, prefix: &str) -> Package {
        Package { name: name.into(), version: None, prefixes: vec![prefix.into()] }
    }

    fn component(name: &str, packages: Vec<Package>) -> Component {
        Component { name: name.parse().expect(name), packages, identifiers: Vec::new() }
    }

    fn index() -> Index {
        Index::new(&Owners {
            components: vec![
                component("soil", vec![package("tarsia-soil", "/tarsia/drivers/soil/")]),
                component("soil-log", vec![package("embedded-hal", "/cargo/embedded-hal-0.2.7/")]),
            ],
            shared: vec![package("embedded-hal", "/cargo/embedded-hal-1.0.0/")],
            root: package("firmware", "/tarsia/root/"),
        })
    }

    fn shown(owner: Option<Owner>) -> String {
        owner.map_or("none".into(), |owner| owner.to_string())
    }

    #[test]
    fn paths_lead_to_owners() {
        let index = index();
        for (path, owner) in [
            ("/tarsia/drivers/soil/src/lib.rs", "soil"),
            ("/tarsia/drivers/soil-other/src/lib.rs", "none"),
            ("/cargo/embedded-hal-0.2.7/src/adc.rs", "soil-log"),
            ("/cargo/embedded-hal-1.0.0/src/lib.rs", "embedded-hal"),
            ("/usr/lib/rustlib/src/rust/library/core/src/fmt/mod.rs", "Rust core library"),
            ("/rustc/abc/library/compiler-builtins/libm/src/x.rs", "compiler runtime"),
            ("/tarsia/root/src/main.rs", "composition root"),
        ] {
            assert_eq!(shown(index.by_path(path)), owner, "{path}");
        }
    }

    #[test]
    fn two_versions_of_a_library_are_not_guessed_between() {
        assert_eq!(shown(index().by_library("embedded_hal")), "none");
        assert_eq!(shown(index().by_library("tarsia_soil")), "soil");
    }

    #[test]
    fn words_of_the_root_name_the_longest_component() {
        let index = index();
        for (path, owner) in [
            ("firmware[1]::service_soil::{closure#0}", "soil"),
            ("firmware[1]::__service_soil_log_task::POOL", "soil-log"),
            ("firmware[1]::SLOT_SOIL_LOG", "soil-log"),
            ("firmware[1]::CONFIG_SOIL", "soil"),
            ("firmware[1]::service_soils", "none"),
            ("firmware[1]::start", "none"),
        ] {
            assert_eq!(shown(index.by_word(path)), owner, "{path}");
        }
    }
}
