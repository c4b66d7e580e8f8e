//! EROFS images are read back by our own reader, by `fsck.erofs`, and by Linux itself where it may
//! mount; they are the same however they were made; and no damage makes the reader panic.

#![expect(clippy::print_stderr, reason = "a part that is skipped says so")]

mod trees;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tarsia_image::content::{Data, Packed, Unkept};
use tarsia_image::erofs::{self, Compression, Error, Options};
use tarsia_image::extent::{Extents, Part};
use tarsia_image::tree::{InodeId, Kind, Meta, Tree};
use tarsia_model::Blake3;
use tempfile::TempDir;
use trees::{Holds, Random, cases, extracted, installed, many_files, random};

const BUILT: u64 = 1_700_000_000;

fn options(compression: Option<Compression>) -> Options {
    let uuid = *b"0123456789abcdef";
    Options { uuid, name: b"system".to_vec(), built: BUILT, nanoseconds: 0, compression }
}

const fn packed(level: u8, blocks: u32, tails: bool) -> Option<Compression> {
    Some(Compression { level, cluster: 4_096 * blocks, tails })
}

const WAYS: [Option<Compression>; 6] = [
    None,
    packed(9, 1, true),
    packed(9, 1, false),
    packed(3, 16, true),
    packed(10, 4, false),
    packed(4, 256, true),
];

fn way(seed: u64) -> Options {
    let nanoseconds = if seed % 5 == 4 { 999_999_999 } else { 0 };
    Options { nanoseconds, ..options(WAYS[(seed % 6) as usize]) }
}

fn image_with(tree: &Tree, options: &Options, kept: &dyn Packed) -> (Vec<u8>, Extents) {
    let mut out = Cursor::new(Vec::new());
    let extents = erofs::write(tree, options, kept, &mut out).expect("written");
    let image = out.into_inner();
    assert_eq!(extents.size(), image.len() as u64, "every byte has an owner");
    assert!(image.len().is_multiple_of(4_096));
    (image, extents)
}

fn image(tree: &Tree, options: &Options) -> Vec<u8> {
    image_with(tree, options, &Unkept).0
}

/// A tree with something of everything, for the tests that look at one image.
fn small() -> Tree {
    let mut tree = Tree::new(Meta::root(0o755));
    let meta = |mode| Meta { modified: BUILT, ..Meta::root(mode) };
    let mut add = |path: &str, mode, kind| {
        tree.add(path.as_bytes(), meta(mode), kind).expect("new");
    };
    let text = |count: usize| Kind::File(Data::of(b"to be or not to be ".repeat(count)));
    add("etc", 0o755, Kind::Folder(BTreeMap::new()));
    add("etc/motd", 0o644, text(3));
    add("etc/play", 0o644, text(2_000));
    add("etc/play.bak", 0o600, text(2_000));
    add("etc/-", 0o600, Kind::File(Data::of([])));
    add("disk", 0o600, Kind::Block { major: 8, minor: 257 });
    add("sparse", 0o600, Kind::File(Data::of([vec![0; 200_000], vec![7; 5]].concat())));
    add("link", 0o777, Kind::Symlink(b"etc/motd".to_vec()));
    let id = tree.find(b"etc/motd").expect("it");
    tree.link(b"motd", id).expect("new");
    // An access list (Linux posix_acl_xattr.h): version 2; of each entry its tag, permissions, and whom
    // it is for.
    let entries: [(u16, u16, u32); 5] = [
        (1, 7, u32::MAX),
        (2, 5, 1_000),
        (4, 5, u32::MAX),
        (0x10, 5, u32::MAX),
        (0x20, 0, u32::MAX),
    ];
    let mut list = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, whom) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(whom.to_le_bytes());
    }
    let names = ["system.posix_acl_access", "system.posix_acl_default"];
    let attributes = names.map(|name| (name.into(), list.clone()));
    let meta = Meta { attributes: attributes.into(), ..Meta::root(0o750) };
    tree.add(b"lists", meta, Kind::Folder(BTreeMap::new())).expect("new");
    for (path, value) in [("etc", "etc_t"), ("disk", "etc_t"), ("sparse", "other_t")] {
        let id = tree.find(path.as_bytes()).expect("it");
        let about = tree.inode(id);
        let mut meta = about.meta.clone();
        meta.attributes.insert(b"security.selinux".to_vec(), value.into());
        let kind = about.kind.clone();
        tree.add(format!("{path}.labelled").as_bytes(), meta, kind).expect("new");
    }
    tree
}

