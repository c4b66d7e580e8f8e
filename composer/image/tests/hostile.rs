//! Archives that would harm whoever unpacks them are refused, each for what is wrong with it.

mod archives;

use archives::hostile::{gzip, hostile, tar, xz, zst};
use archives::{Fields, SMALL, deb, named, policy, read, read_inside, record, sum};
use proptest::prelude::*;
use tarsia_image::archive::{ArchiveError, Policy};
use tarsia_image::tree::Kind;

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
