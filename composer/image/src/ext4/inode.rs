//! Inodes as they stand in a group's table (kernel documentation, "Index Nodes").

use super::BLOCK;
use super::checksum;
use super::fields::{get_u16, get_u32, put_u16, put_u32};
use crate::tree::Kind;

/// Bytes of an inode.
pub(super) const SIZE: usize = 256;
/// How many a block has.
pub(super) const PER_BLOCK: usize = BLOCK / SIZE;
/// The root folder.
pub(super) const ROOT: u32 = 2;
/// The journal.
pub(super) const JOURNAL: u32 = 8;
/// The first that is not set aside, `lost+found` by custom.
pub(super) const FIRST_FREE: u32 = 11;
/// Most names of a file (`EXT4_LINK_MAX`, fs/ext4/ext4.h).
pub(super) const MOST_LINKS: u32 = 65_000;
/// Latest time in seconds since 1970: 34 bits, of which the lower 32 are signed (in May 2446).
pub(super) const LATEST: u64 = (3 << 32) + 0x7fff_ffff;

/// Bytes in use after the first 128.
const EXTRA: usize = 32;
/// Where attributes start.
const ATTRIBUTES: usize = 128 + EXTRA;
/// Bytes for attributes.
pub(super) const ROOM: usize = SIZE - ATTRIBUTES;
const CHECKSUM_LOW: usize = 0x7c;
const CHECKSUM_HIGH: usize = 0x82;

/// The folder has a hash tree.
pub(super) const INDEXED: u32 = 0x1000;
/// The map is a tree of extents.
pub(super) const EXTENTS: u32 = 0x8_0000;

/// The upper four bits of a mode.
pub(super) mod format {
    pub(in super::super) const FIFO: u16 = 0x1000;
    pub(in super::super) const CHARACTER: u16 = 0x2000;
    pub(in super::super) const FOLDER: u16 = 0x4000;
    pub(in super::super) const BLOCK: u16 = 0x6000;
    pub(in super::super) const FILE: u16 = 0x8000;
    pub(in super::super) const SYMLINK: u16 = 0xa000;
    pub(in super::super) const SOCKET: u16 = 0xc000;
}

/// An inode. Its four times are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Format and permissions.
    pub(super) mode: u16,
    pub(super) owner: u32,
    pub(super) group: u32,
    /// In bytes.
    pub(super) size: u64,
    /// Names; 1 for a folder with more than fit.
    pub(super) links: u16,
    /// Blocks for content, map and attributes together.
    pub(super) blocks: u64,
    pub(super) flags: u32,
    /// Its map, target or device number.
    pub(super) map: [u8; 60],
    /// The block of its attributes, or 0.
    pub(super) attribute_block: u32,
    /// Seconds since 1970, up to [`LATEST`].
    pub(super) time: u64,
    /// Attributes that stand in the inode.
    pub(super) attributes: [u8; ROOM],
}

impl Record {
    /// As it stands in the table; `volume` is what checksums start with.
    pub(super) fn encode(&self, volume: u32, number: u32) -> [u8; SIZE] {
        // In units of 512 bytes.
        let sectors = self.blocks * (BLOCK as u64 / 512);
        let mut raw = [0; SIZE];
        let time = self.time as u32;
        // How often 2^32 has to be added to the signed lower bits.
        let epoch = ((self.time + (1 << 31)) >> 32) as u32;
        for (at, value) in [
            (0x00, self.mode),
            (0x02, self.owner as u16),
            (0x18, self.group as u16),
            (0x1a, self.links),
            (0x74, (sectors >> 32) as u16),
            (0x78, (self.owner >> 16) as u16),
            (0x7a, (self.group >> 16) as u16),
            (0x80, EXTRA as u16),
        ] {
            put_u16(&mut raw, at, value);
        }
        for (at, value) in [
            (0x04, self.size as u32),
            (0x08, time),
            (0x0c, time),
            (0x10, time),
            (0x1c, sectors as u32),
            (0x20, self.flags),
            (0x68, self.attribute_block),
            (0x6c, (self.size >> 32) as u32),
            (0x84, epoch),
            (0x88, epoch),
            (0x8c, epoch),
            (0x90, time),
            (0x94, epoch),
        ] {
            put_u32(&mut raw, at, value);
        }
        raw[0x28..0x64].copy_from_slice(&self.map);
        raw[ATTRIBUTES..].copy_from_slice(&self.attributes);
        seal(&mut raw, volume, number);
        raw
    }

