//! Extended attributes (kernel documentation, "Extended Attributes"): what fits stands in the inode, the rest in one
//! block of the inode's own.

use std::collections::BTreeMap;

use super::BLOCK;
use super::fields::{get_u16, get_u32, put_u16, put_u32};
use super::{access, checksum, inode};

const MAGIC: u32 = 0xea02_0000;
/// Bytes before the entries of a block.
const HEADER: usize = 32;
const HASH: usize = 0x0c;
const CHECKSUM: usize = 0x10;
/// Bytes of an entry before its name.
const ENTRY: usize = 16;
/// Entries, names and values start at multiples of this; entries end with as many zeros.
const PAD: usize = 4;
/// Longest rest of a name.
const LONGEST_NAME: usize = 255;
const LIST: u8 = 2;
const DEFAULT_LIST: u8 = 3;

/// By number, how names start that are stored without their start.
const PREFIXES: [(u8, &[u8]); 3] = [(1, b"user."), (4, b"trusted."), (6, b"security.")];
/// Names that are stored as a number only.
const WHOLE: [(u8, &[u8]); 2] =
    [(LIST, b"system.posix_acl_access"), (DEFAULT_LIST, b"system.posix_acl_default")];

/// One attribute, in the order in which blocks have them: by number, size of the name, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    index: u8,
    length: u8,
    name: Vec<u8>,
    value: Vec<u8>,
}

/// The attributes of an inode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    inside: Vec<Attribute>,
    outside: Vec<Attribute>,
}

/// Why attributes cannot be stored.
#[derive(Debug)]
pub(super) enum Unfit {
    /// This one cannot be at all.
    Name(Vec<u8>, &'static str),
    /// All together take this many bytes in the block.
    Size(usize),
}

impl Attributes {
    /// Those of a tree's inode.
    pub(super) fn new(all: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<Self, Unfit> {
        let mut sorted = all
            .iter()
            .map(|(name, value)| {
                Attribute::new(name, value).map_err(|why| Unfit::Name(name.clone(), why))
            })
            .collect::<Result<Vec<_>, _>>()?;
        sorted.sort_unstable();
        let mut attributes = Self::default();
        let mut left = inode::ROOM - PAD - PAD;
        for attribute in sorted {
            if let Some(rest) = left.checked_sub(attribute.size()) {
                left = rest;
                attributes.inside.push(attribute);
            } else {
                attributes.outside.push(attribute);
            }
        }
        let size = attributes.outside.iter().map(Attribute::size).sum::<usize>() + HEADER + PAD;
        if size > BLOCK { Err(Unfit::Size(size)) } else { Ok(attributes) }
    }

    /// Whether they take a block.
    pub(super) const fn has_block(&self) -> bool {
        !self.outside.is_empty()
    }

    /// What stands in the inode.
    pub(super) fn inside(&self) -> [u8; inode::ROOM] {
        let mut room = [0; inode::ROOM];
        if !self.inside.is_empty() {
            put_u32(&mut room, 0, MAGIC);
            fill(&mut room[PAD..], 0, &self.inside, |_| 0);
        }
        room
    }

    /// The block numbered `place`; `volume` is what checksums start with.
    pub(super) fn block(&self, volume: u32, place: u64) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        for (at, value) in [(0, MAGIC), (4, 1), (8, 1)] {
            put_u32(&mut block, at, value);
        }
        fill(&mut block, HEADER, &self.outside, Attribute::hash);
        let mut hashes = self.outside.iter().map(Attribute::hash);
        // 0 has the meaning that the block cannot be shared (`ext4_xattr_rehash`).
        let all =
            hashes.try_fold(0u32, |all, hash| (hash != 0).then(|| all.rotate_left(16) ^ hash));
        put_u32(&mut block, HASH, all.unwrap_or(0));
        let start = checksum::crc(volume, &place.to_le_bytes());
        let sum = checksum::without(start, &block, CHECKSUM, 4);
        put_u32(&mut block, CHECKSUM, sum);
        block
    }

    /// Reads what stands in an inode, and its block when it has one with its number. `None` when it is not what
    /// [`Self::inside`] and [`Self::block`] write.
    pub(super) fn decode(
        inside: &[u8; inode::ROOM],
        block: Option<(&[u8], u64)>,
        volume: u32,
    ) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
        let mut all = BTreeMap::new();
        if get_u32(inside, 0) == MAGIC {
            parse(&inside[PAD..], 0, &mut all)?;
        }
        if let Some((block, _)) = block {
            parse(block, HEADER, &mut all)?;
        }
        let again = Self::new(&all).ok()?;
        let same = again.has_block() == block.is_some()
            && again.inside() == *inside
            && block.is_none_or(|(block, place)| again.block(volume, place) == block);
        same.then_some(all)
    }
}

