//! The verifier: what the kernel does block by block, for all blocks. From the root down, so that a
//! digest is believed only when what stands above it is right.

use rayon::prelude::*;
use tarsia_model::Sha256;

use crate::content::Data;

use super::Options;
use super::error::{Error, Place};
use super::layout::{BLOCK, DIGEST, FAN, Layout};
use super::superblock;
use super::write::{Salted, group};

/// Holds data and tree against the root's digest.
///
/// # Errors
/// The first block that was changed: of the tree from the root down, then of the data. When the tree
/// has another size than that of such data, or another superblock than `options` ask for.
pub fn verify(data: &Data, tree: &Data, options: &Options, root: &Sha256) -> Result<(), Error> {
    let salted = Salted::new(&options.salt)?;
    let layout = Layout::of(data.size(), options.superblock.is_some())?;
    if tree.size() != layout.size {
        return Err(Error::TreeSize { found: tree.size(), expected: layout.size });
    }
    if options.superblock.is_some() {
        let found = superblock::read(tree)?;
        let expected =
            superblock::Superblock { options: options.clone(), data_blocks: layout.data_blocks };
        if found != expected {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            return Err(Error::Superblock { field: "content", found, expected });
        }
    }
    let mut above = Above::Root(root.0);
    for (level, at) in layout.levels.iter().enumerate().rev() {
        let first = at.offset / BLOCK;
        if let Some(failure) = above.first_failure(tree, first, at.blocks, &salted) {
            return Err(failure.at(|block| Place::Hashes { level, block }, "the hash tree"));
        }
        above = Above::Level { tree, first };
    }
    match above.first_failure(data, 0, layout.data_blocks, &salted) {
        Some(failure) => Err(failure.at(|block| Place::Data { block }, "the data")),
        None => Ok(()),
    }
}

/// Where the digests of blocks are.
enum Above<'a> {
    Root([u8; DIGEST]),
    Level { tree: &'a Data, first: u64 },
}

enum Failure {
    Changed { block: u64 },
    Read(Error),
}

impl Failure {
    fn at(self, place: impl Fn(u64) -> Place, what: &'static str) -> Error {
        match self {
            Self::Changed { block } => Error::Changed(place(block)),
            Self::Read(Error::Read { offset, source, .. }) => Error::Read { what, offset, source },
            Self::Read(error) => error,
        }
    }
}

impl Above<'_> {
    /// The first of `count` blocks of `below`, from block `start` on, that has another digest.
    fn first_failure(
        &self,
        below: &Data,
        start: u64,
        count: u64,
        salted: &Salted,
    ) -> Option<Failure> {
        (0..count.div_ceil(FAN)).into_par_iter().find_map_first(|number| {
            let first = number * FAN;
            let size = FAN.min(count - first);
            let (mut digests, mut blocks) = (Vec::new(), Vec::new());
            let digests = match self {
                Self::Root(root) => root.as_slice(),
                Self::Level { tree, first } => match group(tree, first + number, 1, &mut digests) {
                    Ok(digests) => digests,
                    Err(error) => return Some(Failure::Read(error)),
                },
            };
            let blocks = match group(below, start + first, size, &mut blocks) {
                Ok(blocks) => blocks,
                Err(error) => return Some(Failure::Read(error)),
            };
            let pairs = blocks.chunks(BLOCK as usize).zip(digests.chunks(DIGEST));
            let changed = pairs.map(|(block, digest)| salted.digest(block) != *digest);
            let changed = changed.enumerate().find(|(_, changed)| *changed);
            changed.map(|(at, _)| Failure::Changed { block: first + at as u64 })
        })
    }
}
