//! The checksums of `metadata_csum` (kernel documentation, "Checksums"): CRC-32C over a structure,
//! started with what it belongs to, so that a block that landed elsewhere is noticed too.

/// CRC-32C as ext4 uses it: the running value goes in and out without being inverted.
pub(super) fn crc(start: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!start, bytes)
}

/// What the checksums of a file system start with.
pub(super) fn of_volume(uuid: &[u8; 16]) -> u32 {
    crc(!0, uuid)
}

/// What the checksums of an inode and of its blocks start with; the generation is always 0 here.
pub(super) fn of_inode(volume: u32, number: u32) -> u32 {
    crc(crc(volume, &number.to_le_bytes()), &[0; 4])
}

/// Over `bytes`, whose `size` bytes at `at` count as zero: the checksum itself.
pub(super) fn without(start: u32, bytes: &[u8], at: usize, size: usize) -> u32 {
    let before = crc(start, &bytes[..at]);
    crc(crc(before, &[0; 4][..size]), &bytes[at + size..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_crc_32c_not_inverted() {
        // The check value of CRC-32C (RFC 3720, appendix B.4, has the polynomial).
        assert_eq!(!crc(!0, b"123456789"), 0xe306_9283);
        assert_eq!(without(!0, b"1234xx789", 4, 2), crc(!0, b"1234\0\x00789"));
    }
}
