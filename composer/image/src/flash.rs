//! From a linked ELF to what is flashed: the loadable segments at their physical (load) addresses.
//! The physical address is the one that counts: initial values of variables run in RAM and are
//! stored in flash (ELF gABI, "Program Header": `p_paddr`, `p_filesz`).

use object::elf::{FileHeader32, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

use crate::{Region, Segment, SegmentError, Segments, bin};

/// Why an ELF is no flash image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlashError {
    /// The file is not an ELF, or damaged.
    #[error("the linked file is not a usable ELF: {0}")]
    Elf(String),
    /// A segment's bytes are not in the file.
    #[error("the linked file ends before the bytes of the segment {segment}")]
    Truncated {
        /// Where the segment would load.
        segment: Region,
    },
    /// There is nothing to load.
    #[error("the linked file has no loadable bytes")]
    Empty,
    /// A segment lies, wholly or in part, outside the flash.
    #[error("the segment {segment} ({} bytes) lies outside the flash {region}", segment.size)]
    Outside {
        /// Where the segment loads.
        segment: Region,
        /// The flash.
        region: Region,
    },
    /// Segments claim the same flash.
    #[error(transparent)]
    Segments(#[from] SegmentError),
}

/// The content of a flash region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// The region it goes to.
    pub region: Region,
    /// What is loaded.
    pub segments: Segments,
    /// The ELF's entry point.
    pub entry: u64,
}

impl Flash {
    /// Takes the loadable segments of an ELF (32 or 64 bit, either byte order).
    ///
    /// `region` is the memory as linked for: where a build widens it so that an image that is too
    /// large still links, the widened one; whether the image fits the hardware is the budget's word.
    ///
    /// # Errors
    /// When the ELF is damaged or empty, or segments overlap or lie outside `region`.
    pub fn from_elf(elf: &[u8], region: Region) -> Result<Self, FlashError> {
        let (pieces, entry) = match FileKind::parse(elf)? {
            FileKind::Elf32 => loadable::<FileHeader32<Endianness>>(elf)?,
            FileKind::Elf64 => loadable::<FileHeader64<Endianness>>(elf)?,
            kind => return Err(FlashError::Elf(format!("it is {kind:?}"))),
        };
        let outside =
            pieces.iter().map(Segment::region).find(|found| !region.holds(found.base, found.size));
        if let Some(segment) = outside {
            return Err(FlashError::Outside { segment, region });
        }
        let segments = Segments::new(pieces)?;
        if segments.is_empty() {
            return Err(FlashError::Empty);
        }
        Ok(Self { region, segments, entry })
    }

    /// Bytes of the region that are used: from its base to the last loaded byte, gaps included.
    pub fn used(&self) -> u64 {
        self.segments.span().map_or(0, |span| span.end() - self.region.base)
    }

    /// The flat image ([`bin::write`]) from the region's base.
    pub fn bytes(&self) -> Vec<u8> {
        bin::write(&self.segments, self.region.base)
    }
}

impl From<object::Error> for FlashError {
    fn from(error: object::Error) -> Self {
        Self::Elf(error.to_string())
    }
}

fn loadable<H: FileHeader<Endian = Endianness>>(
    elf: &[u8],
) -> Result<(Vec<Segment>, u64), FlashError> {
    let header = H::parse(elf)?;
    let endian = header.endian()?;
    let mut pieces = Vec::new();
    for program in header.program_headers(endian, elf)? {
        let size: u64 = program.p_filesz(endian).into();
        if program.p_type(endian) != PT_LOAD || size == 0 {
            continue;
        }
        let address = program.p_paddr(endian).into();
        let truncated = FlashError::Truncated { segment: Region { base: address, size } };
        let bytes = program.data(endian, elf).map_err(|()| truncated)?;
        pieces.push(Segment { address, bytes: bytes.to_vec() });
    }
    Ok((pieces, header.e_entry(endian).into()))
}
