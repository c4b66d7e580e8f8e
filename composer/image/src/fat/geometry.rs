//! How large the parts of a FAT are (FAT specification sections 3 and 4).

use crate::layout::Sector;

/// Size of the numbers of clusters. What a FAT is follows from how many clusters it has, and nothing else
/// (FAT specification section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// 12 bits: up to 4,084 clusters.
    Fat12,
    /// 16 bits: up to 65,524 clusters.
    Fat16,
    /// 28 bits in 32: from there on.
    Fat32,
}

/// Largest cluster: 64 KiB are not understood everywhere (FAT specification section 3.1, `BPB_SecPerClus`).
const LARGEST_CLUSTER: u64 = 32_768;
/// How far from a limit a count of clusters stays, since programs are off by a few (FAT specification section 3.5).
const MARGIN: u64 = 16;

impl Width {
    /// Bits of a number in the table.
    pub(super) const fn bits(self) -> u64 {
        match self {
            Self::Fat12 => 12,
            Self::Fat16 => 16,
            Self::Fat32 => 32,
        }
    }

    /// What a FAT of so many clusters is.
    pub(super) const fn of(clusters: u64) -> Self {
        match clusters {
            0..4_085 => Self::Fat12,
            4_085..65_525 => Self::Fat16,
            _ => Self::Fat32,
        }
    }

    /// The numbers of clusters that are written.
    const fn range(self) -> (u64, u64) {
        match self {
            Self::Fat12 => (1, 4_084 - MARGIN),
            Self::Fat16 => (4_085 + MARGIN, 65_524 - MARGIN),
            // 0x0ffffff7 marks bad clusters.
            Self::Fat32 => (65_525 + MARGIN, 0x0fff_fff6 - 2 - MARGIN),
        }
    }

    /// The size of clusters to begin with on a FAT of `size` (of FAT32 as in FAT specification section 3.4).
    const fn cluster(self, size: u64) -> u64 {
        match (self, size >> 20) {
            (Self::Fat12 | Self::Fat16, _) | (Self::Fat32, 0..=260) => 512,
            (Self::Fat32, 261..=8_192) => 4_096,
            (Self::Fat32, 8_193..=16_384) => 8_192,
            (Self::Fat32, 16_385..=32_768) => 16_384,
            (Self::Fat32, _) => 32_768,
        }
    }
}

impl std::fmt::Display for Width {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fat12 => "FAT12",
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
        })
    }
}

/// The sizes of the parts of a FAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub width: Width,
    /// Size of a sector in bytes.
    pub sector: u64,
    /// All sectors.
    pub sectors: u64,
    /// Sectors before the first table.
    pub reserved: u64,
    /// Sectors of each of the two tables.
    pub table: u64,
    /// Entries of the root folder; 0 for FAT32, whose root is like any folder.
    pub root_entries: u64,
    /// Sectors of a cluster.
    pub per_cluster: u64,
    /// How many clusters there are.
    pub clusters: u64,
}

/// Why there is no FAT of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    TooSmall,
    TooLarge,
}

impl Geometry {
    /// The FATs of `size` bytes, of which only whole sectors count: at least one, what is usual for the size first.
    /// `root_entries` is what the root needs where it has a fixed size.
    pub fn all(
        size: u64,
        sector: Sector,
        width: Option<Width>,
        root_entries: u64,
    ) -> Result<Vec<Self>, Misfit> {
        let widths = match (width, size >> 20) {
            (Some(width), _) => &[width][..],
            (None, 0..4) => &[Width::Fat12, Width::Fat16, Width::Fat32],
            (None, 4..512) => &[Width::Fat16, Width::Fat12, Width::Fat32],
            (None, _) => &[Width::Fat32, Width::Fat16, Width::Fat12],
        };
        let (mut found, mut misfit) = (Vec::new(), Misfit::TooSmall);
        for width in widths {
            match Self::of_width(size, sector, *width, root_entries) {
                Ok(geometry) => found.push(geometry),
                Err(why) => misfit = why,
            }
        }
        if found.is_empty() { Err(misfit) } else { Ok(found) }
    }

    fn of_width(
        size: u64,
        sector: Sector,
        width: Width,
        root_entries: u64,
    ) -> Result<Self, Misfit> {
        let (least, most) = width.range();
        let mut cluster = width.cluster(size).max(sector.bytes());
        // In which direction the first size of clusters was wrong.
        let (mut halved, mut doubled) = (false, false);
        loop {
            let geometry = Self::of_clusters(size, sector, width, root_entries, cluster);
            match geometry {
                Err(Misfit::TooLarge) => return Err(Misfit::TooLarge),
                Ok(geometry) if geometry.clusters > most => {
                    if halved || cluster >= LARGEST_CLUSTER {
                        return Err(Misfit::TooLarge);
                    }
                    doubled = true;
                    cluster *= 2;
                }
                Ok(geometry) if geometry.clusters >= least => return Ok(geometry),
                _ => {
                    if doubled || cluster <= sector.bytes() {
                        return Err(Misfit::TooSmall);
                    }
                    halved = true;
                    cluster /= 2;
                }
            }
        }
    }

