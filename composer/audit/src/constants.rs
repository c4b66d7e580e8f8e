//! Paints data: symbols by their owners, and what has no symbol (string literals, tables, panic
//! locations: the compiler keeps no names for them) by who refers to it.
//!
//! Something without a symbol starts where an address points and ends at the next such address,
//! symbol or end of section. It belongs to the one owner whose code or data refers to it, directly
//! or through other nameless data; to nobody in particular where several do.

use std::collections::{BTreeMap, BTreeSet};

use crate::canvas::{Canvas, Label, Labels};
use crate::firmware::{Firmware, Section};
use crate::lookup::Lookup;
use crate::mangled::shown;
use crate::references::Reference;
use crate::{Owner, Structural};

/// Alignment that a linker inserts for a nameless neighbour is smaller than this, in bytes.
const MAX_PADDING: u64 = 32;

/// Paints the variables and constants of data section number `index` that have symbols.
pub(crate) fn paint_symbols(
    firmware: &Firmware<'_>,
    index: usize,
    lookup: &Lookup<'_>,
    labels: &mut Labels,
    canvas: &mut Canvas,
) {
    let mut symbols: Vec<_> = firmware.symbols_of(index).iter().collect();
    // Inner before outer: the compiler merges variables under a name of its own.
    symbols.sort_by_key(|symbol| (symbol.size, symbol.address, symbol.name));
    for symbol in symbols {
        if symbol.size == 0 || symbol.is_private() {
            continue;
        }
        if let Some(found) = lookup.variable(symbol) {
            let symbol_name = Some(shown(symbol.name));
            let label =
                labels.id(Label { owner: found.owner, file: found.file, symbol: symbol_name });
            canvas.paint(symbol.address, symbol.address.saturating_add(symbol.size), label);
        }
    }
}

/// Something without a symbol.
#[derive(Debug)]
struct Nameless {
    section: usize,
    end: u64,
    referred: bool,
    owners: BTreeSet<Owner>,
}

/// Paints everything in data sections that has no symbol. `canvases` are those of all sections,
/// code painted already; `references` what code computes.
pub(crate) fn paint_nameless(
    firmware: &Firmware<'_>,
    references: &[(usize, Reference)],
    labels: &mut Labels,
    canvases: &mut [Canvas],
) {
    let owner_at = |labels: &Labels, canvas: &Canvas, address| {
        canvas.at(address).map(|label| labels.get(label).owner.clone())
    };
    let mut direct: BTreeMap<u64, BTreeSet<Owner>> = BTreeMap::new();
    for (section, reference) in references {
        let owner = owner_at(labels, &canvases[*section], reference.from);
        direct.entry(reference.to).or_default().extend(owner);
    }
    // Pointers in data: from a named variable a reference, from a nameless one an edge.
    let mut edges: Vec<(u64, u64)> = Vec::new();
    let data = || firmware.sections.iter().enumerate().filter(|(_, section)| !section.code);
    for (index, section) in data() {
        for at in (section.address.next_multiple_of(4)..section.end()).step_by(4) {
            let Some(to) = section.word(at).map(u64::from) else {
                break;
            };
            if !data().any(|(_, section)| (section.address..section.end()).contains(&to)) {
                continue;
            }
            match owner_at(labels, &canvases[index], at) {
                Some(owner) => drop(direct.entry(to).or_default().insert(owner)),
                None => edges.push((at, to)),
            }
        }
    }
    let targets: BTreeSet<u64> =
        direct.keys().copied().chain(edges.iter().map(|(_, to)| *to)).collect();
    let mut nameless: BTreeMap<u64, Nameless> = BTreeMap::new();
    for (index, _) in data() {
        // The compiler's own symbols, where the linker kept them, say where things start and end.
        let bounds = firmware.symbols_of(index).iter().filter(|symbol| symbol.size > 0);
        let bounds = bounds.flat_map(|s| [s.address, s.address.saturating_add(s.size)]);
        let starts: BTreeSet<u64> = targets.iter().copied().chain(bounds).collect();
        for run in canvases[index].bare() {
            let mut cuts: Vec<u64> = starts.range(run.start + 1..run.end).copied().collect();
            cuts.insert(0, run.start);
            for (number, start) in cuts.iter().enumerate() {
                let end = cuts.get(number + 1).copied().unwrap_or(run.end);
                let referred = targets.contains(start);
                let owners = direct.get(start).cloned().unwrap_or_default();
                nameless.insert(*start, Nameless { section: index, end, referred, owners });
            }
        }
    }
    spread(&mut nameless, &edges);
    for (start, piece) in &nameless {
        let section = &firmware.sections[piece.section];
        let mut owners = piece.owners.iter();
        let owner = match (owners.next(), owners.next()) {
            (Some(only), None) if *only != Owner::Structural(Structural::Code) => only.clone(),
            _ if !piece.referred && is_padding(section, *start, piece.end) => {
                Owner::Structural(Structural::Padding)
            }
            _ if section.writable => Owner::Structural(Structural::Variables),
            _ => Owner::Structural(Structural::Constants),
        };
        let label = labels.id(Label { owner, file: None, symbol: None });
        canvases[piece.section].paint(*start, piece.end, label);
    }
}

/// Hands owners on along pointers until nothing changes.
fn spread(nameless: &mut BTreeMap<u64, Nameless>, edges: &[(u64, u64)]) {
    let holder = |nameless: &BTreeMap<u64, Nameless>, at: u64| {
        let (start, piece) = nameless.range(..=at).next_back()?;
        (at < piece.end).then_some(*start)
    };
    let edges: Vec<(u64, u64)> = edges
        .iter()
        .filter_map(|(from, to)| Some((holder(nameless, *from)?, holder(nameless, *to)?)))
        .filter(|(from, to)| from != to)
        .collect();
    let mut changed = true;
    while changed {
        changed = false;
        for (from, to) in &edges {
            let owners = nameless[from].owners.clone();
            if let Some(piece) = nameless.get_mut(to) {
                let before = piece.owners.len();
                piece.owners.extend(owners);
                changed |= piece.owners.len() > before;
            }
        }
    }
}

/// Whether bytes that nothing refers to can be there only to align what follows.
fn is_padding(section: &Section<'_>, start: u64, end: u64) -> bool {
    let zero = (start..end)
        .all(|at| section.bytes.get((at - section.address) as usize).is_none_or(|byte| *byte == 0));
    let aligned = 1u64.checked_shl(end.trailing_zeros()).unwrap_or(u64::MAX);
    zero && end - start < aligned.min(MAX_PADDING)
}
