//! What keeps bytes from becoming, or being, a sparse image.

use std::io;

/// Why a sparse image was not written or read. Offsets are in bytes from its start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A size of blocks that the format or this writer does not have.
    #[error(
        "blocks of {block_size} bytes are impossible: a multiple of 4 up to 1,048,576 is wanted"
    )]
    BlockSize {
        /// The size.
        block_size: u32,
    },
    /// The format knows whole blocks only.
    #[error("{size} bytes are no whole number of blocks of {block_size}")]
    Size {
        /// Size of the raw bytes.
        size: u64,
        /// Size of a block.
        block_size: u32,
    },
    /// More blocks than 32 bits count.
    #[error("{size} bytes are more than 4,294,967,295 blocks of {block_size}")]
    TooLarge {
        /// Size of the raw bytes.
        size: u64,
        /// Size of a block.
        block_size: u32,
    },
    /// Reading failed, or the image ends too early.
    #[error("reading failed at {offset}")]
    Read {
        /// Where.
        offset: u64,
        /// Why; `UnexpectedEof` when it ends too early.
        source: io::Error,
    },
    /// The image could not be written.
    #[error("the sparse image could not be written")]
    Write(#[source] io::Error),
    /// A field has a value that it cannot have here.
    #[error("`{name}` at {offset} is {found:#x}, not {expected:#x}")]
    Field {
        /// Start of the header that it is in.
        offset: u64,
        /// The field.
        name: &'static str,
        /// Its value.
        found: u32,
        /// What it should be.
        expected: u64,
    },
    /// A chunk of a kind that version 1.0 does not have.
    #[error("the chunk at {offset} is of the unknown kind {kind:#06x}")]
    Kind {
        /// Start of the chunk.
        offset: u64,
        /// Its kind.
        kind: u16,
    },
    /// A checksum that is not the last chunk, or a chunk of no blocks.
    #[error("the chunk at {offset} {why}")]
    Chunk {
        /// Start of the chunk.
        offset: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Chunks and header do not agree on the number of blocks.
    #[error("the chunks have {found} blocks, the header says {expected}")]
    Blocks {
        /// Blocks of all chunks.
        found: u64,
        /// Blocks in the header.
        expected: u32,
    },
    /// The unpacked bytes are not those that the checksum was made of.
    #[error("the checksum of the unpacked bytes is {found:#010x}, the image says {expected:#010x}")]
    Checksum {
        /// That of the bytes.
        found: u32,
        /// That of the image.
        expected: u32,
    },
    /// Something follows the last chunk.
    #[error("{size} bytes follow the last chunk, which ends at {offset}")]
    Trailing {
        /// End of the last chunk.
        offset: u64,
        /// How many.
        size: u64,
    },
}
