//! FATs: against `fsck.fat`, `mtools` and `mkfs.fat`, and that damage never harms the reader.

mod trees;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use tarsia_image::content::Data;
use tarsia_image::extent::{Extents, Part};
use tarsia_image::fat::{FatError, Options, Volume, Width, read, write};
use tarsia_image::layout::Sector;
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;
use trees::{Holds, Random, cases, extracted, installed, many_files, random};

/// 2023-11-14 22:13:20.
const TIME: u64 = 1_700_000_000;
const EARLIEST: u64 = 315_532_800;

fn meta(mode: u16) -> Meta {
    Meta { modified: TIME, ..Meta::root(mode) }
}

/// A random tree as a FAT can hold it: its names as characters, no two alike, nothing but files and folders.
fn fitting(seed: u64) -> Tree {
    named(seed, char::from)
}

/// The same with `letter` for each byte of a name.
fn named(seed: u64, letter: impl Fn(u8) -> char) -> Tree {
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

fn options(seed: u64) -> Options {
    let mut random = Random::new(seed);
    let width = *random.pick(&[None, None, Some(Width::Fat16), Some(Width::Fat32)]);
    let label = *random.pick(&["", "ESP", "A-B C.D", "ELEVEN LONG"]);
    Options {
        sector: Sector::S512,
        width,
        free: *random.pick(&[0, 0, 1, 5_000_000]),
        label: label.replace('.', "_"),
        modified: TIME,
        ..Options::smallest(random.next() as u32)
    }
}

fn written(tree: &Tree, options: &Options) -> (Vec<u8>, Extents) {
    let mut image = Vec::new();
    let extents = write(tree, options, &mut image).expect("a FAT");
    assert_eq!(extents.size(), image.len() as u64);
    (image, extents)
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

fn run(command: &mut Command) -> String {
    command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8").env("MTOOLS_SKIP_CHECK", "0");
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(status.success(), "{command:?}: {text}");
    text
}

/// What mtools takes out of an image; folders with the time that they should have.
fn taken_out(image: &Path, empty: bool) -> Tree {
    let folder = tempfile::tempdir().expect("a folder");
    if !empty {
        run(Command::new("mcopy")
            .args(["-s", "-m", "-n", "-Q", "-i"])
            .arg(image)
            .arg("::*")
            .arg(folder.path()));
    }
    let out = extracted(folder.path());
    let mut tree = Tree::new(Meta { modified: EARLIEST, ..Meta::root(0o755) });
    for (path, id) in out.walk().split_off(1) {
        let inode = out.inode(id);
        let (modified, mode) = match inode.kind {
            Kind::File(_) => (inode.meta.modified, 0o644),
            _ => (TIME, 0o755),
        };
        let meta = Meta { modified, ..Meta::root(mode) };
        tree.add(&path, meta, inode.kind.clone()).expect("an entry");
    }
    tree
}

#[test]
fn other_tools_find_the_same_in_it() {
    let (fsck, mcopy) = (installed("fsck.fat"), installed("mcopy"));
    for seed in 0..cases(20) {
        let (tree, options) = (fitting(seed), options(seed));
        let (image, extents) = written(&tree, &options);
        let volume = read(&Data::of(image.clone())).expect("own FAT");
        assert_eq!(volume.tree, tree, "{seed}");
        assert_eq!((volume.label, volume.volume), (options.label.clone(), options.volume));
        assert!(options.width.is_none_or(|width| width == volume.width));
        assert!(volume.free >= options.free);
        if seed % 8 == 0 {
            accounted(&image, &extents, &tree);
        }
        let at = file(&image);
        if fsck {
            let text = run(Command::new("fsck.fat").args(["-n", "-v"]).arg(at.path()));
            let bits = format!("{} bit entries", [12, 16, 32][volume.width as usize]);
            let clusters = volume.free / volume.cluster;
            assert!(text.contains(&bits), "{text}");
            let counts = text.lines().last().expect("a line");
            let (used, all) = counts
                .rsplit(' ')
                .nth(1)
                .and_then(|both| both.split_once('/'))
                .expect("used/all clusters");
            let [used, all] = [used, all].map(|text| text.parse::<u64>().expect("a number"));
            assert_eq!(all - used, clusters, "{text}");
        }
        if mcopy {
            assert_eq!(taken_out(at.path(), tree.walk().len() == 1), tree, "{seed}");
            let text = run(Command::new("mlabel").args(["-s", "-i"]).arg(at.path()).arg("::"));
            let label = options.label.as_str();
            assert!(text.contains(if label.is_empty() { "has no label" } else { label }), "{text}");
        }
    }
}

/// Holds what each byte is said to be for against what is there.
fn accounted(image: &[u8], extents: &Extents, tree: &Tree) {
    let mut of = vec![Vec::new(); tree.inodes().len()];
    for extent in extents.iter() {
        let bytes = &image[extent.offset as usize..(extent.offset + extent.size) as usize];
        match &extent.part {
            Part::Inode(id) => of[id.index()].extend(bytes),
            Part::Structure("free clusters" | "padding") => {
                assert!(bytes.iter().all(|byte| *byte == 0));
            }
            Part::Structure(name) => {
                assert!(["boot sectors", "file allocation table"].contains(name), "{name}");
            }
            Part::Shared(_) => panic!("nothing is shared in a FAT"),
        }
    }
    for (inode, bytes) in tree.inodes().iter().zip(of) {
        match &inode.kind {
            Kind::File(data) => {
                let content = data.bytes().expect("its bytes");
                assert!(bytes.starts_with(&content));
                assert!(bytes[content.len()..].iter().all(|byte| *byte == 0));
            }
            _ => assert!(!bytes.is_empty()),
        }
    }
}

#[test]
fn large_sectors_and_all_sizes() {
    let fsck = installed("fsck.fat");
    let mut some = Tree::new(Meta::root(0o755));
    some.add(b"EFI", meta(0o755), Kind::Folder(Default::default())).expect("a folder");
    some.add(b"EFI/kernel+3.efi", meta(0o644), Kind::File(Data::of(vec![7; 70_000]))).expect("one");
    let mebibytes: [u64; 6] = [1, 3, 4, 17, 261, 512];
    for size in mebibytes.into_iter().flat_map(|size| [size << 20, (size << 20) + 77 * 4_096]) {
        for sector in [Sector::S512, Sector::S4096] {
            let options =
                Options { sector, size: Some(size), modified: TIME, ..Options::smallest(1) };
            // Nearly all of it is free: held only as far as it is used.
            let mut out = Sparse::default();
            write(&some, &options, &mut out).expect("a FAT");
            assert_eq!(out.size, size);
            let at = tempfile::NamedTempFile::new().expect("a file");
            out.to(at.as_file());
            let width = match size >> 20 {
                0..4 => Width::Fat12,
                4..512 if sector == Sector::S512 || size >= 17 << 20 => Width::Fat16,
                4..512 => Width::Fat12,
                _ => Width::Fat32,
            };
            if size <= 18 << 20 {
                let volume = read(&Data::of(std::fs::read(at.path()).expect("it"))).expect("own");
                assert_eq!((volume.width, volume.sector), (width, sector), "{size}");
                assert_eq!(volume.tree.walk().len(), 3);
            }
            if fsck {
                let text = run(Command::new("fsck.fat").args(["-n", "-v"]).arg(at.path()));
                let bits = format!("{} bit entries", [12, 16, 32][width as usize]);
                assert!(text.contains(&bits), "{size}: {text}");
            }
        }
    }
}

/// What is written, without its zeros.
#[derive(Default)]
struct Sparse {
    size: u64,
    pieces: Vec<(u64, Vec<u8>)>,
}

impl std::io::Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.iter().any(|byte| *byte != 0) {
            self.pieces.push((self.size, bytes.to_vec()));
        }
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sparse {
    fn to(&self, file: &std::fs::File) {
        use std::os::unix::fs::FileExt as _;
        file.set_len(self.size).expect("a size");
        for (offset, bytes) in &self.pieces {
            file.write_all_at(bytes, *offset).expect("written");
        }
    }
}

#[test]
fn a_hundred_thousand_files() {
    let many = many_files();
    let options = Options { modified: TIME, ..Options::smallest(9) };
    let (image, extents) = written(&many, &options);
    let volume = read(&Data::of(image.clone())).expect("own FAT");
    assert_eq!(volume.tree.walk().len(), many.walk().len());
    for (path, id) in volume.tree.walk() {
        let other = many.inode(many.find(&path).expect("the same path"));
        match (&volume.tree.inode(id).kind, &other.kind) {
            (Kind::File(one), Kind::File(two)) => assert_eq!(one, two),
            (Kind::Folder(one), Kind::Folder(two)) => assert_eq!(one.len(), two.len()),
            _ => panic!("{path:?} is something else"),
        }
    }
    accounted(&image, &extents, &many);
    if installed("fsck.fat") {
        run(Command::new("fsck.fat").arg("-n").arg(file(&image).path()));
    }
}

#[test]
fn fats_of_other_tools_are_read() {
    if !installed("mkfs.fat") || !installed("mcopy") {
        return;
    }
    for (bits, size) in [("12", 2u64), ("16", 20), ("32", 40)] {
        // What fits the smallest, whose root has 512 entries.
        let small = |seed: &u64| (10..40).contains(&fitting(*seed).walk().len());
        for seed in (0..).filter(small).take(4) {
            // Others write short names of what a code page has; here only ASCII is read without a long one. And
            // mtools 4.0.32 writes broken short names when a `~` stands in the wrong place.
            let letter =
                |byte: u8| if byte.is_ascii() && byte != b'~' { char::from(byte) } else { '_' };
            let tree = named(seed, letter);
            let folder = tempfile::tempdir().expect("a folder");
            let image = folder.path().join("image");
            std::fs::File::create(&image).expect("a file").set_len(size << 20).expect("a size");
            run(Command::new("mkfs.fat")
                .args(["-F", bits, "-i", "1234abcd", "-n", "LABEL"])
                .arg(&image));
            // mkfs.fat makes FATs of any size; what has more than fits is left out.
            let mut expected = Tree::new(Meta { modified: EARLIEST, ..Meta::root(0o755) });
            for (path, id) in tree.walk().split_off(1) {
                let text = std::str::from_utf8(&path).expect("UTF-8").to_owned();
                let inner = format!("::{text}");
                match &tree.inode(id).kind {
                    Kind::File(data) if data.size() < 9_000 => {
                        let from = folder.path().join("file");
                        std::fs::write(&from, data.bytes().expect("bytes")).expect("written");
                        run(Command::new("mcopy").arg("-i").args([&image, &from]).arg(inner));
                        expected.add(&path, meta(0o644), Kind::File(data.clone())).expect("one");
                    }
                    Kind::Folder(_) => {
                        run(Command::new("mmd").arg("-i").arg(&image).arg(inner));
                        let kind = Kind::Folder(Default::default());
                        expected.add(&path, meta(0o755), kind).expect("one");
                    }
                    _ => {}
                }
            }
            // Names that are gone leave their entries.
            let gone = folder.path().join("file");
            std::fs::write(&gone, "x").expect("written");
            run(Command::new("mcopy")
                .arg("-i")
                .args([&image, &gone])
                .arg("::a long name for nothing"));
            run(Command::new("mdel").arg("-i").arg(&image).arg("::a long name for nothing"));
            let Volume { tree, label, volume, width, .. } =
                read(&Data::of(std::fs::read(&image).expect("it"))).expect("a FAT");
            assert_eq!((label.as_str(), volume), ("LABEL", 0x1234_abcd));
            assert_eq!(bits, ["12", "16", "32"][width as usize]);
            let parts = |tree: &Tree| -> Vec<_> {
                let part = |(path, id)| match &tree.inode(id).kind {
                    Kind::File(data) => (path, Some(data.digest())),
                    _ => (path, None),
                };
                tree.walk().into_iter().map(part).collect()
            };
            assert_eq!(parts(&tree), parts(&expected));
        }
    }
}

#[test]
fn the_bytes_stay_and_the_order_of_adding_does_not_count() {
    let mut digests = Vec::new();
    for width in [Width::Fat12, Width::Fat16, Width::Fat32] {
        let tree = fitting(7);
        let options = Options {
            width: Some(width),
            label: "ESP".to_owned(),
            modified: TIME,
            ..Options::smallest(0xcafe_f00d)
        };
        let (image, _) = written(&tree, &options);
        let mut other = Tree::new(tree.inode(tree.root()).meta.clone());
        let mut walk = tree.walk().split_off(1);
        walk.sort_by_key(|(path, _)| {
            let depth = path.iter().filter(|byte| **byte == b'/').count();
            (depth, std::cmp::Reverse(path.clone()))
        });
        for (path, id) in walk {
            let inode = tree.inode(id).clone();
            other.add(&path, inode.meta, inode.kind).expect("an entry");
        }
        assert!(written(&other, &options).0 == image);
        digests.push(Blake3::of(&image).to_string());
    }
    assert_eq!(
        digests,
        [
            "c681bac67914e1d1c27d5ff03238a036a783cdefe16e2692e75a6d7c30846410",
            "deba751254c0c791e680575e6a6506c09a9aa7baf16ecacb49738db51ed0a07e",
            "d3362641def3b5874baa4490f8230b388936eaede8e076c773b3a1e9f5fabc40"
        ]
    );
}

#[test]
fn damage_is_refused_or_read_and_never_panics() {
    let mut noticed = 0;
    let mut random = Random::new(5);
    for (width, seed) in [(Width::Fat12, 4), (Width::Fat16, 1), (Width::Fat32, 6)] {
        let options =
            Options { width: Some(width), label: "ESP".to_owned(), ..Options::smallest(1) };
        let (image, extents) = written(&fitting(seed), &options);
        // Where something is: damage of what is free says nothing.
        let used = extents
            .iter()
            .filter(|extent| !matches!(extent.part, Part::Structure("free clusters" | "padding")));
        let used: Vec<_> = used.map(|extent| (extent.offset, extent.size.min(4_096))).collect();
        for _ in 0..cases(40) {
            let mut image = image.clone();
            for _ in 0..1 + random.below(3) {
                // Half of the time in the first sector, where most is said.
                let (offset, size) = if random.chance(2) { (0, 96) } else { *random.pick(&used) };
                let at = (offset + random.below(size)) as usize;
                image[at] = match random.below(3) {
                    0 => image[at] ^ 1 << random.below(8),
                    1 => 0xff,
                    _ => random.next() as u8,
                };
            }
            if random.chance(8) {
                image.truncate(random.below(image.len() as u64) as usize);
            }
            noticed += usize::from(read(&Data::of(image)).is_err());
        }
        for size in [0, 1, 511, 512, 513, 1_000, 40_000, image.len() - 1] {
            assert!(read(&Data::of(&image[..size])).is_err(), "{size} bytes");
        }
    }
    assert!(noticed > 60, "{noticed} were noticed");
}

#[test]
fn each_rule_of_the_reader_is_kept() {
    let mut tree = Tree::new(Meta::root(0o755));
    tree.add(b"folder", meta(0o755), Kind::Folder(Default::default())).expect("one");
    tree.add(b"folder/long name", meta(0o644), Kind::File(Data::of(vec![1; 3_000]))).expect("one");
    tree.add(b"folder/z", meta(0o644), Kind::File(Data::of(vec![2; 600]))).expect("one");
    let options = Options { modified: TIME, ..Options::smallest(1) };
    let (image, extents) = written(&tree, &options);
    let offset = |path: &[u8]| {
        let id = tree.find(path).expect("it");
        let own = extents.iter().find(|extent| extent.part == Part::Inode(id)).expect("one");
        own.offset as usize
    };
    let (root, folder, table) = (offset(b""), offset(b"folder"), 512usize);
    assert_eq!(&image[table..table + 3], [0xf8, 0xff, 0xff], "one reserved sector");
    let copy =
        image[table..].windows(3).rposition(|at| at == [0xf8, 0xff, 0xff]).expect("two") + table;
    let with = |changes: &[(usize, &[u8])]| {
        let mut image = image.clone();
        for (at, bytes) in changes {
            image[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        read(&Data::of(image)).expect_err("damage").to_string()
    };
    // Entries of the table, 12 bits each: 2 is the folder, 3 to 8 the first file, 9 and 10 the second.
    let entry = |at: usize, value: u16| {
        let start = at + at / 2;
        let old = u16::from_le_bytes([image[table + start], image[table + start + 1]]);
        let new = if at.is_multiple_of(2) { old & 0xf000 | value } else { old & 0xf | value << 4 };
        [(table + start, new.to_le_bytes()), (copy + start, new.to_le_bytes())]
    };
    let chained = |at, value| {
        let [one, two] = entry(at, value);
        with(&[(one.0, &one.1), (two.0, &two.1)])
    };
    assert_eq!(
        chained(3, 3),
        "the clusters of `folder/long name` run into others or themselves at cluster 3"
    );
    assert_eq!(chained(3, 0), "the clusters of `folder/long name` leave the FAT at cluster 0");
    assert_eq!(
        chained(3, 0x7ff),
        "the clusters of `folder/long name` leave the FAT at cluster 2047"
    );
    assert_eq!(
        chained(4, 0xfff),
        "the clusters of `folder/long name` are more or fewer than its size needs at cluster 4"
    );
    assert_eq!(
        chained(8, 9),
        "the clusters of `folder/long name` are more or fewer than its size needs at cluster 10"
    );
    assert_eq!(chained(20, 21), "cluster 20 is in use and belongs to nothing");
    assert_eq!(
        chained(1, 0x7ff),
        "no FAT: the start of the file allocation table at 0x200 is 0x7ff, not 0xfff"
    );
    let [one, _] = entry(20, 1);
    assert_eq!(with(&[(one.0, &one.1)]), "the copies of the file allocation table differ");
    assert_eq!(with(&[(11, &[0, 4])]), "no FAT: BPB_BytsPerSec at 0xb is 0x400");
    assert_eq!(with(&[(13, &[3])]), "no FAT: BPB_SecPerClus at 0xd is 0x3");
    assert_eq!(with(&[(16, &[1])]), "no FAT: BPB_NumFATs at 0x10 is 0x1, not 0x2");
    assert_eq!(with(&[(22, &[1])]), "no FAT: BPB_FATSz16 at 0x16 is 0x1");
    assert_eq!(with(&[(510, &[0])]), "no FAT: Signature_word at 0x1fe is 0xaa00, not 0xaa55");
    assert_eq!(
        with(&[(19, &[1, 8])]),
        "the FAT has 1.0 MiB (1,049,088), 512 bytes more than the image of 1.0 MiB (1,048,576)"
    );
    // The folder: itself, the one above, a long name of one part, its short name, a short name in two.
    let at = |entry: usize, byte: usize| folder + entry * 32 + byte;
    for (change, entry, why) in [
        (at(0, 26), 0, "is not the folder itself or the one above"),
        (at(1, 0), 1, "is not the folder itself or the one above"),
        (at(2, 0), 2, "is no part of a long name"),
        (at(2, 13), 3, "has no possible name"),
        (at(2, 11), 2, "has no possible name"),
        (at(3, 24), 3, "has no possible time"),
        (at(3, 0), 3, "has no possible name"),
        (at(6, 3), 6, "is the end, and something follows or comes before"),
    ] {
        let message = format!("entry {entry} of the folder `folder` {why}");
        assert_eq!(with(&[(change, &[0x80 | 0x21])]), message, "byte {}", change - folder);
    }
    assert_eq!(
        with(&[(root + 32 + 28, &[1])]),
        "entry 1 of the folder `` is a folder with a size or without clusters"
    );
}

#[test]
fn what_a_fat_cannot_hold_is_told_at_once() {
    let mut tree = Tree::new(Meta { owner: 7, ..Meta::root(0o755) });
    let data = || Kind::File(Data::of(*b"x"));
    let file = tree.add(b"a", meta(0o644), data()).expect("one");
    tree.link(b"b", file).expect("one");
    tree.add(b"c", meta(0o777), Kind::Symlink(b"a".to_vec())).expect("one");
    tree.add(b"d", meta(0o600), Kind::Block { major: 8, minor: 0 }).expect("one");
    tree.add(b"e", meta(0o4755), data()).expect("one");
    let attributes = [(b"user.x".to_vec(), b"y".to_vec())].into();
    tree.add(b"f", Meta { attributes, ..meta(0o644) }, data()).expect("one");
    for name in [&b"g:h"[..], b"i.", b"j ", b"k\x01", b"l\xff", b"Twin", b"tWIN"] {
        tree.add(name, meta(0o644), data()).expect("one");
    }
    #[derive(Debug)]
    struct Huge;
    impl tarsia_image::content::Content for Huge {
        fn size(&self) -> u64 {
            1 << 32
        }
        fn digest(&self) -> Blake3 {
            Blake3([0; 32])
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<()> {
            Err(std::io::ErrorKind::Other.into())
        }
    }
    tree.add(b"m", meta(0o644), Kind::File(Data::new(Huge))).expect("one");
    let mut path = b"n".to_vec();
    tree.add(&path, meta(0o755), Kind::Folder(Default::default())).expect("one");
    for _ in 0..20 {
        path.extend(b"/");
        path.extend([b'x'; 210]);
        tree.add(&path, meta(0o755), Kind::Folder(Default::default())).expect("one");
    }
    tree.add(b"o", meta(0o755), Kind::Folder(Default::default())).expect("one");
    for at in 0..32_768 {
        tree.add(format!("o/{at:05}x").as_bytes(), meta(0o644), data()).expect("one");
    }
    let error = write(&tree, &Options::smallest(1), &mut Vec::new()).expect_err("refusals");
    let FatError::Refused { refusals } = &error else { panic!("{error}") };
    let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "`/` belongs to 7:0; everything in a FAT belongs to root",
            "`b` is another name of `a`",
            "`c` is a symbolic link",
            "`d` is a block device",
            "`e` has the mode 0o4755; a FAT has no set-user-ID, set-group-ID and sticky bits",
            "`f` has 1 extended attributes",
            "`g:h` is not possible: its name has one of \" * / : < > ? \\ |",
            "`i.` is not possible: its name ends with a dot or a space",
            "`j ` is not possible: its name ends with a dot or a space",
            "`k\\u{1}` is not possible: its name has a control character",
            "`l\u{fffd}` is not possible: its name is not UTF-8",
            "`m` has 4.0 GiB (4,294,967,296), 1 byte more than the largest file of a FAT",
            &format!(
                "`n/{}…` has 4221 bytes; paths of up to 4096 bytes can be followed",
                "x".repeat(38)
            ),
            "`tWIN` and `Twin` differ only in upper and lower case",
            "the names in `o` take 65,538 entries; a folder has at most 65,536",
        ]
    );
    let listed = error.to_string();
    assert!(listed.starts_with("a FAT cannot hold 15 things of the tree: `/` belongs"), "{listed}");

    let one = |options: &Options| {
        let mut tree = Tree::new(Meta::root(0o755));
        tree.add(b"a", meta(0o644), Kind::File(Data::of(vec![1; 2 << 20]))).expect("one");
        write(&tree, options, &mut Vec::new()).map(|_| ()).map_err(|error| error.to_string())
    };
    let smallest = || Options { modified: TIME, ..Options::smallest(1) };
    assert_eq!(one(&smallest()), Ok(()));
    for (options, message) in [
        (
            Options { size: Some(1 << 20), free: 10_000, ..smallest() },
            "the files take 2.0 MiB (2,107,392) in clusters of 512 bytes, 1,081,856 bytes more than the 1001.5 KiB \
             (1,025,536) of a FAT of 1.0 MiB (1,048,576), of which 9.7 KiB (10,000) are to be free",
        ),
        (
            Options { size: Some(1_000_000), ..smallest() },
            "a FAT of 976.5 KiB (1,000,000) has 64 bytes more than whole sectors of 512 bytes",
        ),
        (
            Options { size: Some(4 << 20), width: Some(Width::Fat32), ..smallest() },
            "4.0 MiB (4,194,304) are too small for FAT32",
        ),
        (Options { free: 1 << 43, ..smallest() }, "the files are too large for a FAT"),
        (Options { free: u64::MAX, ..smallest() }, "the files are too large for a FAT"),
        (
            Options { modified: 0, ..smallest() },
            "0 seconds after 1970 are not in the years 1980 to 2107, as times of a FAT are",
        ),
        (Options { label: "esp".into(), ..smallest() }, "`esp` cannot be the label of a FAT:"),
        (
            Options { label: "TWELVE CHARS".into(), ..smallest() },
            "`TWELVE CHARS` cannot be the label",
        ),
    ] {
        let found = one(&options).expect_err(message);
        assert!(found.starts_with(message), "{found}");
    }
    let unread = Tree::new(Meta::root(0o755));
    let mut unread = unread;
    #[derive(Debug)]
    struct Gone;
    impl tarsia_image::content::Content for Gone {
        fn size(&self) -> u64 {
            10
        }
        fn digest(&self) -> Blake3 {
            Blake3([0; 32])
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<()> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }
    unread.add(b"gone", meta(0o644), Kind::File(Data::new(Gone))).expect("one");
    let error = write(&unread, &smallest(), &mut Vec::new()).expect_err("no content");
    assert_eq!(error.to_string(), "read 10 bytes at 0 of `gone`");
}
