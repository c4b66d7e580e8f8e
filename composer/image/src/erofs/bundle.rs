//! Small files on their way through a store. One such file is compressed in less time than a store takes
//! to answer, but thousands of them are most of the work; so they are kept by the dozen. Where a bundle
//! ends depends on a file's content and not on how many came before, so one changed, added or removed file
//! changes one bundle.

use tarsia_model::Blake3;

use super::disk::u32_at;
use super::options::Compression;
use super::pack::{self, Failure, MADE_BY, Piece};
use crate::content::{Data, Packed};

/// Files of fewer bytes are bundled.
pub const SMALL: u64 = 16 << 10;
/// Every so many files end a bundle, on average.
const USUAL: u8 = 32;
/// Files of a bundle at most.
pub const MOST: usize = 256;

/// Whether a file is the last of its bundle.
pub fn ends(data: &Data) -> bool {
    data.digest().0[0].is_multiple_of(USUAL)
}

/// The piece of each of several small files, from the store or newly compressed.
///
/// # Errors
/// The place among them of the file that failed, and how.
pub fn pieces(
    files: &[&Data],
    how: Compression,
    kept: &dyn Packed,
) -> Result<Vec<Piece>, (usize, Failure)> {
    let key = key(files, how);
    if let Some(pieces) = kept.get(key).and_then(|bytes| decode(&bytes, files)) {
        return Ok(pieces);
    }
    let fresh = files.iter().enumerate();
    let fresh = fresh.map(|(at, data)| pack::fresh(data, 0, how).map_err(|error| (at, error)));
    let pieces = fresh.collect::<Result<Vec<_>, _>>()?;
    kept.put(key, &encode(&pieces));
    Ok(pieces)
}

/// What a bundle is kept under.
fn key(files: &[&Data], how: Compression) -> Blake3 {
    let mut text = MADE_BY.as_bytes().to_vec();
    text.extend(b" bundle");
    text.extend(how.key());
    for data in files {
        text.extend(data.digest().0);
        text.extend(data.size().to_le_bytes());
    }
    Blake3::of(&text)
}

/// Each piece with its length before it, in 32 bits.
fn encode(pieces: &[Piece]) -> Vec<u8> {
    let encoded = pieces.iter().map(pack::encode);
    encoded.fold(Vec::new(), |mut all, piece| {
        all.extend((piece.len() as u32).to_le_bytes()); // little more than a small file
        all.extend(piece);
        all
    })
}

/// The pieces of these files; nothing when it is not all of them and nothing else.
fn decode(mut bytes: &[u8], files: &[&Data]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::with_capacity(files.len());
    for data in files {
        let length = u32_at(bytes, 0)? as usize;
        let (piece, rest) = bytes.get(4..)?.split_at_checked(length)?;
        pieces.push(pack::decode(piece, usize::try_from(data.size()).ok()?)?);
        bytes = rest;
    }
    bytes.is_empty().then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Store(Mutex<BTreeMap<Blake3, Vec<u8>>>);

    impl Packed for Store {
        fn get(&self, key: Blake3) -> Option<Vec<u8>> {
            self.0.lock().expect("unharmed").get(&key).cloned()
        }

        fn put(&self, key: Blake3, bytes: &[u8]) {
            self.0.lock().expect("unharmed").insert(key, bytes.to_vec());
        }
    }

    #[test]
    fn what_is_kept_is_what_was_made_and_nothing_else_is_taken_for_it() {
        let datas: Vec<Data> =
            (1..9usize).map(|at| Data::of(format!("{at} ").repeat(at * 150))).collect();
        let files: Vec<&Data> = datas.iter().collect();
        let how = Compression::DEFAULT;
        let store = Store::default();
        let made = pieces(&files, how, &store).expect("made");
        assert_eq!(store.0.lock().expect("unharmed").len(), 1);
        assert_eq!(decode(&encode(&made), &files), Some(made.clone()));
        assert_eq!(pieces(&files, how, &store).expect("kept"), made);
        let (other, key) = (Compression { tails: false, ..how }, key(&files, how));
        assert_ne!(key, super::key(&files, other));
        assert_ne!(key, super::key(&files[1..], how));
        // Whatever is under the key, the pieces are right.
        let good = encode(&made);
        let longer = [&good[..], b"x"].concat();
        for bad in [&good[..good.len() - 1], &longer, b"", &[0xff; 8]] {
            store.put(key, bad);
            assert_eq!(pieces(&files, how, &store).expect("made again"), made);
        }
    }
}
