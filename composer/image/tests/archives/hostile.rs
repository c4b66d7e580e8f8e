//! Archives that would harm whoever unpacks them, or are damaged.

use std::io::Write as _;

use super::{Fields, Tar, ar, deb, record, sum};

pub fn tar() -> Tar {
    Tar::default()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 6);
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

pub fn zst(bytes: &[u8]) -> Vec<u8> {
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
pub fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
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
