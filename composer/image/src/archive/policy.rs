//! How much an archive may hold, and what that some archives need and others have no use for.

/// How much an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// How many times larger than what was read the unpacked stream may be, beyond its first 64 MiB.
    pub ratio: u64,
}

impl Default for Limits {
    /// Ten times Linux's sources, which have 80,000 files and 1.3 GB and are packed to a tenth.
    fn default() -> Self {
        Self { entries: 1_000_000, bytes: 16 << 30, ratio: 200 }
    }
}

/// How an archive is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How much it may hold.
    pub limits: Limits,
    /// How many folders are taken off the front of every path; folders above are left out.
    pub strip: u32,
    /// Whether it may hold devices and named pipes.
    pub devices: bool,
    /// Whether symbolic links may be absolute: for what becomes the root of a system, in which they stay.
    pub absolute_links: bool,
    /// Whether names of plain files may differ by nothing but the case of ASCII letters, as some of Linux's
    /// sources do.
    pub twins: bool,
}
