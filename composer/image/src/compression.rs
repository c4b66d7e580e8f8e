//! Compression of whole streams, in the forms that the kernel unpacks an initramfs from (Linux,
//! lib/decompress.c, `compressed_formats`). One thread, no name, no time: the same bytes for the same
//! input and the same version of the compressor.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use flate2::GzBuilder;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Check, Stream};
use liblzma::write::XzEncoder;

/// Starts of the formats (lib/decompress.c; RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, the .xz
/// file format 2.1.1.1, lz4's "legacy frame").
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
const LZ4: &[u8] = &LZ4_MAGIC.to_le_bytes();
const LZ4_MAGIC: u32 = 0x184c_2102;
/// Bytes in a block of lz4's legacy frame, unpacked; only the last may have fewer
/// (`LZ4_DEFAULT_UNCOMPRESSED_CHUNK_SIZE` in lib/decompress_unlz4.c).
const LZ4_BLOCK: usize = 8 << 20;
/// What unpacking xz may need, in bytes: level 9 asks for 65 MiB (xz(1), table of presets).
const XZ_MEMORY: u64 = 128 << 20;

/// How a stream is compressed. Levels are checked by [`Compression::writer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// gzip (RFC 1952), level 1 to 9.
    Gzip {
        /// The level.
        level: u32,
    },
    /// Zstandard (RFC 8878) with a checksum, level 1 to 22. From 20 on the kernel needs up to 128 MiB
    /// for its window, which is all that it accepts (`ZSTD_WINDOWSIZE_MAX`).
    Zstd {
        /// The level.
        level: u32,
    },
    /// xz with CRC32, the one check that any kernel can make (Documentation/staging/xz.rst), level
    /// 0 to 9.
    Xz {
        /// The level.
        level: u32,
    },
    /// lz4 in its legacy frame, the only one that the kernel reads.
    Lz4,
}

/// A level that a compressor does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{compression} does not exist; the levels are {least} to {most}")]
pub struct LevelError {
    /// What was asked for.
    pub compression: Compression,
    /// Lowest level.
    pub least: u32,
    /// Highest level.
    pub most: u32,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip { level } => write!(f, "gzip level {level}"),
            Self::Zstd { level } => write!(f, "zstd level {level}"),
            Self::Xz { level } => write!(f, "xz level {level}"),
            Self::Lz4 => f.write_str("lz4"),
        }
    }
}

impl Compression {
    /// What compresses all that is written to it, into `out`. The stream is complete only after
    /// [`Compressor::finish`].
    ///
    /// # Errors
    /// `InvalidInput` with a [`LevelError`]; those of the compressor and of `out`.
    pub fn writer<W: Write>(self, out: W) -> io::Result<Compressor<W>> {
        let level = |level, least, most| match (least..=most).contains(&level) {
            true => Ok(level),
            false => {
                let error = LevelError { compression: self, least, most };
                Err(io::Error::new(io::ErrorKind::InvalidInput, error))
            }
        };
        Ok(Compressor(match self {
            Self::Gzip { level: asked } => {
                let level = flate2::Compression::new(level(asked, 1, 9)?);
                Inner::Gzip(GzBuilder::new().write(out, level))
            }
            Self::Zstd { level: asked } => {
                let mut encoder = zstd::Encoder::new(out, level(asked, 1, 22)? as i32)?;
                encoder.include_checksum(true)?;
                Inner::Zstd(encoder)
            }
            Self::Xz { level: asked } => {
                let stream = Stream::new_easy_encoder(level(asked, 0, 9)?, Check::Crc32)?;
                Inner::Xz(XzEncoder::new_stream(out, stream))
            }
            Self::Lz4 => Inner::Lz4(Legacy::new(out)?),
        }))
    }
}

/// A stream being compressed. Dropping it leaves the stream incomplete.
pub struct Compressor<W: Write>(Inner<W>);

enum Inner<W: Write> {
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
    Xz(XzEncoder<W>),
    Lz4(Legacy<W>),
}

