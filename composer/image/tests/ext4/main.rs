//! ext4 images: their bytes, their own reader, and independent ones: `e2fsck`, `resize2fs`, and Linux itself, which
//! mounts them.

#[path = "../trees/mod.rs"]
mod trees;

mod damage;
mod edges;
mod linux;
mod sizes;

use std::collections::BTreeMap;
use std::io::Cursor;

use linux::judged;
use tarsia_image::content::Data;
use tarsia_image::ext4::{Journal, Options, Size, read, write};
use tarsia_image::extent::{Extents, Part};
use tarsia_image::tree::{InodeId, Kind, Meta, Tree};
use tarsia_model::Blake3;
use trees::{Holds, Random, cases, many_files, random};

fn options(size: Size, journal: Journal) -> Options {
    Options {
        uuid: *b"\x6e\x1d\x33\x0a\x4b\x1c\x4e\x05\x9b\x77\x10\x2f\x64\x0e\x5a\xc1",
        hash_seed: *b"\x11\x22\x33\x44\x55\x66\x47\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01",
        label: b"data".to_vec(),
        made: 1_700_000_000,
        size,
        inodes: None,
        journal,
    }
}

fn smallest() -> Options {
    options(Size::Smallest { free: 0 }, Journal::None)
}

fn image(tree: &Tree, options: &Options) -> (Vec<u8>, Extents) {
    let mut out = Cursor::new(Vec::new());
    let extents = write(tree, options, &mut out).expect("an image");
    (out.into_inner(), extents)
}

/// Options by a seed: with and without journal and space, and of many sizes.
fn any_options(seed: u64) -> Options {
    let mut random = Random::new(seed ^ 0xe4);
    let journal = [
        Journal::None,
        Journal::None,
        Journal::Fitting,
        Journal::Blocks(1_024 + random.below(1_000) as u32),
    ];
    let journal = *random.pick(&journal);
    let size = match random.below(3) {
        0 => Size::Smallest { free: 0 },
        1 => Size::Smallest { free: random.below(8 << 20) },
        _ => Size::Exactly((32 << 20) + random.below(40 << 20)),
    };
    let mut options = options(size, journal);
    if random.chance(3) {
        options.inodes = Some(2_000 + random.below(2_000) as u32);
    }
    if random.chance(4) {
        options.hash_seed = [0; 16];
    }
    options
}

#[test]
fn the_bytes_of_a_small_image_stay() {
    let mut tree = Tree::new(Meta::root(0o755));
    let folder = || Kind::Folder(BTreeMap::new());
    tree.add(b"etc", Meta::root(0o755), folder()).expect("a folder");
    tree.add(b"etc/hostname", Meta::root(0o644), Kind::File(Data::of(*b"tile\n"))).expect("a file");
    let link = Kind::Symlink(b"etc/hostname".to_vec());
    tree.add(b"name", Meta { modified: 2_000_000_000, ..Meta::root(0o777) }, link).expect("a link");
    let options = smallest();
    let (bytes, extents) = image(&tree, &options);
    assert_eq!(bytes.len(), 9 * 4_096);
    assert_eq!(extents.size(), bytes.len() as u64);
    assert_eq!(
        Blake3::of(&bytes).to_string(),
        "2f3c9f6236e8b875563094e4506cda8d1e6d74a4aedfc194ba204dc69b15c23d"
    );
    judged(&tree, &options, "small");
}

#[test]
fn random_trees_come_back_and_satisfy_e2fsck_and_linux() {
    for seed in 0..cases(15) {
        let tree = random(seed, Holds::ALL);
        let options = any_options(seed);
        let (bytes, extents) = image(&tree, &options);
        let back = read(&Data::of(bytes.clone())).unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert!(back.tree == tree, "{seed}\n{:?}\n{tree:?}", back.tree);
        assert_eq!(image(&back.tree, &back.options).0, bytes, "{seed}: not the same again");
        tiled(&tree, &bytes, &extents);
        judged(&tree, &options, &format!("seed {seed}"));
    }
}

/// Every byte has an owner, the contents of files have theirs, and what is free is zero.
fn tiled(tree: &Tree, bytes: &[u8], extents: &Extents) {
    let mut at = 0;
    let mut own: BTreeMap<InodeId, Vec<u8>> = BTreeMap::new();
    for extent in extents.iter() {
        assert_eq!(extent.offset, at);
        let range = &bytes[at as usize..(at + extent.size) as usize];
        at += extent.size;
        match &extent.part {
            Part::Inode(id) => own.entry(*id).or_default().extend(range),
            Part::Structure("free" | "padding" | "beyond the file system") => {
                assert!(range.iter().all(|byte| *byte == 0), "{extent:?}");
            }
            Part::Structure(_) => {}
            Part::Shared(_) => panic!("nothing is shared in ext4"),
        }
    }
    assert_eq!(at, bytes.len() as u64);
    for (_, id) in tree.walk() {
        let own = &own[&id];
        if let Kind::File(data) = &tree.inode(id).kind {
            let content = data.bytes().expect("memory");
            let filled = content.chunks(4_096).filter(|block| block.iter().any(|byte| *byte != 0));
            for block in filled {
                assert!(own[256..].chunks(4_096).any(|own| own.starts_with(block)));
            }
        }
    }
}

#[test]
fn a_hundred_thousand_files_come_back() {
    let tree = many_files();
    let options = options(Size::Smallest { free: 1 << 20 }, Journal::Fitting);
    if cases(1) < 100 {
        let image = linux::Image::new(&tree, &options);
        image.check();
        assert!(image.back().expect("own image") == tree);
    } else {
        judged(&tree, &options, "many");
    }
}

#[test]
fn neither_the_order_of_adding_nor_threads_count() {
    for seed in 0..cases(5) {
        let tree = random(seed, Holds::ALL);
        let mut other = Tree::new(tree.inode(tree.root()).meta.clone());
        let mut ids = BTreeMap::new();
        let mut walk = tree.walk().split_off(1);
        walk.sort_by_key(|(path, _)| {
            let depth = path.iter().filter(|byte| **byte == b'/').count();
            (depth, path.iter().rev().copied().collect::<Vec<_>>())
        });
        for (path, id) in walk {
            let inode = tree.inode(id);
            match ids.get(&id) {
                Some(known) => other.link(&path, *known).expect("a link"),
                None => {
                    let new = other.add(&path, inode.meta.clone(), inode.kind.clone());
                    ids.insert(id, new.expect("an entry"));
                }
            }
        }
        let options = any_options(seed);
        let first = image(&tree, &options).0;
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let again = pool.expect("threads").install(|| image(&other, &options).0);
            assert!(first == again, "{seed}");
        }
    }
}
