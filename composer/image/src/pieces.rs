//! Contents piece by piece: copying them, and looking at a part of them, without having them all in
//! memory.

use std::io::{self, Write};

use tarsia_model::Blake3;

use crate::content::{Content, Data};

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

/// A run of the bytes of `whole` as content of its own. They are read once, for their digest.
///
/// # Errors
/// Those of reading; `UnexpectedEof` when the run is not all inside.
pub fn part(whole: &Data, offset: u64, size: u64) -> io::Result<Data> {
    if offset.checked_add(size).is_none_or(|end| end > whole.size()) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut hasher = blake3::Hasher::new();
    each(
        whole,
        offset,
        size,
        |error| error,
        |bytes| {
            hasher.update(bytes);
            Ok(())
        },
    )?;
    let digest = Blake3(*hasher.finalize().as_bytes());
    Ok(Data::new(Run { whole: whole.clone(), offset, size, digest }))
}

#[derive(Debug)]
struct Run {
    whole: Data,
    offset: u64,
    size: u64,
    digest: Blake3,
}

impl Content for Run {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.whole.read_at(self.offset + offset, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_its_bytes_and_no_others() {
        let bytes: Vec<u8> = (0..700_000u32).map(|at| (at % 251) as u8).collect();
        let whole = Data::of(bytes.clone());
        let run = part(&whole, 3, 600_000).expect("inside");
        assert_eq!(run, Data::of(&bytes[3..600_003]));
        assert_eq!(run.bytes().expect("read"), &bytes[3..600_003]);
        let mut two = [0; 2];
        assert!(run.read_at(599_999, &mut two).is_err(), "bytes beyond it are not its");
        assert!(part(&whole, 699_999, 2).is_err());
        assert!(part(&whole, u64::MAX, 2).is_err());
    }
}
