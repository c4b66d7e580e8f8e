//! Contents on their way into an image: where they went, and with what an inode says so.

use std::cmp::Reverse;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelIterator as _, IntoParallelRefIterator as _,
    ParallelIterator as _,
};

use super::bundle;
use super::disk::BLOCK;
use super::index::{self, Place};
use super::options::{Compression, Error};
use super::pack::{self, Failure, Piece, Run, SEGMENT};
use super::room::LONGEST_TAIL;
use crate::content::{Data, Packed};
use crate::extent::{Extents, Part};

/// Bytes of files that are in memory at once while they are compressed, twice. A larger file is
/// compressed by parts of this size.
pub const WINDOW: u64 = 16 << 20;
/// Size in bytes of a chunk of a file with much nothing in it, a power of 2 blocks. All chunks of zeros
/// are one. The format knows holes too, but `fsck.erofs` 1.5 extracts what follows one in its place.
pub const CHUNK: u64 = 16 * BLOCK;
/// Address of a chunk that is a hole (erofs_fs.h, `EROFS_NULL_ADDR`); no block has it.
const HOLE: u32 = u32::MAX;
/// A file smaller than this has nothing to win: an index of one entry takes a fifth of it.
const WORTH_PACKING: u64 = 128;

/// Where a content is.
#[derive(Clone, Debug)]
pub enum Form {
    /// In blocks from `block` on, without the last `tail` bytes, which go beside the inode.
    Flat { block: u32, tail: u64 },
    /// In chunks.
    Chunks(Vec<u32>),
    /// Compressed: header and index, blocks, and the tail that goes beside the inode.
    Packed { index: Vec<u8>, blocks: u32, tail: Vec<u8> },
}

/// A file whose content is to be stored.
#[derive(Clone, Debug)]
pub struct File<'a> {
    pub path: &'a [u8],
    pub data: &'a Data,
    /// Whose the blocks will be.
    pub part: Part,
}

impl File<'_> {
    fn error(&self, error: io::Error) -> Error {
        Error::Content { path: String::from_utf8_lossy(self.path).into_owned(), error }
    }

    /// How it is compressed, when that is worth trying.
    fn how(&self, how: Option<Compression>) -> Option<Compression> {
        let least = |how: &Compression| if how.tails { WORTH_PACKING } else { BLOCK };
        how.filter(|how| self.data.size() > least(how))
    }

    fn segments(&self) -> u64 {
        self.data.size().div_ceil(SEGMENT)
    }

    fn failed(&self, failure: Failure) -> Error {
        match failure {
            Failure::Read(error) => self.error(error),
            Failure::Compress(error) => {
                Error::Compress { path: String::from_utf8_lossy(self.path).into_owned(), error }
            }
        }
    }

    fn segment(&self, number: u64, how: Compression, kept: &dyn Packed) -> Result<Piece, Error> {
        pack::segment(self.data, number, how, kept).map_err(|failure| self.failed(failure))
    }
}

/// What one core compresses at a time, of the files by their places.
enum Job {
    Segment(usize, u64),
    Bundle(Vec<usize>),
}

/// Compresses files on all cores, as far as that is worth while; the pieces of each, in order. A file
/// larger than [`WINDOW`] is left to [`Output::store`].
pub fn compress(
    files: &[&File<'_>],
    how: Option<Compression>,
    kept: &dyn Packed,
) -> Result<Vec<Vec<Piece>>, Error> {
    let Some(settings) = how else { return Ok(vec![Vec::new(); files.len()]) };
    let mut jobs = jobs(files, settings);
    // The large ones first, so that no core is left alone with one at the end.
    jobs.sort_by_key(|job| match job {
        Job::Segment(at, _) => Reverse(files[*at].data.size().min(SEGMENT)),
        Job::Bundle(of) => Reverse(of.iter().map(|at| files[*at].data.size()).sum()),
    });
    let carry_out = |job| match job {
        Job::Segment(at, number) => {
            Ok(vec![(at, number, files[at].segment(number, settings, kept)?)])
        }
        Job::Bundle(of) => {
            let datas: Vec<&Data> = of.iter().map(|at| files[*at].data).collect();
            let pieces = bundle::pieces(&datas, settings, kept)
                .map_err(|(at, failure)| files[of[at]].failed(failure))?;
            Ok(of.into_iter().zip(pieces).map(|(at, piece)| (at, 0, piece)).collect())
        }
    };
    let made = jobs.into_par_iter().with_max_len(1).map(carry_out);
    let made: Vec<Vec<(usize, u64, Piece)>> = made.collect::<Result<_, Error>>()?;
    let mut made: Vec<_> = made.into_iter().flatten().collect();
    made.sort_by_key(|(at, number, _)| (*at, *number));
    let mut of_each = vec![Vec::new(); files.len()];
    for (at, _, piece) in made {
        of_each[at].push(piece);
    }
    Ok(of_each)
}

fn jobs(files: &[&File<'_>], how: Compression) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut open = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let size = file.data.size();
        if size > WINDOW || file.how(Some(how)).is_none() {
            continue;
        }
        if size >= bundle::SMALL {
            jobs.extend((0..file.segments()).map(|number| Job::Segment(at, number)));
            continue;
        }
        open.push(at);
        if bundle::ends(file.data) || open.len() == bundle::MOST {
            jobs.push(Job::Bundle(std::mem::take(&mut open)));
        }
    }
    jobs.extend((!open.is_empty()).then_some(Job::Bundle(open)));
    jobs
}

/// An image being written, from its start.
pub struct Output<'a, W: Write + Seek> {
    out: BufWriter<&'a mut W>,
    pub extents: Extents,
    /// Where a chunk of zeros is, once one was wanted.
    zeros: Option<u32>,
}

