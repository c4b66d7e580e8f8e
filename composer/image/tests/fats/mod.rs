//! Trees that a FAT can hold, and writing them.

#![allow(dead_code, reason = "each test of FATs uses its part")]

use std::collections::BTreeSet;

use tarsia_image::extent::Extents;
use tarsia_image::fat::{Options, write};
use tarsia_image::tree::{Kind, Meta, Tree};

use crate::trees::{Holds, random};

/// 2023-11-14 22:13:20.
pub const TIME: u64 = 1_700_000_000;
pub const EARLIEST: u64 = 315_532_800;

pub fn meta(mode: u16) -> Meta {
    Meta { modified: TIME, ..Meta::root(mode) }
}

/// A random tree as a FAT can hold it: its names as characters, no two alike, nothing but files and folders.
pub fn fitting(seed: u64) -> Tree {
    named(seed, char::from)
}

/// The same with `letter` for each byte of a name.
pub fn named(seed: u64, letter: impl Fn(u8) -> char) -> Tree {
    let holds = Holds {
        attributes: false,
        devices: false,
        hard_links: false,
        symlinks: false,
        largest_owner: 0,
        largest_file: 1 << 18,
    };
    let tree = random(seed, holds);
    let mut fitting = Tree::new(Meta { modified: EARLIEST, ..Meta::root(0o755) });
    let mut taken = BTreeSet::new();
    for (path, id) in tree.walk().split_off(1) {
        // A byte is a character; names that get longer than a tree takes are left out.
        let path: String = path.iter().map(|byte| letter(*byte)).collect();
        if !taken.insert(path.to_uppercase()) {
            continue;
        }
        let (kind, mode) = match &tree.inode(id).kind {
            Kind::File(data) => (Kind::File(data.clone()), 0o644),
            _ => (Kind::Folder(Default::default()), 0o755),
        };
        let _ = fitting.add(path.as_bytes(), meta(mode), kind);
    }
    fitting
}

pub fn written(tree: &Tree, options: &Options) -> (Vec<u8>, Extents) {
    let mut image = Vec::new();
    let extents = write(tree, options, &mut image).expect("a FAT");
    assert_eq!(extents.size(), image.len() as u64);
    (image, extents)
}
