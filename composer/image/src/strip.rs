//! A linked program without what only debuggers read. What is loaded lies in front of it in the file,
//! so the file is cut after the last loaded byte and its table of sections taken out of the header
//! (System V ABI, "ELF Header": `e_shoff`, `e_shnum`, `e_shstrndx` may be 0).

use object::elf::{FileHeader32, FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

/// Why a file cannot be stripped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StripError {
    /// The file is not an ELF, or damaged.
    #[error("the linked file is not a usable ELF: {0}")]
    Elf(String),
    /// What is loaded lies outside the file.
    #[error("the linked file ends at {size}, before its loaded bytes end at {end}")]
    Truncated {
        /// Size of the file in bytes.
        size: u64,
        /// One past the last loaded byte in it.
        end: u64,
    },
}

/// The loaded part of a linked program, as a program that runs as before.
///
/// # Errors
/// When it is no ELF or damaged.
pub fn strip(elf: &[u8]) -> Result<Vec<u8>, StripError> {
    // Where the three fields are: ELF header, 32 and 64 bits.
    let (end, sections, counts) = match FileKind::parse(elf)? {
        FileKind::Elf32 => (loaded::<FileHeader32<Endianness>>(elf)?, 32..36, 48..52),
        FileKind::Elf64 => (loaded::<FileHeader64<Endianness>>(elf)?, 40..48, 60..64),
        kind => return Err(StripError::Elf(format!("it is {kind:?}"))),
    };
    let cut = usize::try_from(end).ok().and_then(|end| elf.get(..end));
    let truncated = StripError::Truncated { size: elf.len() as u64, end };
    let mut stripped = cut.ok_or(truncated)?.to_vec();
    stripped[sections].fill(0);
    stripped[counts].fill(0);
    Ok(stripped)
}

impl From<object::Error> for StripError {
    fn from(error: object::Error) -> Self {
        Self::Elf(error.to_string())
    }
}

/// One past the last byte of the file that is loaded, or belongs to the headers.
fn loaded<H: FileHeader<Endian = Endianness>>(elf: &[u8]) -> Result<u64, StripError> {
    let header = H::parse(elf)?;
    let endian = header.endian()?;
    let programs = header.program_headers(endian, elf)?;
    let table: u64 = header.e_phoff(endian).into();
    let table = table + u64::from(header.e_phentsize(endian)) * programs.len() as u64;
    let ends = programs.iter().filter(|program| program.p_type(endian) == PT_LOAD).map(|program| {
        let (offset, size): (u64, u64) =
            (program.p_offset(endian).into(), program.p_filesz(endian).into());
        offset.saturating_add(size)
    });
    let header_size = u64::from(header.e_ehsize(endian));
    Ok(ends.fold(table.max(header_size).max(64), u64::max))
}
