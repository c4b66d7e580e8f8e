//! The writer: the stub's headers with more sections in their table, the stub's bytes, and the
//! sections' behind them.

use std::collections::BTreeMap;
use std::io::Write;

use object::LittleEndian as LE;
use object::endian::{U16, U32};
use object::pe::{
    IMAGE_FILE_LOCAL_SYMS_STRIPPED, IMAGE_SCN_CNT_CODE, IMAGE_SCN_CNT_INITIALIZED_DATA,
    IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_READ, ImageNtHeaders64, ImageSectionHeader, Machine,
};
use object::pod::{bytes_of, from_bytes_mut};

use crate::content::Data;
use crate::extent::{Extents, Part};
use crate::pieces::{self, CopyError};

use super::error::Error;
use super::name::Name;
use super::pe::{self, Headers};

/// Sections start at pages at least: old stubs are aligned to 512 bytes, and a kernel that is
/// executed in place is not content with that.
const PAGE: u32 = 4_096;
/// Size of an entry of the section table.
const ENTRY: usize = size_of::<ImageSectionHeader>();

/// Writes `stub` with `sections` appended. There is no time in the image and its checksum is 0, which
/// says that there is none (firmware checks signatures, not that). Extents are `headers`, `stub`, the
/// names of the sections, and `padding`.
///
/// # Errors
/// When the stub is no EFI program of 64 bits, is signed, or has no room for more sections; when a
/// section is impossible; when reading or writing fails.
pub fn write(
    stub: &Data,
    sections: &BTreeMap<Name, Data>,
    out: &mut impl Write,
) -> Result<Extents, Error> {
    let headers = Headers::of(stub)?;
    check(&headers, sections)?;
    let end = stub_end(&headers, stub.size())?;
    let first_byte = headers.sections.iter().filter(|section| section.raw_size > 0);
    let first_byte = first_byte.map(|section| section.offset).min().unwrap_or(end);
    let header_size = grown(&headers, sections.len(), first_byte)?;
    let placed = place(&headers, sections, end)?;

    let mut head = headers.bytes[..headers.table_end].to_vec();
    for section in &placed {
        head.extend(bytes_of(&section.header));
    }
    let (nt, _) = from_bytes_mut::<ImageNtHeaders64>(&mut head[headers.nt..])
        .map_err(|()| Error::NotPe { why: "its headers are too short".to_owned() })?;
    patch(nt, &headers, &placed, header_size);

    let mut image = Image { out, extents: Extents::default() };
    image.bytes(&head, "headers")?;
    let head_end = header_size.min(first_byte).max(head.len() as u32);
    for (until, what) in [(head_end, "headers"), (end.max(head_end), "stub")] {
        let offset = image.extents.size();
        let failed = |source| Error::Read { what: "the stub", offset, source };
        let size = u64::from(until) - offset;
        pieces::each(stub, offset, size, failed, |bytes| image.bytes(bytes, what))?;
    }
    for section in &placed {
        let name = section.name.text();
        let header = &section.header;
        let offset = u64::from(header.pointer_to_raw_data.get(LE));
        image.zeros(offset - image.extents.size(), "padding")?;
        pieces::copy(section.data, image.out).map_err(|error| match error {
            CopyError::Read(source) => Error::Read { what: name, offset: 0, source },
            CopyError::Write(source) => Error::Write(source),
        })?;
        image.extents.push(section.data.size(), Part::Structure(name));
        let raw_size = u64::from(header.size_of_raw_data.get(LE));
        image.zeros(raw_size - section.data.size(), "padding")?;
    }
    Ok(image.extents)
}

fn check(headers: &Headers, sections: &BTreeMap<Name, Data>) -> Result<(), Error> {
    if headers.signed {
        return Err(Error::Signed);
    }
    if !sections.contains_key(&Name::Linux) {
        return Err(Error::NoLinux);
    }
    for (name, data) in sections {
        let text = name.text();
        if headers.sections.iter().any(|section| section.name == text) {
            return Err(Error::Taken { name: text });
        }
        if data.size() == 0 {
            return Err(Error::Empty { name: text });
        }
        if name.is_text() {
            let failed = |source| Error::Read { what: text, offset: 0, source };
            let mut at = 0;
            pieces::each(data, 0, data.size(), failed, |bytes| {
                match bytes.iter().position(|byte| *byte == 0) {
                    Some(nul) => Err(Error::Nul { name: text, offset: at + nul as u64 }),
                    None => {
                        at += bytes.len() as u64;
                        Ok(())
                    }
                }
            })?;
        }
    }
    Ok(())
}

/// Where the stub ends in the file. A symbol table behind its last section is left out, as images
/// should not have one (PE Format, "COFF File Header"); other bytes there, as old stubs for AArch64
/// have them, stay.
fn stub_end(headers: &Headers, size: u64) -> Result<u32, Error> {
    let ends = headers.sections.iter().map(|section| section.offset + section.raw_size);
    let end = ends.max().unwrap_or(0).max(headers.table_end as u32);
    match headers.nt_headers.file_header.pointer_to_symbol_table.get(LE) == end {
        true => Ok(end),
        false => u32::try_from(size).map_err(|_| Error::TooLarge { name: ".linux" }),
    }
}

