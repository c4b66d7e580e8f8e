//! The line by which the kernel opens a verified device, and the argument by which it does so while
//! booting, without an initramfs (Documentation/admin-guide/device-mapper/verity.rst, "Construction
//! Parameters"; dm-init.rst).

use super::layout::BLOCK;
use super::write::Root;

/// Size of the sectors that lines of device-mapper count in, in bytes.
const SECTOR: u64 = 512;
/// Names of devices have fewer bytes (`DM_NAME_LEN` in include/uapi/linux/dm-ioctl.h).
const NAME_END: usize = 128;

/// Where a kernel finds data and hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<'a> {
    /// The device with the data, from its start (`/dev/vda2`, `254:2`, `PARTUUID=…`).
    pub data: &'a str,
    /// The device with the hashes; it may be the same.
    pub hashes: &'a str,
    /// Where on it the tree's area (superblock or first block of hashes) starts, in bytes.
    pub offset: u64,
    /// Optional parameters, such as `panic_on_corruption` or `check_at_most_once`.
    pub parameters: &'a [&'a str],
}

/// Why there is no such line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The kernel would read something else.
    #[error("`{word}` cannot be {what} of a device-mapper table: {why}")]
    Word {
        /// `the data device`, `the name`, …
        what: &'static str,
        /// What it is.
        word: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Hashes that do not start at a block.
    #[error("hashes cannot start at {offset}: that is no multiple of {BLOCK}")]
    Offset {
        /// Where, in bytes.
        offset: u64,
    },
}

impl Root {
    /// The table line for `dmsetup create`.
    ///
    /// # Errors
    /// When the kernel could not take it.
    pub fn table(&self, table: &Table<'_>) -> Result<String, TableError> {
        word("the data device", table.data)?;
        word("the hash device", table.hashes)?;
        for parameter in table.parameters {
            word("a parameter", parameter)?;
        }
        if !table.offset.is_multiple_of(BLOCK) {
            return Err(TableError::Offset { offset: table.offset });
        }
        let first = table.offset / BLOCK + u64::from(self.options.superblock.is_some());
        let sectors = self.data_blocks * (BLOCK / SECTOR);
        let salt = match self.options.salt.as_slice() {
            [] => "-".to_owned(),
            salt => salt.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        let Table { data, hashes, parameters, .. } = table;
        let more = match parameters.len() {
            0 => String::new(),
            count => format!(" {count} {}", parameters.join(" ")),
        };
        Ok(format!(
            "0 {sectors} verity 1 {data} {hashes} {BLOCK} {BLOCK} {} {first} sha256 {} {salt}{more}",
            self.data_blocks, self.hash
        ))
    }

    /// The argument of the kernel's command line that opens the device as `/dev/mapper/NAME` (and
    /// as `/dev/dm-0`, when it is the only one): `dm-mod.create="…"`.
    ///
    /// # Errors
    /// As [`Root::table`], and when the name cannot be one.
    pub fn boot_argument(&self, name: &str, table: &Table<'_>) -> Result<String, TableError> {
        word("the name", name)?;
        if name.len() >= NAME_END || name.contains('/') {
            let why = "it has a slash or more than 127 bytes";
            return Err(TableError::Word { what: "the name", word: name.to_owned(), why });
        }
        Ok(format!("dm-mod.create=\"{name},,,ro,{}\"", self.table(table)?))
    }
}

/// Refuses what would end a word, a field or the argument.
fn word(what: &'static str, word: &str) -> Result<(), TableError> {
    let wrong = |why| Err(TableError::Word { what, word: word.to_owned(), why });
    match word {
        "" => wrong("it is empty"),
        word if word.contains([',', ';', '"', '\\']) => wrong("it has one of `,;\"\\`"),
        word if word.contains(|c: char| !c.is_ascii_graphic()) => {
            wrong("it has something else than printable ASCII letters")
        }
        _ => Ok(()),
    }
}
