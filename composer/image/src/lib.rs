//! Deterministic image writers, each with a strict reader of its own: bytes in, bytes out. No file
//! is opened and nothing of the host (time, owner, order of a directory) can reach an image.

mod amount;
pub mod archive;
pub mod bin;
pub mod codec;
pub mod compression;
pub mod content;
pub mod cpio;
pub mod disk;
pub mod erofs;
pub mod ext4;
pub mod extent;
pub mod fat;
pub mod flash;
pub mod gpt;
pub mod hex;
pub mod layout;
pub mod pieces;
pub mod segment;
pub mod slots;
pub mod sparse;
pub mod squashfs;
pub mod strip;
pub mod tree;
pub mod uf2;
pub mod uki;
pub mod uuid;
pub mod verity;

pub use flash::{Flash, FlashError};
pub use segment::{Region, Segment, SegmentError, Segments};
