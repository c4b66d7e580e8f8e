//! Archives that would harm whoever unpacks them are refused, each for what is wrong with it.

mod archives;

use std::io::Write as _;

use archives::{Fields, SMALL, Tar, ar, deb, named, policy, read, read_inside, record, sum};
use proptest::prelude::*;
use tarsia_image::archive::{ArchiveError, Policy};
use tarsia_image::tree::Kind;

fn tar() -> Tar {
    Tar::default()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 6);
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

fn cut(mut bytes: Vec<u8>, by: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - by);
    bytes
}

/// Changes a byte of the first header and makes its checksum right again.
fn with_field(at: usize, text: &[u8]) -> Vec<u8> {
    let mut bytes = tar().file("a", b"x").end();
    bytes[at..at + text.len()].copy_from_slice(text);
    sum(&mut bytes[..512]);
    bytes
}

/// Name, archive, and the error it has to be refused with.
fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let long = |count: usize| vec![b'a'; count];
    let huge = "d/".repeat(2_100);
    vec![
        // Out by the path.
        ("absolute path", tar().file("/etc/passwd", b"x").end(), "Path"),
        ("upwards", tar().file("../x", b"x").end(), "Path"),
        ("upwards inside", tar().file("a/../../x", b"x").end(), "Path"),
        ("upwards that would stay", tar().file("a/../x", b"x").end(), "Path"),
        ("upwards at the end", tar().folder("a/..").end(), "Path"),
        ("upwards, in pax", tar().pax(&[(b"path", b"../x")]).file("x", b"").end(), "Path"),
        ("absolute, in pax", tar().pax(&[(b"path", b"/x")]).file("x", b"").end(), "Path"),
        ("upwards, GNU name", tar().extension(b'L', b"../x\0").file("x", b"").end(), "Path"),
        ("empty path", tar().file("", b"x").end(), "Path"),
        ("the root as a file", tar().file(".", b"x").end(), "Duplicate"),
        ("NUL in pax", tar().pax(&[(b"path", b"a\0b")]).file("x", b"").end(), "Extended"),
        ("NUL in a GNU name", tar().extension(b'L', b"a\0b\0").file("x", b"").end(), "Extended"),
        ("a long part", tar().pax(&[(b"path", &long(256))]).file("x", b"").end(), "Path"),
        ("a long path", tar().pax(&[(b"path", huge.as_bytes())]).file("x", b"").end(), "Path"),
        // Out through links.
        ("link upwards", tar().symlink("a", "../x").end(), "Outside"),
        ("link to the root", tar().symlink("a", "/").end(), "Outside"),
        ("absolute link", tar().symlink("a", "/etc/passwd").end(), "Outside"),
        ("link up from a folder", tar().symlink("d/a", "../../x").end(), "Outside"),
        ("link far up", tar().symlink("d/e/a", "b/../../../../x").end(), "Outside"),
        (
            "link through a link",
            tar().symlink("d/e/here", "../..").symlink("out", "d/e/here/../x").end(),
            "Outside",
        ),
        (
            "link through a later link",
            tar().symlink("z/out", "../d/e/here/..").symlink("d/e/here", "../..").end(),
            "Outside",
        ),
        ("link in a circle", tar().symlink("a", "b").symlink("b", "a").end(), "LinkLoop"),
        ("link to itself", tar().symlink("a", "a").end(), "LinkLoop"),
        ("file through a link", tar().symlink("d", "e").file("d/x", b"x").end(), "NotFolder"),
        (
            "file through a link to a folder",
            tar().folder("e").symlink("d", "e").file("d/x", b"x").end(),
            "NotFolder",
        ),
        (
            // RUSTSEC-2026-0067: the mode of what a link leads to was changed.
            "folder in place of a link",
            tar().folder("e").symlink("d", "e").folder("d").end(),
            "Duplicate",
        ),
        ("link in place of a folder", tar().folder("d").symlink("d", "e").end(), "Duplicate"),
        (
            "link in place of an implied folder",
            tar().file("d/x", b"").symlink("d", "e").end(),
            "Duplicate",
        ),
        ("empty link", tar().symlink("a", "").end(), "Path"),
        ("NUL in a link", tar().pax(&[(b"linkpath", b"a\0b")]).symlink("x", "y").end(), "Extended"),
        ("hard link upwards", tar().hard_link("a", "../x").end(), "Path"),
        ("absolute hard link", tar().hard_link("a", "/etc/shadow").end(), "Path"),
        ("hard link to nothing", tar().hard_link("a", "b").end(), "HardLink"),
        ("hard link to a later file", tar().hard_link("a", "b").file("b", b"").end(), "HardLink"),
        ("hard link to a folder", tar().folder("b").hard_link("a", "b").end(), "HardLink"),
        ("hard link to a link", tar().symlink("b", "c").hard_link("a", "b").end(), "HardLink"),
        ("hard link to itself", tar().hard_link("a", "a").end(), "HardLink"),
        (
            "hard link with content",
            tar().file("b", b"x").raw(&Fields::new("a", b'1').link("b").size(3), b"abc").end(),
            "Content",
        ),
        // Things that are no files.
        ("character device", tar().raw(&Fields::new("a", b'3'), b"").end(), "Device"),
        ("block device", tar().raw(&Fields::new("a", b'4'), b"").end(), "Device"),
        ("pipe", tar().raw(&Fields::new("a", b'6'), b"").end(), "Device"),
        ("unknown kind", tar().raw(&Fields::new("a", b'Z'), b"").end(), "Kind"),
        ("another volume", tar().raw(&Fields::new("a", b'M'), b"").end(), "Kind"),
        // Names that are there.
        ("twice", tar().file("a", b"1").file("a", b"2").end(), "Duplicate"),
        (
            "twice, written differently",
            tar().file("a/b", b"1").file("./a//b", b"2").end(),
            "Duplicate",
        ),
        ("folder twice", tar().folder("a").folder("a/").end(), "Duplicate"),
        ("file over a folder", tar().folder("a").file("a", b"").end(), "Duplicate"),
        ("file in a file", tar().file("a", b"").file("a/b", b"").end(), "NotFolder"),
        ("case twins", tar().file("a", b"").file("A", b"").end(), "Twins"),
        // CVE-2021-21300: a link and a folder that are one on some file systems.
        ("link and folder twins", tar().symlink("A", "b").file("a/hook", b"").end(), "Twins"),
        ("folder twins", tar().file("A/x", b"").file("a/y", b"").end(), "Twins"),
        ("composition twins", tar().file("\u{e9}", b"").file("e\u{301}", b"").end(), "Twins"),
        ("case twins beyond ASCII", tar().file("\u{e9}", b"").file("\u{c9}", b"").end(), "Twins"),
        // Sizes that lie.
        (
            "size beyond the end",
            tar().raw(&Fields::new("a", b'0').size(9_999), b"x").end(),
            "Truncated",
        ),
        (
            "size of all",
            tar().raw(&Fields::new("a", b'0').size(0o77777777777), b"").end(),
            "TooLarge",
        ),
        (
            "size in 64 bits",
            with_field(124, &[0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
            "TooLarge",
        ),
        ("negative size", with_field(124, &[0xff; 12]), "TooLarge"),
        ("size in words", with_field(124, b"0000000ten!\0"), "Header"),
        ("mode in words", with_field(100, b"rwxr-xr\0"), "Header"),
        ("owner in words", with_field(108, b"nobody!\0"), "Header"),
        ("time in words", with_field(136, b"yesterday..\0"), "Header"),
        (
            "time after the end of time",
            with_field(136, &[0x80, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0]),
            "Header",
        ),
        (
            "folder with content",
            tar().raw(&Fields::new("a", b'5').size(3), b"abc").end(),
            "Content",
        ),
        (
            "old folder with content",
            tar().raw(&Fields::new("a/", b'0').size(3), b"abc").end(),
            "Content",
        ),
        (
            "link with content",
            tar().raw(&Fields::new("a", b'2').link("b").size(600), &[7; 600]).end(),
            "Content",
        ),
        // RUSTSEC-2026-0068, CVE-2025-62518: which of two sizes counts.
        (
            "two sizes",
            tar().pax(&[(b"size", b"0")]).file("a", &tar().file("evil", b"").0).end(),
            "Header",
        ),
        ("pax size that is none", tar().pax(&[(b"size", b"-1")]).file("a", b"").end(), "Extended"),
        (
            "pax record twice",
            tar().pax(&[(b"path", b"a"), (b"path", b"b")]).file("x", b"").end(),
            "Extended",
        ),
        (
            "pax header twice",
            tar().pax(&[(b"path", b"a")]).pax(&[(b"uid", b"1")]).file("x", b"").end(),
            "Extended",
        ),
        (
            "GNU name twice",
            tar().extension(b'L', b"a\0").extension(b'L', b"b\0").file("x", b"").end(),
            "Extended",
        ),
        (
            "GNU name and pax path",
            tar().extension(b'L', b"a\0").pax(&[(b"path", b"b")]).file("x", b"").end(),
            "Header",
        ),
        (
            "pax length that lies",
            tar().extension(b'x', b"99 path=a\n").file("x", b"").end(),
            "Extended",
        ),
        ("pax length of nothing", tar().extension(b'x', b"0 \n").file("x", b"").end(), "Extended"),
        (
            "pax length beyond numbers",
            tar().extension(b'x', b"99999999999999999999 a=b\n").file("x", b"").end(),
            "Extended",
        ),
        (
            "pax without a line's end",
            tar().extension(b'x', b"8 path=ab").file("x", b"").end(),
            "Extended",
        ),
        ("pax of nobody", tar().pax(&[(b"pathh", b"a")]).file("x", b"").end(), "Extended"),
        (
            "pax in another character set",
            tar().pax(&[(b"hdrcharset", b"ISO-8859-1")]).file("x", b"").end(),
            "Extended",
        ),
        (
            "a path for all",
            tar().extension(b'g', &record(b"path", b"a")).file("x", b"").end(),
            "Extended",
        ),
        (
            "a size for all",
            tar().extension(b'g', &record(b"size", b"0")).file("x", b"a").end(),
            "Extended",
        ),
        (
            "huge extended header",
            tar().raw(&Fields::new("x", b'x').size(1 << 30), b"").end(),
            "Extended",
        ),
        ("extended header of nothing", tar().pax(&[(b"path", b"a")]).end(), "Truncated"),
        ("sparse, GNU", tar().raw(&Fields::new("a", b'S'), b"").end(), "Sparse"),
        (
            "sparse, pax",
            tar()
                .pax(&[(b"GNU.sparse.major", b"1"), (b"GNU.sparse.name", b"../x")])
                .file("a", b"")
                .end(),
            "Sparse",
        ),
        // The stream itself.
        ("nothing", Vec::new(), "Truncated"),
        ("text", b"#!/bin/sh\nrm -rf /\n".repeat(40), "Format"),
        ("cut inside a header", tar().file("a", b"").0[..300].to_vec(), "Truncated"),
        ("cut inside a file", tar().file("a", &[1; 2_000]).0[..1_000].to_vec(), "Truncated"),
        ("no end", tar().file("a", b"x").0, "Truncated"),
        (
            "wrong checksum",
            {
                let mut bytes = tar().file("a", b"x").end();
                bytes[0] = b'b';
                bytes
            },
            "Checksum",
        ),
        (
            "more after the end",
            [tar().file("a", b"").end(), tar().file("b", b"").end()].concat(),
            "Trailing",
        ),
        (
            "more in the second gzip member",
            [gzip(&tar().file("a", b"").end()), gzip(&tar().file("b", b"").end())].concat(),
            "Trailing",
        ),
        ("gzip cut", cut(gzip(&tar().file("a", &[3; 9_000]).end()), 9), "CutOff"),
        ("xz cut", cut(xz(&tar().file("a", &[3; 9_000]).end()), 9), "CutOff"),
        ("zstd cut", cut(zst(&tar().file("a", &[3; 9_000]).end()), 3), "CutOff"),
        ("gzip with a tail", [gzip(&tar().file("a", b"").end()), vec![b't'; 20]].concat(), "Read"),
        ("bzip2", b"BZh91AY&SY".repeat(60), "Compression"),
        ("zip", b"PK\x03\x04".repeat(200), "Compression"),
        // Too much.
        (
            "too many",
            (0..1_001).fold(tar(), |tar, at| tar.file(format!("f{at}"), b"")).end(),
            "TooMany",
        ),
        (
            "too many that are stripped or the same",
            (0..1_001).fold(tar(), |tar, _| tar.folder("./")).end(),
            "Duplicate",
        ),
        (
            "too large",
            tar().file("a", &vec![5; 700_000]).file("b", &vec![5; 700_000]).end(),
            "TooLarge",
        ),
        ("a bomb, gzip", gzip(&vec![0; 70 << 20]), "Bomb"),
        ("a bomb, xz", xz(&vec![0; 70 << 20]), "Bomb"),
        ("a bomb, zstd", zst(&vec![0; 70 << 20]), "Bomb"),
        // Packages.
        ("a package cut", ar(&[("debian-binary", b"2.0\n")]), "Deb"),
        ("a package of another version", ar(&[("debian-binary", b"3.0\n")]), "Deb"),
        ("a package in disorder", ar(&[("data.tar", b"")]), "Deb"),
        ("a package without control", ar(&[("debian-binary", b"2.0\n"), ("data.tar", b"")]), "Deb"),
        (
            "two data",
            {
                let data = tar().file("a", b"").end();
                let mut bytes = deb("data.tar", &data);
                bytes.extend(&ar(&[("data.tar", &data)])[8..]);
                bytes
            },
            "Deb",
        ),
        (
            "a package's size in words",
            deb("data.tar", b"").iter().rev().skip(1).rev().copied().chain(*b"x").collect(),
            "Deb",
        ),
        ("a package's member cut", cut(deb("data.tar", &tar().file("a", b"").end()), 10), "Deb"),
        (
            "a package that leads out",
            deb("data.tar.xz", &xz(&tar().file("../a", b"").end())),
            "Path",
        ),
        ("a package with bzip2", deb("data.tar.bz2", b"BZh91AY&SY"), "Compression"),
    ]
}

#[test]
fn refused_by_name() {
    let all = hostile();
    assert!(all.len() > 90);
    for (what, bytes, expected) in all {
        match read(&bytes, policy()) {
            Ok(tree) => panic!("{what}: taken\n{tree:?}"),
            Err(error) => assert_eq!(named(&error), expected, "{what}: {error}"),
        }
        // It stays refused inside of another, and inside of a package.
        let outer = tar().file("inner", &bytes);
        if bytes.len() < 1 << 19 {
            let error = read_inside(&outer.end(), "inner", policy()).expect_err(what);
            assert!(matches!(error, ArchiveError::Inside { .. }), "{what}: {error}");
        }
    }
}

/// What the table's checks could wrongly refuse.
#[test]
fn harmless_is_taken() {
    let archive = tar()
        .folder("./")
        .folder("./usr/")
        .file("usr/bin/tool", b"one")
        .folder("usr/bin")
        .hard_link("usr/bin/other", "./usr/bin/tool")
        .symlink("usr/lib", "bin/../bin")
        .symlink("bin", "usr/bin")
        .symlink("usr/dangling", "../nowhere/x")
        .pax(&[
            (b"path", "usr/\u{fc}".as_bytes()),
            (b"SCHILY.xattr.user.a", b"\0b"),
            (b"mtime", b"12.5"),
        ])
        .file("x", b"two")
        .extension(b'g', &record(b"comment", b"0123"))
        .extension(b'L', &[&[b'l'; 200][..], b"\0"].concat())
        .file("short", b"three")
        .end();
    let tree = read(&archive, policy()).expect("taken");
    for packed in [gzip(&archive), xz(&archive), zst(&archive)] {
        assert_eq!(read(&packed, policy()).expect("taken"), tree);
        assert_eq!(read(&deb("data.tar.x", &packed), policy()).expect("taken"), tree);
        let outer = deb("data.tar", &tar().file("./in/a.tar", &packed).end());
        assert_eq!(read_inside(&outer, "in/a.tar", policy()).expect("taken"), tree);
    }
    let (tool, other) = (tree.find(b"usr/bin/tool"), tree.find(b"usr/bin/other"));
    assert!(tool.is_some() && tool == other);
    let named = tree.inode(tree.find("usr/\u{fc}".as_bytes()).expect("there"));
    assert_eq!((named.meta.modified, named.meta.attributes.len()), (12, 1));
    assert!(tree.find(&[b'l'; 200]).is_some());
    assert!(matches!(&tree.inode(tree.find(b"bin").expect("there")).kind, Kind::Symlink(_)));

    let twins = tar().file("xt_MARK.h", b"").file("xt_mark.h", b"").end();
    let lenient = Policy { twins: true, ..policy() };
    assert_eq!(read(&twins, lenient).expect("taken").inodes().len(), 3);
    let folders = tar().file("A/x", b"").file("a/y", b"").end();
    assert_eq!(named_error(&folders, lenient), "Twins", "only files");

    let devices = tar().raw(&Fields::new("dev/null", b'3'), b"").symlink("init", "/bin/sh").end();
    let system = Policy { devices: true, absolute_links: true, ..policy() };
    assert_eq!(read(&devices, system).expect("taken").inodes().len(), 4);
    let up = tar().symlink("init", "/../bin/sh").end();
    assert_eq!(named_error(&up, system), "Outside");
}

fn named_error(bytes: &[u8], policy: Policy) -> String {
    named(&read(bytes, policy).expect_err("refused"))
}

#[test]
fn folders_are_taken_off() {
    let strip = Policy { strip: 1, ..policy() };
    let archive = tar().folder("top/").file("top/a", b"1").hard_link("top/b", "top/a").end();
    let tree = read(&archive, strip).expect("taken");
    assert_eq!(tree.find(b"a"), tree.find(b"b"));
    assert_eq!(named_error(&tar().file("top", b"").end(), strip), "Strip");
    // It led from `top` to the root before, and leads outside now.
    assert_eq!(named_error(&tar().symlink("top/a", "../b").end(), strip), "Outside");
    let merged = tar().file("one/a", b"").file("two/a", b"").end();
    assert_eq!(named_error(&merged, strip), "Duplicate");
    assert_eq!(named_error(&tar().hard_link("top/a", "top").end(), strip), "HardLink");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// However an archive is damaged, it is read as something sound or refused; what is read has no path and
    /// no link that leads out.
    #[test]
    fn damage_never_leads_out(
        changes in prop::collection::vec((0usize..6_000, any::<u8>()), 1..6),
        mend in any::<bool>(),
        cut_at in prop::option::of(0usize..6_000),
    ) {
        let mut bytes = tar()
            .folder("d").file("d/a", b"abc").symlink("d/l", "../d/a").hard_link("h", "d/a")
            .pax(&[(b"path", b"d/longer")]).file("x", &[1; 600]).end();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
            if mend {
                let block = at / 512 * 512;
                sum(&mut bytes[block..block + 512]);
            }
        }
        if let Some(at) = cut_at {
            bytes.truncate(at.min(bytes.len()));
        }
        if let Ok(tree) = read(&bytes, policy()) {
            for (path, id) in tree.walk() {
                prop_assert!(!path.starts_with(b"/") && !path.split(|b| *b == b'/').any(|p| p == b".."));
                if let Kind::Symlink(target) = &tree.inode(id).kind {
                    prop_assert!(!target.starts_with(b"/"));
                    let depth = path.iter().filter(|b| **b == b'/').count();
                    let ups = target.split(|b| *b == b'/').take_while(|p| *p == b"..").count();
                    prop_assert!(ups <= depth);
                }
            }
            let total: u64 = tree.inodes().iter().map(|inode| match &inode.kind {
                Kind::File(data) => data.size(),
                _ => 0,
            }).sum();
            prop_assert!(total <= SMALL.bytes);
        }
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..3_000), start in 0usize..6) {
        let magic: [&[u8]; 6] = [b"", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"!<arch>\n", b"a\0"];
        let bytes = [magic[start], &bytes].concat();
        prop_assert!(read(&bytes, policy()).is_err());
    }
}
