//! Archives of random trees, held against GNU cpio and the kernel's own rules.

mod trees;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tarsia_image::compression::{self, Compression};
use tarsia_image::content::Data;
use tarsia_image::cpio::{self, ReadError, WriteError};
use tarsia_image::extent::Part;
use tarsia_image::tree::{Inode, InodeId, Kind, Meta, Tree};
use tarsia_model::Blake3;
use trees::{Holds, Random, cases, extracted, installed, is_root, many_files, random};

/// What newc and the kernel hold.
const HOLDS: Holds = Holds { attributes: false, ..Holds::ALL };

fn written(tree: &Tree) -> Vec<u8> {
    let mut archive = Vec::new();
    let extents = cpio::write(tree, &mut archive).expect("an archive");
    assert_eq!(extents.size(), archive.len() as u64, "every byte has an owner");
    let mut end = 0;
    for extent in extents.iter() {
        assert_eq!(extent.offset, end);
        end += extent.size;
    }
    archive
}

fn file(mode: u16, bytes: &[u8]) -> (Meta, Kind) {
    (Meta::root(mode), Kind::File(Data::of(bytes)))
}

fn small() -> Tree {
    let mut tree = Tree::new(Meta { modified: 7, ..Meta::root(0o755) });
    let folder = || Kind::Folder(BTreeMap::new());
    tree.add(b"dev", Meta::root(0o755), folder()).expect("new");
    let console = Kind::Character { major: 5, minor: 1 };
    tree.add(b"dev/console", Meta::root(0o600), console).expect("new");
    let (meta, kind) = file(0o4755, b"#!/bin/true\n");
    let init = tree.add(b"init", Meta { owner: 1, group: 2, ..meta }, kind).expect("new");
    tree.link(b"sbin-init", init).expect("new");
    tree.add(b"lib", Meta::root(0o777), Kind::Symlink(b"usr/lib".to_vec())).expect("new");
    tree
}

#[test]
fn a_small_archive_is_pinned() {
    let archive = written(&small());
    assert_eq!(archive.len(), 1_024);
    let header = "070701 00000004 000089ED 00000001 00000002 00000002 00000000".replace(' ', "");
    let at = archive.windows(header.len()).position(|found| found == header.as_bytes());
    assert!(at.is_some(), "the first name of /init has its number, mode, owner, group, two names");
    let digest = Blake3::of(&archive).to_string();
    assert_eq!(digest, "4eb5b10a26f33569fa4728db138f7fc90de7ec68734cf39490e2f5f11c16874f");
    assert_eq!(cpio::read(&Data::of(archive)).expect("own archive"), small());
}

#[test]
fn a_file_with_two_names_has_its_content_at_the_last() {
    let tree = small();
    let archive = written(&tree);
    let find = |text: &[u8]| archive.windows(text.len()).position(|found| found == text);
    assert!(find(b"#!/bin/true") > find(b"sbin-init"), "as gen_init_cpio and GNU cpio write it");
    let mut sink = Vec::new();
    let extents = cpio::write(&tree, &mut sink).expect("an archive");
    let of = |id: InodeId| -> u64 {
        extents.iter().filter(|e| e.part == Part::Inode(id)).map(|e| e.size).sum()
    };
    // Two headers with names, padded to 4, and 12 bytes of content.
    let init = tree.find(b"init").expect("there");
    assert_eq!(of(init), (110 + 5u64).next_multiple_of(4) + (110 + 10u64).next_multiple_of(4) + 12);
    let shown = extents.iter().filter_map(|extent| match extent.part {
        Part::Structure(what) => Some(what),
        _ => None,
    });
    assert_eq!(shown.collect::<Vec<_>>(), ["trailer", "padding"]);
}

