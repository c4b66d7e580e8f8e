//! Entries of the boot loader by their file names: `NAME+LEFT-DONE.efi` (Boot Loader Specification,
//! "Boot counting").

use std::cmp::Ordering;
use std::fmt;

use crate::version;

/// A unified kernel image of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name without counters and suffix.
    pub stem: String,
    /// How often it was and may be tried; without counters it is good.
    pub counters: Option<Counters>,
}

/// How often an entry may be tried, and was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Tries left; with 0 the entry is bad.
    pub left: u32,
    /// Tries that were made, none of which was marked as good.
    pub done: u32,
}

impl Entry {
    /// The entry that a file is, if it is one. A name whose counters are none is a name without.
    pub fn parse(file: &str) -> Option<Self> {
        let name = file.strip_suffix(".efi")?;
        if name.is_empty() || name.starts_with('+') {
            return None;
        }
        let counted = name.rsplit_once('+').and_then(|(stem, counters)| {
            let (left, done) = counters.split_once('-').unwrap_or((counters, "0"));
            Some((stem, Counters { left: number(left)?, done: number(done)? }))
        });
        Some(match counted {
            Some((stem, counters)) => Self { stem: stem.to_owned(), counters: Some(counters) },
            None => Self { stem: name.to_owned(), counters: None },
        })
    }

    /// It was tried as often as it may be, and never marked as good.
    pub fn is_bad(&self) -> bool {
        self.counters.is_some_and(|counters| counters.left == 0)
    }

    /// Which of two the boot loader prefers: `Less` is the one that it starts. Bad ones come last,
    /// then the newer version comes first (systemd-boot(7); the specification's "Sorting", for
    /// images whose `os-release` says the version that is in the file's name).
    pub fn preference(&self, other: &Self) -> Ordering {
        self.is_bad().cmp(&other.is_bad()).then_with(|| version::compare(&other.stem, &self.stem))
    }
}

/// Digits and nothing else, as the loader writes them.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stem)?;
        if let Some(Counters { left, done }) = self.counters {
            write!(f, "+{left}-{done}")?;
        }
        f.write_str(".efi")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(stem: &str, counters: Option<(u32, u32)>) -> Entry {
        let counters = counters.map(|(left, done)| Counters { left, done });
        Entry { stem: stem.to_owned(), counters }
    }

    #[test]
    fn names_are_understood_as_the_specification_says() {
        for (file, expected) in [
            ("gateway_1.2.efi", Some(entry("gateway_1.2", None))),
            ("gateway_1.2+3.efi", Some(entry("gateway_1.2", Some((3, 0))))),
            ("gateway_1.2+3-0.efi", Some(entry("gateway_1.2", Some((3, 0))))),
            ("gateway_1.2+0-3.efi", Some(entry("gateway_1.2", Some((0, 3))))),
            ("a+b+2-1.efi", Some(entry("a+b", Some((2, 1))))),
            ("a+b.efi", Some(entry("a+b", None))),
            ("a+-1.efi", Some(entry("a+-1", None))),
            ("a+1-.efi", Some(entry("a+1-", None))),
            ("a++1.efi", Some(entry("a+", Some((1, 0))))),
            ("a+99999999999.efi", Some(entry("a+99999999999", None))),
            ("+3-0.efi", None),
            (".efi", None),
            ("gateway_1.2.conf", None),
        ] {
            assert_eq!(Entry::parse(file), expected, "{file}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(stem in "[a-z][a-z0-9._+-]{0,12}", counters in any::<Option<(u32, u32)>>()) {
            // A stem that ends like counters cannot be written without any.
            prop_assume!(counters.is_some() || !stem.contains('+'));
            let written = entry(&stem, counters);
            prop_assert_eq!(Entry::parse(&written.to_string()), Some(written));
        }

        #[test]
        fn any_name_is_borne_with(file in ".{0,30}(\\.efi)?") {
            if let Some(entry) = Entry::parse(&file) {
                prop_assert!(Entry::parse(&entry.to_string()).is_some());
            }
        }
    }
}
