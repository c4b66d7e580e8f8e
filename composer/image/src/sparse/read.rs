//! The strict reader: of version 1.0 exactly, with every number checked against every other.

use crate::content::Data;
use crate::pieces;

use super::chunk::{
    CHUNK_HEADER, CRC32, Chunk, Chunks, DONT_CARE, FILL, Filling, HEADER, MAGIC, RAW, VERSION,
    repeated,
};
use super::error::Error;

/// Reads what a sparse image says, and checks its checksum when it has one. The raw bytes stay where
/// they are; [`Chunks::unpack`] writes them.
///
/// # Errors
/// The first rule of the format that is broken.
pub fn read(image: &Data) -> Result<Chunks, Error> {
    let header: [u8; HEADER] = bytes_at(image, 0)?;
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let fields = [
        ("magic", word(0), MAGIC),
        ("major_version", half(4).into(), VERSION.0.into()),
        ("minor_version", half(6).into(), VERSION.1.into()),
        ("file_hdr_sz", half(8).into(), HEADER as u32),
        ("chunk_hdr_sz", half(10).into(), CHUNK_HEADER as u32),
    ];
    for (name, found, expected) in fields {
        if found != expected {
            return Err(Error::Field { offset: 0, name, found, expected: expected.into() });
        }
    }
    let (block_size, total, count, whole) = (word(12), word(16), word(20), word(24));
    if block_size == 0 || !block_size.is_multiple_of(4) {
        return Err(Error::BlockSize { block_size });
    }
    let mut found = Found { block_size, chunks: Vec::new(), blocks: 0, checksum: None };
    let mut offset = HEADER as u64;
    for left in (0..count).rev() {
        offset = found.chunk(image, offset, left == 0)?;
    }
    if offset < image.size() {
        return Err(Error::Trailing { offset, size: image.size() - offset });
    }
    if found.blocks != u64::from(total) {
        return Err(Error::Blocks { found: found.blocks, expected: total });
    }
    // Both may be there; 0 in the header means that nobody counted.
    let said = [found.checksum, (whole != 0).then_some(whole)];
    let checksum = said.into_iter().flatten().next();
    let chunks = Chunks { block_size, chunks: found.chunks, checksum };
    if checksum.is_some() {
        let found = checksum_of(&chunks, image)?;
        if let Some(expected) = said.into_iter().flatten().find(|one| *one != found) {
            return Err(Error::Checksum { found, expected });
        }
    }
    Ok(chunks)
}

struct Found {
    block_size: u32,
    chunks: Vec<Chunk>,
    blocks: u64,
    checksum: Option<u32>,
}

impl Found {
    /// Reads the chunk at `offset`; gives where it ends.
    fn chunk(&mut self, image: &Data, offset: u64, is_last: bool) -> Result<u64, Error> {
        let [a, b, c, d, e, f, g, h, i, j, k, l]: [u8; CHUNK_HEADER] = bytes_at(image, offset)?;
        let (kind, reserved) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let blocks = u32::from_le_bytes([e, f, g, h]);
        let size = u32::from_le_bytes([i, j, k, l]);
        let field = |name, found, expected| Err(Error::Field { offset, name, found, expected });
        if reserved != 0 {
            return field("reserved1", reserved.into(), 0);
        }
        let content = offset + CHUNK_HEADER as u64;
        let (filling, bytes) = match kind {
            RAW => {
                let bytes = u64::from(blocks) * u64::from(self.block_size);
                (Some(Filling::Raw { offset: content }), bytes)
            }
            FILL => (Some(Filling::Fill([0; 4])), 4),
            DONT_CARE => (Some(Filling::DontCare), 0),
            CRC32 => (None, 4),
            kind => return Err(Error::Kind { offset, kind }),
        };
        if u64::from(size) != CHUNK_HEADER as u64 + bytes {
            return field("total_sz", size, CHUNK_HEADER as u64 + bytes);
        }
        if content + bytes > image.size() {
            let source = std::io::ErrorKind::UnexpectedEof.into();
            return Err(Error::Read { offset: content, source });
        }
        match filling {
            Some(_) if blocks == 0 => return Err(Error::Chunk { offset, why: "has no blocks" }),
            Some(filling) => {
                let content = match filling {
                    Filling::Fill(_) => Filling::Fill(bytes_at(image, content)?),
                    filling => filling,
                };
                self.chunks.push(Chunk { blocks, content });
                self.blocks += u64::from(blocks);
            }
            None if blocks != 0 => return field("chunk_sz", blocks, 0),
            None if !is_last => {
                return Err(Error::Chunk { offset, why: "is a checksum, and not the last chunk" });
            }
            None => self.checksum = Some(u32::from_le_bytes(bytes_at(image, content)?)),
        }
        Ok(content + bytes)
    }
}

fn checksum_of(chunks: &Chunks, image: &Data) -> Result<u32, Error> {
    let mut hasher = crc32fast::Hasher::new();
    for chunk in &chunks.chunks {
        let size = u64::from(chunk.blocks) * u64::from(chunks.block_size);
        match chunk.content {
            Filling::Raw { offset } => {
                let read = |source| Error::Read { offset, source };
                pieces::each(image, offset, size, read, |bytes| {
                    hasher.update(bytes);
                    Ok(())
                })?;
            }
            Filling::Fill(word) => hasher.combine(&repeated(word, size)),
            Filling::DontCare => hasher.combine(&repeated([0; 4], size)),
        }
    }
    Ok(hasher.finalize())
}

fn bytes_at<const N: usize>(image: &Data, offset: u64) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    image.read_at(offset, &mut bytes).map_err(|source| Error::Read { offset, source })?;
    Ok(bytes)
}