#[test]
fn the_bytes_of_an_image_stay_what_they_are() {
    let digests =
        WAYS[..4].iter().map(|way| Blake3::of(&image(&small(), &options(*way))).to_string());
    let expected = [
        "08be1d73ed69e27c679f3ed4506f554335e64e443615fbd98f822915539497e8",
        "9d8c0457820eb9b107808c01d037bf3190b6cdf3fb9aa82ebdd04d7aa7f689ef",
        "eaaceec964fd0dba8a3bf09c0a4c7f91efaaf3339c23ba68ba4b874393a81583",
        "1af423e97cb4641283933eca9537d8c0de9fe62f37f9591735ee47c3dc16152b",
    ];
    assert_eq!(digests.collect::<Vec<_>>(), expected);
}

#[test]
fn random_trees_come_back() {
    for seed in 0..cases(40) {
        let tree = random(seed, Holds::ALL);
        let image = Data::of(image(&tree, &way(seed)));
        let read = erofs::read(&image).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(read, tree, "seed {seed}");
    }
}

/// A tree as `fsck.erofs` 1.5 extracts it: without attributes, each hard link a file of its own, and
/// without set-user-ID, which it sets before it gives files to their owners, whereby Linux clears it.
fn plain(tree: &Tree) -> Tree {
    let bare = |id: InodeId| {
        let Meta { mode, owner, group, modified, .. } = tree.inode(id).meta;
        let is_folder = matches!(tree.inode(id).kind, Kind::Folder(_));
        let mode = if is_folder { mode } else { mode & 0o1777 };
        Meta { mode, owner, group, modified, attributes: BTreeMap::new() }
    };
    let mut plain = Tree::new(bare(tree.root()));
    for (path, id) in tree.walk().split_off(1) {
        plain.add(&path, bare(id), tree.inode(id).kind.clone()).expect("as before");
    }
    plain
}

/// As [`plain`], when whoever runs this may not give files away or make devices.
fn unowned(tree: &Tree) -> Tree {
    let mut other = Tree::new(Meta::root(0o755));
    for (path, id) in tree.walk().split_off(1) {
        let inode = tree.inode(id);
        let _ = other.add(&path, Meta::root(0), inode.kind.clone());
    }
    other
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn fsck(image: &Path, extract: Option<&Path>) {
    let mut command = Command::new("fsck.erofs");
    // Level 3, at which it also says when all is well.
    command.arg("-d3");
    if let Some(folder) = extract {
        command.arg(format!("--extract={}", folder.display()));
    } else {
        command.arg("--extract");
    }
    let done = command.arg(image).output().expect("started");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{said}");
    // Extracting a whole image and checking it end in other words.
    assert!(said.contains("successfully") || said.contains("No errors found"), "{said}");
}

#[test]
fn fsck_finds_nothing_and_extracts_the_same() {
    if !installed("fsck.erofs") {
        return;
    }
    if !is_root() {
        eprintln!("skipped: owners and devices, for which one has to be root");
    }
    for seed in 0..cases(20) {
        let holds = Holds { devices: is_root(), ..Holds::ALL };
        let tree = random(seed, holds);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("image");
        std::fs::write(&file, image(&tree, &way(seed))).expect("written");
        let out = folder.path().join("out");
        fsck(&file, Some(&out));
        match is_root() {
            true => assert_eq!(plain(&extracted(&out)), plain(&tree), "seed {seed}"),
            false => assert_eq!(unowned(&extracted(&out)), unowned(&tree), "seed {seed}"),
        }
    }
}

/// A mounted image; unmounted when it is dropped.
struct Mounted {
    at: PathBuf,
    _folder: TempDir,
}

impl Mounted {
    /// Nothing, and a line that says so, when images cannot be mounted here.
    fn new(image: &[u8]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, at) = (folder.path().join("image"), folder.path().join("mounted"));
        std::fs::write(&file, image).expect("written");
        std::fs::create_dir(&at).expect("made");
        let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
        if !is_root() || !known.contains("\terofs") || !installed("mount") {
            eprintln!("skipped: EROFS cannot be mounted here");
            return None;
        }
        let mut mount = Command::new("mount");
        mount.args(["-t", "erofs", "-o", "loop,ro"]).args([&file, &at]);
        let done = mount.output().expect("started");
        let said = String::from_utf8_lossy(&done.stderr);
        // Where devices cannot be had there is nothing to test with; a refused image is a failure.
        if said.contains("loop device") {
            eprintln!("skipped: no loop device: {said}");
            return None;
        }
        assert!(done.status.success(), "{said}");
        Some(Self { at, _folder: folder })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).status();
    }
}

