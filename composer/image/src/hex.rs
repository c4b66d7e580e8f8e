//! Intel HEX: text records of at most 16 bytes, for programmers that place bytes by address
//! ("Hexadecimal Object File Format Specification", Intel, revision A, 1988). Records are formed and
//! checked by `ihex`; this module places them. It writes 32-bit linear addresses (type 04), the start
//! address (type 05) and the end (type 01), and also reads the 20-bit segmented form (types 02, 03)
//! that GNU objcopy writes below 1 MiB.

use ihex::{ReaderError, Record};

use crate::{Segment, SegmentError, Segments};

/// Bytes in one data record.
const RECORD: usize = 16;

/// Content of an Intel HEX file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hex {
    /// What is loaded.
    pub segments: Segments,
    /// Where execution starts (record type 05, or 03 as a linear address).
    pub start: Option<u32>,
}

/// Why bytes cannot be Intel HEX.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// An address does not fit 32 bits.
    #[error("{size} bytes at {address:#x} are beyond the 32-bit addresses of Intel HEX")]
    TooHigh {
        /// Where they start.
        address: u64,
        /// How many.
        size: u64,
    },
    /// The file has other characters than ASCII.
    #[error("line {line} is not ASCII")]
    NotAscii {
        /// Line, from 1.
        line: usize,
    },
    /// A line is not a record.
    #[error("line {line}: {error}")]
    Record {
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        error: ReaderError,
    },
    /// A record's bytes run over the 64 KiB its address counts.
    #[error("line {line}: {size} bytes at offset {offset:#06x} run over the end of 64 KiB")]
    Wraps {
        /// Line, from 1.
        line: usize,
        /// Offset in the 64 KiB.
        offset: u16,
        /// Bytes in the record.
        size: usize,
    },
    /// The start address stands twice.
    #[error("line {line}: a second start address")]
    SecondStart {
        /// Line, from 1.
        line: usize,
    },
    /// Something follows the end record.
    #[error("line {line}: a record after the end record")]
    AfterEnd {
        /// Line, from 1.
        line: usize,
    },
    /// The end record is missing.
    #[error("the end record is missing: the file is cut short")]
    NoEnd,
    /// Records claim the same addresses.
    #[error(transparent)]
    Segments(#[from] SegmentError),
}

/// Writes segments, and the start address when there is one; lines end in LF.
///
/// # Errors
/// When an address does not fit 32 bits.
pub fn write(segments: &Segments, start: Option<u32>) -> Result<String, HexError> {
    let mut records = Vec::new();
    let mut upper = 0;
    for segment in segments {
        let size = segment.bytes.len() as u64;
        let too_high = || HexError::TooHigh { address: segment.address, size };
        let mut address = u32::try_from(segment.address).map_err(|_| too_high())?;
        if segment.region().end() > 1 << 32 {
            return Err(too_high());
        }
        let mut rest = segment.bytes.as_slice();
        while !rest.is_empty() {
            if address >> 16 != upper {
                upper = address >> 16;
                records.push(Record::ExtendedLinearAddress(upper as u16));
            }
            // A record never crosses 64 KiB, nor 16 bytes, so that files differ line by line.
            let size = rest.len().min(RECORD - address as usize % RECORD);
            let (value, after) = rest.split_at(size);
            records.push(Record::Data { offset: address as u16, value: value.to_vec() });
            rest = after;
            address = address.wrapping_add(size as u32);
        }
    }
    records.extend(start.map(Record::StartLinearAddress));
    records.push(Record::EndOfFile);
    let lines = records.iter().map(Record::to_record_string);
    Ok(lines.map(|line| line.expect("at most 16 bytes a record") + "\n").collect())
}

