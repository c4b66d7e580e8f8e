//! Tables of metadata as they are read: all blocks unpacked, and cursors that never leave them.

use super::error::ReadError;
use super::format::{METADATA, METADATA_RAW};
use super::metadata::Place;
use super::stored::Image;

/// How much metadata an image may unpack to for each of its bytes. Metadata of 8 KiB cannot be packed
/// into less than about 16 bytes, so an honest image stays below; a list of attributes counts for each
/// inode that has it.
const EXPANSION: u64 = 1_024;

/// How many bytes may still be unpacked, so that a small image cannot take all memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    limit: u64,
    left: u64,
}

impl Budget {
    /// That of an image of `size` bytes.
    pub const fn new(size: u64) -> Self {
        let limit = size.saturating_mul(EXPANSION);
        Self { limit, left: limit }
    }

    /// Takes `bytes` of it.
    ///
    /// # Errors
    /// When they are not there.
    pub fn take(&mut self, bytes: usize) -> Result<(), ReadError> {
        let left = self.left.checked_sub(bytes as u64);
        self.left = left.ok_or(ReadError::Bomb { limit: self.limit })?;
        Ok(())
    }
}

/// A table that was read.
#[derive(Debug)]
pub(super) struct Table {
    what: &'static str,
    bytes: Vec<u8>,
    /// Where each packed block starts in the table.
    starts: Vec<u64>,
}

impl Table {
    /// Reads blocks from `start` to `end` of the image. All but the last have 8 KiB.
    ///
    /// # Errors
    /// When they do not end there, or one cannot be unpacked.
    pub fn read(
        image: &Image,
        budget: &mut Budget,
        what: &'static str,
        start: u64,
        end: u64,
    ) -> Result<Self, ReadError> {
        let mut table = Self { what, bytes: Vec::new(), starts: Vec::new() };
        let mut at = start;
        while at < end {
            if !table.bytes.len().is_multiple_of(METADATA) {
                let found = table.bytes.len() as u64;
                let why = "only the last block of a table may have less than 8 KiB";
                return Err(ReadError::Field {
                    what: "size of a table before its end",
                    found,
                    why,
                });
            }
            table.starts.push(at - start);
            let (block, size) = metadata_block(image, at, end)?;
            budget.take(block.len())?;
            table.bytes.extend(block);
            at += size;
        }
        Ok(table)
    }

    /// Reads a table of `count` entries of `size` bytes whose index is at `index` (section 3.6), after
    /// its blocks. Gives it with the offset of its first block in the image.
    ///
    /// # Errors
    /// As [`Table::read`], and when the index does not name its blocks, or does not end at `end`.
    pub fn numbered(
        image: &Image,
        budget: &mut Budget,
        what: &'static str,
        entries: (u64, usize),
        index: u64,
        end: u64,
    ) -> Result<(Self, u64), ReadError> {
        Self::numbered_after(image, budget, what, entries, (index, index), end)
    }

