//! Workspaces spoiled at random: bytes, lines, keys and values, and the structures of YAML. The
//! numbers follow from a seed, so that a case can be had again.

use std::collections::BTreeMap;

/// Contents by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The numbers of a seed (SplitMix64, Steele, Lea and Flood, 2014).
pub struct Sequence(pub u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("fewer than 2^64");
        usize::try_from(self.next() % end).expect("below a usize")
    }

    fn one_of<'t, T: ?Sized>(&mut self, items: &[&'t T]) -> &'t T {
        items[self.below(items.len())]
    }
}

/// Values that a manifest does not expect.
const STRANGE: [&str; 40] = [
    "",
    "~",
    "null",
    "true",
    "-1",
    "0",
    "1e400",
    "-0x1",
    "0xffffffffffffffffffffffff",
    "18446744073709551615",
    "18446744073709551616",
    "4294967296",
    "99999999999999999999999999999999999999",
    "17179869184GiB",
    "584942417355y",
    "18446744073709551615h",
    ".inf",
    ".nan",
    "2026-01-01",
    "\"\\u0000\"",
    "\"\\x1b[31m\"",
    "\"\u{202e}gnp\"",
    "\u{0}",
    "\u{feff}",
    "\u{1f41b}",
    "ÄÖÜ",
    "a\u{301}",
    "&a [*a, *a]",
    "&a { x: *a }",
    "*nobody",
    "<<: { a: b }",
    "!!binary aGVsbG8=",
    "!!python/object:os.system x",
    "[]",
    "{}",
    "[[[[[[[[]]]]]]]]",
    "{ ? [a, b] : c }",
    "|\n  text\n   more\n",
    "\"unclosed",
    "'",
];

/// Lines that turn the structure of a file over.
const LINES: [&str; 14] = [
    "---",
    "...",
    "%YAML 1.1",
    "%TAG ! tag:x,2000:",
    "\tkey: value",
    "  - - - - -",
    "? key",
    ": value",
    "<<: *a",
    "&anchor key: &other value",
    "# comment",
    "key: value: value",
    "extends: [p, p]",
    "without: [p]",
];

/// Bytes that mean something to YAML, or nothing to anybody.
const MARKS: &[u8] = b"\0\t\r\n\x1b\x7f\x80\xff:-[]{}#&*!|>'\"%@`";

/// Spoils some files in some ways.
pub fn spoil(files: &mut Files, seed: u64) {
    let mut numbers = Sequence(seed);
    for _ in 0..=numbers.below(4) {
        let paths: Vec<String> = files.keys().cloned().collect();
        if paths.is_empty() {
            return;
        }
        let path = &paths[numbers.below(paths.len())];
        match numbers.below(24) {
            0 => drop(files.remove(path)),
            1 => {
                let other = &paths[numbers.below(paths.len())];
                let text = files[other].clone();
                files.insert(path.clone(), text);
            }
            2 => {
                let bytes = files.remove(path).unwrap_or_default();
                let name = numbers.one_of(&["x", "A", "a-b", "con", "ä", "..", "-rf", "a b"]);
                let (folder, end) = path.split_once('/').unwrap_or(("products", path));
                let end = end.rsplit('/').next().unwrap_or_default();
                files.insert(format!("{folder}/{name}/{end}"), bytes);
            }
            3..=7 => bytes(files.entry(path.clone()).or_default(), &mut numbers),
            _ => {
                let other = paths[numbers.below(paths.len())].clone();
                let other = String::from_utf8_lossy(&files[&other]).into_owned();
                let text = String::from_utf8_lossy(&files[path]).into_owned();
                files.insert(path.clone(), lines(&text, &other, &mut numbers).into_bytes());
            }
        }
    }
}

/// Flips, drops, repeats or inserts bytes.
fn bytes(bytes: &mut Vec<u8>, numbers: &mut Sequence) {
    for _ in 0..=numbers.below(6) {
        if bytes.is_empty() {
            bytes.push(0);
        }
        let (at, other) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
        match numbers.below(7) {
            0 => bytes[at] ^= 1 << numbers.below(8),
            1 => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at.min(other)..at.max(other))),
            4 => {
                let part = bytes[at.min(other)..at.max(other)].to_vec();
                bytes.extend(part);
            }
            5 => bytes.insert(at, MARKS[numbers.below(MARKS.len())]),
            _ => bytes.swap(at, other),
        }
    }
}

/// Changes lines, keys and values of a text, with parts of another.
fn lines(text: &str, other: &str, numbers: &mut Sequence) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let others: Vec<&str> = other.lines().collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    let at = numbers.below(lines.len());
    let second = numbers.below(lines.len());
    let strange = numbers.one_of(&STRANGE);
    let value = |line: &str| line.split_once(": ").map(|(_, value)| value.to_owned());
    let put = |line: &str, value: &str| {
        let key = line.split_once(':').map_or(line, |(key, _)| key);
        format!("{key}: {value}")
    };
    match numbers.below(13) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[second].clone()),
        2 => lines.swap(at, second),
        3 if !others.is_empty() => lines.insert(at, others[numbers.below(others.len())].to_owned()),
        4 if !others.is_empty() => {
            let theirs = value(others[numbers.below(others.len())]).unwrap_or_default();
            lines[at] = put(&lines[at], &theirs);
        }
        5 => {
            let (one, two) = (value(&lines[at]), value(&lines[second]));
            lines[at] = put(&lines[at], &two.unwrap_or_default());
            lines[second] = put(&lines[second], &one.unwrap_or_default());
        }
        6 => lines[at].insert_str(0, numbers.one_of(&[" ", "  ", "\t", "- ", "    "])),
        7 => lines.insert(at, numbers.one_of(&LINES).to_owned()),
        8 => {
            let depth = [10, 60, 200, 5_000][numbers.below(4)];
            let (open, close) = numbers.one_of(&[&("[", "]"), &("{ a: ", " }")]);
            let deep = format!("{}x{}", open.repeat(depth), close.repeat(depth));
            lines[at] = put(&lines[at], &deep);
        }
        9 => {
            let long = numbers.one_of(&["a", "a-", "ä", "\"", "a, ", "9", "a.b."]);
            let long = long.repeat([64, 1_000, 100_000][numbers.below(3)]);
            lines[at] = put(&lines[at], &long);
        }
        10 => {
            // Each alias doubles what the one before stands for.
            let mut bomb = vec!["b0: &b0 [x, x]".to_owned()];
            bomb.extend((1..30).map(|n| format!("b{n}: &b{n} [*b{}, *b{}]", n - 1, n - 1)));
            lines.splice(at..at, bomb);
        }
        _ => lines[at] = put(&lines[at], strange),
    }
    lines.join(numbers.one_of(&["\n", "\n", "\n", "\n", "\r\n", "\r"])) + "\n"
}
