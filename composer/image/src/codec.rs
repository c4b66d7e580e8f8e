//! Compression of blocks, each by itself, as file systems that unpack at random places need it. The
//! libraries are built into the program, so that neither the host's nor the processor's version of
//! them can reach an image.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use liblzma::stream::{self as xz, Action, Check, Filters, LzmaOptions, Stream};
use zstd::zstd_safe;

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// Not at all.
    None,
    /// DEFLATE with a zlib header (RFC 1950), which squashfs calls gzip.
    Gzip {
        /// 1 (fast) to 9 (small).
        level: u32,
    },
    /// xz (LZMA2 with a CRC-32).
    Xz {
        /// The preset: 0 (fast) to 9 (small).
        level: u32,
    },
    /// Zstandard (RFC 8878).
    Zstd {
        /// 1 (fast) to 22 (small).
        level: u32,
    },
}

/// What went wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A level that the codec does not have.
    #[error("{codec} has no level {level}; there are {lowest} to {highest}")]
    Level {
        /// Name of the codec.
        codec: &'static str,
        /// The level that was asked for.
        level: u32,
        /// Lowest level there is.
        lowest: u32,
        /// Highest level there is.
        highest: u32,
    },
    /// The library failed to compress; that is lack of memory.
    #[error("{codec} cannot compress a block of {size} bytes: {reason}")]
    Compress {
        /// Name of the codec.
        codec: &'static str,
        /// Size of the block in bytes.
        size: usize,
        /// What the library said.
        reason: String,
    },
    /// The bytes are no compressed block.
    #[error("{size} bytes are no {codec} block of at most {limit} bytes: {reason}")]
    Unpack {
        /// Name of the codec.
        codec: &'static str,
        /// Size of the compressed block in bytes.
        size: usize,
        /// The most that it may be unpacked, in bytes.
        limit: usize,
        /// What the library said.
        reason: String,
    },
}

/// The smallest dictionary of LZMA2 (xz file format 1.2.1, section 5.3.1).
const SMALLEST_DICTIONARY: usize = 4 << 10;
/// What unpacking xz may use; a dictionary is at most as large as a block, 1 MiB.
const XZ_MEMORY: u64 = 16 << 20;

impl Codec {
    /// Its name: `none`, `gzip`, `xz`, `zstd`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip { .. } => "gzip",
            Self::Xz { .. } => "xz",
            Self::Zstd { .. } => "zstd",
        }
    }

    /// What decides its bytes: name, library with version, and level, for keys. The versions are tested
    /// against `Cargo.lock`.
    pub fn version(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Gzip { level } => format!("gzip zlib-rs 0.6.8 {level}"),
            Self::Xz { level } => format!("xz liblzma-sys 0.4.9 {level}"),
            Self::Zstd { level } => format!("zstd zstd-sys 2.1.2+zstd.1.5.7 {level}"),
        }
    }

    /// Its level; 0 when it has none.
    pub const fn level(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Gzip { level } | Self::Xz { level } | Self::Zstd { level } => level,
        }
    }

    /// That the codec has the level.
    ///
    /// # Errors
    /// When it has not.
    pub fn check(self) -> Result<(), CodecError> {
        let (lowest, highest) = match self {
            Self::None => (0, 0),
            Self::Gzip { .. } => (1, 9),
            Self::Xz { .. } => (0, 9),
            Self::Zstd { .. } => (1, 22),
        };
        match self.level() {
            level if (lowest..=highest).contains(&level) => Ok(()),
            level => Err(CodecError::Level { codec: self.name(), level, lowest, highest }),
        }
    }

    /// The block compressed, or nothing when that would not be smaller. The same bytes for the same
    /// block and [`Codec::version`], on any machine.
    ///
    /// # Errors
    /// When the library has no memory, or the level is none (see [`Codec::check`]).
    pub fn compress(self, block: &[u8]) -> Result<Option<Vec<u8>>, CodecError> {
        self.check()?;
        let failed =
            |reason: String| CodecError::Compress { codec: self.name(), size: block.len(), reason };
        // What does not fit into this is of no use.
        let mut packed = Vec::new();
        let Some(room) = block.len().checked_sub(1).filter(|room| *room > 0) else {
            return Ok(None);
        };
        match self {
            Self::None => return Ok(None),
            Self::Gzip { level } => {
                packed.reserve_exact(room);
                let mut stream = Compress::new(Compression::new(level), true);
                let status = stream
                    .compress_vec(block, &mut packed, FlushCompress::Finish)
                    .map_err(|error| failed(error.to_string()))?;
                if status != Status::StreamEnd {
                    return Ok(None);
                }
            }
            Self::Xz { level } => {
                packed.reserve_exact(room);
                let status = xz_encoder(level, block.len())
                    .and_then(|mut stream| stream.process_vec(block, &mut packed, Action::Finish))
                    .map_err(|error| failed(error.to_string()))?;
                if status != xz::Status::StreamEnd {
                    return Ok(None);
                }
            }
            Self::Zstd { level } => {
                packed = zstd::bulk::compress(block, level.cast_signed())
                    .map_err(|error| failed(error.to_string()))?;
            }
        }
        packed.shrink_to_fit();
        Ok((packed.len() < block.len()).then_some(packed))
    }

    /// Unpacks one block that this codec compressed (at whatever level) and that has at most `limit`
    /// bytes unpacked.
    ///
    /// # Errors
    /// When the bytes are not exactly one whole block.
    pub fn unpack(self, packed: &[u8], limit: usize) -> Result<Vec<u8>, CodecError> {
        let failed = |reason: &dyn std::fmt::Display| CodecError::Unpack {
            codec: self.name(),
            size: packed.len(),
            limit,
            reason: reason.to_string(),
        };
        let mut block = Vec::with_capacity(limit);
        let used = match self {
            Self::None => return Err(failed(&"nothing is compressed with it")),
            Self::Gzip { .. } => {
                let mut stream = Decompress::new(true);
                let status = stream
                    .decompress_vec(packed, &mut block, FlushDecompress::Finish)
                    .map_err(|error| failed(&error))?;
                if status != Status::StreamEnd {
                    return Err(failed(&"it does not end"));
                }
                stream.total_in()
            }
            Self::Xz { .. } => {
                let mut stream =
                    Stream::new_stream_decoder(XZ_MEMORY, 0).map_err(|error| failed(&error))?;
                let status = stream
                    .process_vec(packed, &mut block, Action::Finish)
                    .map_err(|error| failed(&error))?;
                if status != xz::Status::StreamEnd {
                    return Err(failed(&"it does not end"));
                }
                stream.total_in()
            }
            Self::Zstd { .. } => {
                let size = zstd_safe::find_frame_compressed_size(packed)
                    .map_err(|code| failed(&zstd_safe::get_error_name(code)))?;
                let frame = packed.get(..size).ok_or_else(|| failed(&"it does not end"))?;
                zstd_safe::decompress(&mut block, frame)
                    .map_err(|code| failed(&zstd_safe::get_error_name(code)))?;
                size as u64
            }
        };
        if used != packed.len() as u64 {
            return Err(failed(&format_args!("it ends after {used} bytes")));
        }
        Ok(block)
    }
}

