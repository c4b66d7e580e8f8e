//! Inodes as they stand in the inode table (section 3.3). Of each kind there is a short form, and a long
//! one for what is rare: attributes, several names of a file, holes, offsets beyond 4 GiB, large folders.

use super::error::ReadError;
use super::folder::Mark;
use super::format::NO_INDEX;
use super::metadata::Place;
use super::table::Cursor;

/// Kinds of short inodes (`SQUASHFS_DIR_TYPE` and so on); a long one's number is [`LONG`] more.
pub(super) const FOLDER: u16 = 1;
const FILE: u16 = 2;
const SYMLINK: u16 = 3;
const BLOCK: u16 = 4;
const CHARACTER: u16 = 5;
const FIFO: u16 = 6;
const SOCKET: u16 = 7;
const LONG: u16 = 7;
/// What a folder's size counts beside its listing: names `.` and `..` that are not in it (`squashfs_readdir`).
pub(super) const DOTS: u32 = 3;

/// An inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Permissions: 12 bits.
    pub mode: u16,
    /// Its owner's place in the table of owners.
    pub owner: u16,
    /// Its group's place in the table of owners.
    pub group: u16,
    /// Time of last change, in seconds since 1970.
    pub modified: u32,
    /// Its number, from 1.
    pub number: u32,
    /// How many names it has; of a folder, 2 and its folders.
    pub links: u32,
    /// Its attributes in the table of them, or [`NO_INDEX`].
    pub attributes: u32,
    /// What it is.
    pub body: Body,
}

/// What an inode is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// A folder.
    Folder {
        /// Its listing in the table of folders.
        listing: Place,
        /// Size of the listing in bytes.
        size: u32,
        /// Number of the folder it is in; of the root, one more than there are inodes.
        parent: u32,
        /// Where to start looking for a name.
        marks: Vec<(Mark, u32)>,
    },
    /// A regular file.
    File {
        /// Where its blocks start in the image.
        start: u64,
        /// Its size in bytes.
        size: u64,
        /// How many of them are in blocks of zeros, which are not stored.
        holes: u64,
        /// The fragment its end is in, or [`NO_INDEX`].
        fragment: u32,
        /// Offset in the unpacked fragment.
        offset: u32,
        /// Packed size of each block, with [`DATA_RAW`](super::format::DATA_RAW); 0 for zeros.
        blocks: Vec<u32>,
    },
    /// A symbolic link with its target.
    Symlink(Vec<u8>),
    /// A block device by number (`new_encode_dev`, include/linux/kdev_t.h).
    Block(u32),
    /// A character device by number.
    Character(u32),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Body {
    /// Number of the kind, in short inodes and in listings.
    pub const fn kind(&self) -> u16 {
        match self {
            Self::Folder { .. } => FOLDER,
            Self::File { .. } => FILE,
            Self::Symlink(_) => SYMLINK,
            Self::Block(_) => BLOCK,
            Self::Character(_) => CHARACTER,
            Self::Fifo => FIFO,
            Self::Socket => SOCKET,
        }
    }
}

impl Record {
    fn is_long(&self) -> bool {
        let attributed = self.attributes != NO_INDEX;
        match &self.body {
            Body::Folder { size, marks, .. } => {
                attributed || size + DOTS > u16::MAX.into() || !marks.is_empty()
            }
            Body::File { start, size, holes, .. } => {
                let large = u64::from(u32::MAX);
                attributed || self.links > 1 || *holes > 0 || *start > large || *size > large
            }
            _ => attributed,
        }
    }

