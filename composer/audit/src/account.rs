//! How the account is made: sections are painted byte by byte ([`crate::canvas`]) and memories read
//! from the painted sections, so the rows sum to what is used whatever the ELF says. Who owns what is
//! decided in [`crate::lookup`] (code, variables) and [`crate::constants`] (data without a name).

use std::collections::BTreeMap;

use tarsia_image::{Flash, Region};

use crate::attribution::{Attribution, AuditError, Input, MOST, Part, Row, Usage};
use crate::canvas::{Canvas, Label, LabelId, Labels};
use crate::debug::Debug;
use crate::firmware::{Firmware, Section};
use crate::lookup::Lookup;
use crate::owner::Index;
use crate::{Owner, Structural, code, constants};

/// Accounts for every byte of a linked firmware.
///
/// # Errors
/// When the ELF is damaged, or has sections outside both memories.
pub fn attribute(input: Input<'_>) -> Result<Attribution, AuditError> {
    let flash = Flash::from_elf(input.elf, input.flash)?;
    let file = object::File::parse(input.elf)?;
    let mut firmware = Firmware::parse(&file)?;
    firmware.leave_out(|section| section.name == ".stack");
    check_places(&firmware, &flash, input)?;
    let lookup = Lookup { index: Index::new(input.owners), debug: Debug::parse(&file)? };
    let mut labels = Labels::default();
    let canvases = paint(&firmware, &lookup, &mut labels);
    let mut tally = Tally { labels: &mut labels, rows: BTreeMap::new() };
    let flash = Usage {
        region: input.flash,
        used: flash.used(),
        rows: flash_rows(&firmware, &canvases, &flash, &mut tally),
    };
    let used = ram_used(&firmware, input);
    let ram =
        Usage { region: input.ram, used, rows: ram_rows(&firmware, &canvases, input, &mut tally) };
    Ok(Attribution { flash, ram })
}

/// Every section is in a memory, and no memory is beyond what can be painted.
fn check_places(
    firmware: &Firmware<'_>,
    flash: &Flash,
    input: Input<'_>,
) -> Result<(), AuditError> {
    let mut size = flash.used();
    for section in &firmware.sections {
        let place = Region { base: section.address, size: section.size };
        size = size.saturating_add(section.size);
        let runs = |memory: Region| memory.holds(place.base, place.size);
        if !runs(input.flash) && !runs(input.ram) {
            let (flash, ram) = (input.flash, input.ram);
            let section = section.name.to_owned();
            return Err(AuditError::Stray { section, place, flash, ram });
        }
    }
    if size > MOST { Err(AuditError::TooLarge { size }) } else { Ok(()) }
}

/// Sections whose name says what they are.
fn by_section_name(name: &str) -> Option<Structural> {
    match name {
        ".vector_table" | ".vectors" | ".isr_vector" => Some(Structural::VectorTable),
        ".boot2" | ".boot_info" | ".start_block" | ".image_header" => Some(Structural::ImageHeader),
        _ if name.starts_with(".ARM.ex") || name.starts_with(".eh_frame") => {
            Some(Structural::Unwind)
        }
        _ => None,
    }
}

/// One fully painted canvas for each section.
fn paint<'data>(
    firmware: &Firmware<'data>,
    lookup: &Lookup<'data>,
    labels: &mut Labels,
) -> Vec<Canvas> {
    let mut canvases = Vec::with_capacity(firmware.sections.len());
    let mut references = Vec::new();
    for (index, section) in firmware.sections.iter().enumerate() {
        let mut canvas = Canvas::new(section.address, section.size as usize);
        if let Some(kind) = by_section_name(section.name) {
            let owner = Owner::Structural(kind);
            let label = labels.id(Label { owner, file: None, symbol: None });
            canvas.paint(section.address, section.end(), label);
        } else if section.code {
            let found = code::paint(firmware, index, lookup, labels, &mut canvas);
            references.extend(found.into_iter().map(|reference| (index, reference)));
        } else {
            constants::paint_symbols(firmware, index, lookup, labels, &mut canvas);
        }
        canvases.push(canvas);
    }
    constants::paint_nameless(firmware, &references, labels, &mut canvases);
    canvases
}

/// Section, file and symbol.
type Origin = (String, Option<String>, Option<String>);

