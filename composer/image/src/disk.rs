//! Whole disks: a partition table and what is in the partitions. What no partition has is zero, and long runs
//! of zeros are skipped, so that a file of a disk takes no more room than what is in it.

use std::io::{self, Seek, SeekFrom, Write};

use crate::amount::{Amount, Exactly};
use crate::content::Data;
use crate::gpt::{self, GptError, Partition, Table};
use crate::layout::TABLE;

/// Zeros are skipped in blocks of so many bytes at multiples of it: the blocks of file systems.
const BLOCK: u64 = 4_096;
/// How much of a content is in memory at once, in bytes.
const PIECE: u64 = 1 << 20;

/// What a run of bytes of a disk is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// The protective MBR, one sector.
    ProtectiveMbr,
    /// The header of the table, one sector.
    Header,
    /// The table.
    Table,
    /// Nothing: between what is aligned.
    Gap,
    /// Content of the partition of that number, from 0.
    Content(usize),
    /// The rest of the partition of that number, from 0: zeros.
    Rest(usize),
    /// The backup of the table.
    BackupTable,
    /// The backup of the header, one sector.
    BackupHeader,
}

/// A run of bytes of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// First byte, from the start of the disk.
    pub offset: u64,
    /// Size in bytes, not 0.
    pub size: u64,
    /// What it is for.
    pub of: Use,
}

/// Why a disk cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The table cannot be.
    #[error("write the partition table")]
    Table(#[from] GptError),
    /// Not one content, or none, for each partition.
    #[error("{contents} contents for {partitions} partitions")]
    Contents {
        /// How many there are.
        contents: usize,
        /// How many there should be.
        partitions: usize,
    },
    /// A content is larger than its partition.
    #[error("the content of `{name}` has {}, {} more than the partition of {}",
            Amount(*content), Exactly(content - size), Amount(*size))]
    Content {
        /// The partition.
        name: String,
        /// Size of the content in bytes.
        content: u64,
        /// Size of the partition in bytes.
        size: u64,
    },
    /// Zeros that are skipped would show what was there before.
    #[error("the output is not empty: it has {size} bytes")]
    NotEmpty {
        /// Its size.
        size: u64,
    },
    /// A content cannot be read.
    #[error("read {size} bytes at {offset} of the content of `{name}`")]
    Read {
        /// The partition.
        name: String,
        /// Where.
        offset: u64,
        /// How many.
        size: usize,
        /// What happened.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("write {size} bytes at {offset} of the disk")]
    Write {
        /// Where.
        offset: u64,
        /// How many; 0 for a seek.
        size: usize,
        /// What happened.
        source: io::Error,
    },
}

/// What every byte of a disk with such contents (by partition; `None` for an empty one) is for: sorted,
/// without gap or overlap, from the first byte to the last.
///
/// # Errors
/// When the table cannot be or the contents do not fit it.
pub fn areas(table: &Table, contents: &[Option<Data>]) -> Result<Vec<Area>, DiskError> {
    table.check()?;
    if contents.len() != table.partitions.len() {
        let partitions = table.partitions.len();
        return Err(DiskError::Contents { contents: contents.len(), partitions });
    }
    let sector = table.sector.bytes();
    let mut areas = Areas(Vec::new());
    areas.push(sector, Use::ProtectiveMbr);
    areas.push(sector, Use::Header);
    areas.push(TABLE, Use::Table);
    let mut sorted: Vec<(usize, &Partition)> = table.partitions.iter().enumerate().collect();
    sorted.sort_by_key(|(_, partition)| partition.first);
    for (number, partition) in sorted {
        let size = partition.sectors * sector;
        let content = contents[number].as_ref().map_or(0, Data::size);
        if content > size {
            return Err(DiskError::Content { name: partition.name.clone(), content, size });
        }
        areas.push(partition.first * sector - areas.end(), Use::Gap);
        areas.push(content, Use::Content(number));
        areas.push(size - content, Use::Rest(number));
    }
    let end = table.sectors * sector;
    areas.push(end - TABLE - sector - areas.end(), Use::Gap);
    areas.push(TABLE, Use::BackupTable);
    areas.push(sector, Use::BackupHeader);
    Ok(areas.0)
}

/// Writes a whole disk into an empty output, and tells what its bytes are for.
///
/// # Errors
/// As [`areas`]; when a content cannot be read or the output not be written, or is not empty.
pub fn write(
    table: &Table,
    contents: &[Option<Data>],
    out: &mut (impl Write + Seek),
) -> Result<Vec<Area>, DiskError> {
    let areas = areas(table, contents)?;
    let gpt::Written { front, back } = gpt::write(table)?;
    let seek = |source| DiskError::Write { offset: 0, size: 0, source };
    match out.seek(SeekFrom::End(0)).map_err(seek)? {
        0 => {}
        size => return Err(DiskError::NotEmpty { size }),
    }
    put(out, 0, &front)?;
    for Area { offset, size, of } in &areas {
        if let Use::Content(number) = of
            && let Some(content) = &contents[*number]
        {
            copy(content, *size, &table.partitions[*number].name, *offset, out)?;
        }
    }
    put(out, table.sectors * table.sector.bytes() - back.len() as u64, &back)?;
    Ok(areas)
}

/// Copies a content to `start`, without its blocks of zeros.
fn copy(
    content: &Data,
    size: u64,
    name: &str,
    start: u64,
    out: &mut (impl Write + Seek),
) -> Result<(), DiskError> {
    let mut buffer = vec![0; size.min(PIECE) as usize];
    let mut done = 0;
    while done < size {
        let piece = &mut buffer[..(size - done).min(PIECE) as usize];
        content.read_at(done, piece).map_err(|source| DiskError::Read {
            name: name.to_owned(),
            offset: done,
            size: piece.len(),
            source,
        })?;
        let mut rest = &*piece;
        let mut at = start + done;
        while !rest.is_empty() {
            // Up to where zeros begin or end, in blocks of the disk.
            let (zero, mut run) = block(rest, at);
            while run < rest.len() {
                let (next, more) = block(&rest[run..], at + run as u64);
                if next != zero {
                    break;
                }
                run += more;
            }
            if !zero {
                put(out, at, &rest[..run])?;
            }
            rest = &rest[run..];
            at += run as u64;
        }
        done += piece.len() as u64;
    }
    Ok(())
}

/// Whether the bytes up to the next multiple of [`BLOCK`] are zeros, and how many they are.
fn block(bytes: &[u8], at: u64) -> (bool, usize) {
    let size = ((BLOCK - at % BLOCK) as usize).min(bytes.len());
    (bytes[..size].iter().all(|byte| *byte == 0), size)
}

fn put(out: &mut (impl Write + Seek), offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
    let failed = |size| move |source| DiskError::Write { offset, size, source };
    out.seek(SeekFrom::Start(offset)).map_err(failed(0))?;
    out.write_all(bytes).map_err(failed(bytes.len()))
}

struct Areas(Vec<Area>);

impl Areas {
    fn push(&mut self, size: u64, of: Use) {
        if size > 0 {
            self.0.push(Area { offset: self.end(), size, of });
        }
    }

    fn end(&self) -> u64 {
        self.0.last().map_or(0, |last| last.offset + last.size)
    }
}
