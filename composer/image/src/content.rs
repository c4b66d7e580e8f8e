//! What is in a file, as a writer sees it: a size, a digest and bytes on demand. A phone's root is
//! larger than one wants in memory, so writers read pieces; and a digest is what compressed blocks of
//! an unchanged file are found again by.

use std::fmt;
use std::io;
use std::sync::Arc;

use tarsia_model::Blake3;

use crate::pieces;

/// Bytes that never change while an image is written.
pub trait Content: fmt::Debug + Send + Sync {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// BLAKE3 of all bytes.
    fn digest(&self) -> Blake3;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// Those of reading; `UnexpectedEof` when the range is not all inside.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// A shared [`Content`]. Two are equal when size and digest are.
#[derive(Clone, Debug)]
pub struct Data(Arc<dyn Content>);

impl Data {
    /// What reads `content`.
    pub fn new(content: impl Content + 'static) -> Self {
        Self(Arc::new(content))
    }

    /// Bytes in memory.
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(Memory { digest: Blake3::of(&bytes), bytes })
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// BLAKE3 of all bytes.
    pub fn digest(&self) -> Blake3 {
        self.0.digest()
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// As [`Content::read_at`].
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }

    /// All bytes.
    ///
    /// # Errors
    /// As [`Content::read_at`], and `FileTooLarge` for more than memory can address.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.size()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = vec![0; size];
        self.read_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.size() == other.size() && self.digest() == other.digest()
    }
}

impl Eq for Data {}

#[derive(Debug)]
struct Memory {
    bytes: Vec<u8>,
    digest: Blake3,
}

impl Content for Memory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.bytes.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Where a writer finds what it once compressed, and leaves what it compresses, so that a file that
/// stayed is not compressed again. Whether anything is found never changes an image.
pub trait Packed: Sync {
    /// What was kept under a key.
    fn get(&self, key: Blake3) -> Option<Vec<u8>>;

    /// Keeps `bytes` for other compositions. It may fail silently: they will be made again.
    fn put(&self, key: Blake3, bytes: &[u8]);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unkept;

impl Packed for Unkept {
    fn get(&self, _: Blake3) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _: Blake3, _: &[u8]) {}
}

impl Data {
    /// `size` bytes of this from `offset` on, such as a partition of a disk. Reads them once, for their digest.
    ///
    /// # Errors
    /// As [`Content::read_at`].
    pub fn window(&self, offset: u64, size: u64) -> io::Result<Self> {
        if offset.checked_add(size).is_none_or(|end| end > self.size()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut hasher = blake3::Hasher::new();
        pieces::each(
            self,
            offset,
            size,
            |error| error,
            |bytes| {
                hasher.update(bytes);
                Ok(())
            },
        )?;
        let digest = Blake3(*hasher.finalize().as_bytes());
        Ok(Self::new(Window { of: self.clone(), offset, size, digest }))
    }
}

#[derive(Debug)]
struct Window {
    of: Data,
    offset: u64,
    size: u64,
    digest: Blake3,
}

impl Content for Window {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        match end {
            Some(end) if end <= self.size => self.of.read_at(self.offset + offset, buffer),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_its_bytes_and_no_others() {
        let bytes: Vec<u8> = (0..700_000u32).map(|at| (at % 251) as u8).collect();
        let whole = Data::of(bytes.clone());
        let run = whole.window(3, 600_000).expect("inside");
        assert_eq!(run, Data::of(&bytes[3..600_003]));
        assert_eq!(run.bytes().expect("read"), &bytes[3..600_003]);
        let mut two = [0; 2];
        assert!(run.read_at(599_999, &mut two).is_err(), "bytes beyond it are not its");
        assert!(whole.window(699_999, 2).is_err());
        assert!(whole.window(u64::MAX, 2).is_err());
    }
}
