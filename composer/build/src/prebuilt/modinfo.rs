//! What a module of the kernel says of itself: the section `.modinfo`, texts `KEY=VALUE` that each end with a zero
//! (Linux, include/linux/moduleparam.h, `__MODULE_INFO`). `depmod` makes `modules.dep` of the same; a
//! package that was never installed has no such file.

use object::{Object as _, ObjectSection as _};

/// Why a module cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModinfoError {
    /// It is no ELF file.
    #[error("it is no module: {0}")]
    Elf(String),
    /// It says nothing.
    #[error("it has no section `.modinfo`")]
    Silent,
}

/// What a module says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The modules whose symbols it uses (`depends`, written by scripts/mod/modpost.c).
    pub depends: Vec<String>,
    /// Modules, or other names of such, that are to be loaded before it where they are there (`softdep`).
    pub before: Vec<String>,
    /// The same, after it.
    pub after: Vec<String>,
    /// Other names that it answers to; some are patterns.
    pub aliases: Vec<String>,
}

impl About {
    /// Reads a module.
    ///
    /// # Errors
    /// As said there.
    pub fn of(module: &[u8]) -> Result<Self, ModinfoError> {
        let elf = |error: object::Error| ModinfoError::Elf(error.to_string());
        let file = object::File::parse(module).map_err(elf)?;
        let section = file.section_by_name(".modinfo").ok_or(ModinfoError::Silent)?;
        Ok(Self::parse(section.data().map_err(elf)?))
    }

    /// Reads the section.
    pub fn parse(modinfo: &[u8]) -> Self {
        let mut about = Self::default();
        for (key, value) in texts(modinfo) {
            match key.as_str() {
                "depends" => about.depends.extend(words(&value, ',')),
                "softdep" => about.soft(&value),
                "alias" => about.aliases.push(normal(&value)),
                _ => {}
            }
        }
        about
    }

    /// `pre: a b post: c` (modprobe.d(5)).
    fn soft(&mut self, value: &str) {
        let mut list = None;
        for word in value.split_ascii_whitespace() {
            match (word, &mut list) {
                ("pre:", _) => list = Some(true),
                ("post:", _) => list = Some(false),
                (name, Some(true)) => self.before.push(normal(name)),
                (name, Some(false)) => self.after.push(normal(name)),
                // Before either, a word says nothing.
                (_, None) => {}
            }
        }
    }
}

/// The pairs of such a section; what is no pair is passed over.
pub(super) fn texts(modinfo: &[u8]) -> impl Iterator<Item = (String, String)> {
    modinfo.split(|byte| *byte == 0).filter_map(|text| {
        let text = String::from_utf8_lossy(text).into_owned();
        let (key, value) = text.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    })
}

fn words(list: &str, separator: char) -> impl Iterator<Item = String> {
    list.split(separator).filter(|word| !word.is_empty()).map(normal)
}

/// A name as all are compared: the kernel and its tools take `-` and `_` for one.
pub(super) fn normal(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read() {
        let about = About::parse(
            b"softdep=pre: crypto-crc32c a post: b\0alias=fs-ext4\0alias=ext3\0softdep=nothing\0\
              depends=jbd2,mbcache,,crc16\0license=GPL\0nonsense\0\0intree=Y\0softdep=post: c",
        );
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let expected = About {
            depends: owned(&["jbd2", "mbcache", "crc16"]),
            before: owned(&["crypto_crc32c", "a"]),
            after: owned(&["b", "c"]),
            aliases: owned(&["fs_ext4", "ext3"]),
        };
        assert_eq!(about, expected);
        assert_eq!(About::parse(b"depends=\0"), About::default());
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(matches!(About::of(b"#!/bin/sh\n"), Err(ModinfoError::Elf(_))));
        // This very program is an ELF file, and no module.
        let program = std::fs::read("/proc/self/exe").expect("a program");
        assert_eq!(About::of(&program), Err(ModinfoError::Silent));
    }
}
