//! Chunks: runs of blocks that are in the image, repeat one word, or are left as they are.

use std::io::Write;

use crate::content::Data;
use crate::pieces;

use super::error::Error;

/// `SPARSE_HEADER_MAGIC`, `sparse_header_t.magic`.
pub(super) const MAGIC: u32 = 0xed26_ff3a;
/// Version 1.0: a reader refuses another major version, and may skip what a later minor one adds.
pub(super) const VERSION: (u16, u16) = (1, 0);
/// Size of `sparse_header_t` in bytes.
pub(super) const HEADER: usize = 28;
/// Size of `chunk_header_t` in bytes.
pub(super) const CHUNK_HEADER: usize = 12;
/// `chunk_header_t.chunk_type`.
pub(super) const RAW: u16 = 0xcac1;
pub(super) const FILL: u16 = 0xcac2;
pub(super) const DONT_CARE: u16 = 0xcac3;
pub(super) const CRC32: u16 = 0xcac4;

/// A run of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// How many blocks; at least 1.
    pub blocks: u32,
    /// What is in them.
    pub content: Filling,
}

/// What is in the blocks of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Bytes that stand in the sparse image.
    Raw {
        /// Where in the sparse image they start.
        offset: u64,
    },
    /// The same four bytes, again and again.
    Fill([u8; 4]),
    /// Whatever the device has there.
    DontCare,
}

/// What a sparse image says: blocks from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunks {
    /// Size of a block in bytes, a multiple of 4.
    pub block_size: u32,
    /// The chunks, in order.
    pub chunks: Vec<Chunk>,
    /// CRC-32 of all unpacked bytes, when the image has it.
    pub checksum: Option<u32>,
}

impl Chunks {
    /// Size of what is unpacked, in bytes.
    pub fn size(&self) -> u64 {
        let blocks: u64 = self.chunks.iter().map(|chunk| u64::from(chunk.blocks)).sum();
        blocks * u64::from(self.block_size)
    }

    /// Writes the unpacked bytes of `image`, of which these are the chunks; zeros where it says
    /// nothing. [`Chunks::size`] tells how many there will be: a small image can say terabytes.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub fn unpack(&self, image: &Data, out: &mut impl Write) -> Result<(), Error> {
        for chunk in &self.chunks {
            let size = u64::from(chunk.blocks) * u64::from(self.block_size);
            let word = match chunk.content {
                Filling::Raw { offset } => {
                    let read = |source| Error::Read { offset, source };
                    pieces::each(image, offset, size, read, |bytes| {
                        out.write_all(bytes).map_err(Error::Write)
                    })?;
                    continue;
                }
                Filling::Fill(word) => word,
                Filling::DontCare => [0; 4],
            };
            let piece = word.repeat(16 << 10);
            let mut left = size;
            while left > 0 {
                let now = left.min(piece.len() as u64);
                out.write_all(&piece[..now as usize]).map_err(Error::Write)?;
                left -= now;
            }
        }
        Ok(())
    }
}

/// CRC-32 (IEEE 802.3) of `size` bytes that repeat a word: by doubling, so that the time does not
/// grow with what an image claims.
pub(super) fn repeated(word: [u8; 4], size: u64) -> crc32fast::Hasher {
    let mut double = crc32fast::Hasher::new();
    double.update(&word);
    let mut whole = crc32fast::Hasher::new();
    let mut left = size / 4;
    while left > 0 {
        if left & 1 == 1 {
            whole.combine(&double);
        }
        double.combine(&double.clone());
        left >>= 1;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_run_is_that_of_its_bytes() {
        for words in [0, 1, 2, 3, 7, 1_024, 12_345] {
            let bytes = [1, 2, 3, 4].repeat(words);
            let hasher = repeated([1, 2, 3, 4], bytes.len() as u64);
            assert_eq!(hasher.finalize(), crc32fast::hash(&bytes), "{words}");
        }
    }
}
