//! The content of a file in an image: pieces of the image, and zeros where it has none.

use std::io;

use tarsia_model::Blake3;

use super::BLOCK;
use super::map::Extent;
use crate::content::{Content, Data};

/// How much is read at a time for the digest, in bytes.
const PIECE: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Pieces {
    image: Data,
    /// Sorted and apart.
    extents: Vec<Extent>,
    size: u64,
    digest: Blake3,
}

impl Pieces {
    /// A file of `size` bytes; reads all of it once.
    pub(super) fn new(image: &Data, extents: Vec<Extent>, size: u64) -> io::Result<Self> {
        let none = Blake3([0; 32]);
        let mut pieces = Self { image: image.clone(), extents, size, digest: none };
        let mut hasher = blake3::Hasher::new();
        let mut buffer = Vec::new();
        let mut at = 0;
        while at < size {
            buffer.resize((size - at).min(PIECE as u64) as usize, 0);
            pieces.read_at(at, &mut buffer)?;
            hasher.update_rayon(&buffer);
            at += buffer.len() as u64;
        }
        pieces.digest = Blake3(*hasher.finalize().as_bytes());
        Ok(pieces)
    }
}

impl Content for Pieces {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.size);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.fill(0);
        let bytes = |block: u64| block * BLOCK as u64;
        let last = |extent: &Extent| bytes(u64::from(extent.logical) + u64::from(extent.count));
        let first = self.extents.partition_point(|extent| last(extent) <= offset);
        for extent in &self.extents[first..] {
            let start = bytes(extent.logical.into());
            let (from, to) = (start.max(offset), last(extent).min(end));
            if from >= to {
                break;
            }
            let piece = &mut buffer[(from - offset) as usize..(to - offset) as usize];
            self.image.read_at(bytes(extent.physical) + from - start, piece)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_is_read_from_where_it_is() {
        let image: Vec<u8> = (0..5 * BLOCK).map(|at| (at / 7) as u8).collect();
        let extent = |logical, physical, count| Extent { logical, physical, count };
        let extents = vec![extent(1, 3, 2), extent(3, 0, 1), extent(6, 1, 1)];
        let mut whole = vec![0; 7 * BLOCK - 9];
        whole[BLOCK..3 * BLOCK].copy_from_slice(&image[3 * BLOCK..]);
        whole[3 * BLOCK..4 * BLOCK].copy_from_slice(&image[..BLOCK]);
        whole[6 * BLOCK..].copy_from_slice(&image[BLOCK..2 * BLOCK - 9]);
        let file = Pieces::new(&Data::of(image), extents, whole.len() as u64).expect("memory");
        assert_eq!(file.digest(), Blake3::of(&whole));
        for start in (0..whole.len()).step_by(1_111) {
            for size in [0, 1, 4_095, 9_000] {
                let mut buffer = vec![1; size];
                let read = file.read_at(start as u64, &mut buffer);
                assert_eq!(read.is_ok(), start + size <= whole.len());
                if read.is_ok() {
                    assert_eq!(buffer, whole[start..start + size]);
                }
            }
        }
    }
}
