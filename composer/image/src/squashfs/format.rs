//! The superblock and the numbers of the format, as the kernel's `fs/squashfs/squashfs_fs.h` has them.

use crate::codec::Codec;

use super::error::ReadError;

/// `SQUASHFS_MAGIC`: "hsqs".
const MAGIC: u32 = 0x7371_7368;
/// Version 4.0.
const VERSION: (u16, u16) = (4, 0);
/// Size of the superblock in bytes.
pub(super) const SUPERBLOCK: usize = 96;
/// `SQUASHFS_METADATA_SIZE`: what a block of metadata has in it unpacked, in bytes.
pub(super) const METADATA: usize = 8_192;
/// `SQUASHFS_COMPRESSED_BIT` of the 16-bit size before a block of metadata: it is stored as it is.
pub(super) const METADATA_RAW: u16 = 1 << 15;
/// `SQUASHFS_COMPRESSED_BIT_BLOCK` of the 32-bit size of a block of data: it is stored as it is.
pub(super) const DATA_RAW: u32 = 1 << 24;
/// Smallest size of blocks of data in bytes; the kernel wants at least a page (`squashfs_fill_super`).
pub(super) const SMALLEST_BLOCK: u32 = 4 << 10;
/// `SQUASHFS_FILE_MAX_SIZE`: largest size of blocks of data in bytes.
pub(super) const LARGEST_BLOCK: u32 = 1 << 20;
/// `SQUASHFS_INVALID_FRAG`, `SQUASHFS_INVALID_XATTR`: no fragment, no attributes.
pub(super) const NO_INDEX: u32 = u32::MAX;
/// `SQUASHFS_INVALID_BLK`: a table that there is not.
pub(super) const NO_TABLE: u64 = u64::MAX;
/// What `mksquashfs` fills images up to, in bytes, so that any block device can hold them.
pub(super) const PADDING: u64 = 4_096;

/// Flags of the superblock (`SQUASHFS_NOI` and so on): metadata, data and fragments are not compressed;
/// bits 8 and 11 say it of attributes and owners (`squashfs-tools/squashfs_fs.h`).
const FLAGS_UNCOMPRESSED: u16 = 1 | 1 << 1 | 1 << 3 | 1 << 8 | 1 << 11;
/// `SQUASHFS_DUPLICATE`: equal contents are stored once.
const FLAG_DUPLICATES: u16 = 1 << 6;
/// `SQUASHFS_EXPORT`: there is a table of inodes by number.
const FLAG_EXPORT: u16 = 1 << 7;
/// No inode has attributes (`SQUASHFS_NO_XATTR` of squashfs-tools).
const FLAG_NO_ATTRIBUTES: u16 = 1 << 9;
/// `SQUASHFS_COMP_OPT`: options of the compressor follow the superblock.
const FLAG_OPTIONS: u16 = 1 << 10;

/// Compressors of the superblock (`ZLIB_COMPRESSION` and so on).
const GZIP: u16 = 1;
const XZ: u16 = 4;
const ZSTD: u16 = 6;

/// The superblock (`squashfs_super_block`), without what follows from the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Superblock {
    /// How many inodes there are.
    pub inodes: u32,
    /// When the image was made, in seconds since 1970.
    pub time: u32,
    /// Size of blocks of data in bytes.
    pub block_size: u32,
    /// How many fragments there are.
    pub fragments: u32,
    /// What it is compressed with; the level is that of [`Options`](super::Options) when written, and
    /// any when read.
    pub codec: Codec,
    /// How many owners and groups there are.
    pub owners: u16,
    /// Where the inode of the root is: see [`metadata::Place`](super::metadata::Place).
    pub root: u64,
    /// Size of the file system in bytes, without padding.
    pub size: u64,
    /// Offsets of tables in the image; of those that are read by number, that of their index.
    pub owner_table: u64,
    /// See `owner_table`; [`NO_TABLE`] when there is none.
    pub attribute_table: u64,
    /// See `owner_table`.
    pub inode_table: u64,
    /// See `owner_table`.
    pub folder_table: u64,
    /// See `owner_table`.
    pub fragment_table: u64,
    /// See `owner_table`; [`NO_TABLE`] when there is none.
    pub export_table: u64,
}

