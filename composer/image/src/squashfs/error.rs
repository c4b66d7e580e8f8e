//! What cannot be written as squashfs, and what is no squashfs.

use std::io;

use crate::codec::CodecError;
use crate::tree::TreeError;

/// Why a tree cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Blocks of a size that the format does not have.
    #[error("squashfs has no blocks of {size} bytes; it is a power of 2, 4,096 to 1,048,576")]
    BlockSize {
        /// The size that was asked for.
        size: u32,
    },
    /// The content of a file could not be read.
    #[error("cannot read the content of `{path}` from byte {offset} on: {source}")]
    Content {
        /// The file.
        path: String,
        /// From where on it was read.
        offset: u64,
        /// What happened.
        source: io::Error,
    },
    /// A time that does not fit 32 bits.
    #[error("`{path}` was changed {seconds} s after 1970; squashfs holds at most 4,294,967,295")]
    Time {
        /// The path.
        path: String,
        /// Its time.
        seconds: u64,
    },
    /// A device with numbers that do not fit.
    #[error("`{path}` is device {major}:{minor}; squashfs holds at most 4,095:1,048,575")]
    Device {
        /// The path.
        path: String,
        /// Number of its driver.
        major: u32,
        /// Number of the device.
        minor: u32,
    },
    /// An attribute that the format has no place for.
    #[error("the attribute `{name}` of `{path}`, {size} bytes, does not fit: {why}")]
    Attribute {
        /// The path.
        path: String,
        /// Name of the attribute.
        name: String,
        /// Size of its value in bytes.
        size: usize,
        /// What does not fit.
        why: &'static str,
    },
    /// More than the format has numbers for.
    #[error("{count} {what} are too many for squashfs; at most {limit} fit")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A block could not be compressed.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The image could not be written.
    #[error("cannot write the image: {0}")]
    Out(#[source] io::Error),
}

/// Why bytes are no squashfs, or none that this program reads.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be read.
    #[error("cannot read {size} bytes of the image from {offset} on: {source}")]
    Io {
        /// From where on.
        offset: u64,
        /// How many bytes.
        size: u64,
        /// What happened.
        source: io::Error,
    },
    /// A number that cannot be.
    #[error("the {what} is {found} ({found:#x}): {why}")]
    Field {
        /// Which.
        what: &'static str,
        /// Its value.
        found: u64,
        /// Why it cannot be.
        why: &'static str,
    },
    /// Something that reaches out of what it is in.
    #[error("the {what} at {offset} with {size} bytes reaches beyond {limit}")]
    Outside {
        /// What.
        what: &'static str,
        /// Where it starts.
        offset: u64,
        /// Its size in bytes.
        size: u64,
        /// Where what it is in ends.
        limit: u64,
    },
    /// A block that cannot be unpacked.
    #[error("the block at byte {offset} of the image cannot be unpacked: {source}")]
    Block {
        /// Where it is.
        offset: u64,
        /// What is wrong with it.
        source: CodecError,
    },
    /// A table that has not as many entries as the superblock says.
    #[error("the {what} has {found} bytes; its entries have {wanted}")]
    Size {
        /// Which.
        what: &'static str,
        /// Its size in bytes.
        found: u64,
        /// What the count of entries comes to, in bytes.
        wanted: u64,
    },
    /// Two numbers that should be one.
    #[error("the {what} is {found}; it should be {wanted}")]
    Differs {
        /// Which.
        what: &'static str,
        /// Its value.
        found: u64,
        /// What the rest of the image says.
        wanted: u64,
    },
    /// Much more unpacked than any honest image has.
    #[error("the image unpacks to more than {limit} bytes of metadata")]
    Bomb {
        /// How much its size allows.
        limit: u64,
    },
    /// A tree that cannot be.
    #[error(transparent)]
    Tree(#[from] TreeError),
}
