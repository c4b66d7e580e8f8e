//! UF2: 512-byte blocks that a bootloader shown as a USB drive writes to flash in any order
//! (<https://github.com/microsoft/uf2>, README, "File format"). Little endian throughout.
//!
//! Payloads are 256 bytes at addresses that are multiples of 256, as the specification asks for the
//! widest compatibility; bytes of a page that no segment covers are erased flash (0xff).

use std::collections::BTreeMap;

use crate::bin::ERASED;
use crate::{Segment, SegmentError, Segments};

/// Size of a block in bytes.
pub const BLOCK: usize = 512;
/// Bytes of flash in a block that this writer makes.
const PAYLOAD: usize = 256;
/// The largest payload a block can carry: 512 - 32 (header) - 4 (end).
const PAYLOAD_MAX: usize = 476;
/// "UF2\n".
const MAGIC_START0: u32 = 0x0a32_4655;
const MAGIC_START1: u32 = 0x9e5d_5157;
const MAGIC_END: u32 = 0x0ab1_6f30;
/// Flag: the word at 28 is the family of the board.
const FAMILY_PRESENT: u32 = 0x2000;

/// Content of a UF2 file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uf2 {
    /// What is loaded.
    pub segments: Segments,
    /// Family id of the microcontroller, from the registry `utils/uf2families.json`.
    pub family: Option<u32>,
}

/// Why bytes cannot be UF2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uf2Error {
    /// An address does not fit 32 bits.
    #[error("{size} bytes at {address:#x} are beyond the 32-bit addresses of UF2")]
    TooHigh {
        /// Where they start.
        address: u64,
        /// How many.
        size: u64,
    },
    /// The file is empty or has a broken last block.
    #[error("{size} bytes are not a whole number of {BLOCK}-byte blocks")]
    Size {
        /// Size of the file in bytes.
        size: usize,
    },
    /// One of the three magic words is wrong.
    #[error("block {block}: the word at offset {offset} is {found:#010x}, not {expected:#010x}")]
    Magic {
        /// Block, from 0.
        block: usize,
        /// Offset in the block.
        offset: usize,
        /// What is there.
        found: u32,
        /// What should be.
        expected: u32,
    },
    /// A block's number or the count of blocks is wrong.
    #[error("block {block} of {blocks} says that it is block {number} of {count}")]
    Numbering {
        /// Block, from 0.
        block: usize,
        /// Blocks in the file.
        blocks: usize,
        /// The number in the block.
        number: u32,
        /// The count in the block.
        count: u32,
    },
    /// Flags other than the family's: not for flash, file container, checksums, extensions.
    #[error("block {block}: flags {flags:#010x} are not supported")]
    Flags {
        /// Block, from 0.
        block: usize,
        /// The flags.
        flags: u32,
    },
    /// The payload's size is 0 or more than fits.
    #[error("block {block}: a payload of {size} bytes; 1 to {PAYLOAD_MAX} fit")]
    Payload {
        /// Block, from 0.
        block: usize,
        /// The size in the block.
        size: u32,
    },
    /// Bytes after the payload are not zero.
    #[error("block {block}: bytes after the payload are not zero")]
    Trailing {
        /// Block, from 0.
        block: usize,
    },
    /// Blocks are for different families, or the word is used without its flag.
    #[error("block {block}: family {found:#010x}, where block 0 has {first:#010x}")]
    Family {
        /// Block, from 0.
        block: usize,
        /// Its word; 0 when absent.
        found: u32,
        /// The word of block 0; 0 when absent.
        first: u32,
    },
    /// Blocks claim the same addresses.
    #[error(transparent)]
    Segments(#[from] SegmentError),
}