    /// Adds it to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let long = self.is_long();
        let attributes = [self.attributes];
        let attributes = if long { &attributes[..] } else { &[] };
        let kind = self.body.kind() + if long { LONG } else { 0 };
        for half in [kind, self.mode, self.owner, self.group] {
            out.extend(half.to_le_bytes());
        }
        let mut words =
            |words: &[u32]| out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        words(&[self.modified, self.number]);
        match &self.body {
            Body::Folder { listing, size, parent, marks } => {
                let (block, size) = (listing.block as u32, size + DOTS);
                if !long {
                    let sizes = size | u32::from(listing.offset) << 16;
                    return words(&[block, self.links, sizes, *parent]);
                }
                let counts = marks.len() as u32 | u32::from(listing.offset) << 16;
                words(&[self.links, size, block, *parent, counts, self.attributes]);
                for (mark, block) in marks {
                    let last = mark.name.len() as u32 - 1;
                    out.extend([mark.at, *block, last].iter().flat_map(|word| word.to_le_bytes()));
                    out.extend(&mark.name);
                }
            }
            Body::File { start, size, holes, fragment, offset, blocks } => {
                let (low, high) = (|long: u64| long as u32, |long: u64| (long >> 32) as u32);
                if long {
                    for number in [*start, *size, *holes] {
                        words(&[low(number), high(number)]);
                    }
                    words(&[self.links, *fragment, *offset, self.attributes]);
                } else {
                    words(&[low(*start), *fragment, *offset, low(*size)]);
                }
                words(blocks);
            }
            Body::Symlink(target) => {
                words(&[self.links, target.len() as u32]);
                out.extend(target);
                if long {
                    out.extend(self.attributes.to_le_bytes());
                }
            }
            Body::Block(device) | Body::Character(device) => {
                words(&[self.links, *device]);
                words(attributes);
            }
            Body::Fifo | Body::Socket => {
                words(&[self.links]);
                words(attributes);
            }
        }
    }

    /// Reads one from a table of inodes.
    ///
    /// # Errors
    /// When there is none.
    pub fn decode(from: &mut Cursor<'_>, block_size: u32) -> Result<Self, ReadError> {
        let kind = from.half()?;
        let [mode, owner, group] = [from.half()?, from.half()?, from.half()?];
        let [modified, number] = [from.word()?, from.word()?];
        let (long, short_kind) = if kind > LONG { (true, kind - LONG) } else { (false, kind) };
        if mode > 0o7777 {
            let why = "the kind does not stand in it";
            return Err(ReadError::Field { what: "mode of an inode", found: mode.into(), why });
        }
        let mut links = 1;
        let mut attributes = NO_INDEX;
        let mut after = |from: &mut Cursor<'_>| -> Result<(), ReadError> {
            if long {
                attributes = from.word()?;
            }
            Ok(())
        };
        let body = match short_kind {
            FOLDER if long => {
                links = from.word()?;
                let [size, block, parent] = [from.word()?, from.word()?, from.word()?];
                let [count, offset] = [from.half()?, from.half()?];
                after(from)?;
                let marks: Result<_, ReadError> = (0..count)
                    .map(|_| {
                        let [at, block, last] = [from.word()?, from.word()?, from.word()?];
                        let size = u64::from(last) + 1;
                        let name = from.take(size, "name in the index of a folder")?.to_vec();
                        Ok((Mark { at, name }, block))
                    })
                    .collect();
                let listing = Place { block: block.into(), offset };
                Body::Folder { listing, size: without_dots(size)?, parent, marks: marks? }
            }
            FOLDER => {
                let block = from.word()?;
                links = from.word()?;
                let [size, offset] = [from.half()?, from.half()?];
                let listing = Place { block: block.into(), offset };
                let (size, parent) = (without_dots(size.into())?, from.word()?);
                Body::Folder { listing, size, parent, marks: Vec::new() }
            }
            FILE if long => {
                let [start, size, holes] = [from.long()?, from.long()?, from.long()?];
                links = from.word()?;
                let [fragment, offset] = [from.word()?, from.word()?];
                after(from)?;
                let blocks = block_list(from, size, fragment, block_size)?;
                Body::File { start, size, holes, fragment, offset, blocks }
            }
            FILE => {
                let start = from.word()?.into();
                let [fragment, offset] = [from.word()?, from.word()?];
                let size = from.word()?.into();
                let blocks = block_list(from, size, fragment, block_size)?;
                Body::File { start, size, holes: 0, fragment, offset, blocks }
            }
            SYMLINK => {
                links = from.word()?;
                let size = from.word()?;
                let target = from.take(size.into(), "target of a symbolic link")?.to_vec();
                after(from)?;
                Body::Symlink(target)
            }
            BLOCK | CHARACTER => {
                links = from.word()?;
                let device = from.word()?;
                after(from)?;
                if short_kind == BLOCK { Body::Block(device) } else { Body::Character(device) }
            }
            FIFO | SOCKET => {
                links = from.word()?;
                after(from)?;
                if short_kind == FIFO { Body::Fifo } else { Body::Socket }
            }
            _ => {
                let why = "there are 1 to 14";
                return Err(ReadError::Field { what: "kind of an inode", found: kind.into(), why });
            }
        };
        Ok(Self { mode, owner, group, modified, number, links, attributes, body })
    }
}

fn without_dots(size: u32) -> Result<u32, ReadError> {
    size.checked_sub(DOTS).ok_or(ReadError::Field {
        what: "size of a folder",
        found: size.into(),
        why: "it is at least 3",
    })
}

/// The sizes of blocks that follow the inode of a file: of its end too, when that is in no fragment.
fn block_list(
    from: &mut Cursor<'_>,
    size: u64,
    fragment: u32,
    block_size: u32,
) -> Result<Vec<u32>, ReadError> {
    let block_size = u64::from(block_size);
    let count = if fragment == NO_INDEX { size.div_ceil(block_size) } else { size / block_size };
    let bytes = from.take(count.saturating_mul(4), "list of blocks of a file")?;
    Ok(bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([0, 1, 2, 3].map(|at| word[at])))
        .collect())
}