impl<W: Write> Compressor<W> {
    /// Writes what is left and the end of the stream.
    ///
    /// # Errors
    /// Those of the compressor and of the output.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Inner::Gzip(encoder) => encoder.finish(),
            Inner::Zstd(encoder) => encoder.finish(),
            Inner::Xz(encoder) => encoder.finish(),
            Inner::Lz4(legacy) => legacy.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Gzip(encoder) => encoder.write(bytes),
            Inner::Zstd(encoder) => encoder.write(bytes),
            Inner::Xz(encoder) => encoder.write(bytes),
            Inner::Lz4(legacy) => legacy.write(bytes),
        }
    }

    /// Does nothing: flushing a compressor would put a mark into its stream, so that the bytes would
    /// depend on when somebody flushed.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// lz4's legacy frame: the magic number, then blocks with their compressed sizes (lz4,
/// doc/lz4_Frame_format.md, "Legacy frame").
struct Legacy<W> {
    out: W,
    block: Vec<u8>,
}

impl<W: Write> Legacy<W> {
    fn new(mut out: W) -> io::Result<Self> {
        out.write_all(LZ4)?;
        Ok(Self { out, block: Vec::new() })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(LZ4_BLOCK - self.block.len());
        self.block.extend(&bytes[..taken]);
        if self.block.len() == LZ4_BLOCK {
            self.end_block()?;
        }
        Ok(taken)
    }

    fn end_block(&mut self) -> io::Result<()> {
        let packed = lz4_flex::block::compress(&self.block);
        self.block.clear();
        self.out.write_all(&(packed.len() as u32).to_le_bytes())?;
        self.out.write_all(&packed)
    }

    fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        Ok(self.out)
    }
}

/// Unpacks a stream of any of the formats, which its first bytes tell.
///
/// # Errors
/// `InvalidData` when it is none of them; while reading, when the stream is damaged, ends early, or
/// something follows it.
pub fn reader<'a>(mut input: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = [0; 6];
    let mut known = 0;
    while known < start.len() {
        match input.read(&mut start[known..]) {
            Ok(0) => break,
            Ok(more) => known += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let start = start[..known].to_vec();
    let is = |magic: &[u8]| start.starts_with(magic);
    let (gzip, zstd, xz, lz4) = (is(GZIP), is(ZSTD), is(XZ), is(LZ4));
    let whole = io::Cursor::new(start).chain(input);
    Ok(match () {
        () if gzip => Box::new(MultiGzDecoder::new(whole)),
        () if zstd => Box::new(zstd::Decoder::with_buffer(whole)?),
        () if xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
            Box::new(XzDecoder::new_stream(whole, stream))
        }
        () if lz4 => Box::new(Unpacked::new(whole)?),
        () => return Err(invalid("the stream is neither gzip, zstd, xz nor lz4")),
    })
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// lz4's legacy frame, unpacked block by block.
struct Unpacked<R> {
    input: R,
    block: Vec<u8>,
    given: usize,
}

impl<R: Read> Unpacked<R> {
    fn new(mut input: R) -> io::Result<Self> {
        input.read_exact(&mut [0; LZ4.len()])?;
        Ok(Self { input, block: Vec::new(), given: 0 })
    }

    /// The next block, empty after the last.
    fn next(&mut self) -> io::Result<()> {
        let was_last = !self.block.is_empty() && self.block.len() < LZ4_BLOCK;
        self.block.clear();
        self.given = 0;
        let mut size = Vec::new();
        self.input.by_ref().take(4).read_to_end(&mut size)?;
        if size.is_empty() {
            return Ok(());
        }
        if was_last {
            return Err(invalid("an lz4 block of less than 8 MiB is not the last"));
        }
        let size = size.try_into().map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let size = u32::from_le_bytes(size);
        let most = lz4_flex::block::get_maximum_output_size(LZ4_BLOCK);
        if size == 0 || size as usize > most {
            return Err(invalid(format!(
                "an lz4 block has {size} bytes; 1 to {most} are possible"
            )));
        }
        let mut packed = Vec::new();
        self.input.by_ref().take(size.into()).read_to_end(&mut packed)?;
        if packed.len() < size as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.block = lz4_flex::block::decompress(&packed, LZ4_BLOCK).map_err(invalid)?;
        match self.block.is_empty() {
            true => Err(invalid("an lz4 block holds nothing")),
            false => Ok(()),
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() {
            self.next()?;
        }
        let now = buffer.len().min(self.block.len() - self.given);
        buffer[..now].copy_from_slice(&self.block[self.given..][..now]);
        self.given += now;
        Ok(now)
    }
}