/// Reads strictly: every line is a record with the right checksum, in any order of addresses,
/// without overlaps, and the end record is the last.
///
/// # Errors
/// The first rule that is broken, with its line.
pub fn read(bytes: &[u8]) -> Result<Hex, HexError> {
    let mut pieces = Vec::new();
    let mut starts = Vec::new();
    let (mut base, mut ended) = (0u64, false);
    let trimmed = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (index, line) in trimmed.split(|byte| *byte == b'\n').enumerate() {
        let (number, line) = (index + 1, line.strip_suffix(b"\r").unwrap_or(line));
        let text = std::str::from_utf8(line).ok().filter(|text| text.is_ascii());
        let text = text.ok_or(HexError::NotAscii { line: number })?;
        let record = Record::from_record_string(text)
            .map_err(|error| HexError::Record { line: number, error })?;
        if ended {
            return Err(HexError::AfterEnd { line: number });
        }
        match record {
            Record::Data { offset, value } => {
                if usize::from(offset) + value.len() > 1 << 16 {
                    return Err(HexError::Wraps { line: number, offset, size: value.len() });
                }
                pieces.push(Segment { address: base + u64::from(offset), bytes: value });
            }
            Record::ExtendedLinearAddress(high) => base = u64::from(high) << 16,
            Record::ExtendedSegmentAddress(segment) => base = u64::from(segment) << 4,
            Record::StartLinearAddress(address) => starts.push((number, address)),
            Record::StartSegmentAddress { cs, ip } => {
                starts.push((number, (u32::from(cs) << 4) + u32::from(ip)));
            }
            Record::EndOfFile => ended = true,
        }
    }
    if !ended {
        return Err(HexError::NoEnd);
    }
    if let Some((line, _)) = starts.get(1) {
        return Err(HexError::SecondStart { line: *line });
    }
    let start = starts.first().map(|(_, address)| *address);
    Ok(Hex { segments: Segments::new(pieces)?, start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::tests::any_segments;
    use proptest::prelude::*;

    #[test]
    fn the_text_is_what_the_specification_shows() {
        let segments = Segments::new(vec![
            Segment { address: 0xfffe, bytes: vec![1, 2, 3, 4] },
            Segment { address: 0x0800_0000, bytes: (0..18).collect() },
        ])
        .expect("apart");
        // Checksums: the two's complement of the sum of the other bytes of the record.
        let expected = "\
            :02FFFE000102FE\n\
            :020000040001F9\n\
            :020000000304F7\n\
            :020000040800F2\n\
            :10000000000102030405060708090A0B0C0D0E0F78\n\
            :020010001011CD\n\
            :04000005080004C12A\n\
            :00000001FF\n";
        assert_eq!(write(&segments, Some(0x0800_04c1)).as_deref(), Ok(expected));
    }

    #[test]
    fn names_the_line_and_the_fault() {
        for (text, error) in [
            ("", HexError::Record { line: 1, error: ReaderError::MissingStartCode }),
            (
                ":00000001FE\n",
                HexError::Record { line: 1, error: ReaderError::ChecksumMismatch(0xff, 0xfe) },
            ),
            (":020000040001F9\n", HexError::NoEnd),
            (
                ":00000001FF\n\n:00000001FF\n",
                HexError::Record { line: 2, error: ReaderError::MissingStartCode },
            ),
            (":00000001FF\n:00000001FF\n", HexError::AfterEnd { line: 2 }),
            (
                ":0400000500000001F6\n:0400000500000001F6\n:00000001FF\n",
                HexError::SecondStart { line: 2 },
            ),
            (":02FFFF000102FD\n", HexError::Wraps { line: 1, offset: 0xffff, size: 2 }),
            ("é\n", HexError::NotAscii { line: 1 }),
        ] {
            assert_eq!(read(text.as_bytes()), Err(error), "{text:?}");
        }
        let high = Segments::new(vec![Segment { address: 0xffff_ffff, bytes: vec![0; 2] }]);
        let error = HexError::TooHigh { address: 0xffff_ffff, size: 2 };
        assert_eq!(write(&high.expect("one"), None), Err(error));
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(
            segments in any_segments(1 << 32), start in any::<Option<u32>>(), crlf: bool,
        ) {
            let mut text = write(&segments, start).expect("32-bit addresses");
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            prop_assert_eq!(read(text.as_bytes()), Ok(Hex { segments, start }));
        }

        #[test]
        fn one_changed_character_is_never_taken_for_the_same_content(
            segments in any_segments(1 << 20), at in any::<prop::sample::Index>(), with in any::<u8>(),
        ) {
            let text = write(&segments, Some(1)).expect("32-bit addresses").into_bytes();
            let mut changed = text.clone();
            let at = at.index(changed.len());
            changed[at] = with;
            if !changed.eq_ignore_ascii_case(&text) {
                // The end of the last line alone may be missing or another line end.
                let same = read(&text) == read(&changed);
                prop_assert!(!same || at + 1 == text.len(), "{}", at);
            }
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn never_panics_on_lines_that_look_right(text in "(:[0-9A-F]{10,30}\r?\n){0,6}") {
            let _ = read(text.as_bytes());
        }
    }
}
