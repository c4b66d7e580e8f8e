//! Why something cannot be a FAT, and why an image is none.

use std::io;

use super::Width;
use crate::amount::{Amount, Exactly, Grouped};
use crate::tree::TreeError;

/// Something of a tree that a FAT cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither file nor folder.
    #[error("`{path}` is a {kind}")]
    Kind {
        /// Where it is.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A hard link.
    #[error("`{path}` is another name of `{first}`")]
    Link {
        /// The name.
        path: String,
        /// The first name of the same file.
        first: String,
    },
    /// Somebody else's.
    #[error("`{path}` belongs to {owner}:{group}; everything in a FAT belongs to root")]
    Owner {
        /// Where it is.
        path: String,
        /// User ID.
        owner: u32,
        /// Group ID.
        group: u32,
    },
    /// Set-user-ID, set-group-ID or sticky bit.
    #[error(
        "`{path}` has the mode {mode:#o}; a FAT has no set-user-ID, set-group-ID and sticky bits"
    )]
    Mode {
        /// Where it is.
        path: String,
        /// Its mode.
        mode: u16,
    },
    /// Extended attributes.
    #[error("`{path}` has {count} extended attributes")]
    Attributes {
        /// Where it is.
        path: String,
        /// How many.
        count: usize,
    },
    /// A name that is not possible.
    #[error("`{path}` is not possible: {why}")]
    Name {
        /// Where it is.
        path: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Names that differ in the case of letters only.
    #[error("`{path}` and `{other}` differ only in upper and lower case")]
    Twins {
        /// One.
        path: String,
        /// The other.
        other: String,
    },
    /// A path that systems do not follow.
    #[error("`{path}…` has {size} bytes; paths of up to {LONGEST_PATH} bytes can be followed")]
    Path {
        /// Its start.
        path: String,
        /// Its size.
        size: usize,
    },
    /// A file beyond 4 GiB.
    #[error("`{path}` has {}, {} more than the largest file of a FAT",
            Amount(*size), Exactly(size - u64::from(u32::MAX)))]
    Large {
        /// Where it is.
        path: String,
        /// Its size in bytes.
        size: u64,
    },
    /// A folder with too many entries.
    #[error("the names in `{path}` take {} entries; a folder has at most {}", Grouped(*entries), Grouped(*most))]
    Full {
        /// The folder.
        path: String,
        /// What it would need. A long name takes one entry for each 13 characters and one more.
        entries: u64,
        /// What there can be.
        most: u64,
    },
}

/// Longest path in bytes (Linux `PATH_MAX`).
pub(super) const LONGEST_PATH: usize = 4_096;

/// Why a FAT cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FatError {
    /// Things that a FAT cannot hold, all of them.
    #[error("a FAT cannot hold {} things of the tree: {}", refusals.len(), list(refusals))]
    Refused {
        /// Each.
        refusals: Vec<Refusal>,
    },
    /// A label that is not possible.
    #[error("`{}` cannot be the label of a FAT: up to 11 ASCII letters (in upper case), digits, spaces and \
             signs other than \" * + , . / : ; < = > ? [ \\ ] | can", label.escape_debug())]
    Label {
        /// The label.
        label: String,
    },
    /// A time that is not possible.
    #[error(
        "{seconds} seconds after 1970 are not in the years 1980 to 2107, as times of a FAT are"
    )]
    Time {
        /// The time.
        seconds: u64,
    },
    /// A size that is not of whole sectors.
    #[error("a FAT of {} has {} more than whole sectors of {}",
            Amount(*size), Exactly(size % sector), Exactly(*sector))]
    Broken {
        /// Its size in bytes.
        size: u64,
        /// Size of a sector in bytes.
        sector: u64,
    },
    /// There is no FAT of the size.
    #[error("{} are too {} for {}", match size {
        Some(size) => Amount(*size).to_string(),
        None => "the files".to_owned(),
    }, if *large { "large" } else { "small" }, match width {
        Some(width) => width.to_string(),
        None => "a FAT".to_owned(),
    })]
    Size {
        /// The size in bytes, when one was asked for.
        size: Option<u64>,
        /// Too large; else too small.
        large: bool,
        /// The width that was asked for.
        width: Option<Width>,
    },
    /// The files do not fit.
    #[error("the files take {} in clusters of {}, {} more than the {} of a FAT of {}{}",
            Amount(*needed), Exactly(*cluster), Exactly(needed - room), Amount(*room), Amount(*size),
            match free {
                0 => String::new(),
                free => format!(", of which {} are to be free", Amount(*free)),
            })]
    Full {
        /// What files and folders take, with what is to be free, in bytes.
        needed: u64,
        /// All clusters, in bytes.
        room: u64,
        /// Size of a cluster in bytes.
        cluster: u64,
        /// Size of the FAT in bytes.
        size: u64,
        /// What is to be free, in bytes.
        free: u64,
    },
    /// A file cannot be read.
    #[error("read {size} bytes at {offset} of `{path}`")]
    Content {
        /// The file.
        path: String,
        /// Where.
        offset: u64,
        /// How many.
        size: usize,
        /// What happened.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("write the FAT")]
    Write(#[source] io::Error),
    /// The image cannot be read.
    #[error("read {size} bytes at {offset} of the FAT")]
    Read {
        /// Where.
        offset: u64,
        /// How many.
        size: usize,
        /// What happened.
        source: io::Error,
    },
    /// A field that cannot be so.
    #[error("no FAT: {field} at {offset:#x} is {found:#x}{}", match expected {
        Some(expected) => format!(", not {expected:#x}"),
        None => String::new(),
    })]
    Field {
        /// Its name in the FAT specification, or what it is.
        field: &'static str,
        /// Where it is in the image.
        offset: u64,
        /// What is there.
        found: u64,
        /// What should be, where that is one value.
        expected: Option<u64>,
    },
    /// The image ends before the FAT.
    #[error("the FAT has {}, {} more than the image of {}",
            Amount(*size), Exactly(size - image), Amount(*image))]
    Short {
        /// Size of the FAT in bytes.
        size: u64,
        /// Size of the image in bytes.
        image: u64,
    },
    /// Copies of the same differ.
    #[error("the copies of the {what} differ")]
    Copies {
        /// What there are two of.
        what: &'static str,
    },
    /// The chain of clusters of something goes wrong.
    #[error("the clusters of `{path}` {why} at cluster {cluster}")]
    Chain {
        /// The file or folder.
        path: String,
        /// What is wrong.
        why: &'static str,
        /// Where.
        cluster: u32,
    },
    /// Clusters that nothing leads to.
    #[error("cluster {cluster} is in use and belongs to nothing")]
    Lost {
        /// The first of them.
        cluster: u32,
    },
    /// An entry of a folder that cannot be so.
    #[error("entry {entry} of the folder `{path}` {why}")]
    Entry {
        /// The folder.
        path: String,
        /// Which one, from 0.
        entry: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// Names that cannot be together.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
