//! Where the groups of a file system and their tables are (kernel documentation, "Layout" and "Flexible Block
//! Groups"): a function of the number of blocks, of inodes per group, and nothing else.

use super::BLOCK;
use super::cursor::Run;
use super::inode::PER_BLOCK;

/// Blocks of a group: as many as one block has bits.
pub(super) const GROUP: u64 = 8 * BLOCK as u64;
/// Most inodes of a group, for the same reason.
const MOST_INODES: u64 = GROUP;
/// Groups whose bitmaps and tables lie together, as a power of two (`s_log_groups_per_flex`).
pub(super) const FLEX_BITS: u8 = 4;
const FLEX: u64 = 1 << FLEX_BITS;
/// Bytes of a group's descriptor without the feature `64bit`.
pub(super) const DESCRIPTOR: usize = 32;
/// A last group has at least this many blocks beside its tables, or is left out (`ext2fs_initialize` of e2fsprogs).
const LEAST_ROOM: u64 = 50;

/// Where one group's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tables {
    /// Block of its block bitmap.
    pub(super) blocks: u64,
    /// Block of its inode bitmap.
    pub(super) inodes: u64,
    /// First block of its inode table.
    pub(super) table: u64,
}

/// The groups of a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Blocks in all.
    pub(super) blocks: u64,
    /// Inodes of each group; a multiple of those in a block.
    pub(super) inodes_per_group: u32,
    /// By group.
    pub(super) groups: Vec<Tables>,
    /// Superblocks, descriptors, bitmaps, inode tables: sorted and apart.
    pub(super) reserved: Vec<Run>,
}

/// Why there is no such geometry: it takes at least this many blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooFew {
    pub(super) least: u64,
}

impl Geometry {
    /// For a device of `blocks`, and at least `inodes` inodes. A last group too small for its own tables is left out.
    pub(super) fn new(blocks: u64, inodes: u64) -> Result<Self, TooFew> {
        let least_groups = inodes.div_ceil(MOST_INODES).max(1);
        let mut groups = blocks.div_ceil(GROUP);
        let rest = blocks % GROUP;
        if groups > 1 && rest > 0 && rest < least_last(groups, per_group(inodes, groups)) {
            groups -= 1;
        }
        if groups < least_groups {
            let last = least_last(least_groups, per_group(inodes, least_groups));
            return Err(TooFew { least: (least_groups - 1) * GROUP + last });
        }
        let per_group = per_group(inodes, groups);
        let blocks = blocks.min(groups * GROUP);
        let geometry = Self::of(blocks, per_group as u32);
        let end = geometry.reserved.last().map_or(0, |last| last.end());
        if end > blocks { Err(TooFew { least: end }) } else { Ok(geometry) }
    }

    /// Exactly these blocks and inodes per group (a multiple of those in a block, 1 to [`MOST_INODES`]).
    pub(super) fn of(blocks: u64, inodes_per_group: u32) -> Self {
        let count = blocks.div_ceil(GROUP);
        let own = 1 + descriptor_blocks(count);
        let table = u64::from(inodes_per_group) / PER_BLOCK as u64;
        let backups = (0..count).filter(|group| has_backup(*group));
        let mut reserved: Vec<_> =
            backups.map(|group| Run { start: group * GROUP, count: own }).collect();
        let fixed = reserved.clone();
        let mut groups = Vec::new();
        for leader in (0..count).step_by(FLEX as usize) {
            let members = FLEX.min(count - leader);
            let mut next = leader * GROUP;
            let mut place = |size: u64| {
                let start = first_free(&fixed, next, size);
                next = start + size;
                reserved.push(Run { start, count: size });
                start
            };
            let blocks: Vec<_> = (0..members).map(|_| place(1)).collect();
            let inodes: Vec<_> = (0..members).map(|_| place(1)).collect();
            for (blocks, inodes) in blocks.into_iter().zip(inodes) {
                groups.push(Tables { blocks, inodes, table: place(table) });
            }
        }
        reserved.sort_unstable();
        Self { blocks, inodes_per_group, groups, reserved }
    }

    /// Blocks of a copy of all descriptors.
    pub(super) fn descriptor_blocks(&self) -> u64 {
        descriptor_blocks(self.groups.len() as u64)
    }

    /// Blocks of a group's inode table.
    pub(super) fn table_blocks(&self) -> u64 {
        u64::from(self.inodes_per_group) / PER_BLOCK as u64
    }