    /// As [`Table::numbered`], where blocks end at the first of two offsets and the index starts at the
    /// other.
    ///
    /// # Errors
    /// As [`Table::numbered`].
    pub fn numbered_after(
        image: &Image,
        budget: &mut Budget,
        what: &'static str,
        (count, size): (u64, usize),
        (blocks_end, index): (u64, u64),
        end: u64,
    ) -> Result<(Self, u64), ReadError> {
        let bytes = count.saturating_mul(size as u64);
        let index_size = bytes.div_ceil(METADATA as u64) * 8;
        if index.checked_add(index_size) != Some(end) {
            return Err(ReadError::Outside { what, offset: index, size: index_size, limit: end });
        }
        let index_bytes = image.bytes(index, index_size, what)?;
        let places = index_bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let places: Vec<u64> = places.collect();
        let start = places.first().copied().unwrap_or(blocks_end);
        let table = Self::read(image, budget, what, start, blocks_end)?;
        if table.bytes.len() as u64 != bytes {
            let found = table.bytes.len() as u64;
            return Err(ReadError::Size { what, found, wanted: bytes });
        }
        for (place, block) in places.iter().zip(&table.starts) {
            let wanted = start + block;
            if *place != wanted {
                let what = "place of a block in the index of a table";
                return Err(ReadError::Differs { what, found: *place, wanted });
            }
        }
        Ok((table, start))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the packed block with a position of the unpacked table starts in it.
    pub fn block_of(&self, position: usize) -> Option<u64> {
        self.starts.get(position / METADATA).copied()
    }

    /// Reads from a place on.
    ///
    /// # Errors
    /// When there is no such place.
    pub fn at(&self, place: Place) -> Result<Cursor<'_>, ReadError> {
        let outside = || ReadError::Outside {
            what: self.what,
            offset: place.block,
            size: place.offset.into(),
            limit: self.bytes.len() as u64,
        };
        let block = self.starts.binary_search(&place.block).map_err(|_| outside())?;
        if usize::from(place.offset) >= METADATA {
            return Err(outside());
        }
        let at = block * METADATA + usize::from(place.offset);
        let rest = self.bytes.get(at..).ok_or_else(outside)?;
        Ok(Cursor { start: at, size: rest.len(), rest })
    }
}

/// A block of metadata at `at`, unpacked, with its size in the image. It ends before `end`.
pub(super) fn metadata_block(
    image: &Image,
    at: u64,
    end: u64,
) -> Result<(Vec<u8>, u64), ReadError> {
    let what = "block of metadata";
    let size = image.bytes(at, 2, what)?;
    let size = u16::from_le_bytes([size[0], size[1]]);
    let packed_size = u64::from(size & !METADATA_RAW);
    if at + 2 + packed_size > end {
        return Err(ReadError::Outside { what, offset: at, size: packed_size + 2, limit: end });
    }
    let packed = image.bytes(at + 2, packed_size, what)?;
    let block = if size & METADATA_RAW == 0 {
        let codec = image.superblock.codec;
        codec.unpack(&packed, METADATA).map_err(|source| ReadError::Block { offset: at, source })?
    } else {
        packed
    };
    if block.is_empty() || block.len() > METADATA {
        let why = "it has 1 to 8,192 bytes";
        return Err(ReadError::Field { what, found: block.len() as u64, why });
    }
    Ok((block, packed_size + 2))
}

/// Reads numbers and bytes one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Where in the unpacked table it started, and how much there was then.
    start: usize,
    size: usize,
}

impl<'a> Cursor<'a> {
    /// The next `size` bytes, which are `what`.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, size: u64, what: &'static str) -> Result<&'a [u8], ReadError> {
        let taken = usize::try_from(size).ok().and_then(|size| self.rest.split_at_checked(size));
        let (taken, rest) = taken.ok_or_else(|| ReadError::Outside {
            what,
            offset: self.position() as u64,
            size,
            limit: (self.start + self.size) as u64,
        })?;
        self.rest = rest;
        Ok(taken)
    }

    /// A cursor over the next `size` bytes only.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn part(&mut self, size: u64, what: &'static str) -> Result<Self, ReadError> {
        let start = self.position();
        let rest = self.take(size, what)?;
        Ok(Self { rest, start, size: rest.len() })
    }

    /// Two bytes.
    ///
    /// # Errors
    /// When they are not there.
    pub fn half(&mut self) -> Result<u16, ReadError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes; errors as [`Cursor::half`].
    pub fn word(&mut self) -> Result<u32, ReadError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes; errors as [`Cursor::half`].
    pub fn long(&mut self) -> Result<u64, ReadError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Where in the unpacked table it is.
    pub const fn position(&self) -> usize {
        self.start + self.passed()
    }

    /// How many bytes it has read.
    pub const fn passed(&self) -> usize {
        self.size - self.rest.len()
    }

    /// Whether nothing is left.
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, "number")?);
        Ok(array)
    }
}
