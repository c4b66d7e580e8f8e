//! Carries out what was planned: the only stage, with the cache, that touches the world. It stages
//! the sources of a firmware, compiles them with cargo, writes outputs and starts emulators.

pub mod crates;
pub mod emulator;
pub mod firmware;
pub mod git;
pub mod inputs;
mod lock;
pub mod outputs;
pub mod product;
pub mod revision;
pub mod sandbox;
pub mod stage;
mod surroundings;
pub mod toolchain;

pub use surroundings::Surroundings;
