//! What is remembered of files never shows: after any change, the digests are those that reading
//! everything gives.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tarsia_build::digests::Digests;
use tarsia_build::tree::Tree;
use tarsia_cache::Memo;
use tarsia_model::Code;

/// Looks at a folder, with what is remembered in `memo`, and remembers what was found.
fn look(folder: &Path, memo: &Path) -> Arc<Tree> {
    let digests = Digests::open(Memo::new(memo));
    let tree = digests.tree(folder, "it").expect("readable");
    assert!(digests.is_current(folder, &tree, &[]).expect("readable"));
    let first = tree.files().next().map(|(path, file)| (folder.join(path), file.digest));
    if let Some((path, digest)) = first {
        assert_eq!(digests.file(&path).expect("readable"), digest);
    }
    digests.keep();
    tree
}

#[derive(Clone, Debug)]
enum Change {
    Write(u8, u8, u8),
    Remove(u8, u8),
    Rename(u8, u8, u8),
    Executable(u8, u8, bool),
    /// The same content again, with another time.
    Touch(u8, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let (folder, name) = (0u8..3, 0u8..4);
    prop_oneof![
        4 => (folder.clone(), name.clone(), 0u8..3).prop_map(|(f, n, c)| Change::Write(f, n, c)),
        1 => (folder.clone(), name.clone()).prop_map(|(f, n)| Change::Remove(f, n)),
        1 => (folder.clone(), name.clone(), 0u8..4).prop_map(|(f, n, to)| Change::Rename(f, n, to)),
        1 => (folder.clone(), name.clone(), any::<bool>())
            .prop_map(|(f, n, on)| Change::Executable(f, n, on)),
        1 => (folder, name).prop_map(|(f, n)| Change::Touch(f, n)),
    ]
}

fn apply(root: &Path, change: &Change) {
    use std::os::unix::fs::PermissionsExt as _;

    let at = |folder: &u8, name: &u8| root.join(format!("d{folder}/e/f{name}"));
    match change {
        Change::Write(folder, name, content) => {
            let path = at(folder, name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, [*content; 3]).expect("written");
        }
        // What is not there is not changed.
        Change::Remove(folder, name) => drop(std::fs::remove_file(at(folder, name))),
        Change::Rename(folder, name, to) => drop(std::fs::rename(at(folder, name), at(folder, to))),
        Change::Executable(folder, name, on) => {
            let mode = std::fs::Permissions::from_mode(if *on { 0o755 } else { 0o644 });
            drop(std::fs::set_permissions(at(folder, name), mode));
        }
        Change::Touch(folder, name) => {
            if let Ok(bytes) = std::fs::read(at(folder, name)) {
                std::fs::write(at(folder, name), bytes).expect("written");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_is_remembered_never_shows(rounds in prop::collection::vec(prop::collection::vec(change(), 1..4), 1..8)) {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, memo) = (folder.path().join("root"), folder.path().join("memo"));
        std::fs::create_dir(&root).expect("a folder");
        for changes in rounds {
            changes.iter().for_each(|change| apply(&root, change));
            let with = look(&root, &memo);
            let without = look(&root, &folder.path().join("no memo"));
            std::fs::remove_file(folder.path().join("no memo")).expect("kept");
            prop_assert_eq!(with.digest, without.digest);
            let files = |tree: &Tree| -> Vec<_> {
                tree.files().map(|(path, file)| (path, file.digest, file.executable)).collect()
            };
            prop_assert_eq!(files(&with), files(&without));
        }
    }
}

#[test]
fn a_settled_file_is_not_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, memo) = (folder.path().join("root"), folder.path().join("memo"));
    std::fs::create_dir(&root).expect("a folder");
    std::fs::write(root.join("file"), "one").expect("written");
    look(&root, &memo);
    let young = std::fs::read(&memo).expect("kept");
    // What changed less than a second before it was read is not believed.
    std::thread::sleep(std::time::Duration::from_millis(1200));
    look(&root, &memo);
    let settled = std::fs::read(&memo).expect("kept");
    assert_ne!(young, settled, "now it is remembered");
    look(&root, &memo);
    assert_eq!(std::fs::read(&memo).expect("kept"), settled, "nothing new, nothing is written");
    // A memory that somebody damaged counts as none.
    std::fs::write(&memo, &settled[..settled.len() - 1]).expect("written");
    look(&root, &memo);
    assert_eq!(std::fs::read(&memo).expect("kept"), settled);
}

#[test]
fn links_and_odd_names_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let look = || {
        Digests::open(Memo::new(folder.path().join("memo"))).tree(&folder.path().join("d"), "it")
    };
    std::fs::create_dir_all(folder.path().join("d/target")).expect("a folder");
    std::fs::write(folder.path().join("d/target/junk"), "x").expect("written");
    std::fs::write(folder.path().join("d/.hidden"), "x").expect("written");
    assert_eq!(look().expect("readable").files().count(), 0, "build folders and hidden files");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("d/link")).expect("linked");
    let error = look().expect_err("a link");
    assert_eq!(error.code, Code::OutsideWorkspace);
    assert!(error.message.contains("it/link"), "{}", error.message);
}