impl Attribute {
    fn new(full: &[u8], value: &[u8]) -> Result<Self, &'static str> {
        let whole =
            WHOLE.iter().find(|(_, name)| *name == full).map(|(index, _)| (*index, &[][..]));
        let start = || {
            PREFIXES.iter().find_map(|(index, start)| Some((*index, full.strip_prefix(*start)?)))
        };
        let (index, name) = whole.or_else(start).ok_or(
            "names start with `user.`, `trusted.` or `security.`, or are those of access control lists",
        )?;
        if name.is_empty() && whole.is_none() {
            return Err("nothing follows after the point");
        }
        if name.len() > LONGEST_NAME || name.contains(&0) {
            return Err("its name is longer than 255 bytes, or has a NUL");
        }
        let value = match index {
            LIST | DEFAULT_LIST => {
                access::stored(value).ok_or("its value is no access control list")?
            }
            _ => value.to_vec(),
        };
        Ok(Self { index, length: name.len() as u8, name: name.to_vec(), value })
    }

    /// Bytes that entry and value take.
    fn size(&self) -> usize {
        ENTRY + self.name.len().next_multiple_of(PAD) + self.value.len().next_multiple_of(PAD)
    }

    /// `ext4_xattr_hash_entry` (fs/ext4/xattr.c): over the name and the words of the value.
    fn hash(&self) -> u32 {
        let name = self.name.iter().fold(0u32, |hash, byte| hash.rotate_left(5) ^ u32::from(*byte));
        self.value.chunks(4).fold(name, |hash, bytes| {
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            hash.rotate_left(16) ^ u32::from_le_bytes(word)
        })
    }
}

/// Writes entries from `start` on, and their values from the end of `area` down. Places of values count from the
/// start of `area`.
fn fill(area: &mut [u8], start: usize, attributes: &[Attribute], hash: fn(&Attribute) -> u32) {
    let (mut entry, mut end) = (start, area.len());
    for attribute in attributes {
        end -= attribute.value.len().next_multiple_of(PAD);
        area[end..][..attribute.value.len()].copy_from_slice(&attribute.value);
        area[entry] = attribute.length;
        area[entry + 1] = attribute.index;
        let place = if attribute.value.is_empty() { 0 } else { end };
        put_u16(area, entry + 2, place as u16);
        put_u32(area, entry + 8, attribute.value.len() as u32);
        put_u32(area, entry + 12, hash(attribute));
        area[entry + ENTRY..][..attribute.name.len()].copy_from_slice(&attribute.name);
        entry += ENTRY + attribute.name.len().next_multiple_of(PAD);
    }
}

/// Reads entries from `start` on. `None` when they leave `area`, are not known, or are twice.
fn parse(area: &[u8], start: usize, all: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Option<()> {
    let mut at = start;
    loop {
        let entry = area.get(at..)?;
        if get_u32(entry.get(..PAD)?, 0) == 0 {
            return Some(());
        }
        let entry = entry.get(..ENTRY)?;
        let (index, length) = (entry[1], usize::from(entry[0]));
        let rest = area.get(at + ENTRY..)?.get(..length)?;
        let (place, size) = (usize::from(get_u16(entry, 2)), get_u32(entry, 8) as usize);
        let value = area.get(place..)?.get(..size)?;
        let known = PREFIXES.iter().chain(&WHOLE).find(|(known, _)| *known == index)?;
        let value = match index {
            LIST | DEFAULT_LIST => access::seen(value)?,
            _ => value.to_vec(),
        };
        if all.insert([known.1, rest].concat(), value).is_some() {
            return None;
        }
        at += ENTRY + length.next_multiple_of(PAD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_the_inode_goes_to_the_block() {
        let all = BTreeMap::from([
            (b"user.b".to_vec(), vec![1; 30]),
            (b"user.a".to_vec(), vec![2; 31]),
            (b"security.selinux".to_vec(), b"x".to_vec()),
            (b"system.posix_acl_access".to_vec(), b"\x02\0\0\0".to_vec()),
        ]);
        let attributes = Attributes::new(&all).expect("they fit");
        let names = |of: &[Attribute]| of.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&attributes.inside), [b"a".to_vec(), b"".to_vec()]);
        assert_eq!(names(&attributes.outside), [b"b".to_vec(), b"selinux".to_vec()]);
        let (inside, block) = (attributes.inside(), attributes.block(3, 7));
        let read = |inside: &[u8; inode::ROOM], block: &[u8], place| {
            Attributes::decode(inside, Some((block, place)), 3)
        };
        assert_eq!(read(&inside, &block, 7), Some(all));
        assert_eq!(read(&inside, &block, 8), None, "it is another block's");
        for at in 0..BLOCK {
            let mut damaged = block.clone();
            damaged[at] ^= 0x41;
            assert_eq!(read(&inside, &damaged, 7), None, "{at}");
        }
        for at in 0..inode::ROOM {
            let mut damaged = inside;
            damaged[at] ^= 0x41;
            let changed = read(&damaged, &block, 7);
            assert_ne!(changed.as_ref(), read(&inside, &block, 7).as_ref(), "{at}");
        }
    }

    #[test]
    fn a_block_is_full_at_4096_bytes() {
        let of = |size: usize| BTreeMap::from([(b"user.name".to_vec(), vec![7; size])]);
        let most = BLOCK - HEADER - PAD - ENTRY - 4;
        let full = Attributes::new(&of(most)).expect("it fits").block(0, 1);
        assert_eq!(Attributes::decode(&[0; inode::ROOM], Some((&full, 1)), 0), Some(of(most)));
        assert!(matches!(Attributes::new(&of(most + 1)), Err(Unfit::Size(4_100))));
    }
}
