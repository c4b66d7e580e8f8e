//! The account of an image that runs Linux: what was put into it, by owner, brought to the size that it
//! has in the image. Compression takes of everything alike, so each gets its share of what is left.

use tarsia_image::Region;

use crate::attribution::{Attribution, Part, Row, Usage};
use crate::owner::Owner;

/// Something in an image, before it was compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Whose it is.
    pub owner: Owner,
    /// What it is; its bytes are those before compression.
    pub part: Part,
}

/// A run of bytes of an image with all that was packed into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Size in the image, in bytes.
    pub size: u64,
    /// What is in it.
    pub pieces: Vec<Piece>,
    /// Whose it is when nothing is in it.
    pub otherwise: Owner,
}

/// Accounts for a system: `stored` is what its images hold, `memory` what takes RAM before the first
/// process runs. The regions' sizes are those of the hardware.
pub fn account(stored: &[Packed], memory: &[Packed], flash: Region, ram: Region) -> Attribution {
    Attribution { flash: usage(stored, flash), ram: usage(memory, ram) }
}

fn usage(all: &[Packed], region: Region) -> Usage {
    let mut pieces: Vec<Piece> = all.iter().flat_map(shares).collect();
    pieces.sort_by(|a, b| (&a.owner, &a.part).cmp(&(&b.owner, &b.part)));
    let mut rows: Vec<Row> = Vec::new();
    for Piece { owner, part } in pieces.into_iter().filter(|piece| piece.part.bytes > 0) {
        match rows.last_mut().filter(|row| row.owner == owner) {
            Some(row) => row.parts.push(part),
            None => rows.push(Row { owner, parts: vec![part] }),
        }
    }
    Usage { region, used: all.iter().map(|packed| packed.size).sum(), rows }
}

/// The pieces with their shares of the packed size. Every share is rounded down, and what is left over
/// goes to the largest remainders, so that the shares sum to the size.
fn shares(packed: &Packed) -> Vec<Piece> {
    let whole: u128 = packed.pieces.iter().map(|piece| u128::from(piece.part.bytes)).sum();
    if whole == 0 {
        let part = Part { section: String::new(), file: None, symbol: None, bytes: packed.size };
        return vec![Piece { owner: packed.otherwise.clone(), part }];
    }
    let mut shares = packed.pieces.clone();
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(shares.len());
    let mut left = packed.size;
    for (at, piece) in shares.iter_mut().enumerate() {
        let exact = u128::from(piece.part.bytes) * u128::from(packed.size);
        remainders.push((exact % whole, at));
        piece.part.bytes = u64::try_from(exact / whole).unwrap_or(packed.size);
        left -= piece.part.bytes;
    }
    remainders.sort_by(|(a, at), (b, other)| b.cmp(a).then(at.cmp(other)));
    let most = usize::try_from(left).unwrap_or(usize::MAX);
    for (_, at) in remainders.into_iter().take(most) {
        shares[at].part.bytes += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::Structural;
    use proptest::prelude::*;

    fn piece(name: &str, bytes: u64) -> Piece {
        let owner = Owner::Component(name.parse().expect("a name"));
        let part =
            Part { section: String::new(), file: Some(name.to_owned()), symbol: None, bytes };
        Piece { owner, part }
    }

    fn packed(size: u64, pieces: Vec<Piece>) -> Packed {
        Packed { size, pieces, otherwise: Owner::Structural(Structural::Padding) }
    }

    #[test]
    fn every_byte_of_a_packed_archive_has_one_owner() {
        let pieces = vec![piece("a", 100), piece("b", 50), piece("a", 0), piece("c", 1)];
        let region = Region { base: 0, size: 1 << 20 };
        let stored = [packed(77, pieces), packed(3, Vec::new())];
        let found = account(&stored, &[], region, region).flash;
        let sizes: Vec<(String, u64)> =
            found.rows.iter().map(|row| (row.owner.to_string(), row.bytes())).collect();
        let expected = [("a", 51), ("b", 25), ("c", 1), ("padding and alignment", 3)];
        assert_eq!(sizes, expected.map(|(name, bytes)| (name.to_owned(), bytes)));
        assert_eq!(found.used, 80);
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_size(size: u64, bytes in prop::collection::vec(any::<u64>(), 0..20)) {
            let pieces = bytes.iter().map(|bytes| piece("a", *bytes)).collect();
            let sum: u128 = shares(&packed(size, pieces)).iter().map(|p| u128::from(p.part.bytes)).sum();
            prop_assert_eq!(sum, u128::from(size));
        }
    }
}
