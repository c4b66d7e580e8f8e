//! What keeps a stub and its sections from being an image.

use std::io;

/// Why an image was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no program that UEFI could start.
    #[error("this is no PE program of 64 bits: {why}")]
    NotPe {
        /// What is wrong.
        why: String,
    },
    /// A program for something else than UEFI.
    #[error("the program is for subsystem {found}, not for that of EFI applications, 10")]
    Subsystem {
        /// `Subsystem` of the optional header.
        found: u16,
    },
    /// A signature would no longer be right.
    #[error("the stub is signed; with more sections the signature would be wrong")]
    Signed,
    /// The sections of the program overlap, are out of order or outside of it.
    #[error("section `{name}`: {why}")]
    Section {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The table of sections cannot grow.
    #[error(
        "the stub has room for {room} more sections in its header, and {wanted} are needed: \
         {free} bytes are free behind its table"
    )]
    Room {
        /// How many fit.
        room: usize,
        /// How many there are to be.
        wanted: usize,
        /// Bytes that are free.
        free: usize,
    },
    /// The stub has a section of that name already.
    #[error("the stub has a section `{name}` already")]
    Taken {
        /// Its name.
        name: &'static str,
    },
    /// A kernel that this stub cannot start.
    #[error("the stub is for machine {stub:#06x}, the kernel for {linux:#06x}")]
    Machine {
        /// `Machine` of the stub's file header.
        stub: u16,
        /// That of the kernel's.
        linux: u16,
    },
    /// An image needs a kernel.
    #[error("a unified kernel image needs a section `.linux`")]
    NoLinux,
    /// A section of no bytes, which loaders take for an error.
    #[error("section `{name}` is empty")]
    Empty {
        /// Its name.
        name: &'static str,
    },
    /// A text with a NUL, behind which nobody would read on.
    #[error("section `{name}` has a NUL at {offset}, which would end it")]
    Nul {
        /// Its name.
        name: &'static str,
        /// Where in the section.
        offset: u64,
    },
    /// PE has 32 bits for every place and size.
    #[error("the image would end beyond 4 GiB with section `{name}`")]
    TooLarge {
        /// The section.
        name: &'static str,
    },
    /// Reading failed.
    #[error("{what} could not be read at {offset}")]
    Read {
        /// `the image`, or the name of the section.
        what: &'static str,
        /// Where, in bytes.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The image could not be written.
    #[error("the unified kernel image could not be written")]
    Write(#[source] io::Error),
}
