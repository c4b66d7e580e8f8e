//! Paints the owners of code: every instruction by [`Lookup::code`], literals between the code by
//! who loads them, what no symbol covers by its debug information or as padding.

use std::collections::{BTreeMap, BTreeSet};

use crate::canvas::{Canvas, Label, LabelId, Labels};
use crate::firmware::{Firmware, Section, Symbol};
use crate::lookup::Lookup;
use crate::mangled::shown;
use crate::references::{self, Reference};
use crate::{Owner, Structural};

/// The smallest instruction of Thumb-2 and of compressed RISC-V, in bytes.
const STEP: u64 = 2;

/// More bytes than this between two functions are not alignment.
const MAX_PADDING: u64 = 32;

/// Paints code section number `index`, and returns the addresses that its code computes.
pub(crate) fn paint<'data>(
    firmware: &Firmware<'data>,
    index: usize,
    lookup: &Lookup<'data>,
    labels: &mut Labels,
    canvas: &mut Canvas,
) -> Vec<Reference> {
    let section = &firmware.sections[index];
    let symbols = firmware.symbols_of(index);
    let mut sized: Vec<&Symbol<'_>> =
        symbols.iter().filter(|symbol| symbol.size > 0 && !symbol.is_private()).collect();
    // Inner before outer; of aliases the first by name.
    sized.sort_by_key(|symbol| (symbol.size, symbol.address, symbol.name));
    let mut painter = Painter { firmware, section, lookup, labels, canvas, pools: BTreeMap::new() };
    let mut found = Vec::new();
    for symbol in &sized {
        let end = symbol.address.saturating_add(symbol.size).min(section.end());
        painter.instructions(symbol.address.max(section.address), end, Some(*symbol));
        found.extend(references::scan(firmware, section, symbol.address, end));
    }
    found.extend(painter.unsized_code(symbols));
    painter.note_pools(&found);
    painter.loose_pools();
    for symbol in &sized {
        painter.pools_of(symbol);
    }
    painter.rest();
    found
}

struct Painter<'a, 'data> {
    firmware: &'a Firmware<'data>,
    section: &'a Section<'data>,
    lookup: &'a Lookup<'data>,
    labels: &'a mut Labels,
    canvas: &'a mut Canvas,
    /// Who loads the literal at an address.
    pools: BTreeMap<u64, BTreeSet<LabelId>>,
}

impl Painter<'_, '_> {
    /// Paints `start..end` instruction by instruction, leaving literals out.
    fn instructions(&mut self, start: u64, end: u64, symbol: Option<&Symbol<'_>>) {
        let mut at = start;
        while at < end {
            let next = ((at | (STEP - 1)) + 1).min(end);
            if self.canvas.at(at).is_none() && !self.firmware.is_pool(at) {
                let label = self.label(at, symbol);
                self.canvas.paint(at, next, label);
            }
            at = next;
        }
    }

    fn label(&mut self, address: u64, symbol: Option<&Symbol<'_>>) -> LabelId {
        let found = self.lookup.code(address, symbol);
        let symbol = symbol.map(|symbol| shown(symbol.name));
        self.labels.id(Label { owner: found.owner, file: found.file, symbol })
    }

    /// Paints what follows symbols without a size (assembly): up to the next symbol or painted byte.
    fn unsized_code(&mut self, symbols: &[Symbol<'_>]) -> Vec<Reference> {
        let mut found = Vec::new();
        for run in self.canvas.bare() {
            let inside: Vec<&Symbol<'_>> = symbols
                .iter()
                .filter(|symbol| (run.start..run.end).contains(&symbol.address))
                .collect();
            for (number, symbol) in inside.iter().enumerate() {
                let end = inside.get(number + 1).map_or(run.end, |next| next.address);
                // Labels at the end of a section mark it; what follows is not theirs.
                if symbol.size > 0 || is_boundary(symbol.name) || end == symbol.address {
                    continue;
                }
                self.instructions(symbol.address, end, Some(*symbol));
                found.extend(references::scan(self.firmware, self.section, symbol.address, end));
            }
        }
        found
    }

    fn note_pools(&mut self, found: &[Reference]) {
        for reference in found {
            let Some(literal) = reference.literal else {
                continue;
            };
            if let Some(label) = self.canvas.at(reference.from) {
                self.pools.entry(literal).or_default().insert(label);
            }
        }
    }

    /// Paints literals inside a function that have several users, or none that was seen, as the
    /// function itself.
    fn pools_of(&mut self, symbol: &Symbol<'_>) {
        let end = symbol.address.saturating_add(symbol.size).min(self.section.end());
        let mut own = None;
        let mut at = symbol.address.max(self.section.address);
        while at < end {
            let next = ((at | (STEP - 1)) + 1).min(end);
            if self.canvas.at(at).is_none() {
                let label = *own.get_or_insert_with(|| self.label(symbol.address, Some(symbol)));
                self.canvas.paint(at, next, label);
            }
            at = next;
        }
    }

    /// Paints literals that stand outside their function, as assemblers leave them.
    fn loose_pools(&mut self) {
        let literals: Vec<u64> = self.pools.keys().copied().collect();
        for literal in literals {
            if let Some(label) = self.only_user(literal) {
                self.canvas.paint(literal, literal.saturating_add(4), label);
            }
        }
    }

    /// The label of the instructions that load a literal, when they have one owner.
    fn only_user(&self, literal: u64) -> Option<LabelId> {
        let users = self.pools.get(&literal)?;
        let first = *users.first()?;
        let owner = &self.labels.get(first).owner;
        users.iter().all(|user| self.labels.get(*user).owner == *owner).then_some(first)
    }

    /// Paints what no symbol covers.
    fn rest(&mut self) {
        for run in self.canvas.bare() {
            let small = run.end - run.start <= MAX_PADDING;
            if small && self.lookup.debug.frames(run.start).is_empty() {
                let owner = Owner::Structural(Structural::Padding);
                let label = self.labels.id(Label { owner, file: None, symbol: None });
                self.canvas.paint(run.start, run.end, label);
                continue;
            }
            self.instructions(run.start, run.end, None);
            let label = self.label(run.start, None);
            self.canvas.paint(run.start, run.end, label);
        }
    }
}

/// Symbols of linker scripts that stand at the start or end of a section: `__etext`, `_stext`.
fn is_boundary(name: &str) -> bool {
    let bare = name.trim_start_matches('_');
    ["text", "etext", "stext", "srodata", "erodata", "veneer_base", "veneer_limit"].contains(&bare)
}
