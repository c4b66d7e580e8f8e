//! The flat binary: the bytes of the flash from its base to the last loaded byte, and nothing else.
//! The format has no addresses, checksums or length, so its reader can only be told where it goes.

use crate::{Region, Segment, Segments};

/// The value of erased NOR flash, and so of every gap.
pub const ERASED: u8 = 0xff;

/// The flat image of `segments` from `base`; gaps are [`ERASED`], segments below `base` are absent
/// ([`crate::Flash`] has none).
pub fn write(segments: &Segments, base: u64) -> Vec<u8> {
    segments.flatten(base, ERASED)
}

/// A flat image is larger than the memory it is for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the image has {size} bytes, {region} holds {}", region.size)]
pub struct TooLarge {
    /// Size of the image in bytes.
    pub size: u64,
    /// The memory.
    pub region: Region,
}

/// Reads a flat image that goes to the start of `region`.
///
/// # Errors
/// When it is larger than the region.
pub fn read(bytes: &[u8], region: Region) -> Result<Segments, TooLarge> {
    let too_large = TooLarge { size: bytes.len() as u64, region };
    if too_large.size > region.size {
        return Err(too_large);
    }
    Segments::new(vec![Segment { address: region.base, bytes: bytes.to_vec() }])
        .map_err(|_| too_large)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::tests::any_segments;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn holds_every_byte_and_nothing_but_erased_flash_between(
            segments in any_segments(1 << 32), below in 0u64..5000,
        ) {
            let base = segments.span().map_or(0, |span| span.base.saturating_sub(below));
            let flat = write(&segments, base);
            let mut untouched = flat.clone();
            for segment in &segments {
                let at = (segment.address - base) as usize;
                let range = at..at + segment.bytes.len();
                prop_assert_eq!(&flat[range.clone()], &segment.bytes[..]);
                untouched[range].fill(ERASED);
            }
            prop_assert!(untouched.iter().all(|byte| *byte == ERASED));
            let end = segments.span().map_or(base, Region::end);
            prop_assert_eq!(flat.len() as u64, end - base);
            let region = Region { base, size: flat.len() as u64 };
            prop_assert_eq!(write(&read(&flat, region).expect("fits"), base), flat);
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let region = Region { base: 0x100, size: 3 };
        assert_eq!(read(&[0; 4], region), Err(TooLarge { size: 4, region }));
    }
}
