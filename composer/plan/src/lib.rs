//! Turns a selection into what has to be done: the generated composition root with everything that
//! is compiled beside it, and the key under which the result is kept. Pure: text in, text out.

mod c_part;
mod cargo_manifest;
mod compose;
mod firmware;
pub mod key;
pub mod linux;
pub mod scaffold;
mod template;
mod wiring;

pub use c_part::{CPart, Place};
pub use compose::{compose, stack};
pub use firmware::{Firmware, Inputs, c_libraries};
pub use linux::Linux;
pub use template::render;
