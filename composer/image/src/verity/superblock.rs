//! The superblock: what `veritysetup` finds a tree's parameters by. The kernel does not read it.

use crate::content::Data;

use super::Options;
use super::error::Error;
use super::layout::BLOCK;

/// Longest salt in bytes (`VERITY_MAX_SALT_SIZE` of cryptsetup; the place in the superblock).
pub const LONGEST_SALT: usize = 256;

/// `VERITY_SIGNATURE`.
const SIGNATURE: &[u8; 8] = b"verity\0\0";
/// `version`.
const VERSION: u32 = 1;
/// `hash_type`: the salt first, digests padded to a power of two. 0 was Chromium OS's.
const HASH_TYPE: u32 = 1;
/// `algorithm`, padded with NUL to 32 bytes.
const ALGORITHM: &[u8] = b"sha256";
/// Where the salt is, behind its size and six bytes of padding.
const SALT: usize = 88;

/// What a superblock says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Salt and UUID.
    pub options: Options,
    /// Blocks of data, of [`BLOCK`] bytes.
    pub data_blocks: u64,
}

/// A superblock, padded with zeros to a block. `salt` was checked.
pub(super) fn block(uuid: [u8; 16], salt: &[u8], data_blocks: u64) -> Vec<u8> {
    let mut block = SIGNATURE.to_vec();
    block.extend([VERSION, HASH_TYPE].into_iter().flat_map(u32::to_le_bytes));
    block.extend(uuid);
    block.extend(ALGORITHM);
    block.resize(64, 0);
    block.extend([BLOCK as u32; 2].into_iter().flat_map(u32::to_le_bytes));
    block.extend(data_blocks.to_le_bytes());
    block.extend((salt.len() as u16).to_le_bytes());
    block.resize(SALT, 0);
    block.extend(salt);
    block.resize(BLOCK as usize, 0);
    block
}

/// Reads the superblock at the start of a tree's area.
///
/// # Errors
/// When it is none, or one of a tree that [`super::write`] does not make.
pub fn read(tree: &Data) -> Result<Superblock, Error> {
    let mut bytes = [0; BLOCK as usize];
    let failed = |source| Error::Read { what: "the superblock", offset: 0, source };
    tree.read_at(0, &mut bytes).map_err(failed)?;
    let word =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if !bytes.starts_with(SIGNATURE) {
        return wrong("signature", bytes[..8].escape_ascii(), SIGNATURE.escape_ascii());
    }
    let numbers = [
        ("version", word(8), VERSION),
        ("hash_type", word(12), HASH_TYPE),
        ("data_block_size", word(64), BLOCK as u32),
        ("hash_block_size", word(68), BLOCK as u32),
    ];
    for (field, found, expected) in numbers {
        if found != expected {
            return wrong(field, found, expected);
        }
    }
    let end = bytes[32..64].iter().rposition(|byte| *byte != 0).map_or(32, |last| 33 + last);
    let algorithm = &bytes[32..end];
    if algorithm != ALGORITHM {
        return wrong("algorithm", algorithm.escape_ascii(), ALGORITHM.escape_ascii());
    }
    let size = usize::from(u16::from_le_bytes([bytes[80], bytes[81]]));
    if size > LONGEST_SALT {
        return wrong("salt_size", size, "at most 256");
    }
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&bytes[16..32]);
    let blocks = u64::from(word(72)) | u64::from(word(76)) << 32;
    let salt = bytes[SALT..SALT + size].to_vec();
    if block(uuid, &salt, blocks) != bytes {
        return wrong("padding", "not zero", "zero");
    }
    Ok(Superblock { options: Options { salt, superblock: Some(uuid) }, data_blocks: blocks })
}

fn wrong<T>(
    field: &'static str,
    found: impl ToString,
    expected: impl ToString,
) -> Result<T, Error> {
    let (found, expected) = (found.to_string(), expected.to_string());
    Err(Error::Superblock { field, found, expected })
}
