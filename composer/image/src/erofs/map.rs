//! Contents in an image that is read: where each part of a file is. Nothing is unpacked before it is
//! asked for, but for the digest, part by part.

use std::io;

use tarsia_model::Blake3;

use super::disk::BLOCK;
use crate::content::{Content, Data};

/// What a part of a content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes as they are.
    Plain,
    /// An LZ4 block of at most so many bytes, with zeros before it.
    Packed(u32),
}

/// A part of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Bytes of the content.
    pub size: u64,
    /// Where it is in the image.
    pub at: u64,
    pub kind: Kind,
}

/// A content in an image.
#[derive(Debug)]
pub struct Stored {
    image: Data,
    /// Each with where it starts in the content.
    ranges: Vec<(u64, Range)>,
    size: u64,
    digest: Blake3,
}

impl Stored {
    /// The content that `ranges` are, one after the other. Reads all of it, once.
    ///
    /// # Errors
    /// Those of reading the image; `InvalidData` when a part cannot be unpacked.
    pub fn of(image: &Data, ranges: Vec<Range>) -> io::Result<Self> {
        let mut starts = Vec::with_capacity(ranges.len());
        let mut size = 0;
        for range in ranges {
            starts.push((size, range));
            size += range.size;
        }
        let digest = Blake3([0; 32]);
        let mut stored = Self { image: image.clone(), ranges: starts, size, digest };
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; size.min(1 << 20) as usize];
        for (_, range) in &stored.ranges {
            if let Kind::Packed(_) = range.kind {
                hasher.update(&stored.unpack(*range)?);
                continue;
            }
            let mut done = 0;
            while done < range.size {
                let part = &mut buffer[..(range.size - done).min(1 << 20) as usize];
                stored.image.read_at(range.at + done, part)?;
                hasher.update(part);
                done += part.len() as u64;
            }
        }
        stored.digest = Blake3(*hasher.finalize().as_bytes());
        Ok(stored)
    }

    /// The bytes of a compressed part.
    fn unpack(&self, range: Range) -> io::Result<Vec<u8>> {
        let Kind::Packed(stored) = range.kind else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let bad = |what: &str| {
            let text = format!("the LZ4 block at {} {what}", range.at);
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let mut packed = vec![0; stored as usize];
        self.image.read_at(range.at, &mut packed)?;
        // An LZ4 block cannot start with a zero: that would be a match with nothing before it.
        let start = packed.iter().position(|byte| *byte != 0).ok_or_else(|| bad("is empty"))?;
        if start as u64 >= BLOCK {
            return Err(bad("starts in a later block than it could"));
        }
        let mut unpacked = vec![0; range.size as usize]; // at most a segment
        let size = lz4_flex::block::decompress_into(&packed[start..], &mut unpacked)
            .map_err(|error| bad(&format!("is damaged: {error}")))?;
        match size == unpacked.len() {
            true => Ok(unpacked),
            false => Err(bad(&format!("has {size} bytes instead of {}", unpacked.len()))),
        }
    }
}

impl Content for Stored {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        end.filter(|end| *end <= self.size).ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut at = self.ranges.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        let (mut offset, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let (start, range) = self.ranges.get(at).ok_or(io::ErrorKind::UnexpectedEof)?;
            let within = offset - start;
            let count = (range.size - within).min(rest.len() as u64) as usize;
            let (part, after) = rest.split_at_mut(count);
            match range.kind {
                Kind::Plain => self.image.read_at(range.at + within, part)?,
                Kind::Packed(_) => {
                    let unpacked = self.unpack(*range)?;
                    part.copy_from_slice(&unpacked[within as usize..within as usize + count]);
                }
            }
            offset += count as u64;
            rest = after;
            at += 1;
        }
        Ok(())
    }
}