fn gnu_extracts(archive: &[u8], into: &Path) -> (bool, String) {
    let mut cpio = Command::new("cpio")
        .args(["-idm", "--no-absolute-filenames", "--quiet"])
        .current_dir(into)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cpio starts");
    cpio.stdin.take().expect("piped").write_all(archive).expect("cpio reads");
    let output = cpio.wait_with_output().expect("cpio ends");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn random_trees_come_back_from_gnu_cpio_and_from_the_own_reader() {
    let by_gnu = installed("cpio") && is_root();
    for seed in 0..cases(20) {
        let tree = random(seed, HOLDS);
        let archive = written(&tree);
        let data = Data::of(archive.clone());
        assert_eq!(cpio::read(&data).expect("own archive"), tree, "seed {seed}");
        if by_gnu {
            let folder = tempfile::tempdir().expect("a folder");
            let (clean, complaints) = gnu_extracts(&archive, folder.path());
            assert!(clean && complaints.is_empty(), "seed {seed}: {complaints}");
            let (back, tree) = (kept(&extracted(folder.path())), kept(&tree));
            assert!(back == tree, "seed {seed}: {}", difference(&back, &tree));
        }
    }
}

/// The tree as far as GNU cpio keeps one. It puts files into a folder after it set the folder's time,
/// sets no time of symbolic links, and leaves the folder that it extracts into as it was.
fn kept(tree: &Tree) -> Tree {
    let meta = |id| {
        let inode: &Inode = tree.inode(id);
        match inode.kind {
            Kind::Folder(_) | Kind::Symlink(_) => Meta { modified: 0, ..inode.meta.clone() },
            _ => inode.meta.clone(),
        }
    };
    let mut other = Tree::new(Meta::root(0o755));
    let mut ids = BTreeMap::new();
    for (path, id) in tree.walk().split_off(1) {
        if let Some(known) = ids.get(&id) {
            other.link(&path, *known).expect("new");
        } else {
            let kind = tree.inode(id).kind.clone();
            ids.insert(id, other.add(&path, meta(id), kind).expect("new"));
        }
    }
    other
}

fn difference(one: &Tree, other: &Tree) -> String {
    let (one, other) = (format!("{one:?}"), format!("{other:?}"));
    let pair = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    pair.map_or("more files".to_owned(), |(one, other)| format!("\n{one}\n{other}"))
}

#[test]
fn gnu_cpio_lists_what_was_written() {
    if !installed("cpio") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("archive");
    std::fs::write(&path, written(&small())).expect("written");
    let output = Command::new("cpio")
        .args(["-itvn", "--quiet"])
        .stdin(std::fs::File::open(&path).expect("there"))
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .output()
        .expect("cpio");
    let listed = String::from_utf8(output.stdout).expect("text");
    let words: Vec<String> =
        listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "drwxr-xr-x 2 0 0 0 Jan 1 1970 .",
        "drwxr-xr-x 2 0 0 0 Jan 1 1970 dev",
        "crw------- 1 0 0 5, 1 Jan 1 1970 dev/console",
        "-rwsr-xr-x 2 1 2 0 Jan 1 1970 init",
        "lrwxrwxrwx 1 0 0 7 Jan 1 1970 lib -> usr/lib",
        "-rwsr-xr-x 2 1 2 12 Jan 1 1970 sbin-init",
    ];
    assert_eq!(words, expected);
}

#[test]
fn reads_what_gnu_cpio_writes() {
    if !installed("cpio") || !is_root() {
        return;
    }
    for seed in 0..cases(5).min(100) {
        let tree = random(1_000 + seed, HOLDS);
        let folder = tempfile::tempdir().expect("a folder");
        gnu_extracts(&written(&tree), folder.path());
        let output = Command::new("sh")
            .args(["-c", "find . | LC_ALL=C sort | cpio -o -H newc --quiet"])
            .current_dir(folder.path())
            .output()
            .expect("cpio");
        let back = cpio::read(&Data::of(output.stdout)).expect("an archive");
        let (back, tree) = (kept(&back), kept(&tree));
        assert!(back == tree, "seed {seed}: {}", difference(&back, &tree));
    }
}

#[test]
fn a_hundred_thousand_files() {
    let tree = many_files();
    let archive = written(&tree);
    assert_eq!(cpio::read(&Data::of(archive.clone())).expect("own archive"), tree);
    if installed("cpio") {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("archive");
        std::fs::write(&path, archive).expect("written");
        let stdin = std::fs::File::open(&path).expect("there");
        let output = Command::new("cpio").args(["-it", "--quiet"]).stdin(stdin).output();
        let listed = String::from_utf8(output.expect("cpio").stdout).expect("text");
        let names = tree.walk().split_off(1).into_iter().map(|(path, _)| path);
        let names = std::iter::once(b".".to_vec()).chain(names);
        assert!(listed.lines().map(|line| line.as_bytes().to_vec()).eq(names));
    }
}

#[test]
fn the_order_in_which_a_tree_was_made_decides_nothing() {
    let tree = random(3, HOLDS);
    let mut other = Tree::new(tree.inode(tree.root()).meta.clone());
    let mut ids = BTreeMap::new();
    let mut names = tree.walk();
    names.reverse();
    // Folders have to be first; everything else the other way round.
    names.sort_by_key(|(path, id)| match tree.inode(*id).kind {
        Kind::Folder(_) => path.len(),
        _ => usize::MAX,
    });
    for (path, id) in names.iter().filter(|(path, _)| !path.is_empty()) {
        let inode = tree.inode(*id);
        if let Some(known) = ids.get(id) {
            other.link(path, *known).expect("new");
        } else {
            ids.insert(*id, other.add(path, inode.meta.clone(), inode.kind.clone()).expect("new"));
        }
    }
    assert_eq!(other, tree);
    let order = |tree: &Tree| -> Vec<_> { tree.walk().iter().map(|(_, id)| id.index()).collect() };
    assert_ne!(order(&other), order(&tree), "the inodes have other numbers");
    assert_eq!(written(&other), written(&tree));
}

