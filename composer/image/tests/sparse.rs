//! Sparse images of random bytes, held against AOSP's `simg2img` and `img2simg`.

mod trees;

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use tarsia_image::content::{Content, Data};
use tarsia_image::sparse::{self, Chunk, Error, Filling, Options};
use tarsia_model::Blake3;
use trees::{Random, cases, installed};

fn written(raw: &[u8], options: &Options) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let said = sparse::write(&Data::of(raw), options, &mut out).expect("whole blocks");
    assert_eq!(out.position(), out.get_ref().len() as u64, "the writer stands at the end");
    let image = out.into_inner();
    assert_eq!(sparse::read(&Data::of(image.clone())).expect("own image"), said);
    image
}

fn unpacked(image: &[u8]) -> Vec<u8> {
    let (image, mut out) = (Data::of(image), Vec::new());
    let chunks = sparse::read(&image).expect("an image");
    chunks.unpack(&image, &mut out).expect("memory");
    assert_eq!(out.len() as u64, chunks.size());
    out
}

/// Blocks that repeat a word, zeros and others, in runs.
fn raw(seed: u64, block: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut raw = Vec::new();
    for _ in 0..random.below(30) {
        let blocks = match random.below(20) {
            // More than goes into one chunk.
            0 => 1_100 * 4_096 / block,
            _ => 1 + random.below(20) as usize,
        };
        let word = (random.next() as u32).to_le_bytes();
        match random.below(4) {
            0 => raw.resize(raw.len() + blocks * block, 0),
            1 => raw.extend(word.repeat(blocks * block / 4)),
            // A word that is repeated but for one byte, often the last.
            2 => {
                raw.extend(word.repeat(blocks * block / 4));
                let back = if random.chance(2) { 1 } else { 1 + random.below(block as u64) };
                let at = raw.len() - back as usize;
                raw[at] ^= 1;
            }
            _ => raw.extend((0..blocks * block).map(|_| random.next() as u8)),
        }
    }
    raw
}

#[test]
fn a_small_image_is_pinned() {
    let mut bytes: Vec<u8> = (0..4_096 * 2).map(|at| (at % 255) as u8).collect();
    bytes.resize(4_096 * 5, 0);
    bytes.extend([1, 2, 3, 4].repeat(1_024));
    let plain = written(&bytes, &Options::default());
    let header = [
        b"\x3a\xff\x26\xed\x01\0\0\0\x1c\0\x0c\0\0\x10\0\0\x06\0\0\0\x03\0\0\0\0\0\0\0".as_slice(),
        b"\xc1\xca\0\0\x02\0\0\0\x0c\x20\0\0",
    ];
    assert_eq!(plain[..40], header.concat());
    let rest = [
        b"\xc2\xca\0\0\x03\0\0\0\x10\0\0\0\0\0\0\0".as_slice(),
        b"\xc2\xca\0\0\x01\0\0\0\x10\0\0\0\x01\x02\x03\x04",
    ];
    assert_eq!(plain[40 + 8_192..], rest.concat());
    let options = Options { skip_zeros: true, checksum: true, ..Options::default() };
    let skipped = written(&bytes, &options);
    let crc = crc32fast::hash(&bytes).to_le_bytes();
    let rest = [
        b"\xc3\xca\0\0\x03\0\0\0\x0c\0\0\0".as_slice(),
        b"\xc2\xca\0\0\x01\0\0\0\x10\0\0\0\x01\x02\x03\x04",
        b"\xc4\xca\0\0\0\0\0\0\x10\0\0\0",
        &crc,
    ];
    assert_eq!(skipped[40 + 8_192..], rest.concat());
    assert_eq!(unpacked(&skipped), bytes);
}

#[test]
fn random_images_go_through_the_programs_of_android() {
    let (unpack, pack) = (installed("simg2img"), installed("img2simg"));
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let run = |program: &str, from: &Path, to: &Path, more: &[&str]| {
        let output = Command::new(program).args([from, to]).args(more).output().expect(program);
        assert!(output.status.success(), "{output:?}");
        std::fs::read(to).expect("written")
    };
    for seed in 0..cases(20) {
        let block = [4_096, 1_024, 65_536, 512][seed as usize % 4];
        let bytes = raw(seed, block);
        let options = Options {
            block_size: block as u32,
            skip_zeros: seed % 3 == 0,
            checksum: seed % 2 == 0,
        };
        let image = written(&bytes, &options);
        assert!(unpacked(&image) == bytes, "seed {seed}");
        if unpack && !bytes.is_empty() {
            std::fs::write(at("image"), &image).expect("written");
            assert!(run("simg2img", &at("image"), &at("raw"), &[]) == bytes, "seed {seed}");
        }
        // `img2simg` has no blocks of less than 1024 bytes.
        if pack && block >= 1_024 && !bytes.is_empty() {
            std::fs::write(at("raw"), &bytes).expect("written");
            let theirs = run("img2simg", &at("raw"), &at("theirs"), &[&block.to_string()]);
            assert!(unpacked(&theirs) == bytes, "seed {seed}");
        }
    }
}

