//! Extended attributes (erofs_fs.h, `struct erofs_xattr_entry`): those that several inodes have alike
//! stand once for all, and inodes name them by number; the others stand in the inode.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::{u16_at, u32_at};
use super::options::Error;
use crate::tree::{InodeId, Tree};

/// `struct erofs_xattr_ibody_header`.
pub const HEADER: usize = 12;
/// Shared attributes that one inode can name (`h_shared_count`).
const MOST_SHARED: usize = 255;
/// Largest value in bytes (Linux `XATTR_SIZE_MAX`, and just more than `e_value_size` counts).
const LARGEST_VALUE: usize = 65_535;
/// Prefixes of names, by number (`EROFS_XATTR_INDEX_*`). Names of access lists are nothing but one.
const PREFIXES: [(u8, &[u8]); 5] =
    [(1, b"user."), (2, ACCESS), (3, DEFAULT), (4, b"trusted."), (6, b"security.")];
const ACCESS: &[u8] = b"system.posix_acl_access";
const DEFAULT: &[u8] = b"system.posix_acl_default";

/// The attributes that more than one inode has.
#[derive(Debug, Default)]
pub struct Shared<'a> {
    numbers: BTreeMap<(&'a [u8], &'a [u8]), u32>,
    /// What the numbers count in, in units of 4 bytes.
    pub area: Vec<u8>,
}

impl<'a> Shared<'a> {
    /// Those of a tree, whose inodes are given with their paths.
    ///
    /// # Errors
    /// When an attribute cannot be held.
    pub fn of(tree: &'a Tree, inodes: &[(&[u8], InodeId)]) -> Result<Self, Error> {
        let mut counts: BTreeMap<(&[u8], &[u8]), u32> = BTreeMap::new();
        for (path, id) in inodes {
            for (name, value) in &tree.inode(*id).meta.attributes {
                let bad = |why| Error::Attribute {
                    path: String::from_utf8_lossy(path).into_owned(),
                    name: String::from_utf8_lossy(name).into_owned(),
                    why,
                };
                check(name, value).map_err(bad)?;
                *counts.entry((name, value)).or_default() += 1;
            }
        }
        let mut shared = Self::default();
        for ((name, value), _) in counts.into_iter().filter(|(_, count)| *count > 1) {
            // 4 GiB of labels: those beyond stand in their inodes.
            let Ok(number) = u32::try_from(shared.area.len() / 4) else { break };
            shared.numbers.insert((name, value), number);
            entry(name, value, &mut shared.area);
        }
        Ok(shared)
    }

    /// What an inode has of attributes after its head; a multiple of 4 bytes.
    ///
    /// # Errors
    /// When they are too many.
    pub fn body(&self, tree: &Tree, path: &[u8], id: InodeId) -> Result<Vec<u8>, Error> {
        let attributes = &tree.inode(id).meta.attributes;
        if attributes.is_empty() {
            return Ok(Vec::new());
        }
        let (mut numbers, mut own) = (Vec::new(), Vec::new());
        for (name, value) in attributes {
            match self.numbers.get(&(name.as_slice(), value.as_slice())) {
                Some(number) if numbers.len() < MOST_SHARED => numbers.push(*number),
                _ => entry(name, value, &mut own),
            }
        }
        let mut body = vec![0; HEADER];
        body[4] = numbers.len() as u8; // at most MOST_SHARED
        body.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        body.extend(own);
        if count(body.len()).is_none() {
            let path = String::from_utf8_lossy(path).into_owned();
            return Err(Error::Attributes { path, bytes: body.len() });
        }
        Ok(body)
    }
}

/// `i_xattr_icount` of a body of so many bytes.
pub fn count(bytes: usize) -> Option<u16> {
    match bytes {
        0 => Some(0),
        bytes => u16::try_from((bytes - HEADER) / 4 + 1).ok(),
    }
}

/// The way back from [`count`].
pub fn body_size(count: u16) -> usize {
    match count {
        0 => 0,
        count => HEADER + 4 * (usize::from(count) - 1),
    }
}

fn split(name: &[u8]) -> Option<(u8, &[u8])> {
    PREFIXES.iter().find_map(|(number, prefix)| Some((*number, name.strip_prefix(*prefix)?)))
}

fn check(name: &[u8], value: &[u8]) -> Result<(), &'static str> {
    let Some((number, rest)) = split(name) else {
        return Err("names start with `user.`, `trusted.` or `security.`, or are an access list's");
    };
    match (number, rest.len()) {
        (2 | 3, 0) | (1 | 4 | 6, 1..=255) => {}
        (2 | 3, _) => return Err("an access list has a name of its own"),
        (_, 0) => return Err("nothing follows its prefix"),
        _ => return Err("more than 255 bytes follow its prefix"),
    }
    if rest.contains(&0) {
        return Err("its name has a NUL byte");
    }
    if value.len() > LARGEST_VALUE {
        return Err("its value has more than 65,535 bytes");
    }
    Ok(())
}

fn entry(name: &[u8], value: &[u8], into: &mut Vec<u8>) {
    let Some((number, rest)) = split(name) else { return };
    into.extend([rest.len() as u8, number]);
    into.extend((value.len() as u16).to_le_bytes());
    into.extend(rest);
    into.extend(value);
    into.resize(into.len().next_multiple_of(4), 0);
}

/// Size in bytes of the entry whose first 4 are given, padding included.
pub fn entry_size(start: &[u8]) -> Option<usize> {
    let name = usize::from(*start.first()?);
    Some((4 + name + usize::from(u16_at(start, 2)?)).next_multiple_of(4))
}

/// Full name and value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What an entry says; nothing when [`entry`] would not have written it.
pub fn read_entry(bytes: &[u8]) -> Option<Pair> {
    let number = *bytes.get(1)?;
    let end = 4 + usize::from(bytes[0]);
    let (rest, value) = (bytes.get(4..end)?, bytes.get(end..end + usize::from(u16_at(bytes, 2)?))?);
    let (_, prefix) = PREFIXES.iter().find(|(known, _)| *known == number)?;
    let name = [prefix, rest].concat();
    let mut again = Vec::with_capacity(bytes.len());
    check(&name, value).ok()?;
    entry(&name, value, &mut again);
    (again == bytes).then(|| (name, value.to_vec()))
}

/// The numbers of shared attributes that a body names, and the rest of it; nothing when the body is cut
/// short or has other bytes set than those of the format.
pub fn read_body(body: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let header = body.get(..HEADER)?;
    let shared = usize::from(header[4]);
    if header[..4] != [0; 4] || header[5..] != [0; 7] {
        return None;
    }
    let end = HEADER + 4 * shared;
    let numbers: Vec<u32> =
        (HEADER..end).step_by(4).map(|at| u32_at(body, at)).collect::<Option<_>>()?;
    // One named twice would be an attribute that an inode has twice.
    let different: BTreeSet<_> = numbers.iter().collect();
    (different.len() == numbers.len()).then_some((numbers, body.get(end..)?))
}
