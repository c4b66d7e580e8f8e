//! One file per command.

pub mod build;
pub mod cache;
pub mod check;
pub mod completions;
pub mod diff;
pub mod explain;
pub mod fetch;
pub mod graph;
pub mod list;
pub mod lock;
pub mod man;
pub mod matrix;
pub mod new;
pub mod run;
pub mod shell;
pub mod show;
pub mod size;
pub mod tree;
pub mod update;
pub mod vendor;
pub mod what_if;
pub mod why;
pub mod why_not;
