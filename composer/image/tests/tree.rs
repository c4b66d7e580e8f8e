//! Rules of trees: what may be put into one, and that the order in which it is does not count.

mod trees;

use std::collections::BTreeMap;

use tarsia_image::content::Data;
use tarsia_image::tree::{Kind, Meta, Tree, TreeError};
use trees::{Holds, random};

#[test]
fn what_no_file_system_could_hold_is_refused() {
    let mut tree = Tree::new(Meta::root(0o755));
    let file = || Kind::File(Data::of(*b"x"));
    tree.add(b"a", Meta::root(0o644), file()).expect("a file");
    let long = vec![b'x'; 256];
    let cases: [(&[u8], &str); 10] = [
        (b"", "`/` is already there"),
        (b"a", "`a` is already there"),
        (b"/b", "`/b` is not a path inside an image: it has an empty part"),
        (b"b/", "`b/` is not a path inside an image: it has an empty part"),
        (b"../b", "`../b` is not a path inside an image: it has a part `.` or `..`"),
        (b"./b", "`./b` is not a path inside an image: it has a part `.` or `..`"),
        (b"b\0c", "`b\\0c` is not a path inside an image: it has a NUL byte"),
        (b"a/b", "`a/b` cannot be put into the image: `a` is no folder there"),
        (b"c/b", "`c/b` cannot be put into the image: `c` is no folder there"),
        (&long, "is not a path inside an image: a part of it is longer than 255 bytes"),
    ];
    for (path, message) in cases {
        let error = tree.add(path, Meta::root(0o644), file()).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
        let id = tree.find(b"a").expect("it");
        assert_eq!(tree.link(path, id).expect_err(message).to_string(), error);
    }
    let too_wide = tree.add(b"m", Meta::root(0o10_644), file()).expect_err("a mode");
    assert_eq!(too_wide, TreeError::Mode { path: "m".to_owned(), mode: 0o10_644 });
    for bytes in [0, 4_096] {
        let link = Kind::Symlink(vec![b'x'; bytes]);
        let error = tree.add(b"l", Meta::root(0o777), link).expect_err("a target");
        assert_eq!(error, TreeError::Target { path: "l".to_owned(), bytes });
    }
    tree.folders_above(b"d/e/f", &Meta::root(0o755)).expect("folders");
    let folder = tree.find(b"d/e").expect("a folder");
    assert!(matches!(tree.link(b"g", folder), Err(TreeError::FolderLink { .. })));
    assert_eq!(tree.walk().len(), 4, "{tree:?}");
}

#[test]
fn the_order_of_adding_does_not_count() {
    for seed in 0..200 {
        let tree = random(seed, Holds::ALL);
        let mut other = Tree::new(tree.inode(tree.root()).meta.clone());
        let mut ids = BTreeMap::new();
        let mut walk = tree.walk().split_off(1);
        // Still folders before what is in them: a path is longer than its parents'.
        walk.sort_by_key(|(path, _)| {
            (
                path.iter().filter(|byte| **byte == b'/').count(),
                path.iter().rev().copied().collect::<Vec<_>>(),
            )
        });
        for (path, id) in walk {
            if let Some(known) = ids.get(&id) {
                other.link(&path, *known).expect("a link");
                continue;
            }
            let inode = tree.inode(id);
            let new = other.add(&path, inode.meta.clone(), inode.kind.clone()).expect("an entry");
            ids.insert(id, new);
        }
        assert_eq!(tree, other);
        if !tree.inodes().is_empty() && tree.inodes().len() > 1 {
            other.add(b"one more", Meta::root(0o644), Kind::Fifo).expect("an entry");
            assert_ne!(tree, other);
        }
    }
}
