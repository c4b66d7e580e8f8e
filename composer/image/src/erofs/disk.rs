//! The superblock and the inodes as they stand on the disk, each with the way back. Little endian
//! throughout; field names in comments are those of erofs_fs.h.

use crate::tree::Kind;

/// Size of a block in bytes; the only one that Linux 6.1 compresses.
pub const BLOCK: u64 = 4_096;
/// Inodes start at multiples of this, and are numbered by it (`EROFS_INODE_LAYOUT_COMPACT`).
pub const SLOT: u64 = 32;
/// Where the superblock starts (`EROFS_SUPER_OFFSET`).
pub const SUPER_AT: usize = 1_024;
/// Size of the superblock and of what describes LZ4 after it: a length of 2 bytes, and
/// `struct z_erofs_lz4_cfgs`.
pub const SUPER_SIZE: usize = 128 + LZ4_SIZE;
/// Those two, from a multiple of 4.
const LZ4_SIZE: usize = 16;
/// `EROFS_SUPER_MAGIC_V1` (include/uapi/linux/magic.h).
pub const MAGIC: u32 = 0xe0f5_e1e2;
/// `EROFS_FEATURE_COMPAT_SB_CHKSUM`, `_MTIME`: there is a checksum, and times are of last change.
pub const COMPATIBLE: u32 = 0x1 | 0x2;
/// `EROFS_FEATURE_INCOMPAT_ZERO_PADDING` and `_COMPR_CFGS`: clusters end with their block, and what
/// describes LZ4 is there. Always set together, when anything may be compressed.
pub const COMPRESSED: u32 = 0x1 | 0x2;
/// `EROFS_FEATURE_INCOMPAT_CHUNKED_FILE`: files may be made of chunks.
pub const CHUNKS: u32 = 0x4;
/// `EROFS_FEATURE_INCOMPAT_ZTAILPACKING`: compressed tails may stand beside inodes.
pub const TAILS: u32 = 0x10;
/// Farthest that LZ4 looks back, in bytes (LZ4 block format, "offset").
const FARTHEST: u16 = 65_535;

/// How the content of an inode is stored (`i_format`, data layout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In blocks one after the other.
    Plain = 0,
    /// Compressed, with an index of 8 bytes per 4 KiB.
    Packed = 1,
    /// In blocks one after the other, the last of which stands beside the inode.
    Inline = 2,
    /// In chunks, of which several may be one.
    Chunks = 4,
}

impl Layout {
    fn of(number: u16) -> Option<Self> {
        Some(match number {
            0 => Self::Plain,
            1 => Self::Packed,
            2 => Self::Inline,
            4 => Self::Chunks,
            _ => return None,
        })
    }
}

/// `struct erofs_super_block`, as far as it differs between images. Inode numbers count from the start
/// of the image (`meta_blkaddr` is 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Super {
    pub features: u32,
    pub root: u16,
    pub inodes: u64,
    pub built: u64,
    pub nanoseconds: u32,
    pub blocks: u32,
    /// First block of shared attributes.
    pub attributes: u32,
    pub uuid: [u8; 16],
    pub name: [u8; 16],
    /// Blocks in the largest cluster; 0 when nothing is compressed.
    pub cluster: u16,
}

impl Super {
    /// Writes it into the first block, whose other bytes have to be what they will be: they are under
    /// the checksum.
    pub fn put(&self, block: &mut [u8]) {
        let packed = self.cluster > 0;
        let mut bytes = Vec::with_capacity(SUPER_SIZE);
        bytes.extend(MAGIC.to_le_bytes());
        bytes.extend([0; 4]); // checksum
        bytes.extend(COMPATIBLE.to_le_bytes());
        bytes.extend([BLOCK.trailing_zeros() as u8, 0]); // blkszbits, sb_extslots
        bytes.extend(self.root.to_le_bytes());
        bytes.extend(self.inodes.to_le_bytes());
        bytes.extend(self.built.to_le_bytes());
        bytes.extend(self.nanoseconds.to_le_bytes());
        bytes.extend(self.blocks.to_le_bytes());
        bytes.extend([0; 4]); // meta_blkaddr
        bytes.extend(self.attributes.to_le_bytes());
        bytes.extend(self.uuid);
        bytes.extend(self.name);
        bytes.extend(self.features.to_le_bytes());
        bytes.extend(u16::from(packed).to_le_bytes()); // available_compr_algs: LZ4 is bit 0
        bytes.resize(128, 0);
        if packed {
            bytes.extend((LZ4_SIZE as u16 - 2).to_le_bytes());
            bytes.extend(FARTHEST.to_le_bytes());
            bytes.extend(self.cluster.to_le_bytes());
        }
        bytes.resize(SUPER_SIZE, 0);
        block[SUPER_AT..SUPER_AT + SUPER_SIZE].copy_from_slice(&bytes);
        let checksum = crc32c(&block[SUPER_AT..BLOCK as usize]);
        block[SUPER_AT + 4..SUPER_AT + 8].copy_from_slice(&checksum.to_le_bytes());
    }

    /// What the first block says; nothing when [`Super::put`] would not have written that.
    pub fn get(block: &[u8]) -> Option<Self> {
        let bytes = block.get(SUPER_AT..SUPER_AT + SUPER_SIZE)?;
        let found = Self {
            features: u32_at(bytes, 80)?,
            root: u16_at(bytes, 14)?,
            inodes: u64_at(bytes, 16)?,
            built: u64_at(bytes, 24)?,
            nanoseconds: u32_at(bytes, 32)?,
            blocks: u32_at(bytes, 36)?,
            attributes: u32_at(bytes, 44)?,
            uuid: bytes[48..64].try_into().ok()?,
            name: bytes[64..80].try_into().ok()?,
            cluster: u16_at(bytes, 132)?,
        };
        let mut again = block.get(..BLOCK as usize)?.to_vec();
        found.put(&mut again);
        (again == block[..BLOCK as usize]).then_some(found)
    }
}

