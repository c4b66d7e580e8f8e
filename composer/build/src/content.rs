//! The digest of what a file holds. A large file is a row of subtrees that threads hash side by side,
//! each read in pieces that stay in the cache of its processor: as quick as a mapped file, but one that is cut
//! short meanwhile is an error, and no signal.

use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use blake3::hazmat::{
    ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use rayon::prelude::*;
use tarsia_model::Blake3;

/// Bytes of a subtree: a power of two of chunks, so that each begins where one may begin (BLAKE3 paper,
/// section 2.1). A file of no more is read as a whole.
const SUBTREE: u64 = 1 << 20;
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
    if size <= SUBTREE {
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

/// The digest of the first `size` bytes of a file.
fn digest(file: &std::fs::File, size: u64) -> io::Result<Blake3> {
    if size <= SUBTREE {
        let mut hasher = blake3::Hasher::new();
        feed(&mut hasher, file, 0..size, &mut vec![0; PIECE])?;
        return Ok(Blake3(*hasher.finalize().as_bytes()));
    }
    let subtree = |piece: &mut Vec<u8>, at: u64| -> io::Result<ChainingValue> {
        let start = at * SUBTREE;
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(start);
        feed(&mut hasher, file, start..size.min(start + SUBTREE), piece)?;
        Ok(hasher.finalize_non_root())
    };
    let row = (0..size.div_ceil(SUBTREE)).into_par_iter();
    let row = row.map_init(|| vec![0; PIECE], subtree).collect::<io::Result<Vec<_>>>()?;
    let (left, right) = row.split_at(left_of(row.len()));
    let root = merge_subtrees_root(&merged(left), &merged(right), Mode::Hash);
    Ok(Blake3(*root.as_bytes()))
}

/// How many of several subtrees are left of their root: the largest power of two that leaves one to
/// its right (BLAKE3 paper, section 2.1).
const fn left_of(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn merged(row: &[ChainingValue]) -> ChainingValue {
    match row {
        [one] => *one,
        row => {
            let (left, right) = row.split_at(left_of(row.len()));
            merge_subtrees_non_root(&merged(left), &merged(right), Mode::Hash)
        }
    }
}

/// Hashes a range of a file.
fn feed(
    hasher: &mut blake3::Hasher,
    file: &std::fs::File,
    range: std::ops::Range<u64>,
    piece: &mut [u8],
) -> io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let length = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(piece.len());
        file.read_exact_at(&mut piece[..length], at)?;
        hasher.update(&piece[..length]);
        at += length as u64;
    }
    Ok(())
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
        let all = bytes(9 * SUBTREE as usize + 5000);
        let mut sizes = vec![0, 1, 1023, 1024, 1025, PIECE - 1, PIECE, PIECE + 1];
        for subtrees in 1..=9 {
            for beyond in [-1025, -1024, -1, 0, 1, 1023, 1024, 1025, 3 * 1024, PIECE as i64 + 1] {
                let size = subtrees * SUBTREE as i64 + beyond;
                sizes.push(usize::try_from(size).expect("positive"));
            }
        }
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&all).expect("written");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        for size in sizes.into_iter().filter(|size| *size <= all.len()) {
            let expected = Blake3::of(&all[..size]);
            // A part of a larger file, and a file of this size.
            let found = pool.install(|| digest(file.as_file(), size as u64)).expect("readable");
            assert_eq!(found, expected, "{size} bytes");
        }
        for size in [SUBTREE - 1, SUBTREE, SUBTREE + 1, 5 * SUBTREE + 1] {
            let expected = &all[..size as usize];
            std::fs::write(file.path(), expected).expect("written");
            let found = digest_of(file.path()).expect("readable");
            assert_eq!(found, Blake3::of(expected), "{size} bytes");
        }
    }

    #[test]
    fn a_file_that_changes_meanwhile_has_no_digest() {
        let size = 3 * SUBTREE;
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
