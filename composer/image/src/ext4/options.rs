//! What decides an ext4 image beside its tree. Everything that `mke2fs` would ask the clock or a random
//! source for is said here.

/// How an image is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// UUID of the file system.
    pub uuid: [u8; 16],
    /// Seed of the hashes that large folders are sorted by; devices with different seeds cannot be made slow
    /// by the same names. Zero means the seed of MD4.
    pub hash_seed: [u8; 16],
    /// Name of the volume, up to 16 bytes.
    pub label: Vec<u8>,
    /// When the file system is said to be made, in seconds since 1970, up to 15,032,385,535 (in 2446).
    pub made: u64,
    /// Size of the image.
    pub size: Size,
    /// How many inodes there are: at least this many, rounded up to whole blocks of each group's table. `None` is one
    /// for each 16 KiB that the image (or what stays free in it) has, and always enough for the tree.
    pub inodes: Option<u32>,
    /// Whether it has a journal.
    pub journal: Journal,
}

/// Size of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// This many bytes. What is too little for a block or for another group at the end is not used.
    Exactly(u64),
    /// As many bytes as the tree takes, and at least `free` bytes of blocks that are free.
    Smallest {
        /// Free space in bytes.
        free: u64,
    },
}

/// The journal, from which a file system is whole again after a power cut. What is only ever read needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// None.
    None,
    /// As large as `mke2fs` makes it for the size of the file system: 4 MiB up to 128 MiB, at most 1 GiB.
    Fitting,
    /// This many blocks of 4 KiB; at least 1,024 (`JBD2_MIN_JOURNAL_BLOCKS`).
    Blocks(u32),
}

/// Fewest blocks that Linux takes for a journal (`JBD2_MIN_JOURNAL_BLOCKS`, include/linux/jbd2.h).
pub(super) const SMALLEST_JOURNAL: u32 = 1_024;

impl Journal {
    /// Its size in blocks, in a file system of `blocks`.
    ///
    /// The steps are those of `ext2fs_default_journal_size` (e2fsprogs, lib/ext2fs/mkjournal.c).
    pub(super) const fn blocks(self, blocks: u64) -> u32 {
        match self {
            Self::None => 0,
            Self::Blocks(count) => count,
            Self::Fitting => match blocks {
                0..0x8000 => 1_024,
                0x8000..0x4_0000 => 4_096,
                0x4_0000..0x8_0000 => 8_192,
                0x8_0000..0x40_0000 => 16_384,
                0x40_0000..0x80_0000 => 32_768,
                0x80_0000..0x100_0000 => 65_536,
                0x100_0000..0x200_0000 => 131_072,
                _ => 262_144,
            },
        }
    }
}
