//! Deterministic image writers, each with a strict reader of its own: bytes in, bytes out. No file
//! is opened and nothing of the host (time, owner, order of a directory) can reach an image.

pub mod archive;
pub mod bin;
pub mod content;
pub mod extent;
pub mod flash;
pub mod hex;
pub mod segment;
pub mod tree;
pub mod uf2;

pub use flash::{Flash, FlashError};
pub use segment::{Region, Segment, SegmentError, Segments};
