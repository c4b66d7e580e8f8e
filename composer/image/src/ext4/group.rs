//! Descriptors and bitmaps of groups (kernel documentation, "Block Group Descriptors" and "Block and Inode
//! Bitmaps").

use std::iter;
use std::ops::Range;

use super::BLOCK;
use super::checksum;
use super::fields::{put_u16, put_u32};
use super::geometry::{DESCRIPTOR, Tables};

/// The inode table's free part is written as zeros (`EXT4_BG_INODE_ZEROED`).
const ZEROED: u16 = 0x4;
const CHECKSUM: usize = 0x1e;

/// What is in use in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) free_blocks: u32,
    pub(super) free_inodes: u32,
    pub(super) folders: u32,
}

/// The descriptor of a group with its two bitmaps. All free inodes are at the end of the group's table.
pub(super) fn descriptor(
    volume: u32,
    group: usize,
    tables: Tables,
    usage: Usage,
    bitmaps: [&[u8]; 2],
) -> [u8; DESCRIPTOR] {
    let mut raw = [0; DESCRIPTOR];
    for (at, block) in [(0x00, tables.blocks), (0x04, tables.inodes), (0x08, tables.table)] {
        put_u32(&mut raw, at, block as u32);
    }
    let [blocks, inodes] = bitmaps.map(|bitmap| checksum::crc(volume, bitmap) as u16);
    for (at, value) in [
        (0x0c, usage.free_blocks as u16),
        (0x0e, usage.free_inodes as u16),
        (0x10, usage.folders as u16),
        (0x12, ZEROED),
        (0x18, blocks),
        (0x1a, inodes),
        (0x1c, usage.free_inodes as u16),
    ] {
        put_u16(&mut raw, at, value);
    }
    let start = checksum::crc(volume, &(group as u32).to_le_bytes());
    let sum = checksum::without(start, &raw, CHECKSUM, 2);
    put_u16(&mut raw, CHECKSUM, sum as u16);
    raw
}

/// A block of bits, of which the ranges in `used` and all from `count` on are 1.
pub(super) fn bitmap(count: u64, used: impl IntoIterator<Item = Range<u64>>) -> Vec<u8> {
    let mut bits = vec![0; BLOCK];
    for range in used.into_iter().chain(iter::once(count..8 * BLOCK as u64)) {
        let mut at = range.start;
        while at < range.end {
            let byte = (at / 8) as usize;
            if at % 8 == 0 && range.end - at >= 8 {
                bits[byte] = 0xff;
                at += 8;
            } else {
                bits[byte] |= 1 << (at % 8);
                at += 1;
            }
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_numbered_from_the_lowest() {
        let bits = bitmap(40, [0..1, 5..19, 30..32]);
        assert_eq!(bits[..6], [0b1110_0001, 0xff, 0b111, 0b1100_0000, 0, 0xff]);
        assert!(bits[6..].iter().all(|byte| *byte == 0xff));
    }
}