/// A tree without what Linux does not give of one: attributes of users on what is neither file nor
/// folder (xattr(7)).
fn shown(tree: &Tree) -> Tree {
    let about = |id: InodeId| {
        let inode = tree.inode(id);
        let mut meta = inode.meta.clone();
        if !matches!(inode.kind, Kind::File(_) | Kind::Folder(_)) {
            meta.attributes.retain(|name, _| !name.starts_with(b"user."));
        }
        meta
    };
    let mut shown = Tree::new(about(tree.root()));
    let mut known = BTreeMap::new();
    for (path, id) in tree.walk().split_off(1) {
        if let Some(known) = known.get(&id) {
            shown.link(&path, *known).expect("as before");
        } else {
            let added = shown.add(&path, about(id), tree.inode(id).kind.clone());
            known.insert(id, added.expect("as before"));
        }
    }
    shown
}

#[test]
fn linux_shows_the_same() {
    for seed in 0..cases(20) {
        let tree = if seed == 0 { small() } else { random(seed, Holds::ALL) };
        let Some(mounted) = Mounted::new(&image(&tree, &way(seed))) else { return };
        assert_eq!(extracted(&mounted.at), shown(&tree), "seed {seed}");
    }
}

#[test]
fn many_files_and_a_large_folder() {
    let mut tree = many_files();
    tree.add(b"flat", Meta::root(0o755), Kind::Folder(BTreeMap::new())).expect("new");
    for at in 0..12_000 {
        let path = format!("flat/{at} {}", "name".repeat(at % 40));
        tree.add(path.as_bytes(), Meta::root(0o644), Kind::Fifo).expect("new");
    }
    for how in [None, packed(3, 1, true)] {
        let image = image(&tree, &options(how));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("image");
        std::fs::write(&file, &image).expect("written");
        if installed("fsck.erofs") {
            fsck(&file, None);
        }
        if let Some(mounted) = Mounted::new(&image) {
            assert_eq!(extracted(&mounted.at), tree);
        }
        assert_eq!(erofs::read(&Data::of(image)).expect("read"), tree);
    }
}

/// Content of which nothing can be compressed, or all.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..size.div_ceil(8)).flat_map(|_| random.next().to_le_bytes()).take(size).collect()
}

