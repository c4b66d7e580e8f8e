//! Writing of a FAT, from its first byte to its last.

use std::collections::BTreeMap;
use std::io::Write;

use super::directory::{ARCHIVE, DOT, DOTS, Entry, FOLDER, LABEL, long};
use super::geometry::{Geometry, Misfit};
use super::image::{MEDIA, NO_LABEL, reserved};
use super::name;
use super::node::{Is, Node, nodes};
use super::time::DosTime;
use super::{FatError, Options, Width};
use crate::extent::{Extents, Part};
use crate::tree::Tree;

/// How much of a file is in memory at once, and of anything else, in bytes.
const PIECE: usize = 1 << 18;
const MIB: u64 = 1 << 20;

/// Writes a FAT of `tree` and tells what each byte of it is for. The clusters of a file are its own to their ends.
///
/// # Errors
/// When an option is not possible; all things that a FAT cannot hold; when the files do not fit; when a file cannot
/// be read, or the output not be written.
pub fn write(tree: &Tree, options: &Options, out: &mut impl Write) -> Result<Extents, FatError> {
    let label = label(&options.label)?;
    let time = DosTime::of(options.modified).ok_or(FatError::Time { seconds: options.modified })?;
    let nodes = nodes(tree, label.is_some()).map_err(|refusals| FatError::Refused { refusals })?;
    let geometry = fit(&nodes, options)?;
    let mut next = 2;
    // Where each begins, and how many clusters it has; a root of fixed size has none.
    let runs: Vec<(u32, u64)> = nodes
        .iter()
        .map(|node| {
            let count = needed(node, &geometry);
            let first = if count == 0 { 0 } else { next as u32 };
            next += count;
            (first, count)
        })
        .collect();
    let used = next - 2;

    let mut extents = Extents::default();
    let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(FatError::Write);
    put(&reserved(&geometry, used, options.volume, &label.unwrap_or(NO_LABEL)))?;
    extents.push(geometry.reserved * geometry.sector, Part::Structure("boot sectors"));
    for _ in 0..2 {
        table(&geometry, &runs, &mut put)?;
        extents.push(geometry.table * geometry.sector, Part::Structure("file allocation table"));
    }
    let writer = Writer { nodes: &nodes, runs: &runs, time, label };
    for (place, node) in nodes.iter().enumerate() {
        let room = match (place, geometry.width) {
            (0, Width::Fat12 | Width::Fat16) => geometry.root() * geometry.sector,
            _ => runs[place].1 * geometry.cluster(),
        };
        match &node.is {
            Is::Folder { inner, .. } => put(&writer.folder(place, inner))?,
            Is::File { data, size } => {
                let mut buffer = vec![0; PIECE.min(*size as usize)];
                let mut done = 0;
                while done < *size {
                    let piece = &mut buffer[..PIECE.min((size - done) as usize)];
                    let offset = u64::from(done);
                    data.read_at(offset, piece).map_err(|source| FatError::Content {
                        path: node.path.clone(),
                        offset,
                        size: piece.len(),
                        source,
                    })?;
                    put(piece)?;
                    done += piece.len() as u32;
                }
            }
        }
        zeros(room - node.bytes(), &mut put)?;
        extents.push(room, Part::Inode(node.id));
    }
    let free = (geometry.clusters - used) * geometry.cluster();
    extents.push(free, Part::Structure("free clusters"));
    let whole = geometry.data() + geometry.clusters * geometry.per_cluster;
    let rest = (geometry.sectors - whole) * geometry.sector;
    extents.push(rest, Part::Structure("padding"));
    zeros(free + rest, &mut put)?;
    Ok(extents)
}

/// The label as an entry has it, if there is one (FAT specification section 6.1: as a short name, and with spaces).
fn label(label: &str) -> Result<Option<[u8; 11]>, FatError> {
    let possible = |c: char| (' '..='~').contains(&c) && !"\"*+,./:;<=>?[\\]|".contains(c);
    let lower = label.bytes().any(|byte| byte.is_ascii_lowercase());
    if lower || label.len() > 11 || label.starts_with(' ') || !label.chars().all(possible) {
        return Err(FatError::Label { label: label.to_owned() });
    }
    let mut padded = [b' '; 11];
    padded[..label.len()].copy_from_slice(label.as_bytes());
    Ok((!label.is_empty()).then_some(padded))
}