/// Writes segments as whole 256-byte pages, by address.
///
/// # Errors
/// When an address does not fit 32 bits.
pub fn write(segments: &Segments, family: Option<u32>) -> Result<Vec<u8>, Uf2Error> {
    let mut pages: BTreeMap<u32, [u8; PAYLOAD]> = BTreeMap::new();
    for segment in segments {
        let size = segment.bytes.len() as u64;
        let too_high = Uf2Error::TooHigh { address: segment.address, size };
        let base = u32::try_from(segment.address).map_err(|_| too_high.clone())?;
        if segment.region().end() > 1 << 32 {
            return Err(too_high);
        }
        let (mut address, mut rest) = (base, segment.bytes.as_slice());
        while !rest.is_empty() {
            let offset = address as usize % PAYLOAD;
            let (bytes, after) = rest.split_at(rest.len().min(PAYLOAD - offset));
            let page = pages.entry(address - offset as u32).or_insert([ERASED; PAYLOAD]);
            page[offset..offset + bytes.len()].copy_from_slice(bytes);
            rest = after;
            address = address.wrapping_add(bytes.len() as u32);
        }
    }
    let mut out = Vec::with_capacity(pages.len() * BLOCK);
    for (number, (address, page)) in pages.iter().enumerate() {
        let header = [
            MAGIC_START0,
            MAGIC_START1,
            if family.is_some() { FAMILY_PRESENT } else { 0 },
            *address,
            PAYLOAD as u32,
            number as u32,
            pages.len() as u32,
            family.unwrap_or(0),
        ];
        out.extend(header.into_iter().flat_map(u32::to_le_bytes));
        out.extend(page);
        out.extend([0; PAYLOAD_MAX - PAYLOAD]);
        out.extend(MAGIC_END.to_le_bytes());
    }
    Ok(out)
}

