//! An image that is read, and which of its blocks are in use as far as is known: each may be claimed once, so that no damage can
//! make a reader need more memory than the image has bytes, or go around in circles.

use super::BLOCK;
use super::error::ReadError;
use super::geometry::GROUP;
use crate::content::Data;

#[derive(Debug)]
pub(super) struct Device<'a> {
    pub(super) image: &'a Data,
    /// How many blocks there are; all in the image.
    blocks: u64,
    /// A bit for each block, from the lowest on; as many as whole groups have. Those after the last block are set.
    used: Vec<u8>,
}

impl<'a> Device<'a> {
    /// The first `blocks` blocks of an image that has so many.
    pub(super) fn new(image: &'a Data, blocks: u64) -> Self {
        let groups = blocks.div_ceil(GROUP) as usize;
        let mut device = Self { image, blocks: u64::MAX, used: vec![0; groups * BLOCK] };
        device.take(blocks, groups as u64 * GROUP - blocks);
        device.blocks = blocks;
        device
    }

    /// Blocks belong to `inode`.
    pub(super) fn claim(&mut self, inode: u32, start: u64, count: u64) -> Result<(), ReadError> {
        let inside = start.checked_add(count).is_some_and(|end| end <= self.blocks);
        let block = if inside { self.take(start, count) } else { Some(start) };
        block.map_or(Ok(()), |block| Err(ReadError::Claim { inode, block }))
    }

    /// Sets bits. The first block that is in use already, if one is.
    fn take(&mut self, start: u64, count: u64) -> Option<u64> {
        for block in start..start + count {
            let (byte, bit) = ((block / 8) as usize, 1 << (block % 8));
            if self.used[byte] & bit != 0 {
                return Some(block);
            }
            self.used[byte] |= bit;
        }
        None
    }

    /// The bitmap of a group.
    pub(super) fn bitmap(&self, group: usize) -> &[u8] {
        &self.used[group * BLOCK..][..BLOCK]
    }

    /// A block.
    pub(super) fn block(&self, number: u64) -> Result<Vec<u8>, ReadError> {
        bytes(self.image, number * BLOCK as u64, BLOCK)
    }
}

/// Bytes of an image. `size` is not from the image.
pub(super) fn bytes(image: &Data, at: u64, size: usize) -> Result<Vec<u8>, ReadError> {
    let mut buffer = vec![0; size];
    match image.read_at(at, &mut buffer) {
        Ok(()) => Ok(buffer),
        Err(source) => Err(ReadError::Image { at, size, source }),
    }
}
