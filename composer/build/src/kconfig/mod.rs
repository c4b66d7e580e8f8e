//! What the kernel's configuration came to, held against what was asked for, and why an option came out
//! otherwise.

mod check;
mod expression;
mod menu;

pub use check::{Configuration, check};
pub use menu::Menu;
