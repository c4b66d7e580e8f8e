//! The superblock (kernel documentation, "The Super Block"): what all readers start from.

use super::checksum;
use super::error::ReadError;
use super::fields::{get_u32, put_u16, put_u32};
use super::geometry::{FLEX_BITS, GROUP};
use super::hash::HALF_MD4;
use super::inode::{FIRST_FREE, JOURNAL, SIZE as INODE_SIZE};

/// Where it is in an image, in bytes.
pub(super) const OFFSET: usize = 1_024;
/// Its size in bytes.
pub(super) const SIZE: usize = 1_024;

const MAGIC: u16 = 0xef53;
/// Has a journal, attributes, indexed folders.
const COMPATIBLE: u32 = EXT_ATTR | DIR_INDEX;
const HAS_JOURNAL: u32 = 0x4;
const EXT_ATTR: u32 = 0x8;
const DIR_INDEX: u32 = 0x20;
/// `filetype`, `extents`, `flex_bg`.
const INCOMPATIBLE: u32 = 0x2 | 0x40 | 0x200;
/// `sparse_super`, `large_file`, `huge_file`, `dir_nlink`, `extra_isize`, `metadata_csum`.
const READ_ONLY_COMPATIBLE: u32 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400;
/// Blocks of `1024 << 2` bytes.
const LOG_BLOCK_SIZE: u32 = 2;
/// Unmounted, without errors.
const CLEAN: u16 = 1;
/// After an error: go on.
const CONTINUE: u16 = 1;
/// The revision with inodes of any size.
const DYNAMIC: u32 = 1;
/// No check is due because of mounts.
const NEVER: u16 = 0xffff;
/// `user_xattr` and `acl`.
const MOUNT_OPTIONS: u32 = 0x4 | 0x8;
/// Hashes of folders take bytes as signed.
const SIGNED_HASH: u32 = 0x1;
/// Bytes of an inode beyond the first 128 that are in use.
const EXTRA_ISIZE: u16 = 32;
/// CRC-32C.
const CHECKSUM: u8 = 1;
const LABEL: usize = 16;

/// A superblock. All of its other fields are the same in all images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) inodes: u32,
    pub(super) blocks: u32,
    pub(super) free_blocks: u32,
    pub(super) free_inodes: u32,
    pub(super) inodes_per_group: u32,
    /// Seconds since 1970, below 2^40.
    pub(super) made: u64,
    pub(super) uuid: [u8; 16],
    pub(super) label: Vec<u8>,
    pub(super) hash_seed: [u8; 16],
    /// Where the journal is, should its inode be lost: the inode's block map, then its size.
    pub(super) journal: Option<([u8; 60], u64)>,
    /// Blocks that no file can ever have.
    pub(super) overhead: u32,
}

impl Superblock {
    /// The copy at the start of a group.
    pub(super) fn encode(&self, group: u64) -> [u8; SIZE] {
        let mut raw = [0; SIZE];
        let journal = self.journal.as_ref();
        for (at, value) in [
            (0x00, self.inodes),
            (0x04, self.blocks),
            (0x0c, self.free_blocks),
            (0x10, self.free_inodes),
            (0x18, LOG_BLOCK_SIZE),
            (0x1c, LOG_BLOCK_SIZE),
            (0x20, GROUP as u32),
            (0x24, GROUP as u32),
            (0x28, self.inodes_per_group),
            (0x30, self.made as u32),
            (0x40, self.made as u32),
            (0x4c, DYNAMIC),
            (0x54, FIRST_FREE),
            (0x5c, COMPATIBLE | if journal.is_some() { HAS_JOURNAL } else { 0 }),
            (0x60, INCOMPATIBLE),
            (0x64, READ_ONLY_COMPATIBLE),
            (0xe0, if journal.is_some() { JOURNAL } else { 0 }),
            (0x100, MOUNT_OPTIONS),
            (0x108, self.made as u32),
            (0x160, SIGNED_HASH),
            (0x248, self.overhead),
        ] {
            put_u32(&mut raw, at, value);
        }
        for (at, value) in [
            (0x36, NEVER),
            (0x38, MAGIC),
            (0x3a, CLEAN),
            (0x3c, CONTINUE),
            (0x58, INODE_SIZE as u16),
            (0x5a, group as u16),
            (0x15c, EXTRA_ISIZE),
            (0x15e, EXTRA_ISIZE),
        ] {
            put_u16(&mut raw, at, value);
        }
        raw[0x68..0x78].copy_from_slice(&self.uuid);
        let label = &self.label[..self.label.len().min(LABEL)];
        raw[0x78..][..label.len()].copy_from_slice(label);
        raw[0xec..0xfc].copy_from_slice(&self.hash_seed);
        raw[0xfc] = HALF_MD4;
        if let Some((map, size)) = journal {
            // What follows is a copy of the journal's inode.
            raw[0xfd] = 1;
            raw[0x10c..0x148].copy_from_slice(map);
            put_u32(&mut raw, 0x148, (size >> 32) as u32);
            put_u32(&mut raw, 0x14c, *size as u32);
        }
        raw[0x174] = FLEX_BITS;
        raw[0x175] = CHECKSUM;
        // Upper bytes of the times of writing, making and checking.
        for at in [0x274, 0x276, 0x277] {
            raw[at] = (self.made >> 32) as u8;
        }
        let sum = checksum::crc(!0, &raw[..SIZE - 4]);
        put_u32(&mut raw, SIZE - 4, sum);
        raw
    }

    /// Reads the copy of group 0.
    pub(super) fn decode(raw: &[u8; SIZE]) -> Result<Self, ReadError> {
        let magic = u16::from_le_bytes([raw[0x38], raw[0x39]]);
        if magic != MAGIC {
            return Err(ReadError::Magic { found: magic });
        }
        let array = |at: usize| std::array::from_fn(|byte| raw[at + byte]);
        let label = &raw[0x78..0x78 + LABEL];
        let length = label.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let size = u64::from(get_u32(raw, 0x148)) << 32 | u64::from(get_u32(raw, 0x14c));
        let map = std::array::from_fn(|byte| raw[0x10c + byte]);
        let superblock = Self {
            inodes: get_u32(raw, 0x00),
            blocks: get_u32(raw, 0x04),
            free_blocks: get_u32(raw, 0x0c),
            free_inodes: get_u32(raw, 0x10),
            inodes_per_group: get_u32(raw, 0x28),
            made: u64::from(get_u32(raw, 0x30)) | u64::from(raw[0x274]) << 32,
            uuid: array(0x68),
            label: label[..length].to_vec(),
            hash_seed: array(0xec),
            journal: (get_u32(raw, 0x5c) & HAS_JOURNAL != 0).then_some((map, size)),
            overhead: get_u32(raw, 0x248),
        };
        let again = superblock.encode(0);
        match raw.iter().zip(&again).position(|(found, expected)| found != expected) {
            Some(at) => Err(ReadError::Superblock { at, found: raw[at], expected: again[at] }),
            None => Ok(superblock),
        }
    }
}
