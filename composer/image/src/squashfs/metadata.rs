//! Tables of metadata as they are written: a stream that is cut into blocks of 8 KiB, each compressed by
//! itself after its 16-bit size (section 3.1). Places in it are given by where the packed block starts
//! and an offset in it unpacked, so a place is known only when all blocks before are packed.

use rayon::prelude::*;

use crate::codec::{Codec, CodecError};

use super::format::{METADATA, METADATA_RAW};

/// A place in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Where the packed block starts, in bytes from the start of the table.
    pub block: u64,
    /// Offset in the block, unpacked; below [`METADATA`].
    pub offset: u16,
}

impl Place {
    /// As 64 bits: 48 of the block, 16 of the offset (`SQUASHFS_MKINODE`).
    pub const fn packed(self) -> u64 {
        self.block << 16 | self.offset as u64
    }

    /// What [`Place::packed`] gave.
    pub const fn unpacked(bits: u64) -> Self {
        Self { block: bits >> 16, offset: bits as u16 }
    }
}

/// A table that is being written.
#[derive(Debug)]
pub(super) struct Stream {
    codec: Codec,
    packed: Vec<u8>,
    /// Where each packed block starts, and where the next will.
    starts: Vec<u64>,
    /// What is not packed yet.
    open: Vec<u8>,
}

impl Stream {
    /// An empty one.
    pub fn new(codec: Codec) -> Self {
        Self { codec, packed: Vec::new(), starts: vec![0], open: Vec::new() }
    }

    /// How many bytes it has unpacked: the position of what is added next.
    pub fn size(&self) -> u64 {
        ((self.starts.len() - 1) * METADATA + self.open.len()) as u64
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
    }

    /// Packs all blocks that are full, so that [`Stream::place`] knows every position so far.
    ///
    /// # Errors
    /// Those of the codec.
    pub fn settle(&mut self) -> Result<(), CodecError> {
        let full = self.open.len() / METADATA * METADATA;
        let rest = self.open.split_off(full);
        let full = std::mem::replace(&mut self.open, rest);
        self.pack(&full)
    }

    /// The place of a position (see [`Stream::size`]) that is settled.
    ///
    /// # Panics
    /// When it is not.
    pub fn place(&self, position: u64) -> Place {
        let block = self.starts[(position / METADATA as u64) as usize];
        Place { block, offset: (position % METADATA as u64) as u16 }
    }

    /// The table, and where its blocks start in it.
    ///
    /// # Errors
    /// Those of the codec.
    pub fn finish(mut self) -> Result<(Vec<u8>, Vec<u64>), CodecError> {
        let rest = std::mem::take(&mut self.open);
        self.pack(&rest)?;
        self.starts.pop();
        Ok((self.packed, self.starts))
    }

    fn pack(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let codec = self.codec;
        let packed: Result<Vec<_>, _> =
            bytes.par_chunks(METADATA).map(|block| codec.compress(block)).collect();
        for (block, packed) in bytes.chunks(METADATA).zip(packed?) {
            self.packed.extend(match &packed {
                Some(packed) => with_size(packed, 0),
                None => with_size(block, METADATA_RAW),
            });
            self.starts.push(self.packed.len() as u64);
        }
        Ok(())
    }
}

/// A block of metadata that is stored as it is; at most [`METADATA`] bytes.
pub(super) fn stored(bytes: &[u8]) -> Vec<u8> {
    with_size(bytes, METADATA_RAW)
}

fn with_size(bytes: &[u8], flag: u16) -> Vec<u8> {
    [&(bytes.len() as u16 | flag).to_le_bytes(), bytes].concat()
}

/// A table that is read by number (section 3.6 and 3.7): its blocks at `offset` of the image, and then
/// the index, the offset of each. Gives all bytes, and how many of them are before the index.
///
/// # Errors
/// Those of the codec.
pub(super) fn numbered(
    codec: Codec,
    entries: &[u8],
    offset: u64,
) -> Result<(Vec<u8>, u64), CodecError> {
    let mut stream = Stream::new(codec);
    stream.push(entries);
    let (mut bytes, starts) = stream.finish()?;
    let index = bytes.len() as u64;
    bytes.extend(starts.iter().flat_map(|start| (offset + start).to_le_bytes()));
    Ok((bytes, index))
}
