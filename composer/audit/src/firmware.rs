//! The parts of a linked ELF that attribution needs: allocated sections with their load addresses,
//! symbols without the traps (thumb bit, mapping symbols, sizes of 0), nothing of the file format.

use object::elf::{
    EM_ARM, EM_RISCV, FileHeader32, FileHeader64, PT_LOAD, SHF_ALLOC, SHF_EXECINSTR,
};
use object::elf::{SHF_WRITE, SHT_NOBITS};
use object::read::elf::{ElfFile, FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};

use crate::AuditError;

/// Instruction set, where constants can be followed from code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Thumb,
    RiscV,
    Other,
}

/// An allocated section of at least one byte.
#[derive(Debug)]
pub(crate) struct Section<'data> {
    pub name: &'data str,
    /// Address when running.
    pub address: u64,
    /// Address in the image; `None` when nothing is stored for it.
    pub load: Option<u64>,
    pub size: u64,
    pub align: u64,
    pub code: bool,
    pub writable: bool,
    /// Empty when nothing is stored.
    pub bytes: &'data [u8],
}

impl Section<'_> {
    pub(crate) const fn end(&self) -> u64 {
        self.address + self.size
    }

    /// The 16-bit unit at an address, little endian.
    pub(crate) fn half(&self, address: u64) -> Option<u16> {
        let at = usize::try_from(address.checked_sub(self.address)?).ok()?;
        self.bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// The 32-bit word at an address, little endian.
    pub(crate) fn word(&self, address: u64) -> Option<u32> {
        let at = usize::try_from(address.checked_sub(self.address)?).ok()?;
        self.bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }
}

/// A symbol in an allocated section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symbol<'data> {
    pub name: &'data str,
    /// Without the thumb bit.
    pub address: u64,
    /// 0 where the assembler gave none.
    pub size: u64,
    pub section: usize,
}

impl Symbol<'_> {
    /// The compiler's own name for something that has none in the source.
    pub(crate) fn is_private(&self) -> bool {
        self.name.starts_with(".L")
    }
}

/// A linked firmware.
#[derive(Debug)]
pub(crate) struct Firmware<'data> {
    pub machine: Machine,
    pub sections: Vec<Section<'data>>,
    /// By section, address, then size, then name.
    pub symbols: Vec<Symbol<'data>>,
    /// Where data (`true`) and code (`false`) start inside code sections (Arm and RISC-V ELF
    /// specifications, "Mapping symbols"), by address.
    pub marks: Vec<(u64, bool)>,
    /// What the `gp` register holds on RISC-V.
    pub global_pointer: Option<u64>,
}

impl<'data> Firmware<'data> {
    pub(crate) fn parse(file: &object::File<'data>) -> Result<Self, AuditError> {
        match file {
            object::File::Elf32(file) => parse::<FileHeader32<Endianness>>(file),
            object::File::Elf64(file) => parse::<FileHeader64<Endianness>>(file),
            _ => Err(AuditError::NotElf),
        }
    }

    /// Forgets sections, and the symbols in them.
    pub(crate) fn leave_out(&mut self, which: impl Fn(&Section<'_>) -> bool) {
        let kept: Vec<bool> = self.sections.iter().map(|section| !which(section)).collect();
        let renumbered = |old: usize| kept[..old].iter().filter(|kept| **kept).count();
        self.symbols.retain(|symbol| kept[symbol.section]);
        for symbol in &mut self.symbols {
            symbol.section = renumbered(symbol.section);
        }
        self.sections.retain(|section| !which(section));
    }

    /// Whether `address` holds data that stands between code.
    pub(crate) fn is_pool(&self, address: u64) -> bool {
        let after = self.marks.partition_point(|(start, _)| *start <= address);
        after.checked_sub(1).is_some_and(|last| self.marks[last].1)
    }

    /// The symbols of one section.
    pub(crate) fn symbols_of(&self, section: usize) -> &[Symbol<'data>] {
        let start = self.symbols.partition_point(|symbol| symbol.section < section);
        let end = self.symbols.partition_point(|symbol| symbol.section <= section);
        &self.symbols[start..end]
    }
}

fn parse<'data, H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'data, H>,
) -> Result<Firmware<'data>, AuditError> {
    let endian = file.endian();
    let machine = match file.elf_header().e_machine(endian) {
        EM_ARM => Machine::Thumb,
        EM_RISCV => Machine::RiscV,
        _ => Machine::Other,
    };
    let mut sections = Vec::new();
    let mut places = Vec::new();
    for section in file.sections() {
        let header = section.elf_section_header();
        let flags = header.sh_flags(endian);
        if !flags.contains(SHF_ALLOC) || section.size() == 0 {
            continue;
        }
        if section.address().checked_add(section.size()).is_none() {
            return Err(AuditError::Elf("a section leaves the address space".into()));
        }
        let stored = header.sh_type(endian) != SHT_NOBITS;
        let offset: u64 = header.sh_offset(endian).into();
        let load = file.elf_program_headers().iter().filter(|_| stored).find_map(|program| {
            let start: u64 = program.p_offset(endian).into();
            let size: u64 = program.p_filesz(endian).into();
            let inside = program.p_type(endian) == PT_LOAD
                && offset >= start
                && offset.checked_add(section.size())? <= start.checked_add(size)?;
            let address: u64 = program.p_paddr(endian).into();
            inside.then(|| address.checked_add(offset - start)).flatten()
        });
        places.push((section.index(), sections.len()));
        sections.push(Section {
            name: section.name().unwrap_or("?"),
            address: section.address(),
            load,
            size: section.size(),
            align: section.align().max(1),
            code: flags.contains(SHF_EXECINSTR),
            writable: flags.contains(SHF_WRITE),
            bytes: if stored { section.data()? } else { &[] },
        });
    }
    let (mut symbols, mut marks, mut global_pointer) = (Vec::new(), Vec::new(), None);
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or("");
        if name == "__global_pointer$" {
            global_pointer = Some(symbol.address());
        }
        let index = symbol.section_index();
        let section = places.iter().find(|(at, _)| Some(*at) == index).map(|(_, section)| *section);
        let Some(section) = section else { continue };
        let code = sections[section].code;
        let mapping = name.strip_prefix('$').and_then(|rest| rest.chars().next());
        if let Some(mark @ ('t' | 'a' | 'x' | 'd')) = mapping {
            marks.push((symbol.address(), mark == 'd' && code));
            continue;
        }
        let function = symbol.kind() == SymbolKind::Text;
        let typed = function || symbol.kind() == SymbolKind::Data;
        // An untyped symbol in code is a label: of assembly when global, of the compiler when local.
        if !typed && (!code || symbol.is_local() && name.starts_with(".L")) || name.is_empty() {
            continue;
        }
        let thumb = u64::from(machine == Machine::Thumb && function);
        symbols.push(Symbol {
            name,
            address: symbol.address() & !thumb,
            size: symbol.size(),
            section,
        });
    }
    symbols.sort_by_key(|symbol| (symbol.section, symbol.address, symbol.size, symbol.name));
    // Where data and code are marked at one address, code is what follows.
    marks.sort_by_key(|(address, data)| (*address, !data));
    Ok(Firmware { machine, sections, symbols, marks, global_pointer })
}
