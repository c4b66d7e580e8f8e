//! Names in a folder: which ones there can be, and the short names that every long one has beside it (FAT
//! specification sections 6.1 and 7).

use std::collections::{BTreeMap, BTreeSet};

/// A short name as an entry has it: base of 8 and extension of 3, padded with spaces.
pub(super) type Short = [u8; 11];

/// Why a FAT cannot hold a name, if it cannot.
pub(super) fn refused(name: &[u8]) -> Option<&'static str> {
    let Ok(name) = std::str::from_utf8(name) else {
        return Some("its name is not UTF-8");
    };
    if name.chars().any(|c| c < ' ' || c == '\x7f') {
        return Some("its name has a control character");
    }
    if name.contains(['"', '*', '/', ':', '<', '>', '?', '\\', '|']) {
        return Some("its name has one of \" * / : < > ? \\ |");
    }
    if name.ends_with(['.', ' ']) {
        return Some("its name ends with a dot or a space");
    }
    if name.is_empty() || name.encode_utf16().count() > crate::tree::LONGEST_NAME {
        return Some("its name has not 1 to 255 UTF-16 code units");
    }
    None
}

/// What two names have to differ in: a FAT does not tell cases apart.
pub(super) fn folded(name: &str) -> String {
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) => one,
            // FAT folds characters one by one.
            _ => c,
        }
    };
    name.chars().map(upper).collect()
}

/// Whether the name needs no long one: it is a short one, in upper case.
pub(super) fn is_short(name: &str) -> bool {
    whole(name).is_some() && !name.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Short names for all names of a folder, in their order. A name that has the form of a short one has itself;
/// others get a number, so that no short name is the name of something else.
pub(super) fn shorts(names: &[&str]) -> Vec<Short> {
    let mut taken: BTreeSet<Short> = names.iter().filter_map(|name| whole(name)).collect();
    let mut next: BTreeMap<Short, u32> = BTreeMap::new();
    let mut short = |name: &&str| {
        if let Some(short) = whole(name) {
            return short;
        }
        let (basis, size) = basis(name);
        let number = next.entry(basis).or_insert(1);
        loop {
            let tail = format!("~{number}");
            *number += 1;
            // A folder has at most 65,536 entries, so the tail always fits.
            let start = size.min(8usize.saturating_sub(tail.len()));
            let mut short = basis;
            short[start..8].fill(b' ');
            short[start..start + tail.len()].copy_from_slice(tail.as_bytes());
            if taken.insert(short) {
                return short;
            }
        }
    };
    names.iter().map(&mut short).collect()
}

/// Sum over a short name that its long name's entries carry (FAT specification section 7.2).
pub(super) fn checksum(short: &Short) -> u8 {
    short.iter().fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// The short name that is the name but for its case.
fn whole(name: &str) -> Option<Short> {
    let (base, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let dotted = name.contains('.');
    let fits =
        (1..=8).contains(&base.len()) && (usize::from(dotted)..=3).contains(&extension.len());
    let mut short = [b' '; 11];
    for (to, byte) in short.iter_mut().zip(base.bytes()) {
        *to = byte.to_ascii_uppercase();
    }
    for (to, byte) in short[8..].iter_mut().zip(extension.bytes()) {
        *to = byte.to_ascii_uppercase();
    }
    (fits && base.bytes().chain(extension.bytes()).all(allowed)).then_some(short)
}

/// What a short name with a number starts from, and how long its base is (FAT specification
/// section 7.4).
fn basis(name: &str) -> (Short, usize) {
    let name = name.trim_start_matches('.');
    let (base, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let clean = |text: &str, most: usize| -> Vec<u8> {
        let kept = text.chars().filter(|c| !['.', ' '].contains(c)).take(most);
        let byte = |c: char| u8::try_from(c).ok().filter(|byte| allowed(*byte)).unwrap_or(b'_');
        kept.map(|c| byte(c).to_ascii_uppercase()).collect()
    };
    let (mut base, extension) = (clean(base, 8), clean(extension, 3));
    if base.is_empty() {
        base.push(b'_');
    }
    let mut short = [b' '; 11];
    short[..base.len()].copy_from_slice(&base);
    short[8..8 + extension.len()].copy_from_slice(&extension);
    (short, base.len())
}

/// Whether a character, of either case, may stand in a short name (FAT specification section 6.1).
fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"$%'-_@~`!(){}^#&".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_told_apart() {
        let names = [
            "BOOTX64.EFI",
            "bootx64.ef",
            "loader",
            "a.b.c",
            ".config",
            "long name of a file.text",
            "long name of another.text",
            "LONGNA~1.TEX",
            "ä",
            "ö.é",
            "+3",
            "a+3.efi",
            " .x",
            "x.y+z",
        ];
        let found: Vec<_> = shorts(&names)
            .into_iter()
            .map(|short| String::from_utf8_lossy(&short).into_owned())
            .collect();
        assert_eq!(
            found,
            [
                "BOOTX64 EFI",
                "BOOTX64 EF ",
                "LOADER     ",
                "AB~1    C  ",
                "CONFIG~1   ",
                "LONGNA~2TEX",
                "LONGNA~3TEX",
                "LONGNA~1TEX",
                "_~1        ",
                "_~1     _  ",
                "_3~1       ",
                "A_3~1   EFI",
                "_~1     X  ",
                "X~1     Y_Z",
            ]
        );
        assert_eq!(
            names.map(is_short).map(usize::from),
            [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        );
        let many: Vec<String> = (0..20_000).map(|at| format!("kernel module {at}.ko")).collect();
        let many = shorts(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(many[11_999], *b"KE~12000KO ");
        assert_eq!(many.into_iter().collect::<BTreeSet<_>>().len(), 20_000);
        // From the C of the specification, carried out elsewhere.
        assert_eq!([checksum(b"A          "), checksum(b"BOOTX64 EFI")], [0x80, 0x1d]);
    }

    #[test]
    fn case_does_not_tell_names_apart() {
        assert_eq!(folded("Straße.Ä"), folded("STRAßE.ä"));
        assert_ne!(folded("ß"), folded("ss"));
    }
}
