//! The strict reader: what sections a program has, and that they can be a unified kernel image.

use std::io;

use object::LittleEndian as LE;

use crate::content::Data;

use super::error::Error;
use super::name::Name;
use super::pe::Headers;

/// What a unified kernel image consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uki {
    /// `Machine` of the file header: 0x8664 for x86-64, 0xaa64 for AArch64.
    pub machine: u16,
    /// All sections, those of the stub among them, by address.
    pub sections: Vec<Section>,
}

/// A section of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where its bytes are in the file.
    pub offset: u64,
    /// How many of them are its content. Of a kernel whose memory is larger than its bytes it is
    /// unknown where the content ends and the padding starts; then those of the padding count too.
    pub size: u64,
    /// Where it is in memory, from the start of the image.
    pub address: u64,
    /// Its size in memory, in bytes.
    pub memory: u64,
}

impl Section {
    /// Its content, as part of `image`, in which it was found.
    ///
    /// # Errors
    /// Those of reading.
    pub fn content(&self, image: &Data) -> io::Result<Data> {
        image.window(self.offset, self.size)
    }
}

impl Uki {
    /// The section of that name.
    pub fn section(&self, name: Name) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name.text())
    }
}

/// Reads the headers of an image. Contents stay where they are.
///
/// # Errors
/// When it is no EFI program of 64 bits with sections in order, has no kernel, or has a section of
/// UAPI.5 twice. Several devicetrees and profiles, which UAPI.5 knows, are refused: Tarsia writes none.
pub fn read(image: &Data) -> Result<Uki, Error> {
    let headers = Headers::of(image)?;
    for name in Name::ALL {
        let count = headers.sections.iter().filter(|section| section.name == name.text()).count();
        if count > 1 {
            let why = format!("it is there {count} times");
            return Err(Error::Section { name: name.text().to_owned(), why });
        }
    }
    let sections = headers.sections.iter().map(|section| Section {
        name: section.name.clone(),
        offset: section.offset.into(),
        size: section.raw_size.min(section.virtual_size).into(),
        address: section.address.into(),
        memory: section.virtual_size.into(),
    });
    let machine = headers.nt_headers.file_header.machine.get(LE).0;
    let uki = Uki { machine, sections: sections.collect() };
    match uki.section(Name::Linux) {
        Some(_) => Ok(uki),
        None => Err(Error::NoLinux),
    }
}