#[test]
fn files_larger_than_a_window() {
    let size = (17 << 20) + 1_234;
    let noisy = noise(1, size);
    let mut text = noise(2, 24 << 20);
    // Half of each 8 KiB comes again, and in the middle there is a lot of nothing.
    for block in text.chunks_mut(8_192) {
        block.copy_within(..4_000, 4_096);
    }
    text[5 << 20..12 << 20].fill(0);
    let mut tree = Tree::new(Meta::root(0o755));
    for (name, bytes) in [("noise", &noisy), ("text", &text), ("text again", &text)] {
        let data = Data::of(bytes.as_slice());
        tree.add(name.as_bytes(), Meta::root(0o644), Kind::File(data)).expect("new");
    }
    tree.add(b"last", Meta::root(0o644), Kind::File(Data::of(*b"last"))).expect("new");
    for way in [None, packed(3, 1, true), packed(3, 4, false)] {
        let (image, extents) = image_with(&tree, &options(way), &Unkept);
        let id = |path: &[u8]| tree.find(path).expect("it");
        let both = Part::Shared(vec![
            (id(b"text"), text.len() as u64),
            (id(b"text again"), text.len() as u64),
        ]);
        let shared = extents.iter().filter(|extent| extent.part == both);
        let shared: u64 = shared.map(|extent| extent.size).sum();
        // Stored once, compressed or without the zeros.
        assert!(shared > 8 << 20 && shared <= 18 << 20, "{shared}");
        let noise = extents.iter().filter(|extent| extent.part == Part::Inode(id(b"noise")));
        let noise: u64 = noise.map(|extent| extent.size).sum();
        assert!((size as u64..size as u64 + 5_000).contains(&noise), "{noise}");
        assert_eq!(erofs::read(&Data::of(image.as_slice())).expect("read"), tree);
        let Some(mounted) = Mounted::new(&image) else { continue };
        // Two files with the same blocks, at the same time.
        let paths = ["text", "text again"].map(|name| mounted.at.join(name));
        std::thread::scope(|scope| {
            for path in &paths {
                let text = &text;
                scope.spawn(move || assert!(std::fs::read(path).expect("read") == *text));
            }
        });
        assert_eq!(extracted(&mounted.at), tree);
    }
}

#[test]
fn the_order_of_adding_and_the_number_of_threads_do_not_count() {
    for seed in 0..cases(12) {
        let tree = random(seed, Holds::ALL);
        let mut other = Tree::new(tree.inode(tree.root()).meta.clone());
        let mut known = BTreeMap::new();
        let mut walk = tree.walk().split_off(1);
        walk.sort_by_key(|(path, _)| {
            let depth = path.iter().filter(|byte| **byte == b'/').count();
            (depth, path.iter().rev().copied().collect::<Vec<_>>())
        });
        for (path, id) in walk {
            if let Some(known) = known.get(&id) {
                other.link(&path, *known).expect("as before");
                continue;
            }
            let inode = tree.inode(id);
            let new = other.add(&path, inode.meta.clone(), inode.kind.clone());
            known.insert(id, new.expect("as before"));
        }
        let expected = image(&tree, &way(seed));
        for threads in [1, 2, 5] {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let found = pool.install(|| image(&other, &way(seed)));
            assert!(found == expected, "seed {seed}, {threads} threads");
        }
    }
}

/// Keeps in memory, and counts what it was given.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<Blake3, Vec<u8>>>);

impl Kept {
    fn count(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }
}

impl Packed for Kept {
    fn get(&self, key: Blake3) -> Option<Vec<u8>> {
        self.0.lock().expect("no panic").get(&key).cloned()
    }

    fn put(&self, key: Blake3, bytes: &[u8]) {
        self.0.lock().expect("no panic").insert(key, bytes.to_vec());
    }
}

