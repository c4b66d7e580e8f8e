//! Deterministic image writers, each with a strict reader of its own: bytes in, bytes out. No file
//! is opened and nothing of the host (time, owner, order of a directory) can reach an image.

mod amount;
pub mod bin;
pub mod content;
pub mod disk;
pub mod extent;
pub mod fat;
pub mod flash;
pub mod gpt;
pub mod hex;
pub mod layout;
pub mod segment;
pub mod slots;
pub mod tree;
pub mod uf2;
pub mod uuid;

pub use flash::{Flash, FlashError};
pub use segment::{Region, Segment, SegmentError, Segments};
