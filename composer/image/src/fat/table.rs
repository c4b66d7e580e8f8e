//! A file allocation table that is read: chains, each of whose clusters belongs to one thing (FAT specification
//! section 4).

use super::Width;
use super::error::FatError;
use super::geometry::Geometry;
use super::image::MEDIA;
use super::read::piece;
use crate::content::Data;

/// First cluster.
const FIRST: u32 = 2;

pub(super) struct Table {
    bytes: Vec<u8>,
    width: Width,
    clusters: u64,
    /// Which clusters a chain has that was read.
    used: Vec<bool>,
}

impl Table {
    pub fn read(image: &Data, geometry: &Geometry) -> Result<Self, FatError> {
        let size = geometry.table * geometry.sector;
        let start = geometry.reserved * geometry.sector;
        let bytes = piece(image, start, size as usize)?;
        // The copy is only looked at, so it comes in pieces.
        const PIECE: usize = 1 << 18;
        for (at, part) in bytes.chunks(PIECE).enumerate() {
            if piece(image, start + size + (at * PIECE) as u64, part.len())? != part {
                return Err(FatError::Copies { what: "file allocation table" });
            }
        }
        let used = vec![false; geometry.clusters as usize + 2];
        let table = Self { bytes, width: geometry.width, clusters: geometry.clusters, used };
        let end = table.end() | 7;
        for (at, expected) in [(0, end & !0xff | u32::from(MEDIA)), (1, end)] {
            let found = table.get(at);
            if found != expected {
                return Err(FatError::Field {
                    field: "the start of the file allocation table",
                    offset: start,
                    found: u64::from(found),
                    expected: Some(u64::from(expected)),
                });
            }
        }
        Ok(table)
    }

    /// The clusters of what begins at `first`.
    pub fn chain(&mut self, first: u32, path: &str) -> Result<Vec<u32>, FatError> {
        let mut chain = Vec::new();
        let mut at = first;
        loop {
            let wrong = |why| FatError::Chain { path: path.to_owned(), why, cluster: at };
            if at < FIRST || u64::from(at) >= self.clusters + u64::from(FIRST) {
                return Err(wrong("leave the FAT"));
            }
            if std::mem::replace(&mut self.used[at as usize], true) {
                return Err(wrong("run into others or themselves"));
            }
            chain.push(at);
            at = self.get(at);
            if at >= self.end() {
                return Ok(chain);
            }
        }
    }

    /// How many clusters are free, when all chains have been read.
    pub fn free(&self) -> Result<u64, FatError> {
        let mut free = 0;
        for cluster in FIRST..self.clusters as u32 + FIRST {
            match self.get(cluster) {
                _ if self.used[cluster as usize] => {}
                0 => free += 1,
                // The mark of a bad cluster.
                entry if entry == self.end() - 1 => {}
                _ => return Err(FatError::Lost { cluster }),
            }
        }
        Ok(free)
    }

    /// From here on an entry is the end of a chain.
    const fn end(&self) -> u32 {
        match self.width {
            Width::Fat12 => 0xff8,
            Width::Fat16 => 0xfff8,
            Width::Fat32 => 0x0fff_fff8,
        }
    }

    /// An entry of the table, which has as many as there are clusters, and two.
    fn get(&self, cluster: u32) -> u32 {
        let byte = |at: usize| u32::from(self.bytes[at]);
        let at = cluster as usize;
        match self.width {
            Width::Fat12 => {
                let at = at + at / 2;
                let both = byte(at) | byte(at + 1) << 8;
                if cluster.is_multiple_of(2) { both & 0xfff } else { both >> 4 }
            }
            Width::Fat16 => byte(2 * at) | byte(2 * at + 1) << 8,
            // The upper 4 bits mean nothing.
            Width::Fat32 => {
                (0..4).fold(0, |sum, part| sum | byte(4 * at + part) << (8 * part)) & 0x0fff_ffff
            }
        }
    }
}
