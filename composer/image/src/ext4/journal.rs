//! The start of an empty journal (kernel documentation, "Journal (jbd2)"). Unlike all else, it is big-endian.

use super::BLOCK;

const MAGIC: u32 = 0xc03b_3998;
/// A superblock of version 2.
const SUPERBLOCK: u32 = 4;

/// The first block of a journal of `blocks`; zeros follow it. It starts nowhere: there is nothing to replay.
pub(super) fn superblock(blocks: u32, uuid: &[u8; 16]) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    for (at, value) in [
        (0x00, MAGIC),
        (0x04, SUPERBLOCK),
        (0x0c, BLOCK as u32),
        (0x10, blocks),
        // The first block of log, and the first number of a transaction.
        (0x14, 1),
        (0x18, 1),
        // How many file systems it is for.
        (0x40, 1),
    ] {
        block[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    block[0x30..0x40].copy_from_slice(uuid);
    block
}
