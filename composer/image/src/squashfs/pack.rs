//! Contents of files on their way into an image: equal ones once, large ones as blocks, small ones in
//! fragments. They are packed on all cores, a bounded batch at a time, while the batch before is written.

use std::collections::BTreeMap;
use std::io::Write;

use rayon::prelude::*;

use crate::content::Data;
use crate::extent::{Extents, Part};
use crate::tree::{InodeId, Kind, Tree};

use super::error::WriteError;
use super::format::{DATA_RAW, NO_INDEX};
use super::group::{Small, groups};
use super::piece::{Maker, Piece};

/// About how much of a file is packed, and kept in the store, as one piece, in bytes.
const PIECE: u64 = 4 << 20;
/// How much is in a batch at least, unpacked, in bytes; at most a piece more.
const BATCH: u64 = 32 << 20;

/// A content and the files that have it.
#[derive(Debug)]
struct Content {
    data: Data,
    /// Path of the first of them.
    path: Vec<u8>,
    inodes: Vec<InodeId>,
    placed: Placed,
}

/// Where a content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Where its blocks start in the image; 0 when there are none.
    pub start: u64,
    /// Size of each block, as inodes have it.
    pub blocks: Vec<u32>,
    /// How many bytes are in blocks of zeros.
    pub holes: u64,
    /// Its fragment, or [`NO_INDEX`].
    pub fragment: u32,
    /// Offset in the unpacked fragment.
    pub offset: u32,
}

/// What is packed at once.
#[derive(Debug)]
enum Unit {
    /// Blocks of a content, from an offset on.
    Blocks { content: usize, offset: u64, size: u64 },
    /// A fragment of whole contents.
    Fragment { contents: Vec<usize>, size: u64 },
}

/// All contents of a tree.
#[derive(Debug)]
pub(super) struct Contents {
    list: Vec<Content>,
    /// The content of each file, by the inode's place in the tree.
    of: BTreeMap<usize, usize>,
    units: Vec<Unit>,
}

impl Contents {
    /// Those of `walk`, in its order.
    pub fn collect(tree: &Tree, walk: &[(Vec<u8>, InodeId)], block_size: u32) -> Self {
        let mut list: Vec<Content> = Vec::new();
        let mut of = BTreeMap::new();
        let mut known = BTreeMap::new();
        for (path, id) in walk {
            let Kind::File(data) = &tree.inode(*id).kind else { continue };
            if of.contains_key(&id.index()) {
                continue;
            }
            let at = *known.entry((data.digest(), data.size())).or_insert_with(|| {
                let (fragment, offset) = (NO_INDEX, 0);
                let placed = Placed { start: 0, blocks: Vec::new(), holes: 0, fragment, offset };
                let (data, path) = (data.clone(), path.clone());
                list.push(Content { data, path, inodes: Vec::new(), placed });
                list.len() - 1
            });
            list[at].inodes.push(*id);
            of.insert(id.index(), at);
        }
        let units = units(&list, block_size.into());
        Self { list, of, units }
    }

    /// Where the content of a file is.
    pub fn placed(&self, id: InodeId) -> Option<&Placed> {
        self.of.get(&id.index()).map(|at| &self.list[*at].placed)
    }

    /// Packs and writes all, and notes where each is. Gives the fragments, each with its offset in the
    /// image and its size as the table of fragments has it.
    ///
    /// # Errors
    /// Those of contents, of the codec, and of `out`.
    pub fn write(
        &mut self,
        maker: Maker<'_>,
        out: &mut impl Write,
        extents: &mut Extents,
    ) -> Result<Vec<(u64, u32)>, WriteError> {
        let units = std::mem::take(&mut self.units);
        let mut fragments = Vec::new();
        let mut rest = units.as_slice();
        let mut ready: (&[Unit], Vec<Piece>) = (&[], Vec::new());
        loop {
            let (batch, after) = rest.split_at(batch(rest));
            let mut made = Ok(Vec::new());
            let mut written = Ok(());
            {
                let list = &self.list;
                let pack = |made: &mut _| {
                    let pieces: Vec<_> =
                        batch.par_iter().map(|unit| unit.pack(list, maker)).collect();
                    // The first error by place, not by time.
                    *made = pieces.into_iter().collect();
                };
                rayon::in_place_scope(|scope| {
                    if !batch.is_empty() {
                        scope.spawn(|_| pack(&mut made));
                    }
                    written = ready.1.iter().try_for_each(|piece| out.write_all(&piece.bytes));
                });
            }
            written.map_err(WriteError::Out)?;
            let (units, pieces) = std::mem::replace(&mut ready, (batch, made?));
            for (unit, piece) in units.iter().zip(pieces) {
                self.place(unit, piece, maker.block_size, extents, &mut fragments);
            }
            if batch.is_empty() {
                return Ok(fragments);
            }
            rest = after;
        }
    }

