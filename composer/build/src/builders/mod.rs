//! Who carries actions out: one file per builder, which turns what was planned into an action.

pub mod cargo;
mod disk;
pub mod image;
<<<<<<< HEAD
pub mod kbuild;
mod places;
mod root;
=======
pub(crate) mod places;
>>>>>>> sources
mod runs;
pub mod system;