/// `struct erofs_inode_compact` or `_extended`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub layout: Layout,
    /// `i_xattr_icount`.
    pub attributes: u16,
    /// `st_mode`, with the kind.
    pub mode: u16,
    pub links: u32,
    pub size: u64,
    /// `i_u`: a block address, a number of blocks, a device, or how chunks are.
    pub at: u32,
    /// `i_ino`.
    pub number: u32,
    pub owner: u32,
    pub group: u32,
    /// Time of last change, when it is not that of the image.
    pub modified: Option<u64>,
}

impl Head {
    /// Whether it fits the form of 32 bytes.
    fn is_compact(&self) -> bool {
        self.modified.is_none()
            && u16::try_from(self.owner).is_ok()
            && u16::try_from(self.group).is_ok()
            && u16::try_from(self.links).is_ok()
            && u32::try_from(self.size).is_ok()
    }

    /// Its size on the disk, in bytes.
    pub fn stored(&self) -> u64 {
        if self.is_compact() { SLOT } else { 2 * SLOT }
    }

    /// Its bytes. `built` is the time of the image.
    pub fn bytes(&self, built: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        let compact = self.is_compact();
        let format = u16::from(!compact) | (self.layout as u16) << 1;
        bytes.extend(format.to_le_bytes());
        bytes.extend(self.attributes.to_le_bytes());
        bytes.extend(self.mode.to_le_bytes());
        if compact {
            bytes.extend((self.links as u16).to_le_bytes());
            bytes.extend((self.size as u32).to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(self.at.to_le_bytes());
            bytes.extend(self.number.to_le_bytes());
            bytes.extend((self.owner as u16).to_le_bytes());
            bytes.extend((self.group as u16).to_le_bytes());
            bytes.extend([0; 4]);
        } else {
            bytes.extend([0; 2]);
            bytes.extend(self.size.to_le_bytes());
            bytes.extend(self.at.to_le_bytes());
            bytes.extend(self.number.to_le_bytes());
            bytes.extend(self.owner.to_le_bytes());
            bytes.extend(self.group.to_le_bytes());
            bytes.extend(self.modified.unwrap_or(built).to_le_bytes());
            bytes.extend([0; 4]); // i_mtime_nsec
            bytes.extend(self.links.to_le_bytes());
            bytes.extend([0; 16]);
        }
        bytes
    }

    /// What 64 bytes say (32 when no more are there and no more are needed); nothing when
    /// [`Head::bytes`] would not have written that.
    pub fn get(bytes: &[u8], built: u64, nanoseconds: u32) -> Option<Self> {
        let format = u16_at(bytes, 0)?;
        let compact = format & 1 == 0;
        let layout = Layout::of(format >> 1)?;
        let (attributes, mode) = (u16_at(bytes, 2)?, u16_at(bytes, 4)?);
        let found = if compact {
            Self {
                layout,
                attributes,
                mode,
                links: u16_at(bytes, 6)?.into(),
                size: u32_at(bytes, 8)?.into(),
                at: u32_at(bytes, 16)?,
                number: u32_at(bytes, 20)?,
                owner: u16_at(bytes, 24)?.into(),
                group: u16_at(bytes, 26)?.into(),
                modified: None,
            }
        } else {
            Self {
                layout,
                attributes,
                mode,
                links: u32_at(bytes, 44)?,
                size: u64_at(bytes, 8)?,
                at: u32_at(bytes, 16)?,
                number: u32_at(bytes, 20)?,
                owner: u32_at(bytes, 24)?,
                group: u32_at(bytes, 28)?,
                modified: Some(u64_at(bytes, 32)?)
                    .filter(|modified| *modified != built || nanoseconds != 0),
            }
        };
        let again = found.bytes(built);
        (bytes.get(..again.len())? == again).then_some(found)
    }
}

/// The upper bits of `st_mode` (Linux `S_IFMT`), and the number in a folder (`FT_*` of erofs_fs.h).
pub fn kind_bits(kind: &Kind) -> (u16, u8) {
    match kind {
        Kind::File(_) => (0o100_000, 1),
        Kind::Folder(_) => (0o040_000, 2),
        Kind::Character { .. } => (0o020_000, 3),
        Kind::Block { .. } => (0o060_000, 4),
        Kind::Fifo => (0o010_000, 5),
        Kind::Socket => (0o140_000, 6),
        Kind::Symlink(_) => (0o120_000, 7),
    }
}

/// A device in 32 bits (Linux `new_encode_dev`): 12 of the driver between 8 and 12 of the device.
pub fn device(major: u32, minor: u32) -> Option<u32> {
    let fits = major < 1 << 12 && minor < 1 << 20;
    fits.then_some(minor & 0xff | major << 8 | (minor & !0xff) << 12)
}

/// The way back from [`device`].
pub fn device_numbers(number: u32) -> (u32, u32) {
    ((number >> 8) & 0xfff, number & 0xff | (number >> 12) & 0xf_ff00)
}

/// The little-endian number at an offset, if it is inside.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// As [`u16_at`].
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// As [`u16_at`].
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// CRC-32C (RFC 3720, appendix B.4) as Linux computes it here: from all ones, not inverted at the end,
/// over the checksum itself as zeros.
fn crc32c(bytes: &[u8]) -> u32 {
    let zeros = [0; 4];
    let rest = &bytes[8..];
    let all = bytes[..4].iter().chain(&zeros).chain(rest);
    all.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}
