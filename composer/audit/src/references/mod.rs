//! Addresses that code computes: how a constant without a symbol is traced to who uses it.
//!
//! This reads machine code in a straight line, without following branches. What it can miss or
//! invent only moves a constant between its user's row and the row of shared constants.

mod riscv;
mod thumb;

use crate::firmware::{Firmware, Machine, Section};

/// An instruction that computes or loads an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The instruction.
    pub from: u64,
    /// The address it computes; for a literal, the word's value.
    pub to: u64,
    /// The literal's own address, where there is one.
    pub literal: Option<u64>,
}

/// The references made by the function at `start..end` of `section`.
pub(crate) fn scan(
    firmware: &Firmware<'_>,
    section: &Section<'_>,
    start: u64,
    end: u64,
) -> Vec<Reference> {
    match firmware.machine {
        Machine::Thumb => thumb::scan(section, start, end, |at| firmware.is_pool(at)),
        Machine::RiscV => riscv::scan(section, start, end, firmware.global_pointer),
        Machine::Other => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) fn section_of(address: u64, bytes: &[u8]) -> Section<'_> {
    Section {
        name: ".text",
        address,
        load: Some(address),
        size: bytes.len() as u64,
        align: 4,
        code: true,
        writable: false,
        bytes,
    }
}
