//! Who carries actions out: one file per builder, which turns what was planned into an action.

mod archive;
pub mod c;
pub mod cargo;
mod disk;
pub mod image;
mod installed;
pub mod kbuild;
mod partitions;
pub(crate) mod places;
pub mod prebuilt;
mod root;
mod runs;
pub mod system;
mod template;
