//! The entries of a folder that is read, as files and folders with one name each.

use super::directory::{DOT, DOTS, ENTRY, Entry, FOLDER, LABEL, LAST, LONG, PART, UNITS};
use super::error::FatError;
use super::name::{checksum, refused};
use super::read::no_label;

/// First byte of an entry that is not used any more (FAT specification section 6.1).
const DELETED: u8 = 0xe5;

/// What is in a folder.
pub(super) struct Items {
    /// The label, which only the root has.
    pub label: Option<String>,
    pub items: Vec<Item>,
}

/// A file or folder.
pub(super) struct Item {
    pub name: String,
    pub entry: Entry,
    pub folder: bool,
    /// In seconds since 1970.
    pub modified: u64,
}

/// What the bytes of a folder say. `own` are first clusters of the folder and of the one above; `None` in the root.
pub(super) fn items(bytes: &[u8], path: &str, own: Option<[u32; 2]>) -> Result<Items, FatError> {
    let mut found = Items { label: None, items: Vec::new() };
    let mut long: Option<Long> = None;
    let (entries, _) = bytes.as_chunks::<ENTRY>();
    for (at, raw) in entries.iter().enumerate() {
        let wrong = |why| FatError::Entry { path: path.to_owned(), entry: at, why };
        let entry = Entry::of(raw);
        if let Some(own) = own
            && at < 2
        {
            let above =
                Entry { short: [DOT, DOTS][at], attributes: FOLDER, cluster: own[at], ..entry };
            if entry != above || entry.size != 0 {
                return Err(wrong("is not the folder itself or the one above"));
            }
            continue;
        }
        let is_part = entry.attributes & 0x3f == LONG;
        if long.is_some()
            && (!is_part || raw[0] & LAST != 0)
            && !long.as_ref().is_some_and(Long::whole)
        {
            return Err(wrong("comes in the middle of a long name"));
        }
        match raw[0] {
            0 => {
                if long.is_some() || entries[at..].as_flattened().iter().any(|byte| *byte != 0) {
                    return Err(wrong("is the end, and something follows or comes before"));
                }
                break;
            }
            DELETED if long.is_none() => continue,
            _ if is_part => {
                let part = Long::part(long.take(), raw);
                long = Some(part.ok_or_else(|| wrong("is no part of a long name"))?);
                continue;
            }
            _ => {}
        }
        if entry.attributes & LABEL != 0 {
            let label = text(&entry.short);
            let first = own.is_none() && found.label.is_none() && long.is_none();
            match label {
                Some(label) if first && entry.attributes & FOLDER == 0 => {
                    let none = no_label(&entry.short);
                    found.label = Some(if none { String::new() } else { label });
                }
                _ => return Err(wrong("is no label of the FAT")),
            }
            continue;
        }
        let name = match long.take() {
            Some(long) => long.name(&entry.short),
            None => short(&entry),
        };
        let name = name.filter(|name| refused(name.as_bytes()).is_none());
        let name = name.ok_or_else(|| wrong("has no possible name"))?;
        let folder = entry.attributes & FOLDER != 0;
        if folder && (entry.size != 0 || entry.cluster == 0) {
            return Err(wrong("is a folder with a size or without clusters"));
        }
        let modified = entry.written.seconds().ok_or_else(|| wrong("has no possible time"))?;
        found.items.push(Item { name, entry, folder, modified });
    }
    match long {
        Some(_) => {
            let (entry, why) = (entries.len(), "should end a long name");
            Err(FatError::Entry { path: path.to_owned(), entry, why })
        }
        None => Ok(found),
    }
}

/// A long name of which some parts were read, the end first.
struct Long {
    /// Number of the part that was read last, from 1.
    part: u8,
    checksum: u8,
    units: Vec<u16>,
}

impl Long {
    fn part(before: Option<Self>, raw: &[u8; ENTRY]) -> Option<Self> {
        let part: Vec<u16> =
            UNITS.iter().map(|at| u16::from_le_bytes([raw[*at], raw[at + 1]])).collect();
        let sound = raw[12] == 0 && raw[26] == 0 && raw[27] == 0;
        let number = raw[0] & !LAST;
        let units = match before {
            None => {
                // The end of the name: what does not fill the part is a NUL, and then ones.
                let end = part.iter().position(|unit| *unit == 0).unwrap_or(PART);
                let filled = part.iter().skip(end + 1).all(|unit| *unit == 0xffff);
                let first = raw[0] & LAST != 0 && (1..=20).contains(&number);
                (first && filled && end > 0).then(|| part[..end].to_vec())
            }
            Some(before) => {
                let next = number + 1 == before.part && number == raw[0] && number > 0;
                let sound = raw[13] == before.checksum && !part.contains(&0);
                (next && sound).then(|| [part, before.units].concat())
            }
        };
        let units = units.filter(|_| sound)?;
        Some(Self { part: number, checksum: raw[13], units })
    }

    /// Whether its first part was read, which is the last one on the disk.
    const fn whole(&self) -> bool {
        self.part == 1
    }

    fn name(self, short: &[u8; 11]) -> Option<String> {
        let fits = self.whole() && checksum(short) == self.checksum;
        String::from_utf16(&self.units).ok().filter(|_| fits)
    }
}

/// The name of an entry that has no other.
fn short(entry: &Entry) -> Option<String> {
    let (base, extension) = entry.short.split_at(8);
    let part = |bytes: &[u8], lower: bool| {
        let text = text(bytes)?;
        Some(if lower { text.to_ascii_lowercase() } else { text })
    };
    let base = part(base, entry.case & 0x08 != 0)?;
    let extension = part(extension, entry.case & 0x10 != 0)?;
    let dot = if extension.is_empty() { "" } else { "." };
    (!base.is_empty()).then(|| format!("{base}{dot}{extension}"))
}

/// Bytes of a short name, without the spaces at their end. What others mean depends on the country, so
/// only ASCII is taken.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())?;
    Some(text.trim_end_matches(' ').to_owned())
}
