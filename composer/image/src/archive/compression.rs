//! Unpacks a compressed stream, and stops when it becomes more than such a stream honestly holds.

use std::cell::Cell;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::{ArchiveError, Limits};

/// What a stream may unpack to whatever its size: zeros are compressed to next to nothing.
const GRACE: u64 = 64 << 20;
/// Memory for xz's dictionary: that of its strongest preset is 64 MiB (xz(1), `-9`).
const XZ_MEMORY: u64 = 256 << 20;
/// Logarithm of zstd's largest window: what its own tools take without being asked (zstd(1), `--long`).
const ZSTD_WINDOW: u32 = 27;

/// A reader whose first bytes were looked at.
pub(super) type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// Looks at the first bytes; there may be fewer.
pub(super) fn peek<R: Read>(mut reader: R, count: u64) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut first = Vec::new();
    reader.by_ref().take(count).read_to_end(&mut first)?;
    Ok((first.clone(), Cursor::new(first).chain(reader)))
}

/// The plain bytes of a stream, by what it starts with.
pub(super) fn plain<'r>(
    reader: impl Read + 'r,
    limits: Limits,
) -> Result<Box<dyn Read + 'r>, ArchiveError> {
    let (first, reader) = peek(reader, 6)?;
    let packed = Rc::new(Cell::new(0));
    let counted = BufReader::new(Counted { reader, count: Rc::clone(&packed) });
    let unpacked: Box<dyn Read + 'r> = match first.as_slice() {
        // RFC 1952, section 2.3.1.
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(counted)),
        // The .xz File Format 1.2.1, section 2.1.1.1.
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED);
            let stream = stream.map_err(io::Error::from)?;
            Box::new(XzDecoder::new_stream(counted, stream))
        }
        // RFC 8878, section 3.1.1.
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        [b'B', b'Z', b'h', ..] => return Err(ArchiveError::Compression("bzip2")),
        [0x04, 0x22, 0x4d, 0x18, ..] => return Err(ArchiveError::Compression("lz4")),
        [b'P', b'K', 3 | 5, ..] => return Err(ArchiveError::Compression("zip")),
        _ => return Ok(Box::new(counted)),
    };
    Ok(Box::new(Watched { reader: unpacked, unpacked: 0, packed, ratio: limits.ratio }))
}

struct Counted<R> {
    reader: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

struct Watched<R> {
    reader: R,
    unpacked: u64,
    packed: Rc<Cell<u64>>,
    ratio: u64,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.unpacked += read as u64;
        let (unpacked, packed, ratio) = (self.unpacked, self.packed.get(), self.ratio);
        if unpacked > GRACE && unpacked / ratio.max(1) > packed {
            return Err(io::Error::other(ArchiveError::Bomb { ratio, packed, unpacked }));
        }
        Ok(read)
    }
}