impl<'a, W: Write + Seek> Output<'a, W> {
    pub fn new(out: &'a mut W) -> Result<Self, Error> {
        out.seek(SeekFrom::Start(0))?;
        let out = BufWriter::with_capacity(1 << 20, out);
        Ok(Self { out, extents: Extents::default(), zeros: None })
    }

    /// Where the next byte goes.
    pub fn at(&self) -> u64 {
        self.extents.size()
    }

    /// The block where the next byte goes, which has to be its first.
    pub fn block(&self) -> Result<u32, Error> {
        block_at(self.at())
    }

    pub fn put(&mut self, bytes: &[u8], part: &Part) -> Result<(), Error> {
        self.out.write_all(bytes)?;
        self.extents.push(bytes.len() as u64, part.clone());
        Ok(())
    }

    /// Zeros to the next block.
    pub fn fill(&mut self, part: &Part) -> Result<(), Error> {
        let zeros = [0; BLOCK as usize];
        let missing = self.at().next_multiple_of(BLOCK) - self.at();
        self.put(&zeros[..missing as usize], part)
    }

    /// Writes the first bytes anew, and all that is still in memory.
    pub fn finish(mut self, head: &[u8]) -> Result<Extents, Error> {
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(head)?;
        self.out.flush()?;
        Ok(self.extents)
    }

