//! The hash that large folders are sorted by: half MD4 of a name (kernel documentation, "Hash Tree
//! Directories"; `fs/ext4/hash.c`), with the bytes of names taken as
//! signed, as `mke2fs` on x86 has it (the superblock says so to machines whose `char` is not).

/// A name's hash, whose lowest bit is free for marking that a hash continues in the next block, and a
/// second one for the order of names with the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hash {
    pub(super) major: u32,
    pub(super) minor: u32,
}

/// `DX_HASH_HALF_MD4`, the value of `hash_version`.
pub(super) const HALF_MD4: u8 = 1;
/// The hash that means the end of a folder is never a name's (`EXT4_HTREE_EOF_32BIT` shifted by one).
const END: u32 = 0x7fff_ffff << 1;
/// What MD4 starts with (RFC 1320, 3.3); used when the seed is zero.
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
/// Square roots of 2 and 3, as in MD4.
const ROUND_2: u32 = 0x5a82_7999;
const ROUND_3: u32 = 0x6ed9_eba1;
/// Which word each step takes, by round, and by how much it turns.
const WORDS: [[usize; 8]; 3] =
    [[0, 1, 2, 3, 4, 5, 6, 7], [1, 3, 5, 7, 0, 2, 4, 6], [3, 7, 2, 6, 1, 5, 0, 4]];
const TURNS: [[u32; 4]; 3] = [[3, 7, 11, 19], [3, 5, 9, 13], [3, 9, 11, 15]];

/// The hash of a name in a file system whose seed is `seed`.
pub(super) fn of(seed: &[u8; 16], name: &[u8]) -> Hash {
    let mut state = START;
    if seed.iter().any(|byte| *byte != 0) {
        for (word, bytes) in state.iter_mut().zip(seed.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
    }
    let mut rest = name;
    while !rest.is_empty() {
        transform(&mut state, &words(rest));
        rest = rest.get(32..).unwrap_or_default();
    }
    let major = state[1] & !1;
    Hash { major: if major == END { END - 2 } else { major }, minor: state[2] }
}

/// The next 32 bytes of a name as words; what is missing is filled with its length.
fn words(name: &[u8]) -> [u32; 8] {
    let length = name.len() as u32;
    let fill = (length | length << 8) & 0xffff;
    let fill = fill | fill << 16;
    let mut words = [fill; 8];
    for (word, bytes) in words.iter_mut().zip(name.chunks(4)) {
        *word = bytes.iter().fold(fill, |value, byte| signed(*byte).wrapping_add(value << 8));
    }
    words
}

fn signed(byte: u8) -> u32 {
    i32::from(byte.cast_signed()).cast_unsigned()
}

fn transform(state: &mut [u32; 4], words: &[u32; 8]) {
    let [mut a, mut b, mut c, mut d] = *state;
    for (round, order) in WORDS.iter().enumerate() {
        for (step, word) in order.iter().enumerate() {
            let mixed = match round {
                0 => d ^ (b & (c ^ d)),
                1 => (b & c).wrapping_add((b ^ c) & d).wrapping_add(ROUND_2),
                _ => (b ^ c ^ d).wrapping_add(ROUND_3),
            };
            let turned = a
                .wrapping_add(mixed)
                .wrapping_add(words[*word])
                .rotate_left(TURNS[round][step % 4]);
            (a, b, c, d) = (d, turned, b, c);
        }
    }
    for (word, more) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_debugfs_says() {
        // `debugfs -R "dx_hash -h half_md4 -s 00112233-4455-6677-8899-aabbccddeeff NAME"`, 1.47.0.
        let seed = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        let long = [b'x'; 40];
        let cases: [(&[u8], u32, u32); 4] = [
            (b"a", 0x9375_2ee6, 0x578c_30ba),
            (b"abc", 0xb1cd_624a, 0x9519_aec5),
            (b"a-name-of-exactly-thirty-two-byte", 0xbf24_7526, 0xcf4e_d077),
            (&long, 0x5bb6_4504, 0x9c2e_9122),
        ];
        for (name, major, minor) in cases {
            assert_eq!(of(&seed, name), Hash { major, minor }, "{}", name.escape_ascii());
        }
        assert_eq!(of(&[0; 16], b"abc"), Hash { major: 0xd196_a868, minor: 0xc420_eb28 });
    }
}
