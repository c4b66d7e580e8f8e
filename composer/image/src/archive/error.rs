//! Why an archive is not read. Messages continue "cannot unpack X: ".

use std::io;

use crate::tree::TreeError;

/// Why an archive is refused, or could not be read. Offsets are into the unpacked tar stream.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The bytes could not be had, or their compression is damaged.
    #[error("reading failed: {0}")]
    Read(io::Error),
    /// It ends too early.
    #[error("it ends inside {what}, after {at} bytes")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes read until then.
        at: u64,
    },
    /// Its compression ends too early.
    #[error("its compressed data ends too early")]
    CutOff,
    /// It is none of the formats.
    #[error("it is no tar archive and no Debian package")]
    Format,
    /// It is packed in a way that is not read here.
    #[error("it is compressed with {0}; gzip, xz and zstd are read")]
    Compression(&'static str),
    /// It is no well-formed Debian package.
    #[error("it is no well-formed Debian package: {0}")]
    Deb(&'static str),
    /// A header's checksum is wrong.
    #[error("the checksum of the header at byte {at} is wrong")]
    Checksum {
        /// Where the header starts.
        at: u64,
    },
    /// A header says something that cannot be.
    #[error("the header at byte {at} is malformed: {why}")]
    Header {
        /// Where the header starts.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// An extended header says something that cannot be, or that is not understood.
    #[error("the extended header at byte {at} is refused: {why}")]
    Extended {
        /// Where the header starts.
        at: u64,
        /// What is wrong.
        why: String,
    },
    /// Something follows the end of the archive.
    #[error("something follows the end of the archive, at byte {at}")]
    Trailing {
        /// Where.
        at: u64,
    },
    /// A kind of entry that is not known or not wanted.
    #[error("`{path}` is of the kind {kind:?}, which is not taken")]
    Kind {
        /// The entry.
        path: String,
        /// The header's type flag.
        kind: char,
    },
    /// Holes are said in several ways that readers understand differently.
    #[error("`{path}` is a sparse file")]
    Sparse {
        /// The entry.
        path: String,
    },
    /// Something other than a file has content.
    #[error("`{path}` has {size} bytes of content and is no file")]
    Content {
        /// The entry.
        path: String,
        /// The size its header states.
        size: u64,
    },
    /// A path that could lead out, or that no file system takes.
    #[error("the path `{path}` is refused: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A path stands twice.
    #[error("`{path}` is in it twice")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// Two names that some file systems take for one.
    #[error("`{path}` and `{other}` are the same name to some file systems")]
    Twins {
        /// The later one.
        path: String,
        /// The earlier one.
        other: String,
        /// Whether [`super::Policy::twins`] would let them pass.
        harmless: bool,
    },
    /// An entry is put into something that is no folder: the way out through a link.
    #[error("`{path}` is to go into `{parent}`, which is no folder")]
    NotFolder {
        /// The entry.
        path: String,
        /// What should be a folder.
        parent: String,
    },
    /// A symbolic link leads out of the archive.
    #[error("the symbolic link `{path}` leads outside, to `{target}`")]
    Outside {
        /// The link.
        path: String,
        /// Its target.
        target: String,
    },
    /// A symbolic link leads to too many others.
    #[error("the symbolic link `{path}` leads through more than 40 others")]
    LinkLoop {
        /// The link.
        path: String,
    },
    /// A hard link to anything but a file that came before.
    #[error("the hard link `{path}` is to `{target}`, which is no file that came before it")]
    HardLink {
        /// The link.
        path: String,
        /// Its target.
        target: String,
    },
    /// A device or pipe that nobody asked for.
    #[error("`{path}` is a device or a pipe")]
    Device {
        /// The entry.
        path: String,
    },
    /// A file stands where only folders may be taken off.
    #[error("`{path}` is not inside {strip} folders, which are to be taken off")]
    Strip {
        /// The path.
        path: String,
        /// How many folders.
        strip: u32,
    },
    /// Too many entries.
    #[error("it has more than {limit} entries")]
    TooMany {
        /// How many there may be.
        limit: u64,
    },
    /// Too many bytes.
    #[error("with `{path}`, its files have more than {limit} bytes")]
    TooLarge {
        /// The entry that is too much.
        path: String,
        /// How many bytes there may be.
        limit: u64,
    },
    /// It unpacks to suspiciously much.
    #[error("it unpacks to more than {ratio} times its size: {unpacked} bytes from {packed}")]
    Bomb {
        /// How many times there may be.
        ratio: u64,
        /// Bytes that were read.
        packed: u64,
        /// Bytes that they came to.
        unpacked: u64,
    },
    /// What was looked for is not in it.
    #[error("there is no file `{path}` in it")]
    Absent {
        /// The path.
        path: String,
    },
    /// The inner of two archives is refused.
    #[error("in `{path}`: {inner}")]
    Inside {
        /// The inner archive.
        path: String,
        /// Why.
        inner: Box<ArchiveError>,
    },
    /// What was read could not be put where it belongs.
    #[error("`{path}` could not be kept: {source}")]
    Keep {
        /// The entry.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It does not fit into a tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl From<io::Error> for ArchiveError {
    /// An error that went through a reader comes out as it was.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::CutOff,
            Err(error) => Self::Read(error),
        }
    }
}

/// A path as text for a message, and no longer than one.
pub(super) fn shown(path: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(&path[..path.len().min(LONGEST)]);
    let dots = if path.len() > LONGEST { "…" } else { "" };
    format!("{}{dots}", text.escape_debug())
}