impl Superblock {
    /// Its 96 bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut flags = FLAG_DUPLICATES;
        let compressor = match self.codec {
            Codec::None => {
                flags |= FLAGS_UNCOMPRESSED;
                GZIP
            }
            Codec::Gzip { .. } => GZIP,
            Codec::Xz { .. } => XZ,
            Codec::Zstd { .. } => ZSTD,
        };
        if !compressor_options(self.codec).is_empty() {
            flags |= FLAG_OPTIONS;
        }
        if self.export_table != NO_TABLE {
            flags |= FLAG_EXPORT;
        }
        if self.attribute_table == NO_TABLE {
            flags |= FLAG_NO_ATTRIBUTES;
        }
        let mut bytes = Vec::with_capacity(SUPERBLOCK);
        for word in [MAGIC, self.inodes, self.time, self.block_size, self.fragments] {
            bytes.extend(word.to_le_bytes());
        }
        let log = self.block_size.trailing_zeros() as u16;
        for half in [compressor, log, flags, self.owners, VERSION.0, VERSION.1] {
            bytes.extend(half.to_le_bytes());
        }
        for long in [
            self.root,
            self.size,
            self.owner_table,
            self.attribute_table,
            self.inode_table,
            self.folder_table,
            self.fragment_table,
            self.export_table,
        ] {
            bytes.extend(long.to_le_bytes());
        }
        bytes
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none, or of a file system that this program cannot read.
    pub fn read(bytes: &[u8; SUPERBLOCK]) -> Result<Self, ReadError> {
        let field = |what, found: u64, why| Err(ReadError::Field { what, found, why });
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[at + byte]));
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if word(0) != MAGIC {
            return field("magic number", word(0).into(), "squashfs has 0x73717368");
        }
        if (half(28), half(30)) != VERSION {
            let found = u64::from(half(28)) << 16 | u64::from(half(30));
            return field("version", found, "only 4.0 (0x40000) is read");
        }
        let codec = match half(20) {
            GZIP => Codec::Gzip { level: 9 },
            XZ => Codec::Xz { level: 6 },
            ZSTD => Codec::Zstd { level: 15 },
            other => return field("compressor", other.into(), "only gzip, xz and zstd are read"),
        };
        let block_size = word(12);
        if !block_size.is_power_of_two() || !(SMALLEST_BLOCK..=LARGEST_BLOCK).contains(&block_size)
        {
            return field("block size", block_size.into(), "it is a power of 2, 4 KiB to 1 MiB");
        }
        if u32::from(half(22)) != block_size.trailing_zeros() {
            return field("logarithm of the block size", half(22).into(), "the size is another");
        }
        Ok(Self {
            inodes: word(4),
            time: word(8),
            block_size,
            fragments: word(16),
            codec,
            owners: half(26),
            root: long(32),
            size: long(40),
            owner_table: long(48),
            attribute_table: long(56),
            inode_table: long(64),
            folder_table: long(72),
            fragment_table: long(80),
            export_table: long(88),
        })
    }
}

/// The options of the compressor that follow the superblock as a block of metadata, or nothing when they
/// are the usual (`squashfs-tools`: `gzip_wrapper.h`, `zstd_wrapper.h`; xz needs them for dictionaries
/// of another size than a block, and filters for processors). They only inform: nobody unpacks by them.
pub(super) fn compressor_options(codec: Codec) -> Vec<u8> {
    /// zlib's largest window, as a power of 2.
    const WINDOW: u16 = 15;
    match codec {
        Codec::Gzip { level } if level != 9 => {
            let strategies = 0_u16;
            [&level.to_le_bytes()[..], &WINDOW.to_le_bytes(), &strategies.to_le_bytes()].concat()
        }
        Codec::Zstd { level } if level != 15 => level.to_le_bytes().to_vec(),
        _ => Vec::new(),
    }
}
