//! Compressing a segment of a file: LZ4 takes as much of it as fills a cluster, again and again. What
//! that gives is a [`Piece`], which depends on nothing but the segment and the settings, so it can be
//! made on any thread and kept from one composition to the next.

use tarsia_model::Blake3;

use super::disk::{BLOCK, u32_at};
use super::options::Compression;
use super::room::LONGEST_TAIL;
use crate::content::{Data, Packed};

/// Bytes of a file that are compressed by themselves, a multiple of [`BLOCK`]: a large file keeps all
/// cores busy, and half a block is lost per segment. Also the most that a cluster unpacks to.
pub const SEGMENT: u64 = 2 << 20;
/// What pieces in a store were made by. Another way of compressing needs another text, and so does
/// another version of LZ4 (lzzzz 2.0.0 has 1.10.0), which may choose other matches.
pub const MADE_BY: &str = "tarsia erofs piece 1, lz4hc 1.10.0";

/// A part of a file that is unpacked as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Bytes of the file.
    pub unpacked: u32,
    /// Bytes stored; as many as unpacked, and at most a block, when it is not compressed.
    pub stored: u32,
    /// Whether it is compressed.
    pub packed: bool,
}

impl Run {
    /// Blocks it takes.
    pub fn blocks(self) -> u64 {
        u64::from(self.stored).div_ceil(BLOCK)
    }
}

/// A compressed segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// Its parts.
    pub runs: Vec<Run>,
    /// What is stored of each, one after the other.
    pub bytes: Vec<u8>,
}

impl Piece {
    /// The runs, each with what is stored of it.
    pub fn stored(&self) -> impl Iterator<Item = (Run, &[u8])> {
        self.runs.iter().scan(self.bytes.as_slice(), |rest, run| {
            let (bytes, after) = rest.split_at_checked(run.stored as usize)?;
            *rest = after;
            Some((*run, bytes))
        })
    }

    fn push(&mut self, unpacked: usize, stored: &[u8], packed: bool) {
        // At most a segment, which 32 bits count.
        let (unpacked, size) = (unpacked as u32, stored.len() as u32);
        self.runs.push(Run { unpacked, stored: size, packed });
        self.bytes.extend(stored);
    }
}

/// Why a segment has no piece.
#[derive(Debug)]
pub enum Failure {
    /// The file cannot be read.
    Read(std::io::Error),
    /// What LZ4 says.
    Compress(lzzzz::Error),
}

/// Segment `number` of a file, from the store or newly compressed.
///
/// # Errors
/// As [`Failure`].
pub fn segment(
    data: &Data,
    number: u64,
    how: Compression,
    kept: &dyn Packed,
) -> Result<Piece, Failure> {
    let key = key(data, number, how);
    let size = size(data, number);
    if let Some(piece) = kept.get(key).and_then(|bytes| decode(&bytes, size)) {
        return Ok(piece);
    }
    let piece = fresh(data, number, how)?;
    kept.put(key, &encode(&piece));
    Ok(piece)
}

/// Segment `number` of a file, newly compressed.
///
/// # Errors
/// As [`Failure`].
pub fn fresh(data: &Data, number: u64, how: Compression) -> Result<Piece, Failure> {
    let start = number * SEGMENT;
    let mut bytes = vec![0; size(data, number)];
    data.read_at(start, &mut bytes).map_err(Failure::Read)?;
    let is_last = start + SEGMENT >= data.size();
    compress(&bytes, how, is_last).map_err(Failure::Compress)
}

/// Bytes of segment `number`.
fn size(data: &Data, number: u64) -> usize {
    (data.size() - number * SEGMENT).min(SEGMENT) as usize
}

/// Compresses the bytes of a segment; `is_last` when it ends its file.
fn compress(segment: &[u8], how: Compression, is_last: bool) -> Result<Piece, lzzzz::Error> {
    const BLOCK: usize = super::disk::BLOCK as usize;
    let mut piece = Piece::default();
    let mut cluster = vec![0; how.cluster as usize];
    let mut rest = segment;
    let mut looked_at = 4 * cluster.len();
    while !rest.is_empty() {
        let ends = is_last && how.tails;
        // What is in a single block takes one anyhow, unless it can stand beside the inode.
        if rest.len() <= BLOCK && !ends {
            piece.push(rest.len(), rest, false);
            break;
        }
        // LZ4 goes on looking for matches behind what fits, to the end of what it is given: as much as
        // the cluster before was twice filled by is enough in nearly all cases.
        let (read, wrote) = loop {
            let part = &rest[..rest.len().min(looked_at)];
            let done = lzzzz::lz4_hc::compress_fill(part, &mut cluster, i32::from(how.level))?;
            if done.0 < part.len() || part.len() == rest.len() {
                break done;
            }
            looked_at *= 4;
        };
        looked_at = 2 * read.max(cluster.len());
        let shorter = match read <= BLOCK {
            true => read == rest.len() && wrote < read && wrote as u64 <= LONGEST_TAIL,
            false => wrote.next_multiple_of(BLOCK) < read,
        };
        if shorter {
            piece.push(read, &cluster[..wrote], true);
            rest = &rest[read..];
            continue;
        }
        // What would not compress with the blocks after it does not without them either.
        let (plain, after) = match read == rest.len() {
            true => (rest, &rest[read..]),
            false => rest.split_at((read / BLOCK * BLOCK).max(BLOCK).min(rest.len())),
        };
        plain.chunks(BLOCK).for_each(|block| piece.push(block.len(), block, false));
        rest = after;
    }
    Ok(piece)
}

