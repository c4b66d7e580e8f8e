//! One file per command.

pub mod build;
pub mod check;
pub mod completions;
pub mod list;
pub mod man;
pub mod new;
pub mod run;
pub mod size;
pub mod tree;
