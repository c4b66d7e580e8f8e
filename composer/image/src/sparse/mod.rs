//! Android sparse images, version 1.0: what `fastboot` sends to a phone instead of gigabytes of zeros
//! (AOSP, system/core/libsparse/sparse_format.h). Little endian throughout.

mod chunk;
mod error;
mod read;
mod write;

pub use chunk::{Chunk, Chunks, Filling};
pub use error::Error;
pub use read::read;
pub use write::{Options, write};
