//! ext4 images against independent readers: `e2fsck`, and Linux itself, which mounts them.

#![expect(clippy::print_stderr, reason = "says what was left out")]

mod trees;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};

use tarsia_image::content::Data;
use tarsia_image::ext4::{Journal, Options, Size, read, write};
use tarsia_image::extent::{Extents, Part};
use tarsia_image::tree::{InodeId, Kind, Meta, Tree};
use tarsia_model::Blake3;
use tempfile::TempDir;
use trees::{Holds, Random, cases, extracted, installed, many_files, random};

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

/// As Linux shows it: with `lost+found`, and without what it does not let programs see.
fn as_mounted(tree: &Tree) -> Tree {
    let hidden = |inode: &tarsia_image::tree::Inode| {
        let mut meta = inode.meta.clone();
        if !matches!(inode.kind, Kind::Folder(_) | Kind::File(_)) {
            meta.attributes.retain(|name, _| !name.starts_with(b"user."));
        }
        meta
    };
    let mut shown = Tree::new(tree.inode(tree.root()).meta.clone());
    let mut ids: BTreeMap<InodeId, InodeId> = BTreeMap::new();
    for (path, id) in tree.walk().split_off(1) {
        if let Some(known) = ids.get(&id) {
            shown.link(&path, *known).expect("a link");
            continue;
        }
        let inode = tree.inode(id);
        let new = shown.add(&path, hidden(inode), inode.kind.clone()).expect("an entry");
        ids.insert(id, new);
    }
    if tree.find(b"lost+found").is_none() {
        let meta = Meta { modified: 1_700_000_000, ..Meta::root(0o700) };
        shown.add(b"lost+found", meta, Kind::Folder(BTreeMap::new())).expect("new");
    }
    shown
}

fn run(program: &str, arguments: &[&str], last: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).arg(last).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command.output().expect("it is installed")
}

fn checked(image: &Path) {
    let output = run("e2fsck", &["-fn"], image);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{image:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A mounted image; it is unmounted when this goes.
struct Mounted(TempDir);

impl Mounted {
    /// `None`, said on the terminal, where that is not possible.
    fn new(image: &Path, how: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let image = image.to_str().expect("UTF-8");
        let output = run("mount", &["-t", "ext4", "-o", how, image], folder.path());
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            // Whoever may mount at all must be able to mount this.
            assert!(!may_mount(), "{why}");
            eprintln!("skipped: mounting is not possible here: {why}");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let output = run("umount", &[], self.0.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Whether an image that `mke2fs` made can be mounted.
fn may_mount() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let image = folder.path().join("image");
    File::create(&image).and_then(|file| file.set_len(16 << 20)).expect("a file");
    run("mke2fs", &["-q", "-t", "ext4"], &image);
    let at = folder.path().join("at");
    std::fs::create_dir(&at).expect("a folder");
    let image = image.to_str().expect("UTF-8");
    let mounted = run("mount", &["-o", "loop,ro", image], &at).status.success();
    if mounted {
        run("umount", &[], &at);
    }
    mounted
}

/// Checks an image with all there is here.
fn judged(tree: &Tree, bytes: &[u8], what: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    std::fs::write(&path, bytes).expect("written");
    if installed("e2fsck") {
        checked(&path);
    }
    if let Some(mounted) = Mounted::new(&path, "loop,ro") {
        let (found, expected) = (extracted(mounted.path()), as_mounted(tree));
        assert!(found == expected, "{what}\n{found:?}\n{expected:?}");
    }
}

#[test]
fn the_bytes_of_a_small_image_stay() {
    let mut tree = Tree::new(Meta::root(0o755));
    let folder = || Kind::Folder(BTreeMap::new());
    tree.add(b"etc", Meta::root(0o755), folder()).expect("a folder");
    tree.add(b"etc/hostname", Meta::root(0o644), Kind::File(Data::of(*b"tile\n"))).expect("a file");
    let link = Kind::Symlink(b"etc/hostname".to_vec());
    tree.add(b"name", Meta { modified: 2_000_000_000, ..Meta::root(0o777) }, link).expect("a link");
    let (bytes, extents) = image(&tree, &smallest());
    assert_eq!(bytes.len(), 9 * 4_096);
    assert_eq!(extents.size(), bytes.len() as u64);
    assert_eq!(
        Blake3::of(&bytes).to_string(),
        "2f3c9f6236e8b875563094e4506cda8d1e6d74a4aedfc194ba204dc69b15c23d"
    );
    judged(&tree, &bytes, "small");
}

#[test]
fn random_trees_come_back_and_satisfy_e2fsck_and_linux() {
    for seed in 0..cases(20) {
        let tree = random(seed, Holds::ALL);
        let options = any_options(seed);
        let (bytes, extents) = image(&tree, &options);
        let back = read(&Data::of(bytes.clone())).unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert!(back.tree == tree, "{seed}\n{:?}\n{tree:?}", back.tree);
        assert_eq!(image(&back.tree, &back.options).0, bytes, "{seed}: not the same again");
        tiled(&tree, &bytes, &extents);
        judged(&tree, &bytes, &format!("seed {seed}"));
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
    let (bytes, _) = image(&tree, &options(Size::Smallest { free: 1 << 20 }, Journal::Fitting));
    assert!(read(&Data::of(bytes.clone())).expect("own image").tree == tree);
    judged(&tree, &bytes, "many");
}

#[test]
fn neither_the_order_of_adding_nor_threads_count() {
    for seed in 0..cases(20) {
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

#[test]
fn large_folders_are_found_through() {
    let mut tree = Tree::new(Meta::root(0o755));
    let mut random = Random::new(5);
    for (folder, count, length) in [("long", 8_000, 240), ("short", 60_000, 4), ("mixed", 300, 90)]
    {
        tree.add(folder.as_bytes(), Meta::root(0o755), Kind::Folder(BTreeMap::new())).expect("new");
        for at in 0..count {
            // Names with bytes above 127: the hash takes them as signed.
            let filling = String::from_utf8(vec![b'a' + (at % 26) as u8; length]).expect("ASCII");
            let mut path = format!("{folder}/{at}{filling}").into_bytes();
            path.push(0x80 | random.next() as u8);
            tree.add(&path, Meta::root(0o600), Kind::Fifo).expect("new");
        }
    }
    let (bytes, _) = image(&tree, &smallest());
    assert!(read(&Data::of(bytes.clone())).expect("own image").tree == tree);
    // Linux finds each name through the index when it is asked for it.
    judged(&tree, &bytes, "large folders");
}
