//! What a PE file's headers say, checked: the part that writer and reader share.

use object::LittleEndian as LE;
use object::pe::{
    IMAGE_DIRECTORY_ENTRY_SECURITY, IMAGE_SUBSYSTEM_EFI_APPLICATION, ImageDosHeader,
    ImageNtHeaders64, ImageSectionHeader,
};
use object::read::pe::ImageNtHeaders as _;

use crate::content::Data;

use super::error::Error;

/// Headers of a program are within this many bytes; stubs need 1,024.
const MOST: u64 = 64 << 10;

/// The headers of a program, and where its parts are.
pub struct Headers {
    /// The file's first bytes; at least up to `table_end`.
    pub bytes: Vec<u8>,
    /// Offset of the PE signature.
    pub nt: usize,
    /// First byte behind the section table.
    pub table_end: usize,
    pub nt_headers: ImageNtHeaders64,
    pub sections: Vec<Found>,
    /// Where the tables are that the data directories name: start in memory (of a signature: in the
    /// file) and size. Those of size 0 are left out.
    pub tables: Vec<(u32, u32)>,
    /// Whether a signature is appended.
    pub signed: bool,
}

/// A section of a program.
#[derive(Clone, Debug)]
pub struct Found {
    pub name: String,
    /// In memory.
    pub address: u32,
    pub virtual_size: u32,
    /// In the file; both 0 when it has no bytes there.
    pub offset: u32,
    pub raw_size: u32,
}

impl Headers {
    /// Reads and checks the headers of an EFI program of 64 bits.
    pub fn of(image: &Data) -> Result<Self, Error> {
        let bytes = start(image, "the image")?;
        let not_pe = |why: object::read::Error| Error::NotPe { why: why.to_string() };
        let slice = bytes.as_slice();
        let nt = ImageDosHeader::parse(slice).map_err(not_pe)?.nt_headers_offset();
        let mut at = u64::from(nt);
        let (headers, directories) = ImageNtHeaders64::parse(slice, &mut at).map_err(not_pe)?;
        let table = headers.sections(slice, at).map_err(not_pe)?;
        let signed = directories
            .get(IMAGE_DIRECTORY_ENTRY_SECURITY)
            .is_some_and(|entry| entry.virtual_address.get(LE) != 0);
        let tables = directories.iter().map(|entry| entry.address_range());
        let tables = tables.filter(|(_, size)| *size > 0).collect();
        let optional = &headers.optional_header;
        let subsystem = optional.subsystem.get(LE);
        if subsystem != IMAGE_SUBSYSTEM_EFI_APPLICATION {
            return Err(Error::Subsystem { found: subsystem.0 });
        }
        let (align, file_align) =
            (optional.section_alignment.get(LE), optional.file_alignment.get(LE));
        // PE Format, "Optional Header Windows-Specific Fields".
        if !file_align.is_power_of_two() || !(512..=65_536).contains(&file_align) {
            let why = format!("its file alignment is {file_align}");
            return Err(Error::NotPe { why });
        }
        if !align.is_power_of_two() || align < file_align || align > 1 << 24 {
            let why = format!("its section alignment is {align}");
            return Err(Error::NotPe { why });
        }
        let sections: Vec<Found> = table.iter().map(found).collect::<Result<_, _>>()?;
        let table_end = at as usize + sections.len() * size_of::<ImageSectionHeader>();
        check(&sections, table_end as u64, image.size())?;
        let nt_headers = *headers;
        Ok(Self { nt: nt as usize, table_end, nt_headers, sections, tables, signed, bytes })
    }

    pub fn section_alignment(&self) -> u32 {
        self.nt_headers.optional_header.section_alignment.get(LE)
    }

    pub fn file_alignment(&self) -> u32 {
        self.nt_headers.optional_header.file_alignment.get(LE)
    }
}

/// The headers of a program of 64 bits, of which nothing else is checked; none when it is no such.
pub fn program(image: &Data, what: &'static str) -> Result<Option<ImageNtHeaders64>, Error> {
    let bytes = start(image, what)?;
    let slice = bytes.as_slice();
    let headers = ImageDosHeader::parse(slice)
        .and_then(|dos| ImageNtHeaders64::parse(slice, &mut u64::from(dos.nt_headers_offset())));
    Ok(headers.ok().map(|(headers, _)| *headers))
}

fn start(image: &Data, what: &'static str) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; image.size().min(MOST) as usize];
    let failed = |source| Error::Read { what, offset: 0, source };
    image.read_at(0, &mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn found(header: &ImageSectionHeader) -> Result<Found, Error> {
    let end = header.name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let name = header.name[..end].escape_ascii().to_string();
    // `/4` points to a name in a string table, which images should not have (PE Format, "Section
    // Table"), and a NUL inside shows two names to two readers.
    if end == 0 || name.starts_with('/') || name.len() != end {
        let why = "this is no name that the section itself has".to_owned();
        return Err(Error::Section { name, why });
    }
    let raw_size = header.size_of_raw_data.get(LE);
    let offset = if raw_size == 0 { 0 } else { header.pointer_to_raw_data.get(LE) };
    Ok(Found {
        name,
        address: header.virtual_address.get(LE),
        virtual_size: header.virtual_size.get(LE),
        offset,
        raw_size,
    })
}

/// In memory and in the file, each section starts where the one before has ended or later.
fn check(sections: &[Found], table_end: u64, size: u64) -> Result<(), Error> {
    let (mut memory, mut file) = (table_end, table_end);
    for section in sections {
        let wrong = |why| Err(Error::Section { name: section.name.clone(), why });
        let address = u64::from(section.address);
        if address < memory {
            return wrong(format!("its address {address:#x} is not behind {memory:#x}"));
        }
        memory = address + u64::from(section.virtual_size);
        if memory > u32::MAX.into() {
            return wrong(format!("it ends in memory at {memory:#x}, beyond 4 GiB"));
        }
        if section.raw_size == 0 {
            continue;
        }
        let offset = u64::from(section.offset);
        if offset < file {
            return wrong(format!("its bytes at {offset:#x} are not behind {file:#x}"));
        }
        file = offset + u64::from(section.raw_size);
        if file > size {
            return wrong(format!("it ends at {file:#x}, the file at {size:#x}"));
        }
    }
    Ok(())
}