/// A preset with no larger dictionary than the block: the kernel sets aside as much as a block has
/// (`squashfs_xz_comp_opts`, fs/squashfs/xz_wrapper.c).
fn xz_encoder(level: u32, size: usize) -> Result<Stream, xz::Error> {
    let mut options = LzmaOptions::new_preset(level)?;
    let dictionary = size.next_power_of_two().max(SMALLEST_DICTIONARY);
    options.dict_size(u32::try_from(dictionary).unwrap_or(u32::MAX));
    Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Codec; 6] = [
        Codec::Gzip { level: 1 },
        Codec::Gzip { level: 9 },
        Codec::Xz { level: 0 },
        Codec::Xz { level: 6 },
        Codec::Zstd { level: 1 },
        Codec::Zstd { level: 22 },
    ];

    #[test]
    fn every_block_comes_back_and_nothing_else_does() {
        for codec in ALL {
            for size in [400, 4_096, 8_192, 131_072, 1 << 20] {
                let block: Vec<u8> = (0..size).map(|at| ((at * at) >> 9) as u8 & 7).collect();
                let packed = codec.compress(&block).expect("compressed").expect("smaller");
                assert!(packed.len() < size);
                assert_eq!(codec.unpack(&packed, size).as_ref(), Ok(&block), "{codec:?} {size}");
                assert!(codec.unpack(&packed, size - 1).is_err(), "{codec:?} {size}: too large");
                assert!(codec.unpack(&packed[..packed.len() - 1], size).is_err(), "{codec:?}");
                let more = [packed.as_slice(), &[0]].concat();
                assert!(codec.unpack(&more, size).is_err(), "{codec:?} {size}: one byte more");
            }
            assert_eq!(codec.compress(b""), Ok(None));
            assert_eq!(codec.compress(b"abc"), Ok(None));
        }
    }

    #[test]
    fn levels_that_do_not_exist_are_refused() {
        for codec in [
            Codec::Gzip { level: 0 },
            Codec::Gzip { level: 10 },
            Codec::Xz { level: 10 },
            Codec::Zstd { level: 0 },
            Codec::Zstd { level: 23 },
        ] {
            let error = codec.check().expect_err("no such level");
            assert!(error.to_string().contains(&codec.level().to_string()), "{error}");
            assert_eq!(codec.compress(b"a block of bytes"), Err(error));
        }
    }

    /// Another library makes other bytes: the key must change with it.
    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        for codec in ALL {
            let version = codec.version();
            let words: Vec<&str> = version.split(' ').collect();
            let wanted = format!("name = \"{}\"\nversion = \"{}\"\n", words[1], words[2]);
            assert!(lock.contains(&wanted), "Cargo.lock has another {}", words[1]);
        }
        assert_eq!(zstd_safe::version_string(), "1.5.7", "the host's library");
    }
}
