//! Contents piece by piece: copying them, and looking at a part of them, without having them all in
//! memory.

use std::io::{self, Write};

use crate::content::Data;

/// Bytes that are read at once: large enough that the calls cost nothing, small enough for a cache.
const PIECE: usize = 256 << 10;

/// Which side of a copy failed.
#[derive(Debug)]
pub enum CopyError {
    /// Reading the content.
    Read(io::Error),
    /// Writing the image.
    Write(io::Error),
}

/// Calls `each` with the bytes from `offset` on, `size` of them, in order.
///
/// # Errors
/// Those of reading, and those of `each`.
pub fn each<E>(
    data: &Data,
    offset: u64,
    size: u64,
    mut failed: impl FnMut(io::Error) -> E,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0; PIECE.min(usize::try_from(size).unwrap_or(PIECE))];
    let end =
        offset.checked_add(size).ok_or_else(|| failed(io::ErrorKind::UnexpectedEof.into()))?;
    let mut at = offset;
    while at < end {
        let now = buffer.len().min(usize::try_from(end - at).unwrap_or(PIECE));
        data.read_at(at, &mut buffer[..now]).map_err(&mut failed)?;
        each(&buffer[..now])?;
        at += now as u64;
    }
    Ok(())
}

/// Writes all of `data`.
///
/// # Errors
/// Those of reading and of writing.
pub fn copy(data: &Data, out: &mut impl Write) -> Result<(), CopyError> {
    each(data, 0, data.size(), CopyError::Read, |bytes| {
        out.write_all(bytes).map_err(CopyError::Write)
    })
}
