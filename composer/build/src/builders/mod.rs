//! Who carries actions out: one file per builder, which turns what was planned into an action.

pub mod cargo;
pub mod image;
pub(crate) mod places;
mod runs;
