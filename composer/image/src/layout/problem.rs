//! What can be wrong with a layout, each with the numbers that show it.

use super::{LONGEST_NAME, MOST_PARTITIONS, TABLE};
use crate::amount::{Amount, Exactly};

/// Something that is wrong with a layout. All numbers are bytes unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutProblem {
    /// A name that a partition table cannot hold.
    #[error("`{}` cannot name a partition: it has {units} UTF-16 code units; 1 to {LONGEST_NAME} \
             without NUL are possible", name.escape_debug())]
    Name {
        /// The name.
        name: String,
        /// Its length.
        units: usize,
    },
    /// A name that several have.
    #[error("{times} partitions have the name `{name}`")]
    Duplicate {
        /// The name.
        name: String,
        /// How many.
        times: usize,
    },
    /// More partitions than a table holds.
    #[error("{count} partitions are {} more than the {MOST_PARTITIONS} that a table holds",
            count - MOST_PARTITIONS)]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Nothing can be aligned so.
    #[error("`{name}` cannot be aligned to {}: powers of two from a sector of {} on are possible",
            Amount(*alignment), Exactly(*sector))]
    Alignment {
        /// The partition.
        name: String,
        /// What was said.
        alignment: u64,
        /// Size of a sector.
        sector: u64,
    },
    /// It starts between two aligned places.
    #[error("`{name}` starts at {}, {} after a multiple of its alignment of {}",
            Amount(*start), Exactly(start % alignment), Exactly(*alignment))]
    Misaligned {
        /// The partition.
        name: String,
        /// Its start.
        start: u64,
        /// What its start should be a multiple of.
        alignment: u64,
    },
    /// It starts where the partition table is.
    #[error("`{name}` starts at {}, {} before the partition table ends at {}",
            Amount(*start), Exactly(first - start), Amount(*first))]
    TooEarly {
        /// The partition.
        name: String,
        /// Its start.
        start: u64,
        /// The first usable byte.
        first: u64,
    },
    /// A partition of nothing.
    #[error("`{name}` has a size of 0")]
    Empty {
        /// The partition.
        name: String,
    },
    /// A size that is not of whole sectors.
    #[error("`{name}` has a size of {}, {} more than whole sectors of {}",
            Amount(*size), Exactly(size % sector), Exactly(*sector))]
    Broken {
        /// The partition.
        name: String,
        /// Its size.
        size: u64,
        /// Size of a sector.
        sector: u64,
    },
    /// It ends beyond the largest disk, or starts after one that does.
    #[error("`{name}` of {} {} ends beyond the largest disk", Amount(*size), match start {
        Some(start) => format!("from {} on", Amount(*start)),
        None => "after the partition before it".to_owned(),
    })]
    Endless {
        /// The partition.
        name: String,
        /// Its start, where there is one.
        start: Option<u64>,
        /// Its size.
        size: u64,
    },
    /// Its content is larger.
    #[error("the content of `{name}` has {}, {} more than the partition of {}",
            Amount(*content), Exactly(content - size), Amount(*size))]
    Content {
        /// The partition.
        name: String,
        /// Size of the content.
        content: u64,
        /// Size of the partition.
        size: u64,
    },
    /// Its content leaves too little free.
    #[error("the content of `{name}` has {} and leaves {} of {} free, {} less than the headroom of {}",
            Amount(*content), Exactly(size - content), Amount(*size),
            Exactly(headroom - (size - content)), Amount(*headroom))]
    Headroom {
        /// The partition.
        name: String,
        /// Size of the content.
        content: u64,
        /// Size of the partition.
        size: u64,
        /// What should be free.
        headroom: u64,
    },
    /// Two share bytes.
    #[error("`{name}` starts at {}, {} before `{other}` ends", Amount(*start), Exactly(end - start))]
    Overlap {
        /// The partition that starts later.
        name: String,
        /// Its start.
        start: u64,
        /// The other.
        other: String,
        /// Where the other ends.
        end: u64,
    },
    /// They need a larger disk.
    #[error("the partitions end with `{name}` at {}, {} beyond the last usable byte of a disk of {}, whose last {} \
             are the backup of the partition table",
            Amount(*end), Exactly(end - usable), Amount(*size), Exactly(size - usable))]
    Beyond {
        /// The partition that ends last.
        name: String,
        /// Where.
        end: u64,
        /// Where the usable part of the disk ends.
        usable: u64,
        /// Size of the disk.
        size: u64,
    },
    /// A disk that is not of whole sectors.
    #[error("the disk has a size of {}, {} more than whole sectors of {}",
            Amount(*size), Exactly(size % sector), Exactly(*sector))]
    BrokenDisk {
        /// Its size.
        size: u64,
        /// Size of a sector.
        sector: u64,
    },
    /// A disk without room for anything but the tables.
    #[error("the disk has a size of {}; with two tables of {} and one sector between it has {}",
            Amount(*size), Exactly(TABLE), Amount(*smallest))]
    TinyDisk {
        /// Its size.
        size: u64,
        /// The smallest that can be.
        smallest: u64,
    },
}

impl LayoutProblem {
    /// The partition that it is about; none where it is about all of them.
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Name { name, .. }
            | Self::Duplicate { name, .. }
            | Self::Alignment { name, .. }
            | Self::Misaligned { name, .. }
            | Self::TooEarly { name, .. }
            | Self::Empty { name }
            | Self::Broken { name, .. }
            | Self::Endless { name, .. }
            | Self::Content { name, .. }
            | Self::Headroom { name, .. }
            | Self::Overlap { name, .. }
            | Self::Beyond { name, .. } => Some(name),
            Self::TooMany { .. } | Self::BrokenDisk { .. } | Self::TinyDisk { .. } => None,
        }
    }
}
