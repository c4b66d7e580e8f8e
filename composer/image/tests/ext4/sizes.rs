//! Sizes of images and files at which something is laid out otherwise.

use std::io;

use tarsia_image::content::{Content, Data};
use tarsia_image::ext4::{Journal, Options, ReadError, Size, WriteError, read, write};
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;

use crate::linux::{Image, judged};
use crate::options;
use crate::trees::{Holds, cases, random};

const BLOCK: u64 = 4_096;

/// A file whose blocks are all different, and zero where `filled` says no.
#[derive(Clone, Debug)]
struct Pattern {
    size: u64,
    filled: fn(u64) -> bool,
}

impl Content for Pattern {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        let mut bytes = vec![0; self.size as usize];
        self.read_at(0, &mut bytes).expect("all of it");
        Blake3::of(&bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        // Readers read whole blocks, but for the end.
        assert_eq!(offset % BLOCK, 0);
        for (block, bytes) in (offset / BLOCK..).zip(buffer.chunks_mut(BLOCK as usize)) {
            let word = if (self.filled)(block) { block + 1 } else { 0 };
            for (bytes, word) in bytes.chunks_mut(8).zip(std::iter::repeat(word.to_le_bytes())) {
                bytes.copy_from_slice(&word[..bytes.len()]);
            }
        }
        Ok(())
    }
}

fn of(size: u64, filled: fn(u64) -> bool) -> Tree {
    let mut tree = Tree::new(Meta::root(0o755));
    let file = Kind::File(Data::new(Pattern { size, filled }));
    tree.add(b"file", Meta::root(0o600), file).expect("new");
    tree
}

#[test]
fn images_of_any_size_are_in_order() {
    let holds = Holds { largest_file: 9_000, ..Holds::ALL };
    let small =
        random((0..).find(|seed| random(*seed, holds).inodes().len() == 9).expect("one"), holds);
    let group = 32_768 * BLOCK;
    for (size, journal) in [
        (1 << 20, Journal::None),
        ((1 << 20) + 511, Journal::None),
        (8 << 20, Journal::Fitting),
        (group - BLOCK, Journal::None),
        (group, Journal::Fitting),
        (group + BLOCK, Journal::Fitting),
        (group + 600 * BLOCK, Journal::None),
        (2 * group + 567 * BLOCK, Journal::None),
        (2 * group + 1_700 * BLOCK, Journal::Fitting),
        (16 * group + 800 * BLOCK, Journal::Blocks(70_000)),
        (17 * group, Journal::None),
        (5 << 30, Journal::Fitting),
        ((300 << 30) + 12_345, Journal::Fitting),
    ] {
        if size > 8 << 30 && cases(1) < 100 {
            continue;
        }
        let image = Image::new(&small, &options(Size::Exactly(size), journal));
        image.check();
        assert!(image.back().expect("own image") == small, "{size} {journal:?}");
    }
    for (size, inodes) in [(1 << 20, 700), (256 << 20, 65_536), (3 << 30, 400_000)] {
        let options =
            Options { inodes: Some(inodes), ..options(Size::Exactly(size), Journal::None) };
        let image = Image::new(&small, &options);
        image.check();
        assert!(image.back().expect("own image") == small, "{size} {inodes}");
    }
}

