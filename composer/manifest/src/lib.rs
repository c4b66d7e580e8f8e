//! YAML to validated manifests: components, profiles and products with the place of every value,
//! inheritance between products, and the JSON Schemas and reference page made from the same
//! definitions.
//!
//! [`load()`] reads a workspace through [`Files`] and reports every problem of every file at once;
//! [`effective()`] follows `extends`. Everything after the reading is pure.

pub mod collection;
pub mod component;
pub mod extends;
pub mod feature;
pub mod files;
pub mod hardware;
pub mod item;
pub mod load;
pub mod node;
pub mod product;
pub mod profile;
mod record;
pub mod reference;
pub mod scalar;
pub mod walk;
pub mod write;
pub mod yaml;

pub use collection::{OneOrMany, Set, Table};
pub use component::{
    Budget, ComponentManifest, CrateOptions, Kernel, Layer, Provision, Requirement, Runtime, Share,
};
pub use extends::{Decided, EffectiveBudget, EffectiveLimits, EffectiveProduct, effective};
pub use feature::{Feature, FeatureDeclaration, FeatureKind, FeatureType, FeatureValue};
pub use files::{Disk, Files, Memory};
pub use hardware::{Board, Emulator, MemoryRegion};
pub use load::{Catalogue, Loaded, load};
pub use node::{Node, Scalar};
pub use product::{KernelName, ProductBudget, ProductManifest};
pub use profile::{Bounds, ProfileManifest};
pub use reference::schemas;
pub use scalar::{CrateFeature, CrateName, FactName, FeaturePath, InnerPath, ProgramName};
