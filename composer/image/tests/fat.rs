//! FATs against `fsck.fat`, `mtools` and `mkfs.fat`.

mod fats;
mod trees;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use fats::{EARLIEST, TIME, fitting, meta, named, written};
use tarsia_image::content::Data;
use tarsia_image::extent::{Extents, Part};
use tarsia_image::fat::{Options, Volume, Width, read, write};
use tarsia_image::layout::Sector;
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;
use trees::{Random, cases, extracted, installed, many_files};

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
    // More clusters than a FAT16 has; a FAT32 has room for them in 100,000 of 512 bytes and what is around them.
    assert!(image.len() < 64 << 20, "{} bytes", image.len());
    let volume = read(&Data::of(image.clone())).expect("own FAT");
    assert_eq!(volume.width, Width::Fat32);
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
