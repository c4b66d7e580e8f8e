//! Extended attributes (section 3.7): lists of names and values in blocks of metadata, and a table of
//! lists by number. Inodes with the same attributes share a list.

use std::collections::BTreeMap;

use crate::codec::{Codec, CodecError};

use super::error::{ReadError, WriteError};
use super::metadata::{Place, Stream};
use super::table::Table;

/// Attributes by name.
pub(super) type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// What stands for the start of a name (`SQUASHFS_XATTR_USER` and so on). There are no others.
const PREFIXES: [&[u8]; 3] = [b"user.", b"trusted.", b"security."];
/// `SQUASHFS_XATTR_PREFIX_MASK`.
const PREFIX_MASK: u16 = 0xff;
/// `SQUASHFS_XATTR_VALUE_OOL`: the value stands elsewhere.
const ELSEWHERE: u16 = 0x100;
/// Largest value in bytes (Linux `XATTR_SIZE_MAX`).
const LARGEST: usize = 64 << 10;
/// Longest name in bytes (Linux `XATTR_NAME_MAX`).
const LONGEST_NAME: usize = 255;
/// Size of an entry of the table of lists (`squashfs_xattr_id`).
pub(super) const ENTRY: usize = 16;

/// Lists that are being collected.
#[derive(Debug, Default)]
pub(super) struct Lists {
    numbers: BTreeMap<Vec<u8>, u32>,
    /// By number: count of attributes, encoded list.
    lists: Vec<(u32, Vec<u8>)>,
}

impl Lists {
    /// The number of a list, which is the same for equal lists.
    ///
    /// # Errors
    /// When an attribute has no place in the format. `path` is for the message.
    pub fn number(&mut self, attributes: &Attributes, path: &str) -> Result<u32, WriteError> {
        let mut bytes = Vec::new();
        for (name, value) in attributes {
            encode(name, value, &mut bytes).map_err(|why| WriteError::Attribute {
                path: path.to_owned(),
                name: name.escape_ascii().to_string(),
                size: value.len(),
                why,
            })?;
        }
        if let Some(number) = self.numbers.get(&bytes) {
            return Ok(*number);
        }
        let number = self.lists.len() as u32;
        self.lists.push((attributes.len() as u32, bytes.clone()));
        self.numbers.insert(bytes, number);
        Ok(number)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.lists.len() as u32
    }

    /// The blocks with the lists, and the entries of their table.
    ///
    /// # Errors
    /// Those of the codec.
    pub fn tables(&self, codec: Codec) -> Result<(Vec<u8>, Vec<u8>), CodecError> {
        let mut stream = Stream::new(codec);
        let mut positions = Vec::with_capacity(self.lists.len());
        for (_, bytes) in &self.lists {
            positions.push(stream.size());
            stream.push(bytes);
        }
        stream.settle()?;
        let mut entries = Vec::with_capacity(self.lists.len() * ENTRY);
        for ((count, bytes), position) in self.lists.iter().zip(positions) {
            entries.extend(stream.place(position).packed().to_le_bytes());
            entries.extend(count.to_le_bytes());
            entries.extend((bytes.len() as u32).to_le_bytes());
        }
        Ok((stream.finish()?.0, entries))
    }
}

fn encode(name: &[u8], value: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let prefix = PREFIXES.iter().position(|prefix| name.starts_with(prefix));
    let prefix = prefix.ok_or("squashfs has names `user.…`, `trusted.…` and `security.…` only")?;
    let rest = &name[PREFIXES[prefix].len()..];
    if rest.is_empty() || name.len() > LONGEST_NAME {
        return Err("a name has 1 to 255 bytes");
    }
    if name.contains(&0) {
        return Err("a name has no NUL byte");
    }
    if value.len() > LARGEST {
        return Err("a value has at most 65,536 bytes");
    }
    out.extend((prefix as u16).to_le_bytes());
    out.extend((rest.len() as u16).to_le_bytes());
    out.extend(rest);
    out.extend((value.len() as u32).to_le_bytes());
    out.extend(value);
    Ok(())
}

/// Reads the list that an entry of the table is about, from the table of names and values.
///
/// # Errors
/// When it is none.
pub(super) fn decode(values: &Table, entry: &[u8; ENTRY]) -> Result<Attributes, ReadError> {
    let bad = |what, found: u64, why| Err(ReadError::Field { what, found, why });
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| entry[at + byte]));
    let place = Place::unpacked(u64::from(word(0)) | u64::from(word(4)) << 32);
    let count = word(8);
    let mut from = values.at(place)?;
    let mut attributes = Attributes::new();
    for _ in 0..count {
        let kind = from.half()?;
        let size = from.half()?;
        let rest = from.take(size.into(), "name of an attribute")?;
        let Some(prefix) = PREFIXES.get(usize::from(kind & PREFIX_MASK)) else {
            return bad(
                "kind of an attribute",
                kind.into(),
                "user, trusted and security are 0 to 2",
            );
        };
        let value_size = from.word()?;
        if value_size as usize > LARGEST {
            return bad(
                "size of an attribute",
                value_size.into(),
                "at most 65,536 bytes are possible",
            );
        }
        let value = if kind & ELSEWHERE == 0 {
            from.take(value_size.into(), "value of an attribute")?
        } else {
            if value_size != 8 {
                return bad("size of a value's place", value_size.into(), "it has 8 bytes");
            }
            let mut elsewhere = values.at(Place::unpacked(from.long()?))?;
            let size = elsewhere.word()?;
            if size as usize > LARGEST {
                return bad(
                    "size of an attribute",
                    size.into(),
                    "at most 65,536 bytes are possible",
                );
            }
            elsewhere.take(size.into(), "value of an attribute")?
        };
        if attributes.insert([prefix, rest].concat(), value.to_vec()).is_some() {
            return bad("kind of an attribute", kind.into(), "its name comes twice");
        }
    }
    Ok(attributes)
}
