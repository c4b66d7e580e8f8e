//! The largest and the strangest that an inode can have, and what it cannot.

use std::collections::BTreeMap;
use std::io::Cursor;

use tarsia_image::content::Data;
use tarsia_image::ext4::{Options, WriteError, read, write};
use tarsia_image::tree::{Kind, Meta, Tree};

use crate::linux::{Image, judged};
use crate::trees::cases;
use crate::{image, smallest};

fn folder() -> Kind {
    Kind::Folder(BTreeMap::new())
}

fn file() -> Kind {
    Kind::File(Data::of(*b"content"))
}

/// Is in order, and comes back.
fn is_in_order(tree: &Tree) {
    let back = read(&Data::of(image(tree, &smallest()).0)).expect("own image");
    assert!(back.tree == *tree, "{:?}\n{tree:?}", back.tree);
    judged(tree, &smallest(), "edges");
}

#[test]
fn the_largest_values_are_in_order() {
    let mut tree = Tree::new(Meta::root(0o1777));
    for (at, modified) in [0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_8000_0000, 0x3_7fff_ffff]
        .into_iter()
        .enumerate()
    {
        let meta = Meta { modified, owner: u32::MAX - 1, group: 65_536, ..Meta::root(0o7777) };
        tree.add(format!("time {at}").as_bytes(), meta, file()).expect("new");
    }
    for (at, (major, minor)) in
        [(0, 0), (255, 255), (256, 0), (0, 256), (4_095, 0xf_ffff)].into_iter().enumerate()
    {
        let meta = Meta::root(0o660);
        let path = format!("device {at}");
        tree.add(format!("{path} c").as_bytes(), meta.clone(), Kind::Character { major, minor })
            .expect("new");
        tree.add(format!("{path} b").as_bytes(), meta, Kind::Block { major, minor }).expect("new");
    }
    for size in [1, 59, 60, 61, 4_095] {
        let link = Kind::Symlink(vec![b'/'; size]);
        tree.add(format!("link {size}").as_bytes(), Meta::root(0o777), link).expect("new");
    }
    let names = [vec![0xff; 255], b"\x01".to_vec(), b"...".to_vec(), vec![0xe2, 0x28, 0xa1]];
    for name in names {
        tree.add(&name, Meta::root(0o644), folder()).expect("new");
    }
    is_in_order(&tree);
}

#[test]
fn attributes_are_in_order_wherever_they_stand() {
    let list = b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x05\0\x70\x11\x01\0\x04\0\x05\0\xff\xff\xff\xff\
        \x10\0\x05\0\xff\xff\xff\xff\x20\0\x04\0\xff\xff\xff\xff";
    let name = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    let long = format!("user.{}", "n".repeat(250));
    let sets = [
        vec![name("security.capability", b"\0\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0")],
        vec![name("security.selinux", b"system_u:object_r:bin_t:s0\0")],
        vec![name("user.empty", b""), name("trusted.empty", b"")],
        vec![name(&long, b"long")],
        vec![name("user.large", &[1; 4_000])],
        vec![name("user.a", &[2; 60]), name("user.b", &[3; 2_000]), name("user.c", b"")],
        (0..100).map(|at| name(&format!("user.{at}"), &[at; 12])).collect(),
    ];
    let mut tree = Tree::new(Meta::root(0o755));
    for (at, set) in sets.into_iter().enumerate() {
        let meta = Meta { attributes: set.into_iter().collect(), ..Meta::root(0o755) };
        tree.add(format!("file {at}").as_bytes(), meta.clone(), file()).expect("new");
        tree.add(format!("folder {at}").as_bytes(), meta, folder()).expect("new");
    }
    let lists = [name("system.posix_acl_access", list), name("system.posix_acl_default", list)];
    // The bits of the group are the list's mask.
    let meta = Meta { attributes: BTreeMap::from(lists), ..Meta::root(0o754) };
    tree.add(b"listed", meta, folder()).expect("new");
    is_in_order(&tree);
}

#[test]
fn lost_and_found_may_be_the_trees() {
    for (meta, full) in [
        (Meta::root(0o700), false),
        (Meta { modified: 1_700_000_000, ..Meta::root(0o700) }, true),
        (Meta { modified: 1_700_000_000, ..Meta::root(0o750) }, false),
    ] {
        let mut tree = Tree::new(Meta::root(0o755));
        tree.add(b"a", Meta::root(0o755), folder()).expect("new");
        tree.add(b"lost+found", meta, folder()).expect("new");
        tree.add(b"z", Meta::root(0o755), folder()).expect("new");
        if full {
            tree.add(b"lost+found/found", Meta::root(0o755), file()).expect("new");
        }
        is_in_order(&tree);
    }
}

