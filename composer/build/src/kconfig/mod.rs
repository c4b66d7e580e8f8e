//! What the kernel's configuration came to, held against what was asked for, and why an option came out
//! otherwise.

mod check;
mod expression;
mod menu;
mod prebuilt;
mod refuse;

pub use check::{Configuration, check};
pub use menu::Menu;
pub use prebuilt::check as check_prebuilt;
pub use refuse::refuse;
