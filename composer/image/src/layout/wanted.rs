//! A disk as a manifest describes it.

use super::Sector;

/// What partitions are aligned to where nothing else is said: 1 MiB, a multiple of the erase blocks
/// and RAID stripes in use.
pub const ALIGNMENT: u64 = 1 << 20;

/// A disk as a manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its sectors.
    pub sector: Sector,
    /// Size of the disk in bytes; `None` for the smallest multiple of 1 MiB that holds everything.
    pub size: Option<u64>,
    /// Its partitions, in the order of their numbers.
    pub partitions: Vec<WantedPartition>,
}

/// A partition as a manifest describes it. Sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPartition {
    /// Its name, which no other has.
    pub name: String,
    /// Where it starts, from the start of the disk; `None` for the first aligned place after the one
    /// listed before.
    pub offset: Option<u64>,
    /// Its size.
    pub size: u64,
    /// What its start is a multiple of: a power of two, at least a sector.
    pub alignment: u64,
    /// Size of what is written into it, when that is known.
    pub content: Option<u64>,
    /// What its content must leave free, so that the next version fits too.
    pub headroom: Headroom,
}

impl WantedPartition {
    /// A partition of `size` after the one before, aligned to [`ALIGNMENT`], with nothing in it.
    pub fn new(name: &str, size: u64) -> Self {
        Self {
            name: name.to_owned(),
            offset: None,
            size,
            alignment: ALIGNMENT,
            content: None,
            headroom: Headroom::Bytes(0),
        }
    }
}

/// Room for growth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headroom {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of the partition, rounded up to bytes.
    Percent(u8),
}

impl Headroom {
    /// How much it is of a partition of `size`, in bytes.
    pub fn of(self, size: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => {
                let bytes = (u128::from(size) * u128::from(percent)).div_ceil(100);
                u64::try_from(bytes).unwrap_or(u64::MAX)
            }
        }
    }
}
