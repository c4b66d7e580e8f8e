//! What an image is made of: every byte of flash and RAM attributed to a component, a shared crate
//! or a named structural row; the sizes held against their limits; the table and the `image.json`
//! that say so. Bytes and values in, values out.

mod account;
mod canvas;
mod code;
mod constants;
mod debug;
mod firmware;
mod lookup;
mod mangled;
mod references;

pub mod attribution;
pub mod budget;
pub mod image_json;
pub mod owner;
pub mod system;
pub mod table;

pub use account::attribute;
pub use attribution::{Attribution, AuditError, Input, Part, Row, Usage};
pub use budget::{ComponentLimit, Limit, Limits, Memory, SetBy, check};
pub use image_json::ImageJson;
pub use owner::{Component, Owner, Owners, Package, Structural};
pub use table::Table;
