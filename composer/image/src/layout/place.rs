//! Giving partitions their places, and finding what is wrong with them.

use std::collections::BTreeMap;

use super::{
    ALIGNMENT, LONGEST_NAME, LayoutProblem, MOST_PARTITIONS, Sector, TABLE, Wanted, WantedPartition,
};

/// A disk whose partitions have their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its sectors.
    pub sector: Sector,
    /// How many it has.
    pub sectors: u64,
    /// Its partitions, in the order in which they were wanted.
    pub partitions: Vec<Placed>,
}

/// A partition that has its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its name.
    pub name: String,
    /// Its first sector.
    pub first: u64,
    /// How many sectors it has, at least one.
    pub sectors: u64,
}

/// Gives every partition its place.
///
/// # Errors
/// All problems, in the order of the partitions; overlaps and what concerns the disk last.
pub fn place(wanted: &Wanted) -> Result<Layout, Vec<LayoutProblem>> {
    let mut problems = Vec::new();
    names(wanted, &mut problems);
    // Where each starts and ends; only those of which that can be said.
    let mut spans: Vec<(u64, u64, &str)> = Vec::new();
    let mut next = Some(wanted.sector.first_usable() * wanted.sector.bytes());
    for partition in &wanted.partitions {
        alone(partition, wanted.sector, &mut problems);
        let start = partition.offset.or_else(|| {
            let alignment = partition.alignment.max(1);
            next.and_then(|next| next.checked_next_multiple_of(alignment))
        });
        let end = start.and_then(|start| start.checked_add(partition.size));
        match (start, end) {
            (Some(start), Some(end)) => spans.push((start, end, &partition.name)),
            // After one that has no end there is no place; only the first is told.
            _ if next.is_some() || partition.offset.is_some() => {
                let (name, size) = (partition.name.clone(), partition.size);
                problems.push(LayoutProblem::Endless { name, start, size });
            }
            _ => {}
        }
        next = end;
    }
    overlaps(&spans, &mut problems);
    let sectors = disk(wanted, &spans, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let bytes = wanted.sector.bytes();
    let placed = spans.into_iter().map(|(start, end, name)| Placed {
        name: name.to_owned(),
        first: start / bytes,
        sectors: (end - start) / bytes,
    });
    Ok(Layout { sector: wanted.sector, sectors, partitions: placed.collect() })
}

/// What is wrong with the names and their number.
fn names(wanted: &Wanted, problems: &mut Vec<LayoutProblem>) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for partition in &wanted.partitions {
        *times.entry(&partition.name).or_default() += 1;
        let units = partition.name.encode_utf16().count();
        if units == 0 || units > LONGEST_NAME || partition.name.contains('\0') {
            problems.push(LayoutProblem::Name { name: partition.name.clone(), units });
        }
    }
    let twice = times.into_iter().filter(|(_, times)| *times > 1);
    problems.extend(
        twice.map(|(name, times)| LayoutProblem::Duplicate { name: name.to_owned(), times }),
    );
    let count = wanted.partitions.len();
    if count > MOST_PARTITIONS {
        problems.push(LayoutProblem::TooMany { count });
    }
}

/// What is wrong with a partition whatever the others are.
fn alone(partition: &WantedPartition, sector: Sector, problems: &mut Vec<LayoutProblem>) {
    let WantedPartition { size, alignment, .. } = *partition;
    let name = || partition.name.clone();
    let usable = alignment.is_power_of_two() && alignment >= sector.bytes();
    if !usable {
        problems.push(LayoutProblem::Alignment { name: name(), alignment, sector: sector.bytes() });
    }
    if let Some(offset) = partition.offset {
        if usable && !offset.is_multiple_of(alignment) {
            problems.push(LayoutProblem::Misaligned { name: name(), start: offset, alignment });
        }
        let first = sector.first_usable() * sector.bytes();
        if offset < first {
            problems.push(LayoutProblem::TooEarly { name: name(), start: offset, first });
        }
    }
    if size == 0 {
        problems.push(LayoutProblem::Empty { name: name() });
    } else if !size.is_multiple_of(sector.bytes()) {
        problems.push(LayoutProblem::Broken { name: name(), size, sector: sector.bytes() });
    }
    let headroom = partition.headroom.of(size);
    match partition.content {
        Some(content) if content > size => {
            problems.push(LayoutProblem::Content { name: name(), content, size });
        }
        Some(content) if headroom > size - content => {
            problems.push(LayoutProblem::Headroom { name: name(), content, size, headroom });
        }
        _ => {}
    }
}

/// What lies on what: each partition with the one before it on the disk that reaches furthest.
fn overlaps(spans: &[(u64, u64, &str)], problems: &mut Vec<LayoutProblem>) {
    let mut sorted: Vec<_> = spans.iter().filter(|(start, end, _)| start < end).collect();
    sorted.sort();
    let mut furthest: Option<(u64, &str)> = None;
    for (start, end, name) in sorted {
        if let Some((other_end, other)) = furthest.filter(|(other_end, _)| start < other_end) {
            let (name, other) = ((*name).to_owned(), other.to_owned());
            problems.push(LayoutProblem::Overlap { name, start: *start, other, end: other_end });
        }
        if furthest.is_none_or(|(other_end, _)| *end > other_end) {
            furthest = Some((*end, name));
        }
    }
}

/// How many sectors the disk has, and what does not fit it. The number means nothing when there are problems.
fn disk(wanted: &Wanted, spans: &[(u64, u64, &str)], problems: &mut Vec<LayoutProblem>) -> u64 {
    let sector = wanted.sector;
    let last = spans.iter().max_by_key(|(_, end, _)| *end);
    let end = last.map_or(0, |(_, end, _)| *end);
    let Some(size) = wanted.size else {
        let first = sector.first_usable() * sector.bytes();
        // One usable sector at least, also when there is no partition.
        let whole = end.max(first + sector.bytes()).checked_add(TABLE + sector.bytes());
        let Some(size) = whole.and_then(|whole| whole.checked_next_multiple_of(ALIGNMENT)) else {
            let (name, start) = last.map_or((String::new(), 0), |last| (last.2.to_owned(), last.0));
            problems.push(LayoutProblem::Endless { name, start: Some(start), size: end - start });
            return 0;
        };
        return size / sector.bytes();
    };
    let sectors = size / sector.bytes();
    let usable = sector.end_usable(sectors).map(|end| end * sector.bytes());
    match usable {
        _ if !size.is_multiple_of(sector.bytes()) => {
            problems.push(LayoutProblem::BrokenDisk { size, sector: sector.bytes() });
        }
        None => {
            let smallest = 2 * TABLE + 4 * sector.bytes();
            problems.push(LayoutProblem::TinyDisk { size, smallest });
        }
        Some(usable) if end > usable => {
            let name = last.map_or(String::new(), |(_, _, name)| (*name).to_owned());
            problems.push(LayoutProblem::Beyond { name, end, usable, size });
        }
        Some(_) => {}
    }
    sectors
}