#[test]
fn what_cannot_be_held_is_named() {
    let message =
        |tree: &Tree| cpio::write(tree, &mut Vec::new()).expect_err("refused").to_string();
    let labelled = |mode, names: &[&str]| Meta {
        attributes: names.iter().map(|name| (name.as_bytes().to_vec(), b"x".to_vec())).collect(),
        ..Meta::root(mode)
    };
    let mut tree = Tree::new(labelled(0o755, &["user.r"]));
    tree.add(b"a", labelled(0o644, &["user.b", "user.a"]), Kind::Fifo).expect("new");
    let id = tree.add(b"b", labelled(0o644, &["security.capability"]), Kind::Fifo).expect("new");
    tree.link(b"c", id).expect("new");
    assert_eq!(
        message(&tree),
        "cpio cannot hold extended attributes: `/` has `user.r`, `a` has `user.a`, `user.b`, `b` \
         has `security.capability`"
    );
    let root = || Tree::new(Meta::root(0o755));
    let mut tree = root();
    let id = tree.add(b"a", Meta::root(0o777), Kind::Symlink(b"x".to_vec())).expect("new");
    tree.link(b"b", id).expect("new");
    let linked = "a symbolic link has several names, which an initramfs cannot hold: `b`";
    assert_eq!(message(&tree), linked);
    let mut tree = root();
    tree.add(b"TRAILER!!!", Meta::root(0o644), Kind::Fifo).expect("new");
    assert!(matches!(cpio::write(&tree, &mut Vec::new()), Err(WriteError::Trailer)));
    let mut tree = root();
    let late = Meta { modified: 1 << 32, ..Meta::root(0o644) };
    tree.add(b"a", late, Kind::Fifo).expect("new");
    assert_eq!(message(&tree), "`a` has the time of change 4294967296; cpio holds 4294967295");
    let mut tree = root();
    tree.add(b"a", Meta::root(0o644), Kind::Block { major: 4_096, minor: 0 }).expect("new");
    assert_eq!(
        message(&tree),
        "the device `a` has the numbers 4096:0; an initramfs holds numbers below 4096:1048576"
    );
    let mut tree = root();
    let long = vec![b"x".repeat(255); 16].join(&b'/');
    tree.folders_above(&long, &Meta::root(0o755)).expect("new");
    tree.add(&long, Meta::root(0o644), Kind::Fifo).expect("4,095 bytes are held");
    written(&tree);
    let longer = [&long[..long.len() - 255], b"x/x"].concat();
    tree.folders_above(&longer, &Meta::root(0o755)).expect("new");
    let longest = [&long[..long.len() - 253], b"/", &b"x".repeat(252)].concat();
    tree.folders_above(&longest, &Meta::root(0o755)).expect("new");
    tree.add(&longest, Meta::root(0o644), Kind::Fifo).expect("new");
    assert_eq!(longest.len(), 4_095);
    let beyond = [&longest[..], b"y"].concat();
    tree.add(&beyond, Meta::root(0o644), Kind::Fifo).expect("new");
    assert!(message(&tree).ends_with("has 4096 bytes; an initramfs holds 4095"));
}

