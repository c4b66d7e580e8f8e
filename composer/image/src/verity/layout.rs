//! Where the levels of a hash tree are: the root's block first, the digests of the data last
//! (verity.rst, "On-disk format").

use super::error::Error;

/// Size of blocks of data and of hashes in bytes: the page of the kernels that read them.
pub const BLOCK: u64 = 4_096;
/// Size of a SHA-256 digest in bytes.
pub(super) const DIGEST: usize = 32;
/// Digests in a block.
pub(super) const FAN: u64 = BLOCK / DIGEST as u64;

/// A level of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    /// Where it starts, in bytes from the start of the tree's area (where the superblock is).
    pub offset: u64,
    /// Its blocks.
    pub blocks: u64,
}

/// The levels of a tree, that of the data's digests first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub levels: Vec<Level>,
    /// Size of the area in bytes, with the superblock.
    pub size: u64,
    /// Blocks of data.
    pub data_blocks: u64,
}

impl Layout {
    /// That of `size` bytes of data. One block has no levels: its digest is the root.
    pub fn of(size: u64, has_superblock: bool) -> Result<Self, Error> {
        if size == 0 || !size.is_multiple_of(BLOCK) {
            return Err(Error::Size { size });
        }
        let data_blocks = size / BLOCK;
        let mut counts = Vec::new();
        let mut count = data_blocks;
        while count > 1 {
            count = count.div_ceil(FAN);
            counts.push(count);
        }
        let mut offset = if has_superblock { BLOCK } else { 0 };
        let mut levels = Vec::with_capacity(counts.len());
        for blocks in counts.into_iter().rev() {
            levels.push(Level { offset, blocks });
            offset += blocks * BLOCK;
        }
        levels.reverse();
        Ok(Self { levels, size: offset, data_blocks })
    }
}

/// The size of the hash tree over `data` bytes, with its superblock if it has one.
///
/// # Errors
/// That these are no whole blocks, or none.
pub fn size(data: u64, has_superblock: bool) -> Result<u64, Error> {
    Layout::of(data, has_superblock).map(|layout| layout.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_end_at_one_block() {
        let blocks = |data: u64| {
            let layout = Layout::of(data * BLOCK, true).expect("blocks");
            layout.levels.iter().map(|level| (level.offset / BLOCK, level.blocks)).collect()
        };
        let cases: [(u64, Vec<(u64, u64)>); 6] = [
            (1, vec![]),
            (2, vec![(1, 1)]),
            (128, vec![(1, 1)]),
            (129, vec![(2, 2), (1, 1)]),
            (128 * 128, vec![(2, 128), (1, 1)]),
            (128 * 128 + 1, vec![(4, 129), (2, 2), (1, 1)]),
        ];
        for (data, expected) in cases {
            let found: Vec<(u64, u64)> = blocks(data);
            assert_eq!(found, expected, "{data}");
        }
        assert!(Layout::of(0, true).is_err() && Layout::of(BLOCK + 1, true).is_err());
    }
}