    /// Inodes in all.
    pub(super) fn inodes(&self) -> u64 {
        self.groups.len() as u64 * u64::from(self.inodes_per_group)
    }

    /// Blocks that are reserved.
    pub(super) fn overhead(&self) -> u64 {
        self.reserved.iter().map(|run| run.count).sum()
    }

    /// The blocks of a group.
    pub(super) fn group(&self, group: usize) -> Run {
        let start = group as u64 * GROUP;
        Run { start, count: GROUP.min(self.blocks - start) }
    }

    /// The groups that start with a superblock and descriptors; 0 is the first.
    pub(super) fn superblocks(&self) -> impl Iterator<Item = u64> {
        (0..self.groups.len() as u64).filter(|group| has_backup(*group))
    }

    /// Fewest blocks of a device with one group more, and at least `inodes` inodes.
    pub(super) fn with_another_group(&self, inodes: u64) -> u64 {
        let groups = self.groups.len() as u64;
        groups * GROUP + least_last(groups + 1, per_group(inodes, groups + 1))
    }
}

/// Inodes of each group: whole blocks of them.
fn per_group(inodes: u64, groups: u64) -> u64 {
    inodes.div_ceil(groups).max(1).next_multiple_of(PER_BLOCK as u64)
}

/// Fewest blocks of the last of `groups` groups.
fn least_last(groups: u64, inodes_per_group: u64) -> u64 {
    let own = if has_backup(groups - 1) { 1 + descriptor_blocks(groups) } else { 0 };
    own + 2 + inodes_per_group.div_ceil(PER_BLOCK as u64) + LEAST_ROOM
}

const fn descriptor_blocks(groups: u64) -> u64 {
    (groups * DESCRIPTOR as u64).div_ceil(BLOCK as u64)
}

/// Where `size` blocks are free together, from `at` on, beside the runs of `taken`.
fn first_free(taken: &[Run], mut at: u64, size: u64) -> u64 {
    for run in &taken[taken.partition_point(|run| run.end() <= at)..] {
        if at + size <= run.start {
            break;
        }
        at = run.end();
    }
    at
}

/// Whether a group has a copy of superblock and descriptors: 0, 1, powers of 3, 5 and 7 (`sparse_super`).
fn has_backup(group: u64) -> bool {
    let power_of = |base: u64| {
        let mut rest = group;
        while rest.is_multiple_of(base) {
            rest /= base;
        }
        rest == 1
    };
    group <= 1 || [3, 5, 7].into_iter().any(power_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_in_the_groups_of_sparse_super() {
        let groups: Vec<_> = (0..400).filter(|group| has_backup(*group)).collect();
        assert_eq!(groups, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343]);
    }

    #[test]
    fn nothing_lies_on_something_else_or_outside() {
        for blocks in [256, 2_048, 32_768, 32_769, 33_500, 40_000, 262_144, 530_000, 16_777_216] {
            for inodes in [1, 16, 1_000, blocks / 4, blocks, 3 * blocks] {
                let geometry = match Geometry::new(blocks, inodes) {
                    Ok(geometry) => geometry,
                    Err(TooFew { least }) => {
                        assert!(least > blocks, "{blocks} {inodes}");
                        continue;
                    }
                };
                assert!(geometry.inodes() >= inodes);
                assert!(geometry.blocks <= blocks && geometry.blocks + GROUP > blocks);
                let apart = |pair: &[Run]| pair[0].end() <= pair[1].start;
                assert!(geometry.reserved.windows(2).all(apart), "{blocks} {inodes}");
                let copies = geometry.superblocks().count() as u64;
                let tables = geometry.groups.len() as u64 * (2 + geometry.table_blocks());
                let overhead = copies * (1 + geometry.descriptor_blocks()) + tables;
                assert_eq!(geometry.overhead(), overhead);
            }
        }
    }

    #[test]
    fn a_last_group_without_room_is_left_out() {
        let geometry = Geometry::new(GROUP + 60, 16).expect("a geometry");
        assert_eq!((geometry.blocks, geometry.groups.len()), (GROUP + 60, 2));
        let geometry = Geometry::new(GROUP + 50, 16).expect("a geometry");
        assert_eq!((geometry.blocks, geometry.groups.len()), (GROUP, 1));
        assert_eq!(geometry.with_another_group(16), GROUP + 2 + 2 + 1 + 50);
    }
}
