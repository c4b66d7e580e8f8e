//! A file's size with both digests, in one reading.

use std::io::{self, Read};
use std::path::Path;

use fs_err as fs;
use sha2::Digest as _;
use tarsia_model::{Blake3, FileDigest, Sha256};

use super::SourceError;

/// Reads a file to its end.
pub(super) fn measure(path: &Path) -> Result<FileDigest, SourceError> {
    let digest = || -> io::Result<FileDigest> {
        let mut file = fs::File::open(path)?;
        let (mut sha256, mut blake3) = (sha2::Sha256::new(), blake3::Hasher::new());
        let (mut size, mut piece) = (0, vec![0; 1 << 20]);
        loop {
            let read = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            sha256.update(&piece[..read]);
            blake3.update(&piece[..read]);
            size += read as u64;
        }
        let blake3 = Blake3(*blake3.finalize().as_bytes());
        Ok(FileDigest { size, sha256: Sha256(sha256.finalize().into()), blake3 })
    };
    digest().map_err(SourceError::io("read what was fetched"))
}

/// Holds a file against what it should be.
pub(super) fn check(
    found: FileDigest,
    size: Option<u64>,
    sha256: Option<Sha256>,
) -> Result<(), SourceError> {
    if let Some(expected) = size.filter(|expected| *expected != found.size) {
        return Err(SourceError::Size { expected, found: found.size });
    }
    match sha256 {
        Some(expected) if expected != found.sha256 => {
            Err(SourceError::Digest { expected, found: found.sha256 })
        }
        _ => Ok(()),
    }
}
