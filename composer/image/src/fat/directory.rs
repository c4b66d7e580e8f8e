//! Entries of folders: 32 bytes each, a long name in those before the entry it belongs to (FAT specification
//! sections 6 and 7).

use super::name::{Short, checksum};
use super::time::DosTime;

/// Size of an entry in bytes.
pub(super) const ENTRY: usize = 32;
/// Attribute of a label.
pub(super) const LABEL: u8 = 0x08;
/// Attribute of a folder.
pub(super) const FOLDER: u8 = 0x10;
/// Attribute of a file that changed since it was last saved: of every new one.
pub(super) const ARCHIVE: u8 = 0x20;
/// Attributes of a part of a long name.
pub(super) const LONG: u8 = 0x0f;
/// Marks the part of a long name that comes first, and is its end.
pub(super) const LAST: u8 = 0x40;
/// Code units in a part of a long name.
pub(super) const PART: usize = 13;
/// Where they are.
pub(super) const UNITS: [usize; PART] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// The name of a folder in itself.
pub(super) const DOT: Short = *b".          ";
/// The name of the folder above.
pub(super) const DOTS: Short = *b"..         ";

/// What an entry says of a file, folder or label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub short: Short,
    pub attributes: u8,
    /// 0x08: the base is in lower case; 0x10: the extension. Not in the specification; Windows NT made it up.
    pub case: u8,
    pub written: DosTime,
    /// The first cluster; 0 when there is none.
    pub cluster: u32,
    /// Size of a file in bytes.
    pub size: u32,
}

impl Entry {
    /// The bytes, with all times the same.
    pub fn bytes(&self) -> [u8; ENTRY] {
        let [date, time] = [self.written.date, self.written.time].map(u16::to_le_bytes);
        let mut bytes = [0; ENTRY];
        bytes[..11].copy_from_slice(&self.short);
        bytes[11] = self.attributes;
        bytes[12] = self.case;
        // Made at (its tenth of a second in byte 13 is 0), last read on, last written at.
        for (at, two) in [(14, time), (16, date), (18, date), (22, time), (24, date)] {
            bytes[at..at + 2].copy_from_slice(&two);
        }
        bytes[20..22].copy_from_slice(&self.cluster.to_le_bytes()[2..]);
        bytes[26..28].copy_from_slice(&self.cluster.to_le_bytes()[..2]);
        bytes[28..].copy_from_slice(&self.size.to_le_bytes());
        bytes
    }

    /// What the bytes say.
    pub fn of(bytes: &[u8; ENTRY]) -> Self {
        let two = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let mut short = [0; 11];
        short.copy_from_slice(&bytes[..11]);
        Self {
            short,
            attributes: bytes[11],
            case: bytes[12],
            written: DosTime { date: two(24), time: two(22) },
            cluster: u32::from(two(20)) << 16 | u32::from(two(26)),
            size: u32::from(two(30)) << 16 | u32::from(two(28)),
        }
    }
}

/// The entries of a long name, its end first.
pub(super) fn long(name: &str, short: &Short) -> Vec<[u8; ENTRY]> {
    let units: Vec<u16> = name.encode_utf16().collect();
    let parts = units.chunks(PART).enumerate().map(|(at, part)| {
        let mut bytes = [0; ENTRY];
        let last = (at + 1) * PART >= units.len();
        // At most 255 units are 20 parts.
        bytes[0] = (at as u8 + 1) | if last { LAST } else { 0 };
        bytes[11] = LONG;
        bytes[13] = checksum(short);
        // A NUL ends what does not fill its part, and ones follow.
        let padding = std::iter::once(0).chain(std::iter::repeat(0xffff));
        for (at, unit) in UNITS.into_iter().zip(part.iter().copied().chain(padding)) {
            bytes[at..at + 2].copy_from_slice(&unit.to_le_bytes());
        }
        bytes
    });
    let mut parts: Vec<_> = parts.collect();
    parts.reverse();
    parts
}
