//! What a partition table says, and the rules that hold for it whether it is written or was read.

use std::collections::BTreeMap;

use super::GptError;
use crate::layout::{LONGEST_NAME, MOST_PARTITIONS, Sector};
use crate::uuid::Uuid;

/// Attribute: the platform needs the partition (UEFI 2.10 table 5-8, bit 0).
pub const PLATFORM: u64 = 1;
/// Attribute: the file system grows to fill the partition when it is mounted (UAPI.2, "Partition Flags", bit 59).
pub const GROW: u64 = 1 << 59;
/// Attribute: mounted for reading only (UAPI.2, "Partition Flags", bit 60).
pub const READ_ONLY: u64 = 1 << 60;
/// Attribute: not mounted automatically (UAPI.2, "Partition Flags", bit 63).
pub const NO_AUTOMOUNT: u64 = 1 << 63;
/// Bits 3 to 47 must be zero (UEFI 2.10 table 5-8).
const RESERVED: u64 = 0x0000_ffff_ffff_fff8;

/// A partition table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The unit of all places on the disk.
    pub sector: Sector,
    /// How many the disk has.
    pub sectors: u64,
    /// The disk's own GUID.
    pub id: Uuid,
    /// The partitions by number, from 1 without gaps.
    pub partitions: Vec<Partition>,
}

/// An entry of a partition table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What it is for; see [`super::kind`].
    pub kind: Uuid,
    /// Its own GUID, which nothing else has.
    pub id: Uuid,
    /// Its name, of at most 36 UTF-16 code units.
    pub name: String,
    /// Its first sector.
    pub first: u64,
    /// How many sectors it has, at least one.
    pub sectors: u64,
    /// Attributes: bits 0 to 2 of UEFI, 48 to 63 of its kind.
    pub attributes: u64,
}

impl Table {
    /// Whether the table can be, partition by partition and against each other.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), GptError> {
        let (sector, sectors) = (self.sector.bytes(), self.sectors);
        let usable = self.sector.end_usable(sectors).ok_or(GptError::Tiny { sectors, sector })?;
        self.check_within(self.sector.first_usable(), usable)
    }

    /// The same when only the sectors from `first` to before `end` may be used.
    pub(super) fn check_within(&self, first: u64, end: u64) -> Result<(), GptError> {
        let count = self.partitions.len();
        if count > MOST_PARTITIONS {
            return Err(GptError::TooMany { count });
        }
        let mut ids = BTreeMap::from([(self.id, 0)]);
        for (number, partition) in (1..).zip(&self.partitions) {
            if let Some(other) = ids.insert(partition.id, number) {
                return Err(GptError::SameId { number, other, id: partition.id });
            }
            partition.check(number)?;
            let Partition { first: start, sectors, .. } = *partition;
            let fits = start.checked_add(sectors).is_some_and(|after| after <= end);
            if sectors == 0 || start < first || !fits {
                return Err(GptError::Outside { number, start, sectors, first, end });
            }
        }
        let mut sorted: Vec<_> = (1..).zip(&self.partitions).collect();
        sorted.sort_by_key(|(_, partition)| partition.first);
        for pair in sorted.windows(2) {
            let [(other, before), (number, after)] = pair else { continue };
            let (start, end) = (after.first, before.first + before.sectors);
            if start < end {
                return Err(GptError::Overlap { number: *number, start, other: *other, end });
            }
        }
        Ok(())
    }
}

impl Partition {
    fn check(&self, number: usize) -> Result<(), GptError> {
        if self.kind == Uuid::NIL {
            return Err(GptError::NoKind { number });
        }
        let units = self.name.encode_utf16().count();
        if units > LONGEST_NAME || self.name.contains('\0') {
            return Err(GptError::Name { number, units });
        }
        match self.attributes & RESERVED {
            0 => Ok(()),
            bits => Err(GptError::Attributes { number, bits }),
        }
    }
}
