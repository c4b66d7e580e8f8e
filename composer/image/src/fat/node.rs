//! A tree as a FAT sees it: checked, and each folder's entries with both names.

use std::collections::BTreeMap;

use super::directory::PART;
use super::error::{LONGEST_PATH, Refusal};
use super::name::{self, Short};
use crate::content::Data;
use crate::tree::{Inode, InodeId, Kind, Tree};

/// A file or folder.
#[derive(Debug)]
pub(super) struct Node {
    pub id: InodeId,
    pub path: String,
    /// Place of its folder among the nodes; of the root its own.
    pub parent: usize,
    /// Its own name, the last part of the path.
    pub name: String,
    pub short: Short,
    pub is: Is,
}

#[derive(Debug)]
pub(super) enum Is {
    /// A folder: the nodes in it, by name, and how many entries they take with all that belongs to a folder.
    Folder {
        inner: Vec<usize>,
        entries: u64,
    },
    File {
        data: Data,
        size: u32,
    },
}

impl Node {
    /// How many bytes it has on the disk.
    pub fn bytes(&self) -> u64 {
        match &self.is {
            Is::Folder { entries, .. } => entries * 32,
            Is::File { size, .. } => u64::from(*size),
        }
    }

    /// Entries that its names take in its folder.
    pub fn entries(&self) -> u64 {
        match name::is_short(&self.name) {
            true => 1,
            false => 1 + self.name.encode_utf16().count().div_ceil(PART) as u64,
        }
    }
}

/// Everything in a tree, folders before what is in them; the root first.
///
/// # Errors
/// Everything that a FAT cannot hold.
pub(super) fn nodes(tree: &Tree, labelled: bool) -> Result<Vec<Node>, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut nodes: Vec<Node> = Vec::new();
    let mut folders: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut first: BTreeMap<InodeId, String> = BTreeMap::new();
    for (raw, id) in tree.walk() {
        let path = shown(&raw);
        let inode = tree.inode(id);
        check(inode, &path, &mut refusals);
        if let Some(first) = first.get(&id) {
            refusals.push(Refusal::Link { path, first: first.clone() });
            continue;
        }
        if inode.names > 1 {
            first.insert(id, path.clone());
        }
        let cut = raw.iter().rposition(|byte| *byte == b'/');
        let (above, own) = cut.map_or((&raw[..0], &raw[..]), |at| (&raw[..at], &raw[at + 1..]));
        if let Some(why) = name::refused(own).filter(|_| !raw.is_empty()) {
            refusals.push(Refusal::Name { path: path.clone(), why });
        }
        if raw.len() > LONGEST_PATH {
            let start = path.chars().take(40).collect();
            refusals.push(Refusal::Path { path: start, size: raw.len() });
        }
        let is = match &inode.kind {
            Kind::Folder(_) => Is::Folder { inner: Vec::new(), entries: 0 },
            Kind::File(data) => {
                let size = u32::try_from(data.size()).unwrap_or_else(|_| {
                    refusals.push(Refusal::Large { path: path.clone(), size: data.size() });
                    u32::MAX
                });
                Is::File { data: data.clone(), size }
            }
            other => {
                refusals.push(Refusal::Kind { path, kind: kind(other) });
                continue;
            }
        };
        let parent = folders.get(above).copied().unwrap_or(0);
        let name = String::from_utf8_lossy(own).into_owned();
        let place = nodes.len();
        if matches!(is, Is::Folder { .. }) {
            folders.insert(raw.clone(), place);
        }
        nodes.push(Node { id, path, parent, name, short: [b' '; 11], is });
        if place > 0
            && let Is::Folder { inner, .. } = &mut nodes[parent].is
        {
            inner.push(place);
        }
    }
    for place in 0..nodes.len() {
        fill(&mut nodes, place, labelled, &mut refusals);
    }
    if refusals.is_empty() { Ok(nodes) } else { Err(refusals) }
}

/// What a FAT cannot say of an inode.
fn check(inode: &Inode, path: &str, refusals: &mut Vec<Refusal>) {
    let meta = &inode.meta;
    let path = || path.to_owned();
    if (meta.owner, meta.group) != (0, 0) {
        refusals.push(Refusal::Owner { path: path(), owner: meta.owner, group: meta.group });
    }
    if meta.mode > 0o777 {
        refusals.push(Refusal::Mode { path: path(), mode: meta.mode });
    }
    if !meta.attributes.is_empty() {
        refusals.push(Refusal::Attributes { path: path(), count: meta.attributes.len() });
    }
}

/// Finds the short names of what is in a folder, counts its entries and looks for names that are too much alike.
fn fill(nodes: &mut [Node], place: usize, labelled: bool, refusals: &mut Vec<Refusal>) {
    let Is::Folder { inner, .. } = &nodes[place].is else {
        return;
    };
    let inner = inner.clone();
    let names: Vec<&str> = inner.iter().map(|at| nodes[*at].name.as_str()).collect();
    let mut folded: BTreeMap<String, usize> = BTreeMap::new();
    for (name, at) in names.iter().zip(&inner) {
        if let Some(other) = folded.insert(name::folded(name), *at) {
            let (path, other) = (nodes[*at].path.clone(), nodes[other].path.clone());
            refusals.push(Refusal::Twins { path, other });
        }
    }
    let shorts = name::shorts(&names);
    for (at, short) in inner.iter().zip(shorts) {
        nodes[*at].short = short;
    }
    // The label; or the folder itself and the one above.
    let own = if place == 0 { u64::from(labelled) } else { 2 };
    let count = own + inner.iter().map(|at| nodes[*at].entries()).sum::<u64>();
    // FAT specification section 6: a folder has at most 65,536 entries; of a root of fixed size 16 bits
    // say how many there are, and they fill sectors.
    let most = if place == 0 { 65_536 - 128 } else { 65_536 };
    if count > most {
        refusals.push(Refusal::Full { path: nodes[place].path.clone(), entries: count, most });
    }
    if let Is::Folder { entries, .. } = &mut nodes[place].is {
        *entries = count;
    }
}

const fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Symlink(_) => "symbolic link",
        Kind::Character { .. } => "character device",
        Kind::Block { .. } => "block device",
        Kind::Fifo => "named pipe",
        Kind::Socket => "socket",
        Kind::Folder(_) | Kind::File(_) => "file",
    }
}

fn shown(path: &[u8]) -> String {
    match path {
        [] => "/".to_owned(),
        path => String::from_utf8_lossy(path).escape_debug().to_string(),
    }
}
