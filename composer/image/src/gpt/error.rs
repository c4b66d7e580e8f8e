//! Why a partition table cannot be written or read.

use std::io;

use crate::amount::Grouped;
use crate::layout::{LONGEST_NAME, MOST_PARTITIONS};
use crate::uuid::Uuid;

/// What is wrong with a partition table. Partitions are numbered from 1; places are sectors.
#[derive(Debug, thiserror::Error)]
pub enum GptError {
    /// The tables alone need more.
    #[error("a disk of {sectors} sectors of {sector} bytes has no room for a partition")]
    Tiny {
        /// Sectors of the disk.
        sectors: u64,
        /// Size of one in bytes.
        sector: u64,
    },
    /// More than the table holds.
    #[error("{count} partitions are more than the {MOST_PARTITIONS} of a table")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// A GUID that something else has.
    #[error("partition {number} has the GUID {id}, as {} has", match other {
        0 => "the disk".to_owned(),
        other => format!("partition {other}"),
    })]
    SameId {
        /// The partition.
        number: usize,
        /// The other one; 0 for the disk.
        other: usize,
        /// The GUID.
        id: Uuid,
    },
    /// The type of an unused entry.
    #[error("partition {number} has the type of an unused entry")]
    NoKind {
        /// The partition.
        number: usize,
    },
    /// A name that does not fit.
    #[error(
        "the name of partition {number} has {units} UTF-16 code units or a NUL; up to {LONGEST_NAME} \
             without NUL fit"
    )]
    Name {
        /// The partition.
        number: usize,
        /// Length of the name.
        units: usize,
    },
    /// Reserved bits are set.
    #[error("partition {number} has the reserved attributes {bits:#018x}")]
    Attributes {
        /// The partition.
        number: usize,
        /// Those of bits 3 to 47 that are set.
        bits: u64,
    },
    /// A partition is empty or outside of what may be used.
    #[error("partition {number} has {} sectors from {} on; those from {} to before {} can be used",
            Grouped(*sectors), Grouped(*start), Grouped(*first), Grouped(*end))]
    Outside {
        /// The partition.
        number: usize,
        /// Its first sector.
        start: u64,
        /// How many it has.
        sectors: u64,
        /// The first that may be used.
        first: u64,
        /// One past the last that may be used.
        end: u64,
    },
    /// Two share sectors.
    #[error("partition {number} starts at sector {}, {} before partition {other} ends",
            Grouped(*start), Grouped(end - start))]
    Overlap {
        /// The one that starts later.
        number: usize,
        /// Its first sector.
        start: u64,
        /// The other one.
        other: usize,
        /// One past its last sector.
        end: u64,
    },
    /// The image cannot be read.
    #[error("read {size} bytes at {offset} of the disk")]
    Read {
        /// Where.
        offset: u64,
        /// How many.
        size: usize,
        /// What happened.
        source: io::Error,
    },
    /// Neither size of sectors has a header in sector 1.
    #[error("no partition table: neither byte 512 nor byte 4,096 starts with `EFI PART`")]
    NoTable,
    /// The image is not of whole sectors.
    #[error("a disk of {size} bytes is not of whole sectors of {sector} bytes")]
    Broken {
        /// Size of the image.
        size: u64,
        /// Size of a sector.
        sector: u64,
    },
    /// The first sector protects nothing or has more than that.
    #[error("byte {offset} of the protective MBR is {found:#04x}, not {expected:#04x}")]
    Mbr {
        /// Where.
        offset: usize,
        /// What is there.
        found: u8,
        /// What should be.
        expected: u8,
    },
    /// A field of a header has a value that it cannot have.
    #[error("{copy} header: {field} is {found:#x}, not {expected:#x}")]
    Field {
        /// Which one.
        copy: Copy,
        /// Name of the field in UEFI 2.10 table 5-5.
        field: &'static str,
        /// What is there.
        found: u64,
        /// What should be.
        expected: u64,
    },
    /// The usable sectors are not what a disk of that size has.
    #[error(
        "{copy} header: sectors {first} to {last} cannot be used; at most {least} to {most} can"
    )]
    Usable {
        /// Which one.
        copy: Copy,
        /// FirstUsableLBA.
        first: u64,
        /// LastUsableLBA.
        last: u64,
        /// The smallest FirstUsableLBA.
        least: u64,
        /// The largest LastUsableLBA.
        most: u64,
    },
    /// Bytes after a header are not zero.
    #[error("{copy} header: byte {offset} of its sector is not zero")]
    Trailing {
        /// Which one.
        copy: Copy,
        /// Where.
        offset: usize,
    },
    /// Header and backup say different things.
    #[error("the backup differs from the {what}")]
    Differs {
        /// What of it.
        what: &'static str,
    },
    /// An entry that no writer makes: bytes where there should be none.
    #[error("entry {number} of the partition table {why}")]
    Entry {
        /// The entry, from 1.
        number: usize,
        /// What is wrong.
        why: &'static str,
    },
}

/// One of the two copies of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// At the start of the disk.
    Primary,
    /// At its end.
    Backup,
}

impl std::fmt::Display for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Backup => "backup",
        })
    }
}