/// What a piece is kept under. Every field has a fixed width, so no two settings are written alike.
fn key(data: &Data, number: u64, how: Compression) -> Blake3 {
    let mut text = MADE_BY.as_bytes().to_vec();
    text.extend(how.key());
    text.extend(SEGMENT.to_le_bytes());
    text.extend(data.digest().0);
    text.extend(data.size().to_le_bytes());
    text.extend(number.to_le_bytes());
    Blake3::of(&text)
}

/// The number of runs; of each what it unpacks to, what is stored, and whether that is compressed, as
/// 32 bits each; the bytes.
pub fn encode(piece: &Piece) -> Vec<u8> {
    let mut bytes = (piece.runs.len() as u32).to_le_bytes().to_vec();
    for run in &piece.runs {
        let numbers = [run.unpacked, run.stored, run.packed.into()];
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes.extend(&piece.bytes);
    bytes
}

/// A piece of a segment of `size` bytes; nothing when it is none.
pub fn decode(bytes: &[u8], size: usize) -> Option<Piece> {
    let count = u32_at(bytes, 0)? as usize;
    let start = count.checked_mul(12)?.checked_add(4)?;
    let list = bytes.get(4..start)?;
    let runs: Vec<Run> = list
        .chunks_exact(12)
        .map(|run| {
            let packed = u32_at(run, 8).filter(|packed| *packed <= 1)? == 1;
            let found = Run { unpacked: u32_at(run, 0)?, stored: u32_at(run, 4)?, packed };
            let plain = found.unpacked == found.stored && u64::from(found.stored) <= BLOCK;
            (found.stored > 0 && (packed && found.stored < found.unpacked || plain))
                .then_some(found)
        })
        .collect::<Option<_>>()?;
    let sum = |of: fn(&Run) -> u32| runs.iter().map(|run| of(run) as usize).sum::<usize>();
    let fits = sum(|run| run.unpacked) == size && sum(|run| run.stored) == bytes.len() - start;
    fits.then(|| Piece { bytes: bytes[start..].to_vec(), runs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn how(cluster: u32, tails: bool) -> Compression {
        Compression { level: 3, cluster, tails }
    }

    proptest! {
        #[test]
        fn a_piece_unpacks_to_its_segment(
            words in proptest::collection::vec(any::<u8>(), 1..300),
            picks in proptest::collection::vec((0usize..300, 1usize..200), 1..400),
            noise in proptest::collection::vec(any::<u8>(), 0..20_000),
            blocks in 1u32..5, tails: bool, is_last: bool,
        ) {
            let mut segment = noise;
            for (start, size) in picks {
                segment.extend(words.iter().cycle().skip(start).take(size));
            }
            let piece = compress(&segment, how(4_096 * blocks, tails), is_last).expect("compressed");
            let mut unpacked = Vec::new();
            for (run, bytes) in piece.stored() {
                let size = run.unpacked as usize;
                prop_assert!(run.blocks() <= blocks.into() && run.blocks() * BLOCK <= size as u64
                    || run.blocks() == 1);
                match run.packed {
                    true => unpacked.extend(lz4_flex::block::decompress(bytes, size).expect("LZ4")),
                    false => unpacked.extend(bytes),
                }
            }
            prop_assert!(unpacked == segment);
            prop_assert_eq!(decode(&encode(&piece), segment.len()), Some(piece));
        }

        #[test]
        fn what_is_no_piece_is_not_taken_for_one(
            bytes in proptest::collection::vec(0u8..4, 0..64), size in 0usize..64,
        ) {
            if let Some(piece) = decode(&bytes, size) {
                prop_assert_eq!(encode(&piece), bytes);
            }
        }
    }

    #[test]
    fn noise_stays_as_it_is() {
        let noise: Vec<u8> = (0u32..2_000).flat_map(|at| Blake3::of(&at.to_le_bytes()).0).collect();
        let piece = compress(&noise, how(65_536, true), true).expect("compressed");
        assert_eq!(piece.bytes, noise);
        assert!(piece.runs.iter().all(|run| !run.packed));
        assert_eq!(piece.runs.len(), noise.len().div_ceil(4_096));
    }
}