/// The sizes of a FAT that holds everything.
fn fit(nodes: &[Node], options: &Options) -> Result<Geometry, FatError> {
    let Options { sector, width, size, free, .. } = *options;
    let root_entries = nodes[0].bytes() / 32;
    let mut taken: BTreeMap<(u64, bool), u64> = BTreeMap::new();
    let mut full = |geometry: &Geometry| {
        let fixed = geometry.width != Width::Fat32;
        let taken = taken
            .entry((geometry.cluster(), fixed))
            .or_insert_with(|| nodes.iter().map(|node| needed(node, geometry)).sum());
        let needed = taken.saturating_add(geometry.clusters_of(free));
        (needed > geometry.clusters).then_some(needed)
    };
    if let Some(size) = size {
        if !size.is_multiple_of(sector.bytes()) {
            return Err(FatError::Broken { size, sector: sector.bytes() });
        }
        let all = Geometry::all(size, sector, width, root_entries).map_err(|misfit| {
            FatError::Size { size: Some(size), large: misfit == Misfit::TooLarge, width }
        })?;
        if let Some(fits) = all.iter().find(|geometry| full(geometry).is_none()) {
            return Ok(*fits);
        }
        let usual = &all[0];
        return Err(FatError::Full {
            needed: full(usual).unwrap_or(0).saturating_mul(usual.cluster()),
            room: usual.clusters * usual.cluster(),
            cluster: usual.cluster(),
            size,
            free,
        });
    }
    // Nothing smaller than what is in it can hold it.
    let least = nodes.iter().map(Node::bytes).sum::<u64>().saturating_add(free);
    let mut mebibytes = least.div_ceil(MIB).max(1);
    loop {
        let all = Geometry::all(mebibytes.saturating_mul(MIB), sector, width, root_entries);
        if let Err(Misfit::TooLarge) = all {
            return Err(FatError::Size { size: None, large: true, width });
        }
        if let Some(fits) = all.iter().flatten().find(|geometry| full(geometry).is_none()) {
            return Ok(*fits);
        }
        mebibytes += 1;
    }
}

/// How many clusters something takes.
fn needed(node: &Node, geometry: &Geometry) -> u64 {
    match &node.is {
        // Only the root has no name.
        Is::Folder { .. } if node.name.is_empty() => match geometry.width {
            Width::Fat32 => geometry.clusters_of(node.bytes()).max(1),
            _ => 0,
        },
        Is::Folder { .. } | Is::File { .. } => geometry.clusters_of(node.bytes()),
    }
}

/// A file allocation table: for each cluster the next one of the same thing (FAT specification section 4).
fn table(
    geometry: &Geometry,
    runs: &[(u32, u64)],
    put: &mut impl FnMut(&[u8]) -> Result<(), FatError>,
) -> Result<(), FatError> {
    let end = match geometry.width {
        Width::Fat12 => 0xfff,
        Width::Fat16 => 0xffff,
        Width::Fat32 => 0x0fff_ffff,
    };
    // The first entry repeats the medium, the second says that all is well.
    let first = [end & !0xff | u32::from(MEDIA), end];
    let used = runs.iter().flat_map(|(first, count)| {
        let last = *count;
        (1..=last).map(move |at| if at == last { end } else { first + at as u32 })
    });
    let mut bytes = Vec::with_capacity(PIECE + 8);
    let mut written = 0;
    // Of FAT12 two entries share the middle one of three bytes.
    let mut half: Option<u32> = None;
    for entry in first.into_iter().chain(used) {
        match (geometry.width, half.take()) {
            (Width::Fat32, _) => bytes.extend(entry.to_le_bytes()),
            (Width::Fat16, _) => bytes.extend(&entry.to_le_bytes()[..2]),
            (Width::Fat12, None) => half = Some(entry),
            (Width::Fat12, Some(low)) => bytes.extend(&(entry << 12 | low).to_le_bytes()[..3]),
        }
        if bytes.len() >= PIECE {
            put(&bytes)?;
            written += bytes.len() as u64;
            bytes.clear();
        }
    }
    if let Some(low) = half {
        bytes.extend(&low.to_le_bytes()[..2]);
    }
    put(&bytes)?;
    zeros(geometry.table * geometry.sector - written - bytes.len() as u64, put)
}

/// What folders are written from.
struct Writer<'a> {
    nodes: &'a [Node],
    runs: &'a [(u32, u64)],
    time: DosTime,
    label: Option<[u8; 11]>,
}

impl Writer<'_> {
    fn entry(&self, short: name::Short, attributes: u8, cluster: u32, size: u32) -> Entry {
        Entry { short, attributes, case: 0, written: self.time, cluster, size }
    }

    /// The entries of a folder.
    fn folder(&self, place: usize, inner: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let parent = self.nodes[place].parent;
        if place > 0 {
            bytes.extend(self.entry(DOT, FOLDER, self.runs[place].0, 0).bytes());
            // The root is 0 also where it has clusters (FAT specification section 6.5).
            let above = if parent == 0 { 0 } else { self.runs[parent].0 };
            bytes.extend(self.entry(DOTS, FOLDER, above, 0).bytes());
        } else if let Some(label) = self.label {
            bytes.extend(self.entry(label, LABEL, 0, 0).bytes());
        }
        for at in inner {
            let node = &self.nodes[*at];
            if !name::is_short(&node.name) {
                bytes.extend(long(&node.name, &node.short).as_flattened());
            }
            let (attributes, size) = match &node.is {
                Is::Folder { .. } => (FOLDER, 0),
                Is::File { size, .. } => (ARCHIVE, *size),
            };
            bytes.extend(self.entry(node.short, attributes, self.runs[*at].0, size).bytes());
        }
        bytes
    }
}

fn zeros(
    mut count: u64,
    put: &mut impl FnMut(&[u8]) -> Result<(), FatError>,
) -> Result<(), FatError> {
    const ZEROS: [u8; 4_096] = [0; 4_096];
    while count > 0 {
        let now = count.min(ZEROS.len() as u64);
        put(&ZEROS[..now as usize])?;
        count -= now;
    }
    Ok(())
}