#[test]
fn as_many_names_as_can_be() {
    let mut tree = Tree::new(Meta::root(0o755));
    let id = tree.add(b"a", Meta::root(0o644), file()).expect("new");
    for at in 1..65_000 {
        tree.link(format!("{at}").as_bytes(), id).expect("new");
    }
    let image = Image::new(&tree, &smallest());
    image.check();
    assert!(image.back().expect("own image") == tree);
    tree.link(b"b", id).expect("new");
    let error = write(&tree, &smallest(), &mut Cursor::new(Vec::new())).expect_err("one too many");
    assert!(matches!(&error, WriteError::Names { names: 65_001, .. }), "{error}");
    if cases(1) < 100 {
        return;
    }
    // A folder of more folders than its inode can count. Each takes a block.
    for count in [64_997, 64_998] {
        let mut tree = Tree::new(Meta::root(0o755));
        for at in 0..count {
            tree.add(format!("{at}").as_bytes(), Meta::root(0o755), folder()).expect("new");
        }
        is_in_order(&tree);
    }
}

#[test]
fn what_ext4_cannot_hold_is_refused_by_name() {
    let refused = |meta: Meta, kind: Kind| {
        let mut tree = Tree::new(Meta::root(0o755));
        tree.add(b"dir", Meta::root(0o755), folder()).expect("new");
        tree.add(b"dir/it", meta, kind).expect("new");
        let out = &mut Cursor::new(Vec::new());
        write(&tree, &smallest(), out).expect_err("not possible").to_string()
    };
    let with = |name: &str, size: usize| Meta {
        attributes: BTreeMap::from([(name.as_bytes().to_vec(), vec![7; size])]),
        ..Meta::root(0o644)
    };
    let late = Meta { modified: 0x3_8000_0000, ..Meta::root(0o644) };
    let device = Kind::Character { major: 4_096, minor: 3 };
    let prefix =
        "names start with `user.`, `trusted.` or `security.`, or are those of access control lists";
    for (meta, kind, message) in [
        (late, file(), "the time of `dir/it` is 15032385536 s after 1970; ext4 ends at 15,032,385,535".into()),
        (
            Meta::root(0o644),
            device,
            "`dir/it` is device 4096:3; up to 4095:1048575 is possible".into(),
        ),
        (with("other.x", 1), file(), format!("`dir/it` cannot have the attribute `other.x` in ext4: {prefix}")),
        (with("system.data", 1), file(), format!("`dir/it` cannot have the attribute `system.data` in ext4: {prefix}")),
        (
            with("user.", 1),
            file(),
            "`dir/it` cannot have the attribute `user.` in ext4: nothing follows after the point".into(),
        ),
        (
            with("system.posix_acl_access", 1),
            file(),
            "`dir/it` cannot have the attribute `system.posix_acl_access` in ext4: its value is no access control list".into(),
        ),
        (
            with("user.large", 4_080),
            file(),
            "the attributes of `dir/it` take 4140 bytes beside its inode; a block has 4,096".into(),
        ),
    ] {
        assert_eq!(refused(meta, kind), message);
    }
    let mut tree = Tree::new(Meta::root(0o755));
    tree.add(b"lost+found", Meta::root(0o755), file()).expect("new");
    let error = write(&tree, &smallest(), &mut Cursor::new(Vec::new())).expect_err("a file");
    assert!(matches!(error, WriteError::LostFound), "{error}");
    let tree = Tree::new(Meta::root(0o755));
    let label = Options { label: b"seventeen letters".to_vec(), ..smallest() };
    let error = write(&tree, &label, &mut Cursor::new(Vec::new())).expect_err("a label");
    assert!(matches!(error, WriteError::Label { bytes: 17 }), "{error}");
    let made = Options { made: 0x3_8000_0000, ..smallest() };
    let error = write(&tree, &made, &mut Cursor::new(Vec::new())).expect_err("a time");
    assert!(matches!(error, WriteError::Made { seconds: 0x3_8000_0000 }), "{error}");
}
