//! Entries of the boot loader: a file `NAME+LEFT-DONE.efi` (Boot Loader Specification, "Boot counting")
//! and what its image says of itself.

use std::cmp::Ordering;

use crate::Release;
use crate::version;

/// A unified kernel image of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file's name, as it is on the disk: `x+3.efi` and `x+3-0.efi` mean the same.
    pub file: String,
    /// The name without counters and suffix.
    pub stem: String,
    /// How often it was and may be tried; without counters it may always be.
    pub counters: Option<Counters>,
    /// What its image says.
    pub release: Release,
}

/// How often an entry may be tried, and was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Tries left; with 0 the entry is bad.
    pub left: u32,
    /// Tries that were made, none of which was marked as good.
    pub done: u32,
}

impl Counters {
    /// What a trial begins with, and what marking as good goes back to.
    pub const FRESH: Self = Self { left: 3, done: 0 };
    /// Passed over: bad, and yet never tried. The loader counts before it starts an entry, so one that
    /// runs has this only from a switch since.
    pub const PASSED_OVER: Self = Self { left: 0, done: 0 };
}

impl Entry {
    /// The entry that a file is, if it has the name of one. A name whose counters are none is a name
    /// without.
    pub fn parse(file: &str, release: Release) -> Option<Self> {
        let name = file.strip_suffix(".efi")?;
        // The loader passes over the same.
        if name.is_empty() || name.starts_with(['+', '.']) || name.starts_with("auto-") {
            return None;
        }
        let counted = name.rsplit_once('+').and_then(|(stem, counters)| {
            let (left, done) = counters.split_once('-').unwrap_or((counters, "0"));
            Some((stem, Counters { left: number(left)?, done: number(done)? }))
        });
        let (stem, counters) = match counted {
            Some((stem, counters)) => (stem, Some(counters)),
            None => (name, None),
        };
        Some(Self { file: file.to_owned(), stem: stem.to_owned(), counters, release })
    }

    /// The same with other counters.
    pub fn counted(&self, counters: Counters) -> Self {
        let Counters { left, done } = counters;
        let file = format!("{}+{left}-{done}.efi", self.stem);
        Self { file, counters: Some(counters), ..self.clone() }
    }

    /// It was tried as often as it may be, and never marked as good.
    pub fn is_bad(&self) -> bool {
        self.counters.is_some_and(|counters| counters.left == 0)
    }

    /// Of the entry that runs: it was marked as good since it was started, as the loader had taken a try
    /// off before.
    pub fn is_good(&self) -> bool {
        self.counters == Some(Counters::FRESH) || self.is_passed_over()
    }

    /// Of the entry that runs: the other is to run from the next start.
    pub fn is_passed_over(&self) -> bool {
        self.counters == Some(Counters::PASSED_OVER)
    }

    /// Which of two the boot loader prefers: `Less` is the one that it starts. Bad ones come last; then
    /// those with a sort key, by it, the newer version first; then the later name comes first
    /// (systemd-boot 252, `config_entry_compare`; Boot Loader Specification, "Sorting").
    pub fn preference(&self, other: &Self) -> Ordering {
        let (a, b) = (&self.release, &other.release);
        let by_release = match (&a.sort_key, &b.sort_key) {
            (Some(in_a), Some(in_b)) => {
                in_a.cmp(in_b).then_with(|| version::compare(&b.version, &a.version))
            }
            (in_a, in_b) => in_a.is_none().cmp(&in_b.is_none()),
        };
        let [file, other_file] = [&self.file, &other.file].map(|file| file.to_ascii_lowercase());
        self.is_bad()
            .cmp(&other.is_bad())
            .then(by_release)
            .then_with(|| version::compare(&other_file, &file))
    }
}

/// Digits and nothing else, as the loader writes them, up to its largest.
fn number(text: &str) -> Option<u32> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    number.filter(|number| i32::try_from(*number).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_understood_as_the_specification_says() {
        for (file, expected) in [
            ("gateway_1.2.efi", Some(("gateway_1.2", None))),
            ("gateway_1.2+3.efi", Some(("gateway_1.2", Some((3, 0))))),
            ("gateway_1.2+3-0.efi", Some(("gateway_1.2", Some((3, 0))))),
            ("gateway_1.2+0-3.efi", Some(("gateway_1.2", Some((0, 3))))),
            ("a+b+2-1.efi", Some(("a+b", Some((2, 1))))),
            ("a+b.efi", Some(("a+b", None))),
            ("a+-1.efi", Some(("a+-1", None))),
            ("a+1-.efi", Some(("a+1-", None))),
            ("a++1.efi", Some(("a+", Some((1, 0))))),
            ("a+2147483648.efi", Some(("a+2147483648", None))),
            ("+3-0.efi", None),
            (".a+3-0.efi", None),
            ("auto-a.efi", None),
            (".efi", None),
            ("gateway_1.2.conf", None),
        ] {
            let found = Entry::parse(file, Release::default());
            let found = found.inspect(|entry| assert_eq!(entry.file, file));
            let found = found.map(|Entry { stem, counters, .. }| (stem, counters));
            let expected = expected.map(|(stem, counters): (&str, Option<(u32, u32)>)| {
                (stem.to_owned(), counters.map(|(left, done)| Counters { left, done }))
            });
            assert_eq!(found, expected, "{file}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(file in "[a-z][a-z0-9._+-]{0,12}\\.efi", left in 0..9u32, done in 0..9u32) {
            let entry = Entry::parse(&file, Release::default()).expect("a name");
            prop_assume!(!entry.stem.is_empty());
            let counted = entry.counted(Counters { left, done });
            prop_assert_eq!(&counted.stem, &entry.stem);
            prop_assert_eq!(Entry::parse(&counted.file, Release::default()), Some(counted));
        }

        #[test]
        fn any_name_is_borne_with(file in ".{0,30}(\\.efi)?") {
            let _ = Entry::parse(&file, Release::default());
        }
    }
}