/// Reads strictly: magic, numbering, sizes, zero padding and one family throughout; payloads may be
/// of any size and in any order of addresses, as long as they do not overlap.
///
/// # Errors
/// The first rule that is broken, with its block.
pub fn read(bytes: &[u8]) -> Result<Uf2, Uf2Error> {
    let (chunks, rest) = bytes.as_chunks::<BLOCK>();
    if chunks.is_empty() || !rest.is_empty() {
        return Err(Uf2Error::Size { size: bytes.len() });
    }
    let mut pieces = Vec::with_capacity(chunks.len());
    let mut first = None;
    for (block, chunk) in chunks.iter().enumerate() {
        let word = |at: usize| {
            u32::from_le_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]])
        };
        for (offset, expected) in [(0, MAGIC_START0), (4, MAGIC_START1), (BLOCK - 4, MAGIC_END)] {
            let found = word(offset);
            if found != expected {
                return Err(Uf2Error::Magic { block, offset, found, expected });
            }
        }
        let [flags, address, size, number, count, family] = [8, 12, 16, 20, 24, 28].map(word);
        if flags & !FAMILY_PRESENT != 0 {
            return Err(Uf2Error::Flags { block, flags });
        }
        if number as usize != block || count as usize != chunks.len() {
            return Err(Uf2Error::Numbering { block, blocks: chunks.len(), number, count });
        }
        if size == 0 || size as usize > PAYLOAD_MAX {
            return Err(Uf2Error::Payload { block, size });
        }
        let (payload, padding) = chunk[32..BLOCK - 4].split_at(size as usize);
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Uf2Error::Trailing { block });
        }
        let claim = (flags, family);
        let expected = *first.get_or_insert(claim);
        if claim != expected || (flags == 0 && family != 0) {
            return Err(Uf2Error::Family { block, found: family, first: expected.1 });
        }
        let end = u64::from(address) + u64::from(size);
        if end > 1 << 32 {
            return Err(Uf2Error::TooHigh { address: address.into(), size: size.into() });
        }
        pieces.push(Segment { address: address.into(), bytes: payload.to_vec() });
    }
    let family = first.filter(|(flags, _)| *flags != 0).map(|(_, family)| family);
    Ok(Uf2 { segments: Segments::new(pieces)?, family })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::tests::any_segments;
    use proptest::prelude::*;

    fn sample() -> Vec<u8> {
        let bytes = (0..=255).cycle().take(700).collect();
        let segments = Segments::new(vec![Segment { address: 0x0800_0010, bytes }]);
        write(&segments.expect("one"), Some(0x5ee2_1072)).expect("32-bit")
    }

    #[test]
    fn a_block_has_the_fields_where_the_specification_puts_them() {
        let file = sample();
        assert_eq!(file.len(), 3 * BLOCK);
        let block = &file[BLOCK..2 * BLOCK];
        assert_eq!(&block[..8], b"UF2\n\x57\x51\x5d\x9e");
        assert_eq!(block[8..12], 0x2000u32.to_le_bytes());
        assert_eq!(block[12..16], 0x0800_0100u32.to_le_bytes());
        assert_eq!(block[16..20], 256u32.to_le_bytes());
        assert_eq!(block[20..24], 1u32.to_le_bytes());
        assert_eq!(block[24..28], 3u32.to_le_bytes());
        assert_eq!(block[28..32], 0x5ee2_1072u32.to_le_bytes());
        assert_eq!((block[32], block[32 + 255]), (0xf0, 0xef));
        assert_eq!(block[508..], [0x30, 0x6f, 0xb1, 0x0a]);
    }

    #[test]
    fn names_the_block_and_the_fault() {
        let with = |at: usize, value: u32| {
            let mut file = sample();
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
            read(&file)
        };
        let numbering = Uf2Error::Numbering { block: 1, blocks: 3, number: 2, count: 3 };
        assert_eq!(with(BLOCK + 20, 2), Err(numbering));
        assert_eq!(with(BLOCK + 8, 0x3000), Err(Uf2Error::Flags { block: 1, flags: 0x3000 }));
        assert_eq!(with(BLOCK + 16, 477), Err(Uf2Error::Payload { block: 1, size: 477 }));
        assert_eq!(with(2 * BLOCK + 300, 1), Err(Uf2Error::Trailing { block: 2 }));
        let family = Uf2Error::Family { block: 1, found: 1, first: 0x5ee2_1072 };
        assert_eq!(with(BLOCK + 28, 1), Err(family));
        assert_eq!(
            with(BLOCK + 12, 0xffff_ff80),
            Err(Uf2Error::TooHigh { address: 0xffff_ff80, size: 256 })
        );
        assert!(matches!(with(BLOCK + 12, 0x0800_0080), Err(Uf2Error::Segments(_))));
        for (at, offset) in [(0, 0), (BLOCK + 4, 4), (BLOCK - 4, 508)] {
            assert!(
                matches!(with(at, 7), Err(Uf2Error::Magic { offset: o, found: 7, .. }) if o == offset)
            );
        }
        assert_eq!(read(&sample()[..1000]), Err(Uf2Error::Size { size: 1000 }));
        assert_eq!(read(&[]), Err(Uf2Error::Size { size: 0 }));
    }

    proptest! {
        #[test]
        fn reads_back_every_byte_with_erased_flash_around(
            segments in any_segments(1 << 32), family in any::<Option<u32>>(),
        ) {
            let file = write(&segments, family).expect("32-bit addresses");
            if segments.is_empty() {
                prop_assert!(file.is_empty());
                return Ok(());
            }
            let back = read(&file).expect("own file");
            prop_assert_eq!(back.family, family);
            let base = back.segments.span().expect("not empty").base;
            prop_assert!(base.is_multiple_of(256));
            let mut flat = back.segments.flatten(base, ERASED);
            let expected = segments.flatten(base, ERASED);
            prop_assert!(flat.len() - expected.len() < 256);
            prop_assert!(flat.split_off(expected.len()).iter().all(|byte| *byte == ERASED));
            prop_assert_eq!(flat, expected);
            // Whole pages come back exactly.
            prop_assert_eq!(write(&back.segments, family), Ok(file));
        }

        #[test]
        fn a_changed_byte_outside_the_payload_is_always_noticed(at in 0usize..3 * BLOCK, with: u8) {
            let mut file = sample();
            let old = std::mem::replace(&mut file[at], with);
            let offset = at % BLOCK;
            // Payload, address and size have no check of their own in the format.
            if old != with && !(32..288).contains(&offset) && !(12..20).contains(&offset) {
                prop_assert!(read(&file).is_err());
            }
            let _ = read(&file);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..1100)) {
            let _ = read(&bytes);
        }
    }
}
