//! Writes small ELF files for tests: sections at addresses of choice, each loaded by a segment of its
//! own, and symbols. Nothing is checked: tests also want files that make no sense.

use object::elf;
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, Sym, Writer};

/// A section, and the segment that loads it.
#[derive(Clone, Debug)]
pub struct Section {
    pub name: String,
    /// Address when running.
    pub address: u64,
    /// Address in the image; `None` for a section without content.
    pub load: Option<u64>,
    /// Content; only the length counts without content.
    pub bytes: Vec<u8>,
    pub flags: elf::SectionFlags,
    pub align: u64,
}

/// A symbol in a section, by the section's place in the list.
#[derive(Clone, Debug)]
pub struct Symbol {
    pub name: String,
    pub section: usize,
    pub address: u64,
    pub size: u64,
    pub kind: elf::SymbolType,
}

/// A little-endian executable of 32 bits.
pub fn write(machine: elf::Machine, sections: &[Section], symbols: &[Symbol]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(object::Endianness::Little, false, &mut out);
    writer.reserve_file_header();
    writer.reserve_program_headers(sections.len() as u32);
    let offsets: Vec<u64> = sections
        .iter()
        .map(|section| writer.reserve(section.load.map_or(0, |_| section.bytes.len() as u64), 4))
        .collect();
    writer.reserve_null_section_index();
    let names: Vec<_> = sections
        .iter()
        .map(|section| {
            writer.reserve_section_index();
            writer.add_section_name(section.name.as_bytes())
        })
        .collect();
    writer.reserve_null_symbol_index();
    let strings: Vec<_> = symbols
        .iter()
        .map(|symbol| {
            writer.reserve_symbol_index(None);
            writer.add_string(symbol.name.as_bytes())
        })
        .collect();
    writer.reserve_symtab_section_index();
    writer.reserve_symtab();
    writer.reserve_strtab_section_index();
    writer.reserve_strtab().expect("small");
    writer.reserve_shstrtab_section_index();
    writer.reserve_shstrtab().expect("small");
    writer.reserve_section_headers();

    writer
        .write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: machine,
            e_entry: 0x101,
            e_flags: elf::FileFlags(0),
        })
        .expect("small");
    writer.write_align_program_headers();
    for (section, offset) in sections.iter().zip(&offsets) {
        let size = section.bytes.len() as u64;
        writer.write_program_header(&ProgramHeader {
            p_type: elf::PT_LOAD,
            p_flags: elf::PF_R,
            p_offset: *offset,
            p_vaddr: section.address,
            p_paddr: section.load.unwrap_or(section.address),
            p_filesz: section.load.map_or(0, |_| size),
            p_memsz: size,
            p_align: 1,
        });
    }
    for (section, offset) in sections.iter().zip(&offsets) {
        writer.pad_until(*offset);
        if section.load.is_some() {
            writer.write(&section.bytes);
        }
    }
    writer.write_null_symbol();
    for (symbol, name) in symbols.iter().zip(strings) {
        writer.write_symbol(&Sym {
            section: Some(symbol.section as u32 + 1),
            st_name: writer.string_offset(Some(name)),
            st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, symbol.kind),
            st_other: elf::SymbolOther(0),
            st_shndx: elf::SymbolSection(0),
            st_value: symbol.address,
            st_size: symbol.size,
        });
    }
    writer.write_strtab();
    writer.write_shstrtab();
    writer.write_null_section_header();
    for ((section, offset), name) in sections.iter().zip(&offsets).zip(names) {
        writer.write_section_header(&SectionHeader {
            sh_name: writer.section_name_offset(Some(name)),
            sh_type: section.load.map_or(elf::SHT_NOBITS, |_| elf::SHT_PROGBITS),
            sh_flags: section.flags,
            sh_addr: section.address,
            sh_offset: *offset,
            sh_size: section.bytes.len() as u64,
            sh_link: 0,
            sh_info: 0,
            sh_addralign: section.align,
            sh_entsize: 0,
        });
    }
    writer.write_symtab_section_header(1);
    writer.write_strtab_section_header();
    writer.write_shstrtab_section_header();
    out
}
