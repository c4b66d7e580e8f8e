//! The writer: digests on all cores, each in the place that its block has, so that the number of
//! threads decides nothing. The tree, a 128th of the data, is in memory; the data is not.

use std::io::Write;

use rayon::prelude::*;
use sha2::Digest as _;
use tarsia_model::Sha256;

use crate::content::Data;
use crate::extent::{Extents, Part};

use super::Options;
use super::error::Error;
use super::layout::{BLOCK, DIGEST, FAN, Layout};
use super::superblock::{self, LONGEST_SALT};

/// The digest that stands for all data, and what a kernel needs beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Digest of the tree's first block; of the data itself when that is one block.
    pub hash: Sha256,
    /// Blocks of data, of [`BLOCK`] bytes.
    pub data_blocks: u64,
    /// What the tree was made with.
    pub options: Options,
    /// What each byte written is: `superblock`, `hash tree`.
    pub extents: Extents,
}

/// Digests a block behind the salt (hash type 1).
#[derive(Clone)]
pub(super) struct Salted(sha2::Sha256);

impl Salted {
    pub fn new(salt: &[u8]) -> Result<Self, Error> {
        match salt.len() {
            bytes if bytes > LONGEST_SALT => Err(Error::Salt { bytes }),
            _ => Ok(Self(sha2::Sha256::new_with_prefix(salt))),
        }
    }

    pub fn digest(&self, block: &[u8]) -> [u8; DIGEST] {
        self.0.clone().chain_update(block).finalize().into()
    }
}

/// Writes the hash tree of `data`, and before it the superblock when one is wanted.
///
/// # Errors
/// When the data is not one or more blocks, the salt is too long, or reading or writing fails.
pub fn write(data: &Data, options: &Options, out: &mut impl Write) -> Result<Root, Error> {
    let salted = Salted::new(&options.salt)?;
    let layout = Layout::of(data.size(), options.superblock.is_some())?;
    let mut levels: Vec<Vec<u8>> = Vec::with_capacity(layout.levels.len());
    let hash = if layout.levels.is_empty() {
        salted.digest(group(data, 0, 1, &mut Vec::new())?)
    } else {
        levels.push(first_level(data, &layout, &salted)?);
        while let Some(below) = levels.last().filter(|level| level.len() as u64 > BLOCK) {
            let digests = below.par_chunks(BLOCK as usize).map(|block| salted.digest(block));
            let mut level = digests.collect::<Vec<_>>().concat();
            level.resize(level.len().next_multiple_of(BLOCK as usize), 0);
            levels.push(level);
        }
        levels.last().map_or([0; DIGEST], |top| salted.digest(top))
    };
    let mut extents = Extents::default();
    if let Some(uuid) = options.superblock {
        let block = superblock::block(uuid, &options.salt, layout.data_blocks);
        out.write_all(&block).map_err(Error::Write)?;
        extents.push(BLOCK, Part::Structure("superblock"));
    }
    for level in levels.iter().rev() {
        out.write_all(level).map_err(Error::Write)?;
        extents.push(level.len() as u64, Part::Structure("hash tree"));
    }
    Ok(Root {
        hash: Sha256(hash),
        data_blocks: layout.data_blocks,
        options: options.clone(),
        extents,
    })
}

/// The digests of the data: a task for each block of digests.
fn first_level(data: &Data, layout: &Layout, salted: &Salted) -> Result<Vec<u8>, Error> {
    let mut level = vec![0; layout.levels[0].blocks as usize * BLOCK as usize];
    level.par_chunks_mut(BLOCK as usize).enumerate().try_for_each_init(
        Vec::new,
        |buffer, (number, block)| {
            let first = number as u64 * FAN;
            let count = FAN.min(layout.data_blocks - first);
            let bytes = group(data, first, count, buffer)?;
            let (digests, _) = block.as_chunks_mut::<DIGEST>();
            for (digest, block) in digests.iter_mut().zip(bytes.chunks(BLOCK as usize)) {
                *digest = salted.digest(block);
            }
            Ok(())
        },
    )?;
    Ok(level)
}

/// Reads `count` blocks from block `first` on.
pub(super) fn group<'a>(
    data: &Data,
    first: u64,
    count: u64,
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], Error> {
    buffer.resize((count * BLOCK) as usize, 0);
    let offset = first * BLOCK;
    let failed = |source| Error::Read { what: "the data", offset, source };
    data.read_at(offset, buffer).map_err(failed)?;
    Ok(buffer)
}
