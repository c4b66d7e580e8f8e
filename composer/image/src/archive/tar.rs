//! The entries of a tar stream. Fields of headers are decoded by the crate `tar`; what follows what is
//! decided here, because where readers differ, one of them can be deceived.

use std::io::{self, Read};
use std::ops::Range;

use ::tar::Header;

use super::error::shown;
use super::guard::Guard;
use super::pax::{self, Extended};
use super::{ArchiveError, Entry, EntryKind, Policy, Sink};
use crate::tree::Meta;

const BLOCK: usize = 512;
/// The longest header of names or attributes that is read, in bytes.
const LONGEST_EXTENSION: u64 = 1 << 20;
/// The last second of the year 9999: no file is from later.
const LAST_SECOND: u64 = 253_402_300_799;

/// Reads a stream to its end.
pub(super) fn read(
    reader: impl Read,
    policy: Policy,
    sink: &mut dyn Sink,
) -> Result<(), ArchiveError> {
    let mut stream = Stream { reader, at: 0 };
    let mut guard = Guard::new(policy);
    let mut extra = Extra::default();
    while let Some((at, header)) = stream.header()? {
        let flag = header.as_bytes()[156];
        let malformed = |why| ArchiveError::Header { at, why };
        let size = header.entry_size().map_err(|_| malformed("the size is no number"))?;
        if matches!(flag, b'x' | b'g' | b'L' | b'K') {
            let bytes = stream.extension(at, size)?;
            extra.add(at, flag, bytes)?;
            continue;
        }
        let entry = entry(at, &header, flag, size, std::mem::take(&mut extra))?;
        let size = if let EntryKind::File(size) = entry.kind { size } else { 0 };
        let entry = guard.admit(entry)?;
        let mut content = Whole { stream: &mut stream, left: size };
        if let Some(entry) = &entry {
            sink.take(entry, &mut content)?;
        }
        io::copy(&mut content, &mut io::sink())?;
        stream.skip(padding(size))?;
    }
    if !extra.is_empty() {
        return Err(ArchiveError::Truncated { what: "an extended header", at: stream.at });
    }
    guard.finish()
}

struct Stream<R> {
    reader: R,
    at: u64,
}

impl<R: Read> Stream<R> {
    /// The next header with where it starts; none at the end, after which nothing but zeros may follow.
    fn header(&mut self) -> Result<Option<(u64, Header)>, ArchiveError> {
        let start = self.at;
        let mut block = [0; BLOCK];
        self.fill(&mut block, "a header")?;
        if block == [0; BLOCK] {
            self.rest()?;
            return Ok(None);
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&block);
        if header.cksum().ok() != Some(checksum(&block)) {
            let first = start == 0 && !matches!(&block[257..262], b"ustar");
            return Err(if first {
                ArchiveError::Format
            } else {
                ArchiveError::Checksum { at: start }
            });
        }
        Ok(Some((start, header)))
    }

    /// The content of a header that says more than fits into one.
    fn extension(&mut self, at: u64, size: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > LONGEST_EXTENSION {
            let why = format!("it has {size} bytes; {LONGEST_EXTENSION} are read");
            return Err(ArchiveError::Extended { at, why });
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        self.fill(&mut bytes, "an extended header")?;
        self.skip(padding(size))?;
        Ok(bytes)
    }

    fn fill(&mut self, buffer: &mut [u8], what: &'static str) -> Result<(), ArchiveError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => return Err(ArchiveError::Truncated { what, at: self.at }),
                Ok(read) => {
                    filled += read;
                    self.at += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn skip(&mut self, count: usize) -> Result<(), ArchiveError> {
        self.fill(&mut [0; BLOCK][..count], "a file's last block")
    }

    fn rest(&mut self) -> Result<(), ArchiveError> {
        let mut buffer = [0; 8 << 10];
        loop {
            let read = match self.reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(at) = buffer[..read].iter().position(|byte| *byte != 0) {
                return Err(ArchiveError::Trailing { at: self.at + at as u64 });
            }
            self.at += read as u64;
        }
    }
}

/// A file's content, which does not just end when the archive does.
struct Whole<'a, R> {
    stream: &'a mut Stream<R>,
    left: u64,
}

impl<R: Read> Read for Whole<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let longest = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if longest == 0 {
            return Ok(0);
        }
        let read = self.stream.reader.read(&mut buffer[..longest])?;
        if read == 0 {
            let at = self.stream.at;
            return Err(io::Error::other(ArchiveError::Truncated { what: "a file", at }));
        }
        self.left -= read as u64;
        self.stream.at += read as u64;
        Ok(read)
    }
}

/// The sum of all bytes, with spaces for the checksum itself (POSIX.1-2017, `pax`, "ustar").
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |part: &[u8]| part.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