#[test]
fn a_word_that_comes_again_is_one_chunk_however_large_it_is() {
    /// 40 MiB of the same.
    #[derive(Debug)]
    struct Same;
    impl Content for Same {
        fn size(&self) -> u64 {
            40 << 20
        }
        fn digest(&self) -> Blake3 {
            Blake3::of(b"same")
        }
        fn read_at(&self, _: u64, buffer: &mut [u8]) -> std::io::Result<()> {
            buffer.fill(7);
            Ok(())
        }
    }
    let mut out = Cursor::new(Vec::new());
    let options = Options { checksum: true, ..Options::default() };
    let chunks = sparse::write(&Data::new(Same), &options, &mut out).expect("an image");
    let one = Chunk { blocks: 10_240, content: Filling::Fill([7; 4]) };
    assert_eq!(chunks.chunks, [one]);
    assert_eq!(out.get_ref().len(), 28 + 16 + 16);
    // What a few bytes claim costs neither time nor memory: 2^32 - 1 blocks of 4 GiB - 4.
    let mut claim = out.into_inner();
    claim[12..16].copy_from_slice(&(u32::MAX - 3).to_le_bytes());
    claim[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    claim[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = sparse::read(&Data::of(claim)).expect_err("another checksum");
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
}

#[test]
fn what_does_not_fit_is_named() {
    let fails = |size: usize, block_size| {
        let options = Options { block_size, ..Options::default() };
        sparse::write(&Data::of(vec![0; size]), &options, &mut Cursor::new(Vec::new()))
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(fails(4_097, 4_096), "4097 bytes are no whole number of blocks of 4096");
    for block_size in [0, 6, (1 << 20) + 4] {
        let message = format!("blocks of {block_size} bytes are impossible: a multiple of 4 up to");
        assert!(fails(0, block_size).starts_with(&message));
    }
    let options = Options { checksum: true, ..Options::default() };
    let image = written(&[[1; 4_096], [0; 4_096]].concat(), &options);
    let with = |at: usize, value: u32| {
        let mut image = image.clone();
        image[at..at + 4].copy_from_slice(&value.to_le_bytes());
        sparse::read(&Data::of(image)).expect_err("refused").to_string()
    };
    assert_eq!(with(0, 1), "`magic` at 0 is 0x1, not 0xed26ff3a");
    assert_eq!(with(4, 2), "`major_version` at 0 is 0x2, not 0x1");
    assert_eq!(with(16, 3), "the chunks have 2 blocks, the header says 3");
    assert_eq!(with(20, 2), "16 bytes follow the last chunk, which ends at 60");
    assert_eq!(with(28, 0xcac5), "the chunk at 28 is of the unknown kind 0xcac5");
    assert_eq!(with(32, 0), "the chunk at 28 has no blocks");
    assert_eq!(with(36, 17), "`total_sz` at 28 is 0x11, not 0x10");
    assert_eq!(with(44, 0xcac4), "`chunk_sz` at 44 is 0x1, not 0x0");
    assert!(with(72, 1).starts_with("the checksum of the unpacked bytes is 0x"));
    assert!(with(24, 1).starts_with("the checksum of the unpacked bytes is 0x"));
    for size in 0..image.len() {
        let cut = sparse::read(&Data::of(&image[..size])).expect_err("cut");
        assert!(matches!(cut, Error::Read { .. }), "{size}: {cut}");
    }
}

proptest! {
    #[test]
    fn damage_is_never_a_panic(flips in prop::collection::vec((0usize..2_000, any::<u8>()), 1..5), cut in 0usize..2_000) {
        let bytes = [vec![0; 1_024], (0..=255).cycle().take(1_024).collect(), vec![9; 512]].concat();
        let options = Options { block_size: 512, skip_zeros: true, checksum: flips.len() % 2 == 0 };
        let mut image = written(&bytes, &options);
        for (at, with) in &flips {
            // The headers at the start, more often than the bytes.
            let at = if with % 2 == 0 { at % 64 } else { at % image.len() };
            image[at] ^= with;
        }
        if cut % 3 == 0 {
            image.truncate(cut);
        }
        let image = Data::of(image);
        if let Ok(chunks) = sparse::read(&image)
            && chunks.size() < 1 << 24
        {
            let mut out = Vec::new();
            prop_assert!(chunks.unpack(&image, &mut out).is_ok());
        }
    }
}
