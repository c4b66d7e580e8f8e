//! The unit in which a disk is addressed, and what of a disk the partition table takes.

/// Most partitions of a disk: the 16,384 bytes that UEFI 2.10 section 5.3 reserves for
/// the table hold 128 entries of 128 bytes.
pub const MOST_PARTITIONS: usize = 128;
/// Size of that table in bytes.
pub const TABLE: u64 = 16_384;
/// Longest name of a partition, in UTF-16 code units (UEFI 2.10 table 5-6: 72 bytes).
pub const LONGEST_NAME: usize = 36;

/// The unit in which a disk is addressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sector {
    /// 512 bytes: nearly every disk, and eMMC and SD cards.
    #[default]
    S512,
    /// 4096 bytes: UFS, and "4K native" disks.
    S4096,
}

impl Sector {
    /// Its size in bytes.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::S512 => 512,
            Self::S4096 => 4_096,
        }
    }

    /// How many sectors a partition table takes.
    pub const fn table(self) -> u64 {
        TABLE / self.bytes()
    }

    /// First sector that a partition may use: after the protective MBR, the header and the table.
    pub const fn first_usable(self) -> u64 {
        2 + self.table()
    }

    /// One past the last sector that a partition may use on a disk of `sectors`: before the backups of table and
    /// header. `None` when none is left between.
    pub const fn end_usable(self, sectors: u64) -> Option<u64> {
        match sectors.checked_sub(1 + self.table()) {
            Some(end) if end > self.first_usable() => Some(end),
            _ => None,
        }
    }
}
