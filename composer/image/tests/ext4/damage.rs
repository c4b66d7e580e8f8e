//! What the reader makes of images that are not whole.

use tarsia_image::content::Data;
use tarsia_image::ext4::{Journal, Options, Size, read};
use tarsia_image::extent::Part;
use tarsia_image::tree::Tree;

use crate::trees::{Holds, Random, cases, random};
use crate::{image, options};

/// An image in which there is one of each kind of block.
fn sample(journal: Journal) -> (Tree, Options) {
    let holds = Holds { largest_file: 20_000, ..Holds::ALL };
    let largest = (0..200).max_by_key(|seed| random(*seed, holds).inodes().len().min(150));
    let options = options(Size::Smallest { free: 8_192 }, journal);
    (random(largest.expect("a seed"), holds), options)
}

/// A changed byte is refused, or it is in a file, which then differs, or nothing is there that counts.
#[test]
fn every_changed_byte_is_noticed_where_it_counts() {
    let mut random = Random::new(11);
    let (mut refused, mut other, mut same) = (0, 0, 0);
    for (journal, step) in [(Journal::None, 1), (Journal::Blocks(1_024), 20)] {
        let (tree, options) = sample(journal);
        let (bytes, extents) = image(&tree, &options);
        for extent in extents.iter().step_by(3 * step) {
            for _ in 0..cases(1).clamp(1, 20) {
                let mut damaged = bytes.clone();
                let at = (extent.offset + random.below(extent.size)) as usize;
                damaged[at] ^= 1 << random.below(8);
                match (read(&Data::of(damaged)), &extent.part) {
                    (Err(_), _) => refused += 1,
                    (Ok(found), Part::Structure("free" | "journal")) => {
                        assert!(found.tree == tree);
                        same += 1;
                    }
                    (Ok(found), part) => {
                        assert!(matches!(part, Part::Inode(_)), "{at} {extent:?}");
                        assert!(found.tree != tree, "{at} {extent:?}");
                        other += 1;
                    }
                }
            }
        }
    }
    assert!(refused > 50 && other > 10 && same > 0, "{refused} {other} {same}");
}

#[test]
fn an_image_cut_short_is_refused() {
    let (tree, options) = sample(Journal::None);
    let (bytes, _) = image(&tree, &options);
    let sizes =
        [0, 1, 1_023, 1_024, 2_047, 2_048, 4_095, 4_096, bytes.len() - 4_096, bytes.len() - 1];
    for size in sizes {
        assert!(read(&Data::of(&bytes[..size])).is_err(), "{size}");
    }
}

/// Bytes with right checksums that make no sense are what checksums do not help against: superblocks of all kinds.
#[test]
fn nothing_makes_the_reader_panic() {
    let (tree, options) = sample(Journal::None);
    let (bytes, _) = image(&tree, &options);
    let mut random = Random::new(12);
    for _ in 0..cases(40) {
        let mut damaged = bytes.clone();
        let at = 1_024 + random.below(0x250) as usize;
        for byte in &mut damaged[at..at + 1 + random.below(4) as usize] {
            *byte = *random.pick(&[0, 1, 0x7f, 0xff, random_byte(at)]);
        }
        let sum = !crc32c::crc32c(&damaged[1_024..2_044]);
        damaged[2_044..2_048].copy_from_slice(&sum.to_le_bytes());
        if let Ok(found) = read(&Data::of(damaged)) {
            assert!(found.tree == tree || found.options != options);
        }
        let start = random.below(bytes.len() as u64) as usize;
        let mut damaged = bytes.clone();
        let end = (start + random.below(9_000) as usize).min(bytes.len());
        damaged[start..end].fill(random.next() as u8);
        let _ = read(&Data::of(damaged));
    }
}

fn random_byte(at: usize) -> u8 {
    (at * 37) as u8
}
