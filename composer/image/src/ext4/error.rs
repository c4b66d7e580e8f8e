//! What can stand in the way of an image, in the words of whoever put the tree together.

use std::io;

use crate::tree::TreeError;

/// Why no image was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Writing failed.
    #[error("the ext4 image could not be written at byte {at}: {source}")]
    Out {
        /// Where, from the start of the image.
        at: u64,
        /// Why.
        source: io::Error,
    },
    /// A file's content could not be read.
    #[error("`{path}` could not be read for the ext4 image: {source}")]
    Content {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The label is too long.
    #[error("the label of the ext4 image has {bytes} bytes; up to 16 are possible, and no NUL")]
    Label {
        /// Its size.
        bytes: usize,
    },
    /// A time of making that no inode can hold.
    #[error("an ext4 image cannot be made {seconds} s after 1970; ext4 ends at 15,032,385,535")]
    Made {
        /// The time.
        seconds: u64,
    },
    /// A time that an inode cannot hold.
    #[error("the time of `{path}` is {seconds} s after 1970; ext4 ends at 15,032,385,535")]
    Time {
        /// The file.
        path: String,
        /// Its time.
        seconds: u64,
    },
    /// The content does not fit.
    #[error("the tree needs an ext4 image of {needed} bytes or more; {given} are given")]
    Full {
        /// Smallest size that may be enough.
        needed: u64,
        /// Size of the image.
        given: u64,
    },
    /// The image would be larger than 32-bit block numbers reach.
    #[error(
        "an ext4 image of {blocks} blocks of 4,096 bytes is too large; up to 4,294,967,295 are possible"
    )]
    TooLarge {
        /// Its blocks.
        blocks: u64,
    },
    /// Fewer inodes were asked for than the tree needs, or more than there can be.
    #[error(
        "the tree needs {needed} inodes in the ext4 image, at most {most} are possible; {given} are asked for"
    )]
    Inodes {
        /// How many it needs.
        needed: u64,
        /// How many there can be at most.
        most: u64,
        /// How many are asked for.
        given: u64,
    },
    /// Linux does not mount a journal that small.
    #[error("a journal of {blocks} blocks is too small; 1,024 of 4,096 bytes are the least")]
    Journal {
        /// Its blocks.
        blocks: u32,
    },
    /// A file is larger than can be.
    #[error("`{path}` has {size} bytes; files in ext4 have up to 17,592,186,040,320")]
    FileSize {
        /// The file.
        path: String,
        /// Its size.
        size: u64,
    },
    /// A file has more names than can be.
    #[error("`{path}` has {names} names; files in ext4 have up to 65,000")]
    Names {
        /// One of them.
        path: String,
        /// How many there are.
        names: u32,
    },
    /// No such device can be.
    #[error("`{path}` is device {major}:{minor}; up to 4095:1048575 is possible")]
    Device {
        /// The device.
        path: String,
        /// Number of its driver.
        major: u32,
        /// Its number.
        minor: u32,
    },
    /// A folder has more entries than a hash tree of two levels reaches.
    #[error("the folder `{path}` has {entries} entries, which are too many for ext4")]
    Folder {
        /// The folder.
        path: String,
        /// How many.
        entries: usize,
    },
    /// `lost+found` is something else than a folder.
    #[error(
        "`lost+found` is where e2fsck puts what it finds; in an ext4 image it has to be a folder"
    )]
    LostFound,
    /// An attribute that ext4 cannot hold.
    #[error("`{path}` cannot have the attribute `{name}` in ext4: {why}")]
    Attribute {
        /// The file.
        path: String,
        /// The attribute.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More attributes than a block holds beside the inode.
    #[error("the attributes of `{path}` take {bytes} bytes beside its inode; a block has 4,096")]
    Attributes {
        /// The file.
        path: String,
        /// What they take.
        bytes: usize,
    },
}

/// Why an image is not one that [`write`](super::write()) makes.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading failed.
    #[error("{size} bytes of the ext4 image at byte {at} could not be read: {source}")]
    Image {
        /// Where.
        at: u64,
        /// How many.
        size: usize,
        /// Why.
        source: io::Error,
    },
    /// No ext2, ext3 or ext4.
    #[error("this is no ext4 image: {found:#06x} stands where 0xef53 should")]
    Magic {
        /// What stands there.
        found: u16,
    },
    /// A field of the superblock differs from what is always or must then be there.
    #[error("byte {at} of the superblock is {found:#04x}, and should be {expected:#04x}")]
    Superblock {
        /// Where, from its start.
        at: usize,
        /// What stands there.
        found: u8,
        /// What should.
        expected: u8,
    },
    /// Sizes in the superblock contradict each other or the image's.
    #[error(
        "an image of {size} bytes cannot have {blocks} blocks and {inodes} inodes, {per_group} a group"
    )]
    Sizes {
        /// Size of the image.
        size: u64,
        /// Blocks, by the superblock.
        blocks: u32,
        /// Inodes, by the superblock.
        inodes: u32,
        /// Inodes per group, by the superblock.
        per_group: u32,
    },
    /// A table is not what the rest of the image demands.
    #[error("block {block} ({what}) is not what the rest of the ext4 image demands")]
    Table {
        /// The block.
        block: u64,
        /// What it is.
        what: &'static str,
    },
    /// A block outside, used twice, or used by a table.
    #[error("inode {inode} claims block {block}, which is outside, or in use already")]
    Claim {
        /// The inode.
        inode: u32,
        /// The block.
        block: u64,
    },
    /// An inode's number is none, or it is in use otherwise.
    #[error("inode {inode} cannot be what an entry of inode {folder} says")]
    Entry {
        /// The inode.
        inode: u32,
        /// The folder.
        folder: u32,
    },
    /// An inode or its blocks are damaged, or hold what is never written.
    #[error("inode {inode} is damaged: {what}")]
    Inode {
        /// The inode.
        inode: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// Files with more holes than one wants to read.
    #[error("files have {claimed} bytes, over 1,024 times the size of the image")]
    Holes {
        /// Size of all files so far.
        claimed: u64,
    },
    /// A path that no tree has.
    #[error(transparent)]
    Tree(#[from] TreeError),
}
