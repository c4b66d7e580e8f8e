//! UUIDs (RFC 9562). Disks, partitions and file systems are told apart by them; here they are never
//! drawn but said by a manifest, or derived from a name and the digest of what is in the image.

use std::fmt;
use std::str::FromStr;

use tarsia_model::Blake3;

/// A UUID, its bytes in the order in which they are written (RFC 9562 section 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// All bits zero (RFC 9562 section 5.9); in a partition table, the type of an unused entry.
    pub const NIL: Self = Self([0; 16]);

    /// The UUID of version 8 (RFC 9562 section 5.8: content of our own making) for `name` in what has the
    /// digest `of`. The same name and digest give the same UUID, others another one: the other 122
    /// bits are the first of a BLAKE3 digest of both.
    pub fn derived(name: &str, of: Blake3) -> Self {
        // The digest stands first: it has a fixed size, so no two pairs are the same text.
        let text = [b"tarsia image uuid 1\0", of.0.as_slice(), name.as_bytes()].concat();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Blake3::of(&text).0[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// As the digits before the first `-` in one number, and so on: for tables of constants.
    pub const fn of(value: u128) -> Self {
        Self(value.to_be_bytes())
    }

    /// The bytes of an EFI GUID: the first three fields are little endian (UEFI 2.10 appendix A).
    pub const fn guid(self) -> [u8; 16] {
        let Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]) = self;
        [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
    }

    /// From the bytes of an EFI GUID.
    pub const fn from_guid(bytes: [u8; 16]) -> Self {
        // Reversing fields twice gives them back.
        Self(Self(bytes).guid())
    }
}

impl fmt::Display for Uuid {
    /// In lower case (RFC 9562 section 4).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if [4, 6, 8, 10].contains(&at) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no UUID: 32 hexadecimal digits in groups of 8-4-4-4-12 are")]
pub struct UuidError {
    /// The text.
    pub text: String,
}

impl FromStr for Uuid {
    type Err = UuidError;

    /// Reads the form with four `-`, in either case.
    fn from_str(text: &str) -> Result<Self, UuidError> {
        let bad = || UuidError { text: text.to_owned() };
        let groups: Vec<&str> = text.split('-').collect();
        let sizes: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let digits = groups.concat();
        if sizes != [8, 4, 4, 4, 12] || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad());
        }
        u128::from_str_radix(&digits, 16).map(Self::of).map_err(|_| bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_bytes_and_guid_are_the_same_uuid() {
        // The example of UEFI 2.10 appendix A has its first three fields turned round.
        let text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
        let uuid: Uuid = text.parse().expect("a UUID");
        assert_eq!(text.to_uppercase().parse(), Ok(uuid));
        assert_eq!(uuid.to_string(), text);
        assert_eq!(uuid.0[..5], [0xc1, 0x2a, 0x73, 0x28, 0xf8]);
        assert_eq!(
            uuid.guid(),
            *b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b"
        );
        assert_eq!(Uuid::from_guid(uuid.guid()), uuid);
        for bad in [
            "",
            "c12a7328f81f11d2ba4b00a0c93ec93b",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93",
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93g",
            "+12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            "c12a732-8f81f-11d2-ba4b-00a0c93ec93b",
            "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}",
        ] {
            assert_eq!(bad.parse::<Uuid>(), Err(UuidError { text: bad.to_owned() }));
        }
    }

    #[test]
    fn a_derived_one_stays_and_differs_by_name_and_digest() {
        let of = Blake3::of(b"content");
        let uuid = Uuid::derived("root-a", of);
        // Pinned: images that were shipped are found by it.
        assert_eq!(uuid.to_string(), "ef869a64-970f-80be-9c52-3bdc53caa4e2");
        assert_eq!((uuid.0[6] >> 4, uuid.0[8] >> 6), (8, 0b10));
        assert_ne!(uuid, Uuid::derived("root-b", of));
        assert_ne!(uuid, Uuid::derived("root-a", Blake3::of(b"other")));
    }
}
