//! The sections that UAPI.5 defines ("UKI Components").

/// A section with a resource of the image. The order is that in which they are written: the kernel
/// last, as ukify does, so that an old one finds room behind it when it unpacks itself.
///
/// The order in the file is not the one in which a stub measures them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// What `os-release` says; boot menus show it.
    OsRelease,
    /// The kernel's command line.
    CommandLine,
    /// A compiled devicetree.
    DeviceTree,
    /// What `uname -r` will say.
    Release,
    /// A picture (BMP) to show.
    Splash,
    /// Public key of the signed PCR values, PEM.
    PcrPublicKey,
    /// The initramfs, compressed or not.
    Initrd,
    /// Microcode, as an uncompressed cpio archive.
    Microcode,
    /// Signed PCR values, JSON.
    PcrSignature,
    /// The kernel: bzImage, or an EFI program.
    Linux,
}

impl Name {
    /// All, in their order.
    pub const ALL: [Self; 10] = [
        Self::OsRelease,
        Self::CommandLine,
        Self::DeviceTree,
        Self::Release,
        Self::Splash,
        Self::PcrPublicKey,
        Self::Initrd,
        Self::Microcode,
        Self::PcrSignature,
        Self::Linux,
    ];

    /// As the section table has it; at most 8 bytes.
    pub const fn text(self) -> &'static str {
        match self {
            Self::OsRelease => ".osrel",
            Self::CommandLine => ".cmdline",
            Self::DeviceTree => ".dtb",
            Self::Release => ".uname",
            Self::Splash => ".splash",
            Self::PcrPublicKey => ".pcrpkey",
            Self::Initrd => ".initrd",
            Self::Microcode => ".ucode",
            Self::PcrSignature => ".pcrsig",
            Self::Linux => ".linux",
        }
    }

    /// Whether a NUL in it would hide what is behind.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::OsRelease | Self::CommandLine | Self::Release)
    }
}
