//! The image as it is written, from its first byte to its last: what stretches of zeros are not written, and what
//! each byte is for is noted.

use std::io::{BufWriter, Seek, SeekFrom, Write};

use super::WriteError;
use crate::extent::{Extents, Part};

/// Shorter stretches of zeros are written: going over them would cost more.
const WORTH_IT: u64 = 64 << 10;
/// What is collected before it is written, in bytes.
const BUFFER: usize = 1 << 20;

/// Where an image goes.
#[derive(Debug)]
pub(super) struct Output<W: Write + Seek> {
    out: BufWriter<W>,
    /// Zeros before what comes next.
    zeros: u64,
    extents: Extents,
}

impl<W: Write + Seek> Output<W> {
    /// An image that starts where `out` stands.
    pub(super) fn new(out: W) -> Self {
        let out = BufWriter::with_capacity(BUFFER, out);
        Self { out, zeros: 0, extents: Extents::default() }
    }

    /// The next bytes.
    pub(super) fn put(&mut self, bytes: &[u8], part: Part) -> Result<(), WriteError> {
        self.pass()?;
        let at = self.extents.size();
        self.out.write_all(bytes).map_err(|source| WriteError::Out { at, source })?;
        self.extents.push(bytes.len() as u64, part);
        Ok(())
    }

    /// The next `size` bytes are zeros.
    pub(super) fn skip(&mut self, size: u64, part: Part) {
        self.zeros += size;
        self.extents.push(size, part);
    }

    /// Size of the image so far, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.extents.size()
    }

    /// Ends the image: its last byte is written in any case, so that a file has its size.
    pub(super) fn finish(mut self) -> Result<Extents, WriteError> {
        if self.zeros > 0 {
            self.zeros -= 1;
            self.pass()?;
            self.zeros = 1;
        }
        self.pass()?;
        let at = self.size();
        self.out.flush().map_err(|source| WriteError::Out { at, source })?;
        Ok(self.extents)
    }

    /// Goes over the zeros that are due.
    fn pass(&mut self) -> Result<(), WriteError> {
        let zeros = std::mem::take(&mut self.zeros);
        let at = self.extents.size() - zeros;
        let passed = if zeros < WORTH_IT {
            self.out.write_all(&vec![0; zeros as usize])
        } else {
            // Below 2^63: an image has fewer than 2^32 blocks, and what is beyond it is one seek of its own.
            let by = i64::try_from(zeros).unwrap_or(i64::MAX);
            self.out.seek(SeekFrom::Current(by)).map(drop)
        };
        passed.map_err(|source| WriteError::Out { at, source })
    }
}