    fn of_clusters(
        size: u64,
        sector: Sector,
        width: Width,
        root_entries: u64,
        cluster: u64,
    ) -> Result<Self, Misfit> {
        let sector = sector.bytes();
        let sectors = size / sector;
        if u32::try_from(sectors).is_err() {
            return Err(Misfit::TooLarge);
        }
        let per_cluster = cluster / sector;
        // FAT specification sections 3.1 (`BPB_RsvdSecCnt`, `BPB_RootEntCnt`): what is usual.
        let (reserved, root_entries) = match width {
            Width::Fat32 => (32, 0),
            _ => (1, root_entries.max(512).next_multiple_of(sector / 32)),
        };
        let before = reserved + root_entries * 32 / sector;
        let clusters = |table: u64| {
            let rest = sectors.checked_sub(before + 2 * table).ok_or(Misfit::TooSmall)?;
            Ok(rest / per_cluster)
        };
        let needed = |clusters: u64| ((clusters + 2) * width.bits()).div_ceil(8).div_ceil(sector);
        // A table for all sectors is more than enough; what it takes itself needs no numbers.
        let mut table = needed(clusters(0)?);
        while table > 1 && needed(clusters(table - 1)?) < table {
            table -= 1;
        }
        // Clusters begin at multiples of their size, for the sake of flash.
        let reserved = reserved + (per_cluster - (before + 2 * table) % per_cluster) % per_cluster;
        let geometry = Self {
            width,
            sector,
            sectors,
            reserved,
            table,
            root_entries,
            per_cluster,
            clusters: 0,
        };
        let rest = sectors.checked_sub(geometry.data()).ok_or(Misfit::TooSmall)?;
        Ok(Self { clusters: rest / per_cluster, ..geometry })
    }

    /// Sectors of the root folder where it has a fixed size.
    pub const fn root(&self) -> u64 {
        (self.root_entries * 32).div_ceil(self.sector)
    }

    /// Sector of the first cluster.
    pub const fn data(&self) -> u64 {
        self.reserved + 2 * self.table + self.root()
    }

    /// Size of a cluster in bytes.
    pub const fn cluster(&self) -> u64 {
        self.per_cluster * self.sector
    }

    /// How many clusters `bytes` take.
    pub const fn clusters_of(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.cluster())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_a_width_that_programs_agree_on() {
        let mut seen = std::collections::BTreeSet::new();
        for sector in [Sector::S512, Sector::S4096] {
            for width in [None, Some(Width::Fat12), Some(Width::Fat16), Some(Width::Fat32)] {
                for mebibytes in (1..3_000).chain([8_191, 8_192, 8_193, 65_536, 1 << 20, 2_097_151])
                {
                    let all = Geometry::all(mebibytes << 20, sector, width, 700);
                    let Some(found) = all.ok().and_then(|all| all.first().copied()) else {
                        continue;
                    };
                    seen.insert((sector, width, found.width));
                    assert!(width.is_none_or(|width| width == found.width));
                    assert_eq!(Width::of(found.clusters), found.width);
                    let (least, most) = found.width.range();
                    assert!((least..=most).contains(&found.clusters), "{found:?}");
                    assert!(found.data().is_multiple_of(found.per_cluster));
                    let held = found.table * found.sector * 8 / found.width.bits();
                    assert!(held >= found.clusters + 2, "{found:?}");
                    assert!(held < found.clusters + 2 + 2 * found.sector * 8, "{found:?}");
                    let end = found.data() + found.clusters * found.per_cluster;
                    assert!(end <= found.sectors && end + found.per_cluster > found.sectors);
                    assert!(found.cluster() <= LARGEST_CLUSTER && found.reserved < 1 << 16);
                }
            }
        }
        assert_eq!(seen.len(), 2 * 6, "each width, by size and by wish");
        let of = |size, width| Geometry::all(size, Sector::S512, width, 0).map(|all| all[0]);
        assert_eq!(of(32 << 20, Some(Width::Fat32)), Err(Misfit::TooSmall));
        assert!(of(34 << 20, Some(Width::Fat32)).is_ok());
        assert_eq!(of(1 << 30, Some(Width::Fat12)), Err(Misfit::TooLarge));
        assert_eq!(of(1 << 42, None), Err(Misfit::TooLarge));
        assert_eq!(of(16_384, None), Err(Misfit::TooSmall));
        assert_eq!(of(64 << 20, None).map(|found| found.cluster()), Ok(1_024));
    }
}
