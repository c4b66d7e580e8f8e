//! The digest of what a file holds. A very large file is mapped and hashed by all threads, as `b3sum` does
//! it. Others are read in pieces that stay in the processor's cache: copying costs a fifth more, but one that is
//! cut short meanwhile is an error, where a mapped one ends the program with SIGBUS (mmap(2)). So only what is
//! rarely edited in place is mapped: nothing is lost with the program, as its store survives any end.

use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use tarsia_model::Blake3;

/// Files of at least so many bytes are mapped.
const MAPPED: u64 = 64 << 20;
/// Bytes read at once: a part of the second-level cache, and more than the widest vectors take.
const PIECE: usize = 128 << 10;
/// How often a file is read again because it changed meanwhile.
const TRIES: usize = 3;

/// The digest of a file's content.
///
/// # Errors
/// Those of reading it; that it is written to all the time.
pub(crate) fn digest_of(path: &Path) -> io::Result<Blake3> {
    let file = fs_err::File::open(path)?;
    let size = file.metadata()?.len();
    if size <= PIECE as u64 {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        (&file).read_to_end(&mut bytes)?;
        return Ok(Blake3::of(&bytes));
    }
    for _ in 0..TRIES {
        if let Some(digest) = large(file.file())? {
            return Ok(digest);
        }
    }
    Err(io::Error::other(format!("{} changes while it is read", path.display())))
}

/// None when the file changed meanwhile: parts of two states are the content of none.
fn large(file: &std::fs::File) -> io::Result<Option<Blake3>> {
    let state = || -> io::Result<_> {
        let found = file.metadata()?;
        let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
        Ok((found.len(), times))
    };
    let before = state()?;
    let digest = match digest(file, before.0) {
        Ok(digest) => digest,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok((state()? == before).then_some(digest))
}

/// The digest of the first `size` bytes of a file, or of all of it where it is mapped.
fn digest(file: &std::fs::File, size: u64) -> io::Result<Blake3> {
    let mut hasher = blake3::Hasher::new();
    if size >= MAPPED {
        // By its descriptor: under its name there may be another file by now.
        hasher.update_mmap_rayon(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    } else {
        let mut piece = vec![0; PIECE];
        let mut at = 0;
        while at < size {
            let length = usize::try_from(size - at).unwrap_or(usize::MAX).min(PIECE);
            file.read_exact_at(&mut piece[..length], at)?;
            hasher.update(&piece[..length]);
            at += length as u64;
        }
    }
    Ok(Blake3(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Bytes of which no two chunks are equal.
    fn bytes(size: usize) -> Vec<u8> {
        let words =
            (0..size.div_ceil(8) as u64).flat_map(|word| (word * 0x9e37_79b9).to_le_bytes());
        words.take(size).collect()
    }

    #[test]
    fn around_every_boundary_it_is_the_plain_digest() {
        let (piece, mapped) = (PIECE as u64, MAPPED);
        let all = bytes(mapped as usize + 5000);
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&all).expect("written");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        let around = |at: u64| [at - 1, at, at + 1, at + 1025];
        let sizes = [0, 1].into_iter().chain([1024, piece, 9 * piece, mapped].map(around).concat());
        let mut sizes: Vec<u64> = sizes.collect();
        sizes.sort_unstable();
        for size in sizes.into_iter().rev() {
            file.as_file().set_len(size).expect("cut");
            let found = pool.install(|| digest_of(file.path())).expect("readable");
            assert_eq!(found, Blake3::of(&all[..size as usize]), "{size} bytes");
        }
    }

    #[test]
    fn a_file_that_changes_meanwhile_has_no_digest() {
        let size = 30 * PIECE as u64;
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(size).expect("grown");
        // Cut short between the look at its size and the reading.
        let error = digest(file.as_file(), size + 1).expect_err("too short");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);

        let over = std::sync::atomic::AtomicBool::new(false);
        let (steady, grows) = std::thread::scope(|scope| {
            let steady = large(file.as_file()).expect("readable");
            let writer = scope.spawn(|| {
                let mut file = file.reopen().expect("opened");
                while !over.load(std::sync::atomic::Ordering::Acquire) {
                    file.write_all(&[1]).expect("written");
                    file.set_len(size - 1).expect("cut");
                    file.set_len(size).expect("grown");
                }
            });
            // Times of files move every few milliseconds; some look falls between two.
            let grows = (0..1000).any(|_| large(file.as_file()).expect("readable").is_none());
            over.store(true, std::sync::atomic::Ordering::Release);
            writer.join().expect("ended");
            (steady, grows)
        });
        assert_eq!(steady, Some(Blake3::of(&vec![0; size as usize])));
        assert!(grows, "a change was never noticed");
    }
}