#[test]
fn the_smallest_image_is_that() {
    let needed = |blocks: u64, free: u64| {
        let tree = of(blocks * BLOCK, |_| true);
        let smallest =
            Options { inodes: Some(100), ..options(Size::Smallest { free }, Journal::None) };
        let image = Image::new(&tree, &smallest);
        image.check();
        let size: u64 = image.path.metadata().expect("metadata").len();
        let exactly = |size| {
            let size = Size::Exactly(size);
            let mut out = tempfile::tempfile().expect("a file");
            write(&tree, &Options { size, ..smallest.clone() }, &mut out)
        };
        assert!(exactly(size).is_ok());
        if free == 0 {
            let error = exactly(size - BLOCK).expect_err("too small").to_string();
            let says = format!("image of {size} bytes or more; {} are given", size - BLOCK);
            // Where another group has to be begun, one block is not enough, and that is what it says.
            assert!(error.contains(&says) || size > 32_768 * BLOCK, "{error}");
        }
        size / BLOCK
    };
    assert_eq!(needed(0, 0), 2 + 2 + 7 + 2);
    assert_eq!(needed(10, 0), 13 + 10);
    assert_eq!(needed(10, 9_000), 13 + 10 + 3);
    // A second group has tables of its own, and 50 blocks that are free at first.
    let second = 2 + 2 + 4 + 50;
    assert_eq!(needed(32_768 - 12, 0), 32_768 + second);
    if cases(1) < 100 {
        return;
    }
    assert_eq!(needed(32_768 - 13, 0), 32_768);
    assert_eq!(needed(32_768 + 40, 0), 32_768 + second);
    assert_eq!(needed(32_768 + 41, 0), 32_768 + second + 1);
}

#[test]
fn maps_of_every_depth_are_in_order() {
    // More than 1,360 pieces take two levels of blocks; a piece ends after 32,768 blocks, and at the tables of a group.
    let odd: fn(u64) -> bool = |block| block % 2 == 1;
    let some: fn(u64) -> bool = |block| block % 40 != 39;
    for (blocks, filled) in [(8, odd), (10, odd), (700, odd), (3_000, odd), (5_000, some)] {
        let tree = of(blocks * BLOCK - 7, filled);
        judged(&tree, &options(Size::Smallest { free: 0 }, Journal::None), "a map");
    }
    let all: fn(u64) -> bool = |_| true;
    let tree = of(if cases(1) < 100 { 140 << 20 } else { 700 << 20 }, all);
    judged(&tree, &options(Size::Smallest { free: 0 }, Journal::Fitting), "a long file");
}

#[test]
fn holes_take_no_place_but_are_not_read_without_end() {
    let tree = of(64 << 20, |_| false);
    let mut out = io::Cursor::new(Vec::new());
    write(&tree, &options(Size::Smallest { free: 0 }, Journal::None), &mut out).expect("an image");
    let bytes = out.into_inner();
    assert!(bytes.len() < 60_000, "{}", bytes.len());
    let error = read(&Data::of(bytes)).expect_err("too much");
    assert!(matches!(error, ReadError::Holes { claimed: 0x400_0000 }), "{error}");
}

#[test]
fn what_does_not_fit_is_said_with_numbers() {
    let tree = of(5 << 20, |_| true);
    let write = |size, journal, inodes| {
        let options = Options { inodes, ..options(size, journal) };
        write(&tree, &options, &mut io::Cursor::new(Vec::new())).expect_err("it does not fit")
    };
    let exactly = Size::Exactly;
    let smallest = Size::Smallest { free: 0 };
    assert!(matches!(
        write(exactly(4 << 20), Journal::None, None),
        WriteError::Full { needed: 5_308_416.., given: 0x40_0000 }
    ));
    assert!(matches!(write(exactly(0), Journal::None, None), WriteError::Full { given: 0, .. }));
    assert!(matches!(
        write(exactly(8 << 20), Journal::Fitting, None),
        WriteError::Full { given: 0x80_0000, .. }
    ));
    assert!(matches!(
        write(exactly(1 << 44), Journal::None, None),
        WriteError::TooLarge { blocks: 0x1_0000_0000 }
    ));
    assert!(matches!(
        write(smallest, Journal::Blocks(1_023), None),
        WriteError::Journal { blocks: 1_023 }
    ));
    assert!(matches!(
        write(smallest, Journal::None, Some(11)),
        WriteError::Inodes { needed: 12, given: 11, .. }
    ));
    assert!(matches!(
        write(exactly(8 << 20), Journal::None, Some(40_000)),
        WriteError::Inodes { most: 32_768, given: 40_000, .. }
    ));
}
