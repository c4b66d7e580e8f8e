//! What writer and reader of FATs refuse, each with its reason, and that damage never harms the reader.

mod fats;
mod trees;

use fats::{TIME, fitting, meta, written};
use tarsia_image::content::Data;
use tarsia_image::extent::Part;
use tarsia_image::fat::{FatError, Options, Width, read, write};
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;
use trees::{Random, cases};

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