#[test]
fn damage_is_named_and_never_a_panic() {
    let archive = written(&small());
    let with = |at: usize, bytes: &[u8]| {
        let mut archive = archive.clone();
        archive[at..at + bytes.len()].copy_from_slice(bytes);
        cpio::read(&Data::of(archive))
    };
    let find = |text: &[u8]| archive.windows(text.len()).position(|f| f == text).expect("there");
    assert!(matches!(with(5, b"2"), Err(ReadError::Magic { offset: 0, .. })));
    assert!(matches!(with(6, b"g"), Err(ReadError::Digits { name: "c_ino", .. })));
    assert!(matches!(with(109, b"1"), Err(ReadError::Field { name: "c_chksum", value: 1, .. })));
    assert!(matches!(with(1_023, b"x"), Err(ReadError::Padding { .. })));
    assert!(matches!(with(find(b"dev/console"), b"abc"), Err(ReadError::Tree { .. })));
    assert!(matches!(with(find(b"dev/console"), b"d\0v"), Err(ReadError::Name { .. })));
    let again = with(find(b"sbin-init") - 110 + 37, b"3");
    assert!(matches!(again, Err(ReadError::Links { .. })), "{again:?}");
    let mut missing = archive.clone();
    for name in [b"init\0".as_slice(), b"sbin-init"] {
        missing[find(name) - 110 + 45] = b'3';
    }
    let missing = cpio::read(&Data::of(missing)).expect_err("a name is missing").to_string();
    assert!(missing.ends_with("1 of the 3 names of its inode are missing"), "{missing}");
    let cut = cpio::read(&Data::of(&archive[..700]));
    assert!(matches!(cut, Err(ReadError::Read { .. })), "{cut:?}");
    // Every cut before the end of the trailer is noticed.
    let end = find(b"TRAILER!!!") + 11;
    for size in 0..end {
        assert!(cpio::read(&Data::of(&archive[..size])).is_err(), "{size}");
    }
    let mut chance = Random::new(5);
    let large = written(&random(2, HOLDS));
    for _ in 0..cases(20) * 20 {
        let mut damaged = large.clone();
        for _ in 0..1 + chance.below(4) {
            let at = chance.below(damaged.len() as u64) as usize;
            damaged[at] = match chance.chance(2) {
                true => *chance.pick(b"0123456789ABCDEF\0/."),
                false => chance.next() as u8,
            };
        }
        if chance.chance(3) {
            damaged.truncate(chance.below(large.len() as u64) as usize);
        }
        // What is still an archive has to be one that is written again.
        if let Ok(tree) = cpio::read(&Data::of(damaged)) {
            let _ = cpio::write(&tree, &mut std::io::sink());
        }
    }
}

#[test]
fn compressed_archives_are_the_same_each_time_and_read_by_the_real_programs() {
    let mut tree = random(11, HOLDS);
    // More than one block of lz4.
    let long: Vec<u8> = (0..9_000_000u32).map(|at| (at / 1_000 * 7) as u8).collect();
    tree.add(b"zz", Meta::root(0o644), Kind::File(Data::of(long))).expect("new");
    let archive = written(&tree);
    let kinds = [
        (Compression::Gzip { level: 9 }, ["gzip", "-dc"]),
        (Compression::Zstd { level: 7 }, ["zstd", "-dc"]),
        (Compression::Xz { level: 2 }, ["xz", "-dc"]),
        (Compression::Lz4, ["lz4", "-dc"]),
    ];
    for (kind, [program, option]) in kinds {
        let mut whole = kind.writer(Vec::new()).expect("a level");
        whole.write_all(&archive).expect("memory");
        let whole = whole.finish().expect("memory");
        assert!(whole.len() < archive.len(), "{kind}");
        let mut pieces = kind.writer(Vec::new()).expect("a level");
        for piece in archive.chunks(70_001) {
            pieces.write_all(piece).expect("memory");
            pieces.flush().expect("nothing");
        }
        assert_eq!(pieces.finish().expect("memory"), whole, "{kind}: writes decide the bytes");
        let unpacked = |bytes: &[u8]| {
            let mut unpacked = Vec::new();
            let mut reader = compression::reader(bytes)?;
            std::io::Read::read_to_end(&mut reader, &mut unpacked).map(|_| unpacked)
        };
        assert!(unpacked(&whole).expect("own stream") == archive, "{kind}");
        for size in [0, 3, whole.len() / 2, whole.len() - 1] {
            assert!(unpacked(&whole[..size]).is_err(), "{kind} cut to {size}");
        }
        if installed(program) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("initramfs");
            std::fs::write(&path, &whole).expect("written");
            let stdin = std::fs::File::open(&path).expect("there");
            let output = Command::new(program).arg(option).stdin(stdin).output().expect(program);
            assert!(output.status.success() && output.stdout == archive, "{kind}");
        }
        if program == "xz" {
            // The kernel checks CRC32 only: the type is in the stream's flags.
            assert_eq!(whole[7], 1);
        }
        if program == "lz4" {
            let (mut at, mut blocks) = (4, 0);
            while at < whole.len() {
                let size: [u8; 4] = whole[at..at + 4].try_into().expect("four");
                at += 4 + u32::from_le_bytes(size) as usize;
                blocks += 1;
            }
            assert_eq!(blocks, archive.len().div_ceil(8 << 20), "blocks of 8 MiB");
        }
        if program == "gzip" {
            assert_eq!(whole[3..8], [0; 5], "no name, no time");
        }
    }
    let error = Compression::Gzip { level: 0 }.writer(Vec::new()).err().expect("refused");
    assert_eq!(error.to_string(), "gzip level 0 does not exist; the levels are 1 to 9");
    assert!(compression::reader(&b"070701"[..]).is_err());
}
