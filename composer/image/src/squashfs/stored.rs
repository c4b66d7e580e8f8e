//! Contents of files where they are in an image: unpacked when they are read.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tarsia_model::Blake3;

use crate::content::{Content, Data};

use super::error::ReadError;
use super::format::{DATA_RAW, SUPERBLOCK, Superblock};

/// An image that is read.
pub(super) struct Image {
    data: Data,
    pub superblock: Superblock,
    /// Offset of each fragment in the image, and its size as the table has it.
    pub fragments: Vec<(u64, u32)>,
    /// The fragment that was unpacked last: neighbours are in the same.
    last: Mutex<Option<(u32, Arc<Vec<u8>>)>>,
}

impl Image {
    /// An image whose fragments are not known yet.
    pub const fn new(data: Data, superblock: Superblock) -> Self {
        Self { data, superblock, fragments: Vec::new(), last: Mutex::new(None) }
    }

    /// `size` bytes from `offset` on, which are `what`.
    ///
    /// # Errors
    /// When they are not in the file system, or cannot be read.
    pub fn bytes(&self, offset: u64, size: u64, what: &'static str) -> Result<Vec<u8>, ReadError> {
        let limit = self.superblock.size.min(self.data.size());
        if offset.checked_add(size).is_none_or(|end| end > limit) {
            return Err(ReadError::Outside { what, offset, size, limit });
        }
        let mut bytes = vec![0; size as usize];
        self.data.read_at(offset, &mut bytes).map_err(|source| ReadError::Io {
            offset,
            size,
            source,
        })?;
        Ok(bytes)
    }

    /// A block of data at `offset`, unpacked: `wanted` bytes.
    fn block(&self, offset: u64, size: u32, wanted: usize) -> Result<Vec<u8>, ReadError> {
        if size == 0 {
            return Ok(vec![0; wanted]);
        }
        let block = self.block_of_any_size(offset, size, wanted)?;
        if block.len() != wanted {
            let (found, wanted) = (block.len() as u64, wanted as u64);
            return Err(ReadError::Differs { what: "size of a block", found, wanted });
        }
        Ok(block)
    }

    fn block_of_any_size(
        &self,
        offset: u64,
        size: u32,
        limit: usize,
    ) -> Result<Vec<u8>, ReadError> {
        let what = "block of data";
        let packed_size = size & !DATA_RAW;
        if packed_size > self.superblock.block_size {
            let why = "it is not larger than a block unpacked";
            return Err(ReadError::Field { what: "size of a block", found: size.into(), why });
        }
        let end = offset.saturating_add(packed_size.into());
        if offset < SUPERBLOCK as u64 || end > self.superblock.inode_table {
            let (size, limit) = (packed_size.into(), self.superblock.inode_table);
            return Err(ReadError::Outside { what, offset, size, limit });
        }
        let packed = self.bytes(offset, packed_size.into(), what)?;
        if size & DATA_RAW != 0 {
            return Ok(packed);
        }
        let codec = self.superblock.codec;
        codec.unpack(&packed, limit).map_err(|source| ReadError::Block { offset, source })
    }

    /// A fragment, unpacked.
    fn fragment(&self, number: u32) -> Result<Arc<Vec<u8>>, ReadError> {
        // What another thread left when it panicked is whole: it is set at once.
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, bytes)) = &*last()
            && *known == number
        {
            return Ok(Arc::clone(bytes));
        }
        let (offset, size) = *self.fragments.get(number as usize).ok_or(ReadError::Outside {
            what: "fragment",
            offset: number.into(),
            size: 1,
            limit: self.fragments.len() as u64,
        })?;
        let block_size = self.superblock.block_size as usize;
        let bytes = Arc::new(self.block_of_any_size(offset, size, block_size)?);
        *last() = Some((number, Arc::clone(&bytes)));
        Ok(bytes)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("superblock", &self.superblock).finish_non_exhaustive()
    }
}

/// A file of an image.
#[derive(Debug)]
pub(super) struct Stored {
    image: Arc<Image>,
    size: u64,
    /// Offset of each block in the image and its size as the inode has it.
    blocks: Vec<(u64, u32)>,
    /// Fragment with its end, and the offset in it.
    fragment: Option<(u32, u32)>,
    digest: Blake3,
}

impl Stored {
    /// A file of `size` bytes, with blocks from `start` on and perhaps an end in a fragment. All of it
    /// is read once, for its digest.
    ///
    /// # Errors
    /// When a block is not in the image or cannot be unpacked.
    pub fn new(
        image: &Arc<Image>,
        size: u64,
        start: u64,
        blocks: &[u32],
        fragment: Option<(u32, u32)>,
    ) -> Result<Self, ReadError> {
        let mut offset = start;
        let mut placed = Vec::with_capacity(blocks.len());
        for block in blocks {
            placed.push((offset, *block));
            offset = offset.saturating_add((block & !DATA_RAW).into());
        }
        let digest = Blake3([0; 32]);
        let mut stored = Self { image: Arc::clone(image), size, blocks: placed, fragment, digest };
        let mut hasher = blake3::Hasher::new();
        let block_size = u64::from(image.superblock.block_size);
        for at in 0..size.div_ceil(block_size) {
            stored.with_block(at, |bytes| {
                hasher.update(bytes);
            })?;
        }
        stored.digest = Blake3(*hasher.finalize().as_bytes());
        Ok(stored)
    }

    /// Reads the block of a number; the end is in the fragment when there is one.
    fn with_block(&self, number: u64, read: impl FnOnce(&[u8])) -> Result<(), ReadError> {
        let block_size = u64::from(self.image.superblock.block_size);
        let size = block_size.min(self.size - number * block_size) as usize;
        if let Some((offset, packed)) = self.blocks.get(number as usize) {
            read(&self.image.block(*offset, *packed, size)?);
            return Ok(());
        }
        let (fragment, offset) = self.fragment.ok_or(ReadError::Outside {
            what: "block of a file",
            offset: number,
            size: 1,
            limit: self.blocks.len() as u64,
        })?;
        let bytes = self.image.fragment(fragment)?;
        let start = offset as usize;
        let part = bytes.get(start..start + size).ok_or(ReadError::Outside {
            what: "end of a file in its fragment",
            offset: offset.into(),
            size: size as u64,
            limit: bytes.len() as u64,
        })?;
        read(part);
        Ok(())
    }
}

impl Content for Stored {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.size);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let block_size = u64::from(self.image.superblock.block_size);
        let mut rest = buffer;
        let mut at = offset;
        while !rest.is_empty() {
            let skip = (at % block_size) as usize;
            let open = std::mem::take(&mut rest);
            let mut count = 0;
            self.with_block(at / block_size, |bytes| {
                count = open.len().min(bytes.len() - skip);
                open[..count].copy_from_slice(&bytes[skip..skip + count]);
            })
            .map_err(io::Error::other)?;
            rest = &mut open[count..];
            at += count as u64;
        }
        Ok(())
    }
}