    /// Reads what [`Self::encode`] wrote: any other bytes are none.
    pub(super) fn decode(raw: &[u8; SIZE], volume: u32, number: u32) -> Option<Self> {
        let wide = |low: usize, high: usize| {
            u32::from(get_u16(raw, low)) | u32::from(get_u16(raw, high)) << 16
        };
        let sectors = u64::from(get_u32(raw, 0x1c)) | u64::from(get_u16(raw, 0x74)) << 32;
        let time = i64::from(get_u32(raw, 0x10).cast_signed());
        let time = time + (i64::from(get_u32(raw, 0x88) & 3) << 32);
        let record = Self {
            mode: get_u16(raw, 0x00),
            owner: wide(0x02, 0x78),
            group: wide(0x18, 0x7a),
            size: u64::from(get_u32(raw, 0x04)) | u64::from(get_u32(raw, 0x6c)) << 32,
            links: get_u16(raw, 0x1a),
            blocks: sectors / (BLOCK as u64 / 512),
            flags: get_u32(raw, 0x20),
            map: std::array::from_fn(|at| raw[0x28 + at]),
            attribute_block: get_u32(raw, 0x68),
            time: u64::try_from(time).ok()?,
            attributes: std::array::from_fn(|at| raw[ATTRIBUTES + at]),
        };
        (record.encode(volume, number) == *raw).then_some(record)
    }
}

/// One of the first ten that nothing uses: zero, with a checksum.
pub(super) fn unused(volume: u32, number: u32) -> [u8; SIZE] {
    let mut raw = [0; SIZE];
    seal(&mut raw, volume, number);
    // Without the extra fields there is no place for the upper half (`ext4_inode_csum_set`).
    put_u16(&mut raw, CHECKSUM_HIGH, 0);
    raw
}

fn seal(raw: &mut [u8; SIZE], volume: u32, number: u32) {
    let sum = checksum::crc(checksum::of_inode(volume, number), raw);
    put_u16(raw, CHECKSUM_LOW, sum as u16);
    put_u16(raw, CHECKSUM_HIGH, (sum >> 16) as u16);
}

/// The upper bits of an inode's mode.
pub(super) const fn format_of(kind: &Kind) -> u16 {
    match kind {
        Kind::Folder(_) => format::FOLDER,
        Kind::File(_) => format::FILE,
        Kind::Symlink(_) => format::SYMLINK,
        Kind::Character { .. } => format::CHARACTER,
        Kind::Block { .. } => format::BLOCK,
        Kind::Fifo => format::FIFO,
        Kind::Socket => format::SOCKET,
    }
}

/// A device's number in the place of the map: the old form where it fits, as Linux writes it (`init_special_inode`
/// and `old_encode_dev`, `new_encode_dev` in include/linux/kdev_t.h). `None` when Linux has no such device.
pub(super) fn device_map(major: u32, minor: u32) -> Option<[u8; 60]> {
    let mut map = [0; 60];
    if major >= 1 << 12 || minor >= 1 << 20 {
        return None;
    }
    if major < 256 && minor < 256 {
        put_u32(&mut map, 0, major << 8 | minor);
    } else {
        put_u32(&mut map, 4, minor & 0xff | major << 8 | (minor & !0xff) << 12);
    }
    Some(map)
}

/// The device's number in a map.
pub(super) fn device(map: &[u8; 60]) -> (u32, u32) {
    match (get_u32(map, 0), get_u32(map, 4)) {
        (0, new) => (new >> 8 & 0xfff, new & 0xff | new >> 12 & 0xf_ff00),
        (old, _) => (old >> 8 & 0xff, old & 0xff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(time: u64) -> Record {
        Record {
            mode: format::FILE | 0o644,
            owner: 70_000,
            group: u32::MAX - 1,
            size: 5 << 32 | 7,
            links: 3,
            blocks: 1 << 30,
            flags: EXTENTS,
            map: std::array::from_fn(|at| at as u8),
            attribute_block: 9,
            time,
            attributes: [7; ROOM],
        }
    }

    #[test]
    fn times_go_to_2446() {
        // Kernel documentation, "Inode Timestamps": the extra bits are 0 to 2038, 1 from there on, ….
        for (time, low, extra) in [
            (0, 0, 0),
            (0x7fff_ffff, 0x7fff_ffff, 0),
            (0x8000_0000, 0x8000_0000, 1),
            (0x1_0000_0000, 0, 1),
            (0x1_8000_0000, 0x8000_0000, 2),
            (LATEST, 0x7fff_ffff, 3),
        ] {
            let raw = record(time).encode(1, 2);
            assert_eq!((get_u32(&raw, 0x10), get_u32(&raw, 0x88)), (low, extra), "{time}");
            assert_eq!(Record::decode(&raw, 1, 2), Some(record(time)));
            assert_eq!(Record::decode(&raw, 1, 3), None, "it is of another inode");
        }
    }

    #[test]
    fn devices_have_the_numbers_of_linux() {
        for (major, minor, old, new) in [
            (0, 0, 0, 0),
            (8, 1, 0x801, 0),
            (255, 255, 0xffff, 0),
            (256, 0, 0, 0x1_0000),
            (1, 256, 0, 0x10_0100),
            (4_095, 0xf_ffff, 0, 0xffff_ffff),
        ] {
            let map = device_map(major, minor).expect("a device");
            assert_eq!((get_u32(&map, 0), get_u32(&map, 4)), (old, new));
            assert_eq!(device(&map), (major, minor));
        }
        assert_eq!(device_map(4_096, 0), None);
        assert_eq!(device_map(0, 1 << 20), None);
    }
}
