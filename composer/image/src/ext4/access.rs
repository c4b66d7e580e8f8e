//! Access control lists. Programs see one form of them (`include/uapi/linux/posix_acl_xattr.h`), which is what a tree has;
//! ext4 has a shorter one (`fs/ext4/acl.h`), without the IDs that mean nothing.

/// Version of the form that programs see.
const SEEN: u32 = 2;
/// Version of ext4's form.
const STORED: u32 = 1;
/// Says an entry has no ID.
const NO_ID: [u8; 4] = [0xff; 4];

/// Tags of entries that have an ID: `ACL_USER` and `ACL_GROUP`. The others are `ACL_USER_OBJ`, `ACL_GROUP_OBJ`,
/// `ACL_MASK` and `ACL_OTHER`.
fn has_id(tag: [u8; 2]) -> Option<bool> {
    match u16::from_le_bytes(tag) {
        0x02 | 0x08 => Some(true),
        0x01 | 0x04 | 0x10 | 0x20 => Some(false),
        _ => None,
    }
}

/// A list as ext4 has it. `None` when `value` is no list.
pub(super) fn stored(value: &[u8]) -> Option<Vec<u8>> {
    let (version, rest) = value.split_first_chunk::<4>()?;
    let (entries, []) = rest.as_chunks::<8>() else { return None };
    if *version != SEEN.to_le_bytes() {
        return None;
    }
    let mut stored = STORED.to_le_bytes().to_vec();
    for [tag_low, tag_high, low, high, id @ ..] in entries {
        stored.extend([tag_low, tag_high, low, high]);
        match has_id([*tag_low, *tag_high])? {
            true => stored.extend(id),
            false if *id == NO_ID => {}
            false => return None,
        }
    }
    Some(stored)
}

/// A list as programs see it. `None` when `value` is no list.
pub(super) fn seen(value: &[u8]) -> Option<Vec<u8>> {
    let (version, mut rest) = value.split_first_chunk::<4>()?;
    if *version != STORED.to_le_bytes() {
        return None;
    }
    let mut seen = SEEN.to_le_bytes().to_vec();
    while !rest.is_empty() {
        let (entry, after) = rest.split_first_chunk::<4>()?;
        seen.extend(entry);
        rest = after;
        if has_id([entry[0], entry[1]])? {
            let (id, after) = rest.split_first_chunk::<4>()?;
            seen.extend(id);
            rest = after;
        } else {
            seen.extend(NO_ID);
        }
    }
    Some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_only_where_they_mean_something() {
        let list = b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x05\0\x70\x11\x01\0\x20\0\x04\0\xff\xff\xff\xff";
        let short = b"\x01\0\0\0\x01\0\x07\0\x02\0\x05\0\x70\x11\x01\0\x20\0\x04\0";
        assert_eq!(stored(list).as_deref(), Some(&short[..]));
        assert_eq!(seen(short).as_deref(), Some(&list[..]));
        assert_eq!(stored(&list[..27]), None);
        assert_eq!(stored(b"\x01\0\0\0"), None);
        assert_eq!(stored(b"\x02\0\0\0\x03\0\x07\0\xff\xff\xff\xff"), None);
        assert_eq!(seen(&short[..14]), None);
    }
}
