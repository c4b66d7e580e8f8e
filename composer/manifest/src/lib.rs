//! YAML to validated manifests: components, profiles and products with the place of every value,
//! inheritance between products, and the JSON Schemas and reference page made from the same
//! definitions.
//!
//! [`load()`] reads a workspace through [`Files`] and reports every problem of every file at once;
//! [`effective()`] follows `extends`. Everything after the reading is pure.

mod admit;
pub mod c_code;
pub mod catalogue;
mod claim;
pub mod collection;
pub mod component;
pub mod components;
pub mod condition;
pub mod decided;
pub mod disk;
mod examine;
pub mod extends;
pub mod feature;
pub mod files;
mod find;
pub mod guest;
pub mod hardware;
pub mod item;
pub mod linux;
pub mod load;
pub mod lockfile;
pub mod node;
mod origins;
pub mod pack;
pub mod product;
pub mod profile;
mod read;
mod record;
pub mod reference;
pub mod scalar;
mod snapshot;
pub mod source;
mod supply;
mod survey;
pub mod walk;
pub mod workspace;
pub mod write;
pub mod yaml;

pub use c_code::{CCode, CrateCode, Define};
pub use catalogue::{Broken, Catalogue, Loaded};
pub use collection::{OneOrMany, Set, Table};
pub use component::{
    Budget, ComponentManifest, Conflict, CrateOptions, Kernel, Layer, Provision, Recommendation,
    Requirement, Runtime, Share,
};
pub use components::{CapabilityId, ComponentId, Components};
pub use condition::{Condition, FeatureTest};
pub use decided::{Decided, Preference};
pub use disk::Disk;
pub use extends::{EffectiveBudget, EffectiveLimits, EffectiveProduct, effective};
pub use feature::{Feature, FeatureDeclaration, FeatureKind, FeatureType, FeatureValue};
pub use files::{Files, Mark, Memory};
pub use guest::Guest;
pub use hardware::{Board, Emulator, MemoryRegion};
pub use load::{Reloaded, load, load_with, reload};
pub use lockfile::{LARGEST_LOCK, LockFile, LockedOrigin, LockedSource};
pub use node::{Node, Scalar};
pub use product::{KernelName, ProductBudget, ProductManifest};
pub use profile::{Bounds, ProfileManifest};
pub use reference::schemas;
pub use scalar::{
    Address, CrateFeature, CrateName, FactName, FeaturePath, FolderPath, InnerPath, KernelOption,
    MacroName, ModuleName, PackageArch, PackageName, PackagePattern, PlainWord, ProgramName,
    Revision, RootPath,
};
pub use source::{Source, SourceKind};
pub use survey::Clock;
pub use workspace::{CatalogueSource, WORKSPACE_FILE, WorkspaceManifest};
