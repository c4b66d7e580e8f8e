//! The 110 bytes before each name: a magic number and thirteen fields of eight hex digits
//! (buffer-format.rst, table "cpio header").

/// Size of a header in bytes: 6 + 13 * 8.
pub const HEADER: usize = 110;
/// "newc", without checksums.
pub const MAGIC: &[u8; 6] = b"070701";
/// Name of the entry that ends an archive.
pub const TRAILER: &str = "TRAILER!!!";
/// Longest name with its NUL: the kernel skips an entry beyond `PATH_MAX` (`do_header`).
pub const LONGEST_NAME: usize = 4_096;
/// Names (with their headers) and contents are padded to this.
pub const ALIGN: u64 = 4;
/// What programs pad archives to: the block of a tape.
pub const BLOCK: u64 = 512;
/// Numbers of drivers end here (`MINORBITS` in include/linux/kdev_t.h is 20, `dev_t` has 32 bits).
pub const MAJOR_END: u32 = 1 << 12;
/// Numbers of devices end here.
pub const MINOR_END: u32 = 1 << 20;

/// `S_IFMT` and its values (include/uapi/linux/stat.h).
pub mod kind {
    /// The bits of a mode that say what an inode is.
    pub const MASK: u32 = 0o170_000;
    pub const SOCKET: u32 = 0o140_000;
    pub const SYMLINK: u32 = 0o120_000;
    pub const FILE: u32 = 0o100_000;
    pub const BLOCK: u32 = 0o060_000;
    pub const FOLDER: u32 = 0o040_000;
    pub const CHARACTER: u32 = 0o020_000;
    pub const FIFO: u32 = 0o010_000;
}

/// The fields, in the order of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub ino: u32,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub nlink: u32,
    pub mtime: u32,
    pub filesize: u32,
    pub maj: u32,
    pub min: u32,
    pub rmaj: u32,
    pub rmin: u32,
    pub namesize: u32,
    pub chksum: u32,
}

/// Names of the fields, in their order.
pub const NAMES: [&str; 13] = [
    "c_ino",
    "c_mode",
    "c_uid",
    "c_gid",
    "c_nlink",
    "c_mtime",
    "c_filesize",
    "c_maj",
    "c_min",
    "c_rmaj",
    "c_rmin",
    "c_namesize",
    "c_chksum",
];

impl Header {
    /// The fields in their order.
    pub const fn fields(&self) -> [u32; 13] {
        [
            self.ino,
            self.mode,
            self.uid,
            self.gid,
            self.nlink,
            self.mtime,
            self.filesize,
            self.maj,
            self.min,
            self.rmaj,
            self.rmin,
            self.namesize,
            self.chksum,
        ]
    }

    /// As the archive has it; digits are upper case, as those of the kernel's own writer.
    pub fn bytes(&self) -> Vec<u8> {
        let digits =
            self.fields().into_iter().flat_map(|field| format!("{field:08X}").into_bytes());
        MAGIC.iter().copied().chain(digits).collect()
    }

    /// The header in `bytes`, whose magic was checked; or the number of the field that is not hex.
    pub fn parse(bytes: &[u8; HEADER]) -> Result<Self, usize> {
        let mut fields = [0; 13];
        for (number, (field, digits)) in fields.iter_mut().zip(bytes[6..].chunks(8)).enumerate() {
            for digit in digits {
                let value = (*digit as char).to_digit(16).ok_or(number)?;
                *field = *field << 4 | value;
            }
        }
        let [ino, mode, uid, gid, nlink, mtime, filesize, maj, min, rmaj, rmin, namesize, chksum] =
            fields;
        Ok(Self {
            ino,
            mode,
            uid,
            gid,
            nlink,
            mtime,
            filesize,
            maj,
            min,
            rmaj,
            rmin,
            namesize,
            chksum,
        })
    }
}

/// How many bytes are missing at `size` to a multiple of `align`.
pub const fn padding(size: u64, align: u64) -> u64 {
    size.next_multiple_of(align) - size
}
