//! Carries out what was planned: the only stage, with the cache, that touches the world. Everything that
//! is built goes through the engine; builders turn what was planned into its actions.

pub mod builders;
mod c_compiler;
pub mod confinements;
mod content;
pub mod crates;
pub mod digests;
pub mod emulator;
pub mod engine;
pub mod git;
pub mod inputs;
pub mod kconfig;
mod lock;
pub mod outputs;
mod own;
mod pinned;
pub mod prebuilt;
mod process;
pub mod product;
mod remembered;
pub mod revision;
pub mod sandbox;
pub mod sources;
pub mod stage;
mod surroundings;
pub mod toolchain;
pub mod toolchains;
pub mod tree;

pub use surroundings::Surroundings;