    /// Stores the content of a file, of which `pieces` are what [`compress`] gave.
    pub fn store(
        &mut self,
        file: &File<'_>,
        how: Option<Compression>,
        pieces: &[Piece],
        kept: &dyn Packed,
    ) -> Result<Form, Error> {
        let Some(settings) = file.how(how) else {
            return self.flat(file, how.is_none());
        };
        if file.data.size() > WINDOW {
            return self.large(file, settings, kept);
        }
        let runs = pieces.iter().flat_map(|piece| &piece.runs);
        let tail = pieces.last().and_then(|piece| tail(piece, settings));
        let blocks: u64 = runs.map(|run| run.blocks()).sum();
        let own = tail.map_or(0, |tail| u64::from(tail.stored));
        let packed = (blocks - u64::from(tail.is_some())) * BLOCK + own;
        let size = file.data.size();
        let flat = size / BLOCK * BLOCK + flat_tail(size).unwrap_or(BLOCK);
        if packed + index::size(size) >= flat {
            return self.flat(file, false);
        }
        let mut places = Vec::new();
        let mut last = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let tail = tail.filter(|_| at + 1 == pieces.len());
            self.piece(file, piece, tail, &mut places, &mut last)?;
        }
        Ok(self.packed(&places, settings, last))
    }

    /// A file that is compressed by parts, so that not all of it is in memory.
    fn large(
        &mut self,
        file: &File<'_>,
        how: Compression,
        kept: &dyn Packed,
    ) -> Result<Form, Error> {
        let start = self.block()?;
        let mut places: Vec<Place> = Vec::new();
        let mut last = Vec::new();
        let step = WINDOW / SEGMENT;
        for first in (0..file.segments()).step_by(step as usize) {
            let numbers: Vec<u64> = (first..file.segments().min(first + step)).collect();
            let pieces: Vec<Piece> = numbers
                .par_iter()
                .with_max_len(1)
                .map(|number| file.segment(*number, how, kept))
                .collect::<Result<_, _>>()?;
            for (piece, number) in pieces.iter().zip(numbers) {
                let is_last = number + 1 == file.segments();
                let found = if is_last { tail(piece, how) } else { None };
                self.piece(file, piece, found, &mut places, &mut last)?;
            }
        }
        // Nothing of it could be compressed, so its blocks are what they would be otherwise.
        if places.iter().all(|place| !place.run.packed) {
            let tail = if last.is_empty() { 0 } else { last.len() as u64 };
            return Ok(Form::Flat { block: start, tail });
        }
        Ok(self.packed(&places, how, last))
    }

    /// Writes the runs of a piece, but for the `tail`, which goes into `last`.
    fn piece(
        &mut self,
        file: &File<'_>,
        piece: &Piece,
        tail: Option<Run>,
        places: &mut Vec<Place>,
        last: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let count = piece.runs.len();
        for (at, (run, bytes)) in piece.stored().enumerate() {
            if tail.is_some() && at + 1 == count {
                places.push(Place { run, block: 0 });
                last.extend(bytes);
                continue;
            }
            places.push(Place { run, block: self.block()? });
            if run.packed {
                // Clusters end with their last block, so that Linux can unpack them where they are.
                let zeros = [0; BLOCK as usize];
                let missing = run.blocks() * BLOCK - u64::from(run.stored);
                self.put(&zeros[..missing as usize], &file.part)?;
            }
            self.put(bytes, &file.part)?;
            self.fill(&file.part)?;
        }
        Ok(())
    }

    fn packed(&self, places: &[Place], how: Compression, tail: Vec<u8>) -> Form {
        let stored = places.len() - usize::from(!tail.is_empty());
        // Fewer than the image has, which Output::block counts in 32 bits.
        let blocks = places[..stored].iter().map(|place| place.run.blocks()).sum::<u64>() as u32;
        let size = (!tail.is_empty()).then_some(tail.len() as u16);
        let index = index::bytes(places, u64::from(how.cluster) > BLOCK, size);
        Form::Packed { index, blocks, tail }
    }

    /// Stores a content as it is; chunks of zeros once, when `sparse`.
    fn flat(&mut self, file: &File<'_>, sparse: bool) -> Result<Form, Error> {
        let size = file.data.size();
        let mut chunks = Vec::new();
        let mut buffer = vec![0; size.min(CHUNK) as usize];
        // Bytes of the last chunk that are not stored yet, and the block that they would go to.
        let mut rest = 0..0;
        let mut has_zeros = false;
        let mut at = 0;
        while at < size {
            let chunk = &mut buffer[..(size - at).min(CHUNK) as usize];
            file.data.read_at(at, chunk).map_err(|error| file.error(error))?;
            at += chunk.len() as u64;
            if sparse && size >= CHUNK && chunk.iter().all(|byte| *byte == 0) {
                chunks.push(self.zeros()?);
                has_zeros = true;
                rest = 0..0;
                continue;
            }
            chunks.push(self.block()?);
            rest = chunk.len() / BLOCK as usize * BLOCK as usize..chunk.len();
            self.put(&chunk[..rest.start], &file.part)?;
        }
        let tail = flat_tail(size).filter(|_| !has_zeros);
        if tail.is_none() {
            self.put(&buffer[rest], &file.part)?;
            self.fill(&file.part)?;
        }
        if has_zeros {
            return Ok(Form::Chunks(chunks));
        }
        let tail = tail.unwrap_or(0);
        let block = chunks.first().filter(|_| size > tail).copied();
        Ok(Form::Flat { block: block.unwrap_or(0), tail })
    }

    /// The block where a chunk of zeros is.
    fn zeros(&mut self) -> Result<u32, Error> {
        if let Some(zeros) = self.zeros {
            return Ok(zeros);
        }
        let block = self.block()?;
        self.put(&[0; CHUNK as usize], &Part::Structure("zeros"))?;
        self.zeros = Some(block);
        Ok(block)
    }
}

/// The run at the end of a file that goes beside its inode.
fn tail(piece: &Piece, how: Compression) -> Option<Run> {
    let last = piece.runs.last().copied()?;
    (how.tails && u64::from(last.stored) <= LONGEST_TAIL).then_some(last)
}

/// Size of the end of an uncompressed content that goes beside its inode; nothing when it is too long
/// for that and takes a block.
pub fn flat_tail(size: u64) -> Option<u64> {
    Some(size % BLOCK).filter(|tail| *tail <= LONGEST_TAIL)
}

/// The block that starts at a byte.
pub fn block_at(at: u64) -> Result<u32, Error> {
    debug_assert!(at.is_multiple_of(BLOCK), "{at} is within a block");
    // The largest number is that of a hole.
    u32::try_from(at / BLOCK).ok().filter(|block| *block < HOLE).ok_or(Error::TooLarge)
}
