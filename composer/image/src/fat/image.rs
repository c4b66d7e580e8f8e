//! The sectors before the first table, as both writer and reader know them (FAT specification sections 3 and 5).

use super::Width;
use super::geometry::Geometry;

/// What is known as a boot sector by.
pub(super) const SIGNATURE: [u8; 2] = [0x55, 0xaa];
/// A disk that stays in its drive.
pub(super) const MEDIA: u8 = 0xf8;
/// Says that serial number, label and type follow.
pub(super) const EXTENDED: u8 = 0x29;
/// The signatures of FSInfo, and where they are.
pub(super) const INFO: [(usize, u32); 3] =
    [(0, 0x4161_5252), (484, 0x6141_7272), (508, 0xaa55_0000)];
/// Sector of FSInfo, and of the copies of the boot sector and of FSInfo.
pub(super) const INFO_SECTOR: u16 = 1;
pub(super) const COPY_SECTOR: u16 = 6;
/// First cluster of the root of a FAT32.
pub(super) const ROOT: u32 = 2;
/// Says that there is no label.
pub(super) const NO_LABEL: [u8; 11] = *b"NO NAME    ";

/// Where the fields after those that all have begin.
pub(super) const fn extended(width: Width) -> usize {
    match width {
        Width::Fat32 => 64,
        _ => 36,
    }
}

/// The boot sector.
pub(super) fn boot_sector(geometry: &Geometry, volume: u32, label: &[u8; 11]) -> Vec<u8> {
    let Geometry { width, sectors, .. } = *geometry;
    let mut boot = vec![0; geometry.sector as usize];
    let mut put = |at: usize, bytes: &[u8]| boot[at..at + bytes.len()].copy_from_slice(bytes);
    let start = extended(width);
    let code = start + 26;
    put(0, &[0xeb, code as u8 - 2, 0x90]);
    // The name that section 3.1 recommends, since some drivers look at it.
    put(3, b"MSWIN4.1");
    put(11, &(geometry.sector as u16).to_le_bytes());
    put(13, &[geometry.per_cluster as u8]);
    put(14, &(geometry.reserved as u16).to_le_bytes());
    put(16, &[2]);
    put(17, &(geometry.root_entries as u16).to_le_bytes());
    put(21, &[MEDIA]);
    // A track of a disk without tracks. mtools wants that it divides the disk.
    let track = 1u16 << sectors.trailing_zeros().min(5);
    put(24, &track.to_le_bytes());
    put(26, &64u16.to_le_bytes());
    match u16::try_from(sectors) {
        Ok(sectors) if width != Width::Fat32 => put(19, &sectors.to_le_bytes()),
        _ => put(32, &(sectors as u32).to_le_bytes()),
    }
    if width == Width::Fat32 {
        put(36, &(geometry.table as u32).to_le_bytes());
        put(44, &ROOT.to_le_bytes());
        put(48, &INFO_SECTOR.to_le_bytes());
        put(50, &COPY_SECTOR.to_le_bytes());
    } else {
        put(22, &(geometry.table as u16).to_le_bytes());
    }
    put(start, &[0x80, 0, EXTENDED]);
    put(start + 3, &volume.to_le_bytes());
    put(start + 7, label);
    put(start + 18, format!("{width:<8}").as_bytes());
    // Who starts it all the same stops: hlt; jmp to it.
    put(code, &[0xf4, 0xeb, 0xfd]);
    put(510, &SIGNATURE);
    boot
}

/// FSInfo: how much is free, and from where on (FAT specification section 5).
pub(super) fn info_sector(geometry: &Geometry, used: u64) -> Vec<u8> {
    let mut info = vec![0; geometry.sector as usize];
    let mut put = |at: usize, value: u32| info[at..at + 4].copy_from_slice(&value.to_le_bytes());
    for (at, signature) in INFO {
        put(at, signature);
    }
    let free = geometry.clusters - used;
    put(488, free as u32);
    // Where there is nothing, nobody knows.
    put(492, if free == 0 { u32::MAX } else { (used + 2) as u32 });
    info
}

/// The sectors before the first table.
pub(super) fn reserved(geometry: &Geometry, used: u64, volume: u32, label: &[u8; 11]) -> Vec<u8> {
    let boot = boot_sector(geometry, volume, label);
    let sector = geometry.sector as usize;
    let mut all = vec![0; geometry.reserved as usize * sector];
    all[..sector].copy_from_slice(&boot);
    if geometry.width == Width::Fat32 {
        let info = info_sector(geometry, used);
        let copy = usize::from(COPY_SECTOR) * sector;
        all[sector..2 * sector].copy_from_slice(&info);
        all[copy..copy + sector].copy_from_slice(&boot);
        all[copy + sector..copy + 2 * sector].copy_from_slice(&info);
    }
    all
}
