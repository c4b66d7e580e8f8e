//! What a caller decides about an EROFS image, and why one cannot be written.

use std::io;

use super::disk::BLOCK;

/// Largest cluster in bytes (erofs_fs.h, `Z_EROFS_PCLUSTER_MAX_SIZE`).
const LARGEST_CLUSTER: u32 = 1 << 20;
/// Longest volume name in bytes: 16 with the NUL that Linux wants at the end.
const LONGEST_NAME: usize = 15;

/// What an image has beside its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// UUID of the volume.
    pub uuid: [u8; 16],
    /// Name of the volume, at most 15 bytes without NUL.
    pub name: Vec<u8>,
    /// When the image was built, in seconds since 1970. Inodes changed at just this time take less
    /// room.
    pub built: u64,
    /// Nanoseconds of that time, below 1,000,000,000.
    pub nanoseconds: u32,
    /// How contents are compressed, when they are.
    pub compression: Option<Compression>,
}

/// How contents are compressed: with LZ4, of which a file takes as much as fills a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Effort from 3 to 12, as `lz4 -3` to `-12`; 9 is what `mkfs.erofs -zlz4hc` does.
    pub level: u8,
    /// Size of a cluster in bytes: a multiple of 4,096 up to 1 MiB. Larger ones compress better, and
    /// cost more when a single page is read.
    pub cluster: u32,
    /// Whether the compressed end of a file stands beside its inode, instead of in a block of its own.
    /// Linux 6.1 says on mounting that this is experimental; later ones do not.
    pub tails: bool,
}

impl Compression {
    /// Level 9, clusters of 4 KiB, tails beside inodes.
    pub const DEFAULT: Self = Self { level: 9, cluster: 4_096, tails: true };

    /// All of it, as part of a key.
    pub(super) fn key(self) -> [u8; 6] {
        let [a, b, c, d] = self.cluster.to_le_bytes();
        [self.level, self.tails.into(), a, b, c, d]
    }
}

/// Why an image cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such effort.
    #[error("LZ4 has no level {level}; 3 to 12 are possible")]
    Level {
        /// What was asked for.
        level: u8,
    },
    /// No such cluster.
    #[error("a cluster cannot have {cluster} bytes, only a multiple of 4,096 up to 1,048,576")]
    Cluster {
        /// What was asked for.
        cluster: u32,
    },
    /// The volume cannot be called that.
    #[error("the volume name has {bytes} bytes{}; at most 15 are possible, and no NUL", shown_nul(*nul))]
    Name {
        /// Its size.
        bytes: usize,
        /// Whether a NUL is among them.
        nul: bool,
    },
    /// More than a second.
    #[error("{nanoseconds} nanoseconds are more than a second")]
    Nanoseconds {
        /// What was asked for.
        nanoseconds: u32,
    },
    /// Device numbers have 12 and 20 bits.
    #[error("`{path}` has the device numbers {major}:{minor}; 4095:1048575 are the largest")]
    Device {
        /// The device.
        path: String,
        /// Number of its driver.
        major: u32,
        /// Number of the device.
        minor: u32,
    },
    /// An attribute that EROFS cannot hold.
    #[error("`{path}` cannot have the attribute `{name}`: {why}")]
    Attribute {
        /// The inode.
        path: String,
        /// Its attribute.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// All attributes of an inode together.
    #[error("`{path}` has {bytes} bytes of attributes; 262,148 are possible")]
    Attributes {
        /// The inode.
        path: String,
        /// Size of its attributes.
        bytes: usize,
    },
    /// Block addresses have 32 bits.
    #[error("the image has more than 4,294,967,294 blocks of 4,096 bytes")]
    TooLarge,
    /// A content cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    Content {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A content cannot be compressed.
    #[error("`{path}` cannot be compressed: {error}")]
    Compress {
        /// The file.
        path: String,
        /// Why.
        error: lzzzz::Error,
    },
    /// The image cannot be written out.
    #[error("the image cannot be written: {0}")]
    Write(#[from] io::Error),
}

fn shown_nul(nul: bool) -> &'static str {
    if nul { ", one of them NUL" } else { "" }
}

impl Options {
    /// Whether the format can hold them.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn check(&self) -> Result<(), Error> {
        let nul = self.name.contains(&0);
        if nul || self.name.len() > LONGEST_NAME {
            return Err(Error::Name { bytes: self.name.len(), nul });
        }
        if self.nanoseconds >= 1_000_000_000 {
            return Err(Error::Nanoseconds { nanoseconds: self.nanoseconds });
        }
        let Some(Compression { level, cluster, .. }) = self.compression else {
            return Ok(());
        };
        if !(3..=12).contains(&level) {
            return Err(Error::Level { level });
        }
        let whole = u64::from(cluster).is_multiple_of(BLOCK);
        if cluster == 0 || !whole || cluster > LARGEST_CLUSTER {
            return Err(Error::Cluster { cluster });
        }
        Ok(())
    }
}
