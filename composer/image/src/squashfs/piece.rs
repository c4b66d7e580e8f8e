//! Pieces of contents, packed: some blocks of one file, or one fragment. A piece is what is looked for
//! in the store and left there, under a key over everything that its bytes depend on.

use rayon::prelude::*;
use tarsia_model::Blake3;

use crate::codec::{Codec, CodecError};
use crate::content::Packed;

use super::format::DATA_RAW;

/// Counts up whenever a piece of the same contents would have other bytes, or be written down otherwise.
const VERSION: u32 = 1;

/// Blocks, packed, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// For each its size in bytes and whether it is [`DATA_RAW`]; 0 for one of zeros, which is not stored.
    pub sizes: Vec<u32>,
    /// All of them.
    pub bytes: Vec<u8>,
}

/// What pieces are made with.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a> {
    pub codec: Codec,
    /// Size of a block in bytes.
    pub block_size: u32,
    pub store: &'a dyn Packed,
}

impl Maker<'_> {
    /// The piece of `name` (which says everything about what is in it) with `count` blocks: from the
    /// store, or else by packing what `read` gives, and then it is left there.
    ///
    /// # Errors
    /// Those of `read` and of the codec.
    pub fn piece<E: From<CodecError>>(
        self,
        name: &str,
        count: usize,
        holes: bool,
        read: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Piece, E> {
        // What is not compressed is read from its file as quickly as from a store.
        if self.codec == Codec::None {
            return Ok(self.pack(&read()?, holes)?);
        }
        let (codec, block) = (self.codec.version(), self.block_size);
        let key = Blake3::of(
            format!("tarsia squashfs piece {VERSION}\n{codec}\nblock {block}\n{name}").as_bytes(),
        );
        let kept = self.store.get(key).and_then(|kept| Piece::decode(&kept, count));
        if let Some(piece) = kept {
            return Ok(piece);
        }
        let piece = self.pack(&read()?, holes)?;
        self.store.put(key, &piece.encode());
        Ok(piece)
    }

    fn pack(self, bytes: &[u8], holes: bool) -> Result<Piece, CodecError> {
        let blocks: Result<Vec<_>, _> = bytes
            .par_chunks(self.block_size as usize)
            .map(|block| {
                let hole = holes && block.iter().all(|byte| *byte == 0);
                if hole { Ok(Some(Vec::new())) } else { self.codec.compress(block) }
            })
            .collect();
        let mut piece = Piece::default();
        for (block, packed) in bytes.chunks(self.block_size as usize).zip(blocks?) {
            match packed {
                Some(packed) => {
                    piece.sizes.push(packed.len() as u32);
                    piece.bytes.extend(packed);
                }
                None => {
                    piece.sizes.push(block.len() as u32 | DATA_RAW);
                    piece.bytes.extend(block);
                }
            }
        }
        Ok(piece)
    }
}

impl Piece {
    /// As it is kept: a digest of the rest, the sizes as 32 bits each, the blocks.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 32];
        bytes.extend(self.sizes.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend(&self.bytes);
        let digest = Blake3::of(&bytes[32..]);
        bytes[..32].copy_from_slice(&digest.0);
        bytes
    }

    /// What [`Piece::encode`] gave, when it is that and has `count` blocks: a damaged store costs time
    /// and never a wrong image.
    fn decode(kept: &[u8], count: usize) -> Option<Self> {
        let (digest, rest) = kept.split_at_checked(32)?;
        if Blake3::of(rest).0 != digest {
            return None;
        }
        let (sizes, bytes) = rest.split_at_checked(count.checked_mul(4)?)?;
        let sizes = sizes.as_chunks().0.iter().map(|size| u32::from_le_bytes(*size));
        Some(Self { sizes: sizes.collect(), bytes: bytes.to_vec() })
    }
}