const fn padding(size: u64) -> usize {
    let over = size % BLOCK as u64;
    if over == 0 { 0 } else { BLOCK - over as usize }
}

/// What headers before an entry said of it.
#[derive(Debug, Default)]
struct Extra {
    pax: Option<Extended>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Extra {
    const fn is_empty(&self) -> bool {
        self.pax.is_none() && self.name.is_none() && self.link.is_none()
    }

    fn add(&mut self, at: u64, flag: u8, bytes: Vec<u8>) -> Result<(), ArchiveError> {
        let refused = |why: String| ArchiveError::Extended { at, why };
        let twice = || refused("one of its kind came before, for the same entry".to_owned());
        match flag {
            b'g' => pax::is_remark(&bytes).map_err(refused),
            b'x' => match self.pax.replace(Extended::parse(&bytes).map_err(refused)?) {
                None => Ok(()),
                Some(_) => Err(twice()),
            },
            _ => {
                let place = if flag == b'L' { &mut self.name } else { &mut self.link };
                // GNU tar ends it with a NUL byte.
                let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
                if text.is_empty() || text.contains(&0) {
                    return Err(refused("a name is empty or has a NUL byte".to_owned()));
                }
                match place.replace(text.to_vec()) {
                    None => Ok(()),
                    Some(_) => Err(twice()),
                }
            }
        }
    }
}

/// Puts together what a header and those before it say.
fn entry(
    at: u64,
    header: &Header,
    flag: u8,
    size: u64,
    extra: Extra,
) -> Result<Entry, ArchiveError> {
    let malformed = |why| ArchiveError::Header { at, why };
    let Extra { pax, name, link } = extra;
    let pax = pax.unwrap_or_default();
    if pax.path.is_some() && name.is_some() || pax.link.is_some() && link.is_some() {
        return Err(malformed("two headers before it give it different names"));
    }
    let path = pax.path.or(name).unwrap_or_else(|| header.path_bytes().into_owned());
    if pax.sparse || flag == b'S' {
        return Err(ArchiveError::Sparse { path: shown(&path) });
    }
    // Readers disagree on which of the two counts.
    if pax.size.is_some_and(|said| said != size) {
        return Err(malformed("its size and that of the extended header differ"));
    }
    let target = || {
        let own = header.link_name_bytes().map(std::borrow::Cow::into_owned);
        pax.link.or(link).or(own).unwrap_or_default()
    };
    let number = |number: io::Result<Option<u32>>| {
        let number = number.map_err(|_| malformed("a device number is none"))?;
        Ok::<u32, ArchiveError>(number.unwrap_or(0))
    };
    // Before POSIX, a folder was a file with a `/` at the end.
    let is_folder = flag == b'5' || matches!(flag, 0 | b'0' | b'7') && path.ends_with(b"/");
    let kind = match flag {
        _ if is_folder => EntryKind::Folder,
        0 | b'0' | b'7' => EntryKind::File(size),
        b'1' => EntryKind::HardLink(target()),
        b'2' => EntryKind::Symlink(target()),
        b'3' | b'4' => {
            let (major, minor) = (number(header.device_major())?, number(header.device_minor())?);
            match flag {
                b'3' => EntryKind::Character { major, minor },
                _ => EntryKind::Block { major, minor },
            }
        }
        b'6' => EntryKind::Fifo,
        kind => {
            return Err(ArchiveError::Kind { path: shown(&path), kind: char::from(kind) });
        }
    };
    if size > 0 && !matches!(kind, EntryKind::File(_)) {
        return Err(ArchiveError::Content { path: shown(&path), size });
    }
    // Cargo leaves both fields empty in what it packs.
    let is_empty = |field: Range<usize>| header.as_bytes()[field].iter().all(|byte| *byte == 0);
    let id = |field, id: io::Result<u64>| {
        if is_empty(field) {
            return Ok(0);
        }
        let id = id.map_err(|_| malformed("an owner or group is no number"))?;
        u32::try_from(id).map_err(|_| malformed("an owner or group is larger than 32 bits"))
    };
    let owner = pax.owner.map_or_else(|| id(108..116, header.uid()), Ok)?;
    let group = pax.group.map_or_else(|| id(116..124, header.gid()), Ok)?;
    let time = header.mtime().map_err(|_| malformed("the time is no number"));
    let modified = pax.modified.map_or(time, Ok)?;
    if modified > LAST_SECOND {
        return Err(malformed("the time is beyond the year 9999"));
    }
    let mode = header.mode().map_err(|_| malformed("the mode is no number"))?;
    // Some writers put the file's type in front.
    let mode = u16::try_from(mode & 0o7777).unwrap_or_default();
    let meta = Meta { mode, owner, group, modified, attributes: pax.attributes };
    Ok(Entry { path, meta, kind })
}
