//! What is said of a FAT beside its files.

use super::Width;
use crate::layout::Sector;
use crate::tree::Tree;

/// Everything that a FAT is written with, beside the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The sectors of the disk that it is for.
    pub sector: Sector,
    /// Size of its numbers of clusters; `None` for FAT12 below 4 MiB, FAT16 below 512 MiB and FAT32 from there, or
    /// another one where the files fit only with that (FAT32 holds more small files).
    pub width: Option<Width>,
    /// Its size in bytes, a multiple of a sector; `None` for the smallest multiple of 1 MiB that fits.
    pub size: Option<u64>,
    /// What is to be free in it, in bytes; rounded up to clusters.
    pub free: u64,
    /// Its label, of at most 11 characters; empty for none.
    pub label: String,
    /// Its serial number.
    pub volume: u32,
    /// The time of everything in it, in seconds since 1970, from 1980 to 2107; an odd second is rounded down. The
    /// times of a tree do not count: a FAT can hold only some of them.
    pub modified: u64,
}

impl Options {
    /// A FAT that is as small as it can be, without label, of 1980.
    pub fn smallest(volume: u32) -> Self {
        Self {
            sector: Sector::S512,
            width: None,
            size: None,
            free: 0,
            label: String::new(),
            volume,
            modified: super::time::EARLIEST,
        }
    }
}

/// What was read from a FAT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The files, folders with mode 0755 and files with 0644, all of root; the root folder's time is 1980.
    pub tree: Tree,
    /// Its label; empty for none.
    pub label: String,
    /// Its serial number.
    pub volume: u32,
    /// Size of its numbers of clusters.
    pub width: Width,
    /// Size of its sectors.
    pub sector: Sector,
    /// Size of its clusters in bytes.
    pub cluster: u64,
    /// How much is free, in bytes.
    pub free: u64,
}
