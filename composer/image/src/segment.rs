//! What every microcontroller format carries: pieces of memory with their addresses. A [`Segments`]
//! is sorted and free of overlaps by construction, so writers and readers need not ask again.

use std::fmt;

/// A range of physical addresses, in bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Region {
    /// First address.
    pub base: u64,
    /// Size in bytes.
    pub size: u64,
}

impl Region {
    /// One past the last address; saturates at the end of the address space.
    pub const fn end(self) -> u64 {
        self.base.saturating_add(self.size)
    }

    /// Whether `size` bytes from `address` lie wholly inside.
    pub fn holds(self, address: u64, size: u64) -> bool {
        address >= self.base && address.checked_add(size).is_some_and(|end| end <= self.end())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}..{:#010x}", self.base, self.end())
    }
}

/// Bytes at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Physical address of the first byte.
    pub address: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Segment {
    /// The addresses it takes.
    pub fn region(&self) -> Region {
        Region { base: self.address, size: self.bytes.len() as u64 }
    }
}

/// Why pieces of memory do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Two pieces claim the same addresses.
    #[error("the segments {first} and {second} share {bytes} bytes")]
    Overlap {
        /// The one that starts lower.
        first: Region,
        /// The one that starts inside the first.
        second: Region,
        /// How many bytes both claim.
        bytes: u64,
    },
    /// A piece runs past the last address.
    #[error("a segment of {size} bytes at {address:#x} leaves the address space")]
    Wraps {
        /// Where it starts.
        address: u64,
        /// Its size in bytes.
        size: u64,
    },
}

/// Pieces of memory, sorted by address, none empty, none overlapping; neighbours that touch are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segments(Vec<Segment>);

impl Segments {
    /// Sorts and joins pieces; empty ones are dropped.
    ///
    /// # Errors
    /// When two overlap or one leaves the 64-bit address space.
    pub fn new(mut pieces: Vec<Segment>) -> Result<Self, SegmentError> {
        pieces.retain(|piece| !piece.bytes.is_empty());
        pieces.sort_by_key(|piece| piece.address);
        let mut joined: Vec<Segment> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let region = piece.region();
            if region.base.checked_add(region.size).is_none() {
                return Err(SegmentError::Wraps { address: region.base, size: region.size });
            }
            match joined.last_mut() {
                Some(last) if last.region().end() > piece.address => {
                    let first = last.region();
                    let bytes = first.end().min(region.end()) - region.base;
                    return Err(SegmentError::Overlap { first, second: region, bytes });
                }
                Some(last) if last.region().end() == piece.address => {
                    last.bytes.extend(piece.bytes);
                }
                _ => joined.push(piece),
            }
        }
        Ok(Self(joined))
    }

    /// The pieces, by address.
    pub fn iter(&self) -> std::slice::Iter<'_, Segment> {
        self.0.iter()
    }

    /// Whether there is nothing to load.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From the first to one past the last byte; `None` when empty.
    pub fn span(&self) -> Option<Region> {
        let (first, last) = (self.0.first()?, self.0.last()?);
        Some(Region { base: first.address, size: last.region().end() - first.address })
    }

    /// The bytes from `base` to the last one, gaps filled with `fill`; nothing below `base`.
    pub(crate) fn flatten(&self, base: u64, fill: u8) -> Vec<u8> {
        let end = self.span().map_or(base, |span| span.end().max(base));
        let mut flat = vec![fill; usize::try_from(end - base).expect("bounded by a region")];
        for segment in self.iter().filter(|segment| segment.address >= base) {
            let at = usize::try_from(segment.address - base).expect("inside the flat bytes");
            flat[at..at + segment.bytes.len()].copy_from_slice(&segment.bytes);
        }
        flat
    }
}

impl<'a> IntoIterator for &'a Segments {
    type Item = &'a Segment;
    type IntoIter = std::slice::Iter<'a, Segment>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Up to six pieces of up to 600 bytes below `limit`, apart or touching, never overlapping.
    pub(crate) fn any_segments(limit: u64) -> impl Strategy<Value = Segments> {
        let piece = (0u64..3000, prop::collection::vec(any::<u8>(), 0..600));
        (0..limit - 30_000, prop::collection::vec(piece, 0..6)).prop_map(|(base, pieces)| {
            let mut at = base;
            let pieces = pieces.into_iter().map(|(gap, bytes)| {
                let address = at + gap / 2 * u64::from(gap > 500);
                at = address + bytes.len() as u64;
                Segment { address, bytes }
            });
            Segments::new(pieces.collect()).expect("laid out one after the other")
        })
    }

    #[test]
    fn overlap_names_both_and_counts_the_shared_bytes() {
        let piece = |address, size| Segment { address, bytes: vec![0; size] };
        assert_eq!(
            Segments::new(vec![piece(0x10, 8), piece(0, 0x14)]),
            Err(SegmentError::Overlap {
                first: Region { base: 0, size: 0x14 },
                second: Region { base: 0x10, size: 8 },
                bytes: 4,
            })
        );
        assert!(matches!(
            Segments::new(vec![piece(u64::MAX, 2)]),
            Err(SegmentError::Wraps { size: 2, .. })
        ));
    }

    proptest! {
        #[test]
        fn the_order_of_pieces_does_not_matter(segments in any_segments(1 << 32), cut in 1usize..64) {
            let mut pieces: Vec<Segment> = segments
                .iter()
                .flat_map(|segment| {
                    segment.bytes.chunks(cut).enumerate().map(move |(index, bytes)| Segment {
                        address: segment.address + (index * cut) as u64,
                        bytes: bytes.to_vec(),
                    })
                })
                .collect();
            pieces.reverse();
            prop_assert_eq!(Segments::new(pieces), Ok(segments));
        }
    }
}