#[test]
fn what_is_kept_changes_no_byte_and_only_what_changed_is_compressed() {
    let file = |seed, size: usize| {
        let mut bytes = noise(seed, size);
        bytes.chunks_exact_mut(2_000).for_each(|part| part[..1_000].fill(b'x'));
        Kind::File(Data::of(bytes))
    };
    let tree = |changed: u64| {
        let mut tree = Tree::new(Meta::root(0o755));
        for at in 0..20 {
            let path = format!("file {at:02}");
            let seed = if at == 7 { changed } else { at };
            tree.add(path.as_bytes(), Meta::root(0o644), file(seed, 100_000)).expect("new");
        }
        tree.add(b"large", Meta::root(0o644), file(100, 5 << 20)).expect("new");
        tree
    };
    let kept = Kept::default();
    for way in [packed(3, 1, true), packed(5, 1, true), packed(3, 2, true), packed(3, 1, false)] {
        let before = kept.count();
        assert_eq!(image_with(&tree(7), &options(way), &kept).0, image(&tree(7), &options(way)));
        assert_eq!(kept.count() - before, 20 + 3, "20 files, and one of 3 segments");
        let changed = image_with(&tree(1_000), &options(way), &kept).0;
        assert_eq!(changed, image(&tree(1_000), &options(way)));
        assert_eq!(kept.count() - before, 20 + 3 + 1, "the changed file");
    }
    // What is no piece of this file is made anew.
    for value in kept.0.lock().expect("no panic").values_mut() {
        value.truncate(value.len() - 1);
    }
    let way = options(packed(3, 1, true));
    assert_eq!(image_with(&tree(7), &way, &kept).0, image(&tree(7), &way));
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let mut refused = 0;
    let count = cases(60);
    for seed in 0..count {
        let mut random = Random::new(seed);
        let tree = match seed % 3 {
            0 => small(),
            _ => trees::random(seed % 40, Holds { largest_file: 20_000, ..Holds::ALL }),
        };
        let sound = image(&tree, &way(seed));
        for _ in 0..20 {
            let mut image = sound.clone();
            for _ in 0..1 + random.below(4) {
                // Inodes and folders are at the end.
                let near = if random.chance(2) { image.len() as u64 } else { 8_192 };
                let back = 1 + random.below(near.min(image.len() as u64)) as usize;
                let at = image.len() - back;
                image[at] = match random.below(3) {
                    0 => random.next() as u8,
                    1 => image[at] ^ 1 << random.below(8),
                    _ => *random.pick(&[0, 1, 0x7f, 0xff]),
                };
            }
            if random.chance(10) {
                let to = random.below(image.len() as u64) as usize;
                image.truncate(if random.chance(2) { to } else { to / 4_096 * 4_096 });
            }
            if let Ok(read) = erofs::read(&Data::of(image)) {
                // What it calls sound can be used.
                for inode in read.inodes() {
                    if let Kind::File(data) = &inode.kind {
                        assert_eq!(Blake3::of(&data.bytes().expect("read before")), data.digest());
                    }
                }
            } else {
                refused += 1;
            }
        }
    }
    assert!(refused > count * 5, "{refused}");
}

#[test]
fn what_does_not_fit_is_said() {
    let write = |tree: &Tree, options: &Options| {
        let mut out = Cursor::new(Vec::new());
        let refused = erofs::write(tree, options, &Unkept, &mut out);
        refused.map(drop).expect_err("refused").to_string()
    };
    let none = options(None);
    let tree = small();
    let cases = [
        (Options { name: vec![b'x'; 16], ..none.clone() }, "the volume name has 16 bytes;"),
        (Options { name: b"a\0".to_vec(), ..none.clone() }, "2 bytes, one of them NUL;"),
        (Options { nanoseconds: 1_000_000_000, ..none.clone() }, "more than a second"),
        (options(packed(13, 1, true)), "LZ4 has no level 13"),
        (options(packed(9, 0, true)), "a cluster cannot have 0 bytes"),
        (options(packed(9, 257, true)), "a cluster cannot have 1052672 bytes"),
        (
            options(Some(Compression { cluster: 5_000, ..Compression::DEFAULT })),
            "a cluster cannot have 5000 bytes",
        ),
    ];
    for (options, message) in cases {
        let said = write(&tree, &options);
        assert!(said.contains(message), "{said}");
    }
    let with = |name: &str, value: usize| {
        let mut tree = Tree::new(Meta::root(0o755));
        let attributes = BTreeMap::from([(name.into(), vec![1; value])]);
        let meta = Meta { attributes, ..Meta::root(0o644) };
        tree.add(b"file", meta, Kind::Fifo).expect("new");
        write(&tree, &none)
    };
    assert!(
        with("lustre.x", 1).contains("`file` cannot have the attribute `lustre.x`: names start")
    );
    assert!(with("user.", 1).contains("nothing follows"));
    assert!(with("system.posix_acl_access2", 1).contains("name of its own"));
    assert!(with("user.x", 65_536).contains("65,535"));
    let mut tree = Tree::new(Meta::root(0o755));
    let device = Kind::Character { major: 4_096, minor: 0 };
    tree.add(b"tty", Meta::root(0o644), device).expect("new");
    assert!(write(&tree, &none).contains("`tty` has the device numbers 4096:0"));
    let out = erofs::write(&small(), &none, &Unkept, &mut Cursor::new([0; 5_000]));
    assert!(matches!(out, Err(Error::Write(_))), "{out:?}");
}
