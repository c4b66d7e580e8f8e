//! The writer: reads the raw bytes once, and writes the header again at the end, when the number of
//! chunks is known.

use std::io::{Seek, SeekFrom, Write};

use crate::content::Data;

use super::chunk::{
    CHUNK_HEADER, CRC32, Chunk, Chunks, DONT_CARE, FILL, Filling, HEADER, MAGIC, RAW, VERSION,
};
use super::error::Error;

/// Most bytes in a raw chunk that this writer makes. A device keeps whole chunks in memory, and so
/// does the writer.
const MOST: usize = 4 << 20;
/// Largest block: larger ones would hide what is empty.
const LARGEST_BLOCK: u32 = 1 << 20;

/// How an image is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Size of a block in bytes; a multiple of 4, at most 1 MiB. Flashing programs expect 4096.
    pub block_size: u32,
    /// Leave out blocks of zeros. Only for what goes to an erased device, or when nobody reads those
    /// blocks: a device keeps there what it had.
    pub skip_zeros: bool,
    /// Add the CRC-32 of all bytes as last chunk.
    pub checksum: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { block_size: 4_096, skip_zeros: false, checksum: false }
    }
}

/// Writes `raw` as a sparse image to where `out` stands, and leaves `out` after it.
///
/// # Errors
/// When the options or the size of `raw` do not fit the format, or reading or writing fails.
pub fn write(
    raw: &Data,
    options: &Options,
    out: &mut (impl Write + Seek),
) -> Result<Chunks, Error> {
    let (size, block_size) = (raw.size(), options.block_size);
    if block_size == 0 || !block_size.is_multiple_of(4) || block_size > LARGEST_BLOCK {
        return Err(Error::BlockSize { block_size });
    }
    if !size.is_multiple_of(block_size.into()) {
        return Err(Error::Size { size, block_size });
    }
    let total = u32::try_from(size / u64::from(block_size))
        .map_err(|_| Error::TooLarge { size, block_size })?;
    let start = out.stream_position().map_err(Error::Write)?;
    let mut image = Image { out, at: 0, block_size, chunks: Vec::new() };
    image.bytes(&[0; HEADER])?;
    let mut hasher = crc32fast::Hasher::new();
    let block = block_size as usize;
    let mut buffer = vec![0; MOST / block * block];
    let mut at = 0;
    while at < size {
        let now = buffer.len().min(usize::try_from(size - at).unwrap_or(usize::MAX));
        let bytes = &mut buffer[..now];
        raw.read_at(at, bytes).map_err(|source| Error::Read { offset: at, source })?;
        if options.checksum {
            hasher.update(bytes);
        }
        // A run of raw blocks ends with the buffer, so it needs no memory of its own.
        let mut from = 0;
        for (number, block_bytes) in bytes.chunks_exact(block).enumerate() {
            if let Some(word) = word_of(block_bytes) {
                image.raw(&bytes[from..number * block])?;
                image.repeat(match word {
                    [0, 0, 0, 0] if options.skip_zeros => Filling::DontCare,
                    word => Filling::Fill(word),
                })?;
                from = (number + 1) * block;
            }
        }
        image.raw(&bytes[from..])?;
        at += now as u64;
    }
    image.end_run()?;
    let checksum = options.checksum.then(|| hasher.finalize());
    if let Some(checksum) = checksum {
        image.header(CRC32, 0, 4)?;
        image.bytes(&checksum.to_le_bytes())?;
    }
    let Image { at, chunks, .. } = image;
    let count = chunks.len() as u32 + u32::from(options.checksum);
    let words = [VERSION.0, VERSION.1, HEADER as u16, CHUNK_HEADER as u16];
    let mut header = MAGIC.to_le_bytes().to_vec();
    header.extend(words.into_iter().flat_map(u16::to_le_bytes));
    // The last, `image_checksum`, is 0: libsparse neither writes nor checks it.
    header.extend([block_size, total, count, 0].into_iter().flat_map(u32::to_le_bytes));
    out.seek(SeekFrom::Start(start)).map_err(Error::Write)?;
    out.write_all(&header).map_err(Error::Write)?;
    out.seek(SeekFrom::Start(start + at)).map_err(Error::Write)?;
    Ok(Chunks { block_size, chunks, checksum })
}

/// The word that a block repeats.
fn word_of(block: &[u8]) -> Option<[u8; 4]> {
    let (words, _) = block.as_chunks::<4>();
    let first = words.first()?;
    words.iter().all(|word| word == first).then_some(*first)
}

/// The image being written. The last chunk, when it has no bytes of its own, is still open.
struct Image<'a, W> {
    out: &'a mut W,
    at: u64,
    block_size: u32,
    chunks: Vec<Chunk>,
}

impl<W: Write> Image<'_, W> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes).map_err(Error::Write)
    }

    fn header(&mut self, kind: u16, blocks: u32, size: usize) -> Result<(), Error> {
        let mut header = u32::from(kind).to_le_bytes().to_vec();
        header.extend(blocks.to_le_bytes());
        header.extend((CHUNK_HEADER as u32 + size as u32).to_le_bytes());
        self.bytes(&header)
    }

    /// A chunk of these bytes, at most [`MOST`].
    fn raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.end_run()?;
        let blocks = bytes.len() as u32 / self.block_size;
        self.header(RAW, blocks, bytes.len())?;
        self.chunks.push(Chunk { blocks, content: Filling::Raw { offset: self.at } });
        self.bytes(bytes)
    }

    /// One block more that is not in the image.
    fn repeat(&mut self, content: Filling) -> Result<(), Error> {
        if let Some(last) = self.chunks.last_mut().filter(|last| last.content == content) {
            last.blocks += 1;
            return Ok(());
        }
        self.end_run()?;
        self.chunks.push(Chunk { blocks: 1, content });
        Ok(())
    }

    /// Writes the chunk that is still open, if one is.
    fn end_run(&mut self) -> Result<(), Error> {
        match self.chunks.last() {
            Some(Chunk { blocks, content: Filling::Fill(word) }) => {
                let (blocks, word) = (*blocks, *word);
                self.header(FILL, blocks, word.len())?;
                self.bytes(&word)
            }
            Some(Chunk { blocks, content: Filling::DontCare }) => {
                let blocks = *blocks;
                self.header(DONT_CARE, blocks, 0)
            }
            Some(Chunk { content: Filling::Raw { .. }, .. }) | None => Ok(()),
        }
    }
}