    /// Notes where a piece is: at the end of what is described so far.
    fn place(
        &mut self,
        unit: &Unit,
        piece: Piece,
        block_size: u32,
        extents: &mut Extents,
        fragments: &mut Vec<(u64, u32)>,
    ) {
        let start = extents.size();
        let size = piece.bytes.len() as u64;
        match unit {
            Unit::Blocks { content, offset, size: unpacked } => {
                let content = &mut self.list[*content];
                extents.push(size, part(&[&*content]));
                let placed = &mut content.placed;
                if *offset == 0 {
                    placed.start = start;
                }
                for (at, block) in piece.sizes.iter().enumerate() {
                    if *block == 0 {
                        let before = at as u64 * u64::from(block_size);
                        placed.holes += (unpacked - before).min(block_size.into());
                    }
                }
                placed.blocks.extend(piece.sizes);
            }
            Unit::Fragment { contents, .. } => {
                let sharing: Vec<&Content> = contents.iter().map(|at| &self.list[*at]).collect();
                extents.push(size, part(&sharing));
                let mut offset = 0;
                for at in contents {
                    let content = &mut self.list[*at];
                    content.placed.fragment = fragments.len() as u32;
                    content.placed.offset = offset as u32;
                    offset += content.data.size();
                }
                fragments.push((start, piece.sizes.first().copied().unwrap_or(DATA_RAW)));
            }
        }
    }
}

/// To whom the bytes of contents belong.
fn part(contents: &[&Content]) -> Part {
    let files: Vec<(InodeId, u64)> = contents
        .iter()
        .flat_map(|content| content.inodes.iter().map(|inode| (*inode, content.data.size())))
        .collect();
    match files.as_slice() {
        [(inode, _)] => Part::Inode(*inode),
        _ => Part::Shared(files),
    }
}

/// What to pack, in the order it will stand in the image: that of the contents, and each fragment at its
/// first file. A file smaller than a block is in a fragment; the end of a larger one is a short block,
/// as `mksquashfs` does by itself.
fn units(list: &[Content], block_size: u64) -> Vec<Unit> {
    let is_small = |content: &Content| (1..block_size).contains(&content.data.size());
    let small: Vec<usize> = (0..list.len()).filter(|at| is_small(&list[*at])).collect();
    let marked: Vec<Small> =
        small.iter().map(|at| Small::new(&list[*at].path, list[*at].data.size())).collect();
    let mut fragments =
        groups(&marked, block_size).into_iter().map(|group| &small[group]).peekable();
    let mut units = Vec::new();
    for (at, content) in list.iter().enumerate() {
        if is_small(content) {
            if let Some(group) = fragments.next_if(|group| group.first() == Some(&at)) {
                let size = group.iter().map(|at| list[*at].data.size()).sum();
                units.push(Unit::Fragment { contents: group.to_vec(), size });
            }
            continue;
        }
        // Both are powers of 2: every piece but the last has whole blocks.
        let (end, step) = (content.data.size(), PIECE.max(block_size));
        let mut offset = 0;
        while offset < end {
            let size = step.min(end - offset);
            units.push(Unit::Blocks { content: at, offset, size });
            offset += size;
        }
    }
    units
}

/// How many of the units are in the next batch.
fn batch(units: &[Unit]) -> usize {
    let mut size = 0;
    let full = units.iter().position(|unit| {
        size += match unit {
            Unit::Blocks { size, .. } | Unit::Fragment { size, .. } => size,
        };
        size >= BATCH
    });
    full.map_or(units.len(), |at| at + 1)
}

impl Unit {
    fn pack(&self, list: &[Content], maker: Maker<'_>) -> Result<Piece, WriteError> {
        match self {
            Self::Blocks { content, offset, size } => {
                let content = &list[*content];
                let count = size.div_ceil(maker.block_size.into()) as usize;
                let name = format!("file {} {offset} {size}\n", content.data.digest());
                maker.piece(&name, count, true, || {
                    let mut bytes = vec![0; *size as usize];
                    content.read(*offset, &mut bytes)?;
                    Ok(bytes)
                })
            }
            Self::Fragment { contents, size } => {
                let contents = || contents.iter().map(|at| &list[*at]);
                let name: String =
                    contents().map(|content| format!("part {}\n", content.data.digest())).collect();
                maker.piece(&name, 1, false, || {
                    let mut bytes = vec![0; *size as usize];
                    let mut rest = bytes.as_mut_slice();
                    for content in contents() {
                        let (own, after) = rest.split_at_mut(content.data.size() as usize);
                        content.read(0, own)?;
                        rest = after;
                    }
                    Ok(bytes)
                })
            }
        }
    }
}

impl Content {
    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), WriteError> {
        self.data.read_at(offset, bytes).map_err(|source| {
            let path = String::from_utf8_lossy(&self.path).into_owned();
            WriteError::Content { path, offset, source }
        })
    }
}