/// Collects bytes into rows.
struct Tally<'a> {
    labels: &'a mut Labels,
    rows: BTreeMap<Owner, BTreeMap<Origin, u64>>,
}

impl Tally<'_> {
    fn add(&mut self, section: &str, label: Label, bytes: u64) {
        if bytes > 0 {
            let parts = self.rows.entry(label.owner).or_default();
            *parts.entry((section.to_owned(), label.file, label.symbol)).or_default() += bytes;
        }
    }

    fn structural(&mut self, section: &str, kind: Structural, bytes: u64) {
        let owner = Owner::Structural(kind);
        self.add(section, Label { owner, file: None, symbol: None }, bytes);
    }

    fn section(&mut self, section: &Section<'_>, canvas: &Canvas, stored: bool) {
        for run in canvas.runs() {
            let bytes = run.end - run.start;
            let Some(label) = run.label.map(|label: LabelId| self.labels.get(label).clone()) else {
                self.structural(section.name, Structural::Padding, bytes);
                continue;
            };
            match label.owner {
                Owner::Structural(Structural::Variables) if stored => {
                    self.structural(section.name, Structural::InitialValues, bytes);
                }
                _ => self.add(section.name, label, bytes),
            }
        }
    }

    fn take(&mut self) -> Vec<Row> {
        let part = |((section, file, symbol), bytes)| Part { section, file, symbol, bytes };
        let rows = std::mem::take(&mut self.rows).into_iter();
        rows.map(|(owner, parts)| Row { owner, parts: parts.into_iter().map(part).collect() })
            .collect()
    }
}

/// The rows of the flash, read off front to back: sections by load address, gaps as padding.
fn flash_rows(
    firmware: &Firmware<'_>,
    canvases: &[Canvas],
    flash: &Flash,
    tally: &mut Tally<'_>,
) -> Vec<Row> {
    let mut stored: Vec<(u64, usize)> = firmware
        .sections
        .iter()
        .enumerate()
        .filter_map(|(index, section)| Some((section.load?, index)))
        .collect();
    stored.sort_unstable();
    let mut at = flash.region.base;
    for (load, index) in stored {
        let section = &firmware.sections[index];
        // Segments do not overlap, so stored sections do not either, unless the section table lies.
        let load = load.max(at);
        let end = (section.load.unwrap_or(load) + section.size).max(load);
        tally.structural("", Structural::Padding, load - at);
        if end - load == section.size {
            tally.section(section, &canvases[index], true);
        } else {
            tally.structural(section.name, Structural::Padding, end - load);
        }
        at = end;
    }
    tally.structural(
        "",
        Structural::Padding,
        (flash.region.base + flash.used()).saturating_sub(at),
    );
    tally.take()
}

/// The sections that are in RAM when running, by address.
fn in_ram<'a, 'd>(firmware: &'a Firmware<'d>, ram: Region) -> Vec<(usize, &'a Section<'d>)> {
    let sections = firmware.sections.iter().enumerate();
    let mut found: Vec<_> =
        sections.filter(|(_, section)| ram.holds(section.address, section.size)).collect();
    found.sort_by_key(|(index, section)| (section.address, *index));
    found
}

/// Bytes before each section that align it; a wider gap is free memory.
fn alignment(sections: &[(usize, &Section<'_>)], ram: Region) -> u64 {
    let mut at = ram.base;
    let mut sum = 0;
    for (_, section) in sections {
        let gap = section.address.saturating_sub(at);
        sum += if gap < section.align { gap } else { 0 };
        at = at.max(section.end());
    }
    sum
}

fn ram_used(firmware: &Firmware<'_>, input: Input<'_>) -> u64 {
    let sections = in_ram(firmware, input.ram);
    let sizes: u64 = sections.iter().map(|(_, section)| section.size).sum();
    sizes + alignment(&sections, input.ram) + input.stack
}

fn ram_rows(
    firmware: &Firmware<'_>,
    canvases: &[Canvas],
    input: Input<'_>,
    tally: &mut Tally<'_>,
) -> Vec<Row> {
    let sections = in_ram(firmware, input.ram);
    for (index, section) in &sections {
        tally.section(section, &canvases[*index], false);
    }
    tally.structural("", Structural::Padding, alignment(&sections, input.ram));
    tally.structural("", Structural::Stack, input.stack);
    tally.take()
}