/// `SizeOfHeaders` with `wanted` more sections. The table may grow as far as to the first byte of a
/// section in the file and in memory, over what fills the headers (zeros, or instructions that do
/// nothing), but over no other table.
fn grown(headers: &Headers, wanted: usize, first_byte: u32) -> Result<u32, Error> {
    let first_address = headers.sections.first().map_or(u32::MAX, |section| section.address);
    let tables = headers
        .tables
        .iter()
        .filter(|(start, size)| u64::from(*start) + u64::from(*size) > headers.table_end as u64);
    let first_table = tables.map(|(start, _)| *start).min().unwrap_or(u32::MAX);
    let limit = first_byte.min(first_address).min(first_table);
    let free = (limit as usize).saturating_sub(headers.table_end);
    let room = free / ENTRY;
    if room < wanted {
        return Err(Error::Room { room, wanted, free });
    }
    let needed = (headers.table_end + wanted * ENTRY) as u32;
    let aligned = needed.next_multiple_of(headers.file_alignment());
    let said = headers.nt_headers.optional_header.size_of_headers.get(LE);
    // Aligned as the format asks for; a stub whose own headers are not has no more to give.
    Ok(said.max(aligned.min(limit)))
}

struct Placed<'a> {
    name: Name,
    data: &'a Data,
    header: ImageSectionHeader,
}

/// Gives each section its place behind the stub, in the file and in memory.
fn place<'a>(
    headers: &Headers,
    sections: &'a BTreeMap<Name, Data>,
    end: u32,
) -> Result<Vec<Placed<'a>>, Error> {
    let (align, file_align) = (headers.section_alignment(), headers.file_alignment());
    let align = u64::from(align.max(PAGE));
    let memory_end = headers.sections.iter().map(|section| section.address + section.virtual_size);
    let mut address = u64::from(memory_end.max().unwrap_or(0)).next_multiple_of(align);
    let mut offset = u64::from(end).next_multiple_of(file_align.into());
    let machine = headers.nt_headers.file_header.machine.get(LE);
    let mut placed = Vec::with_capacity(sections.len());
    for (name, data) in sections {
        let too_large = || Error::TooLarge { name: name.text() };
        let small = |value: u64| u32::try_from(value).map_err(|_| too_large());
        let raw_size = small(data.size())?.checked_next_multiple_of(file_align);
        let raw_size = raw_size.ok_or_else(too_large)?;
        let virtual_size = match name {
            Name::Linux => data.size().max(memory_of(data, machine)?.into()),
            _ => data.size(),
        };
        let what = match name {
            // Executed in place by stubs that start old kernels through the handover protocol.
            Name::Linux => IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE,
            _ => IMAGE_SCN_CNT_INITIALIZED_DATA,
        };
        let mut text = [0; 8];
        text[..name.text().len()].copy_from_slice(name.text().as_bytes());
        let header = ImageSectionHeader {
            name: text,
            virtual_size: U32::new(LE, small(virtual_size)?),
            virtual_address: U32::new(LE, small(address)?),
            size_of_raw_data: U32::new(LE, raw_size),
            pointer_to_raw_data: U32::new(LE, small(offset)?),
            pointer_to_relocations: U32::new(LE, 0),
            pointer_to_linenumbers: U32::new(LE, 0),
            number_of_relocations: U16::new(LE, 0),
            number_of_linenumbers: U16::new(LE, 0),
            characteristics: U32::new(LE, what | IMAGE_SCN_MEM_READ),
        };
        placed.push(Placed { name: *name, data, header });
        address = (address + virtual_size).next_multiple_of(align);
        offset += u64::from(raw_size);
        small(address)?;
        small(offset)?;
    }
    Ok(placed)
}

/// How much memory a kernel says that it needs, when it is an EFI program: more than it has bytes, for
/// what it does not initialise. Stubs load it in place.
fn memory_of(linux: &Data, machine: Machine) -> Result<u32, Error> {
    match pe::program(linux, Name::Linux.text())? {
        Some(headers) if headers.file_header.machine.get(LE) != machine => {
            let linux = headers.file_header.machine.get(LE).0;
            Err(Error::Machine { stub: machine.0, linux })
        }
        Some(headers) => Ok(headers.optional_header.size_of_image.get(LE)),
        None => Ok(0),
    }
}

fn patch(nt: &mut ImageNtHeaders64, headers: &Headers, placed: &[Placed<'_>], header_size: u32) {
    let file = &mut nt.file_header;
    let count = headers.sections.len() + placed.len();
    file.number_of_sections.set(LE, count as u16);
    file.time_date_stamp.set(LE, 0);
    file.pointer_to_symbol_table.set(LE, 0);
    file.number_of_symbols.set(LE, 0);
    let characteristics = file.characteristics.get(LE);
    file.characteristics.set(LE, characteristics | IMAGE_FILE_LOCAL_SYMS_STRIPPED);
    let optional = &mut nt.optional_header;
    optional.check_sum.set(LE, 0);
    optional.size_of_headers.set(LE, header_size);
    let (mut code, mut data) =
        (optional.size_of_code.get(LE), optional.size_of_initialized_data.get(LE));
    let mut end = optional.size_of_image.get(LE);
    for Placed { name, header, .. } in placed {
        let size = match name {
            Name::Linux => &mut code,
            _ => &mut data,
        };
        *size = size.saturating_add(header.size_of_raw_data.get(LE));
        end = header.virtual_address.get(LE) + header.virtual_size.get(LE);
    }
    optional.size_of_code.set(LE, code);
    optional.size_of_initialized_data.set(LE, data);
    optional.size_of_image.set(LE, end.next_multiple_of(headers.section_alignment()));
}

struct Image<'a, W> {
    out: &'a mut W,
    extents: Extents,
}

impl<W: Write> Image<'_, W> {
    fn bytes(&mut self, bytes: &[u8], what: &'static str) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(Error::Write)?;
        self.extents.push(bytes.len() as u64, Part::Structure(what));
        Ok(())
    }

    fn zeros(&mut self, count: u64, what: &'static str) -> Result<(), Error> {
        self.bytes(&vec![0; count as usize], what)
    }
}
