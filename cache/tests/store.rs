//! The store on a real disk: what goes in comes out, with modes, times and locks as the system has them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tarsia_cache::{ActionResult, CacheError, Limits, Output, Store};
use tarsia_model::Blake3;

/// Longer than a clock of a file system stands still.
const TICK: Duration = Duration::from_millis(30);

fn folder() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { size: 100_000, reserve_percent: 0, reserve_bytes: 1 };
    let store = Store::new(folder.path().join("a/store")).with_limits(limits);
    (folder, store)
}

fn blob(store: &Store, digest: Blake3) -> PathBuf {
    let name = digest.to_string();
    store.root().join("blobs").join(&name[..1]).join(name)
}

fn result(outputs: &[(&str, Output)]) -> ActionResult {
    let outputs = outputs.iter().map(|(name, output)| ((*name).to_owned(), *output));
    ActionResult { outputs: outputs.collect(), ..ActionResult::default() }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode()
}

#[test]
fn gives_back_what_was_put() -> Result<(), CacheError> {
    let (_folder, store) = folder();
    assert_eq!(store.get(Blake3::of(b"hello"))?, None);
    for bytes in [&b"hello"[..], b"", &[7; 200_000]] {
        let digest = store.put(bytes)?;
        assert_eq!(store.put(bytes)?, digest);
        assert_eq!(store.get(digest)?.as_deref(), Some(bytes));
    }
    assert_eq!(store.stats()?.blobs.count, 3);
    Ok(())
}

#[test]
fn files_go_in_and_out() -> Result<(), CacheError> {
    let (folder, store) = folder();
    let source = folder.path().join("tool");
    let content: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&source, &content).expect("written");
    std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o755)).expect("set");
    let output = store.put_file(&source)?;
    assert_eq!(output, Output { executable: true, ..Output::of(&content) });
    assert_eq!(store.put_file(&source)?, output);

    // As long as a name can be.
    let to = folder.path().join("n".repeat(255));
    std::fs::write(&to, "what was there").expect("written");
    assert!(!store.deliver(Blake3::of(b"other"), &to, true)?);
    assert_eq!(std::fs::read(&to).expect("readable"), b"what was there");
    assert!(store.deliver(output.digest, &to, true)?);
    assert_eq!(std::fs::read(&to).expect("readable"), content);
    assert_ne!(mode(&to) & 0o100, 0);
    assert!(store.deliver(output.digest, &to, false)?);
    assert_eq!(mode(&to) & 0o111, 0);
    // What is delivered is another file: writing to it does not reach the store.
    std::fs::write(&to, "mine").expect("written");
    assert_eq!(store.get(output.digest)?, Some(content));

    std::fs::write(blob(&store, output.digest), "damaged").expect("written");
    assert!(!store.deliver(output.digest, &to, false)?);
    assert_eq!(std::fs::read(&to).expect("readable"), b"mine");
    assert_eq!(store.stats()?.damaged.count, 1);
    let error = store.deliver(store.put(b"x")?, Path::new("/nowhere/file"), false);
    let error = error.expect_err("there is no such folder").to_string();
    assert!(error.contains("cannot make `/nowhere/.tarsia-"), "{error}");
    Ok(())
}

#[test]
fn what_was_removed_is_made_again() -> Result<(), CacheError> {
    let (_folder, store) = folder();
    let output = Output::of(b"x");
    for part in ["", "blobs", "tmp", "results", "blobs/f", "sessions", "damaged"] {
        store.put(b"x")?;
        store.record(Blake3::of(b"key"), &result(&[("x", output)]))?;
        std::fs::remove_dir_all(store.root().join(part)).expect("there");
        // The same store, which knows that it had made all folders.
        assert!(store.recall(Blake3::of(b"key"))?.is_none() || !["", "blobs"].contains(&part));
        store.gc(u64::MAX, &BTreeSet::new())?;
        let lease = store.lease()?;
        lease.put(b"x")?;
        lease.record(Blake3::of(b"key"), &result(&[("x", output)]))?;
        assert!(lease.recall(Blake3::of(b"key"))?.is_some(), "{part}");
        std::fs::write(blob(&store, output.digest), "y").expect("written");
        assert_eq!(lease.get(output.digest)?, None);
    }
    Ok(())
}

#[test]
fn the_least_recently_used_goes_first() -> Result<(), CacheError> {
    let (_folder, store) = folder();
    let key = |number: u8| Blake3::of(&[number]);
    for number in 1..=5 {
        let bytes = vec![number; 30_000];
        store.put(&bytes)?;
        store.record(key(number), &result(&[("x", Output::of(&bytes))]))?;
        std::thread::sleep(TICK);
    }
    assert!(store.recall(key(1))?.is_some(), "and used again by this");
    let lease = store.lease()?;
    assert!(lease.recall(key(3))?.is_some());
    std::thread::sleep(TICK);
    let keep: BTreeSet<Blake3> = [key(4)].into();
    let collected = store.gc(store.stats()?.bytes(), &keep)?;
    assert_eq!((collected.results, collected.blobs), (0, 0), "nothing is too much");
    let collected = store.gc(110_000, &keep)?;
    assert_eq!((collected.results, collected.blobs), (2, 2), "{collected:?}");
    assert!(collected.after <= 99_000 && collected.after == store.stats()?.bytes());
    let there = |number| Ok::<_, CacheError>(store.recall(key(number))?.is_some());
    assert_eq!(
        [there(1)?, there(2)?, there(3)?, there(4)?, there(5)?],
        [true, false, true, true, false]
    );
    drop(lease);
    std::thread::sleep(TICK);
    let collected = store.gc(0, &BTreeSet::new())?;
    assert_eq!((collected.results, collected.blobs, collected.after), (3, 3, 0));
    let lost = store.root().join("sessions/lost");
    std::fs::write(&lost, "of a process that was killed").expect("written");
    store.gc(u64::MAX, &BTreeSet::new())?;
    assert!(!lost.exists());
    Ok(())
}

#[test]
fn what_an_older_form_of_the_store_kept_is_removed() -> Result<(), CacheError> {
    let (_folder, store) = folder();
    let digest = store.put(b"x")?;
    let name = digest.to_string();
    let old = |path: &str| {
        let path = store.root().join(path).join(&name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, "x").expect("written");
    };
    let blobs = format!("blobs/{}", &name[..2]);
    for path in [&blobs, "blobs/ff", "actions/00", "actions/a1"] {
        old(path);
    }
    let foreign = store.root().join("blobs/ff/of somebody");
    std::fs::write(&foreign, "").expect("written");
    assert_eq!(store.gc(u64::MAX, &BTreeSet::new())?.leftovers, 4);
    let there = |path: &str| store.root().join(path).exists();
    assert_eq!(["actions", &blobs, "blobs/ff", "blobs/0"].map(there), [false, false, true, true]);
    assert!(foreign.exists(), "what was never ours stays");
    assert_eq!(store.get(digest)?.as_deref(), Some(&b"x"[..]));
    assert_eq!(store.gc(u64::MAX, &BTreeSet::new())?.leftovers, 0);
    Ok(())
}

#[test]
fn names_and_missing_blobs_are_refused() -> Result<(), CacheError> {
    let (_folder, store) = folder();
    let output = Output::of(b"never put");
    let missing = store.record(Blake3::of(b"key"), &result(&[("x", output)]));
    assert!(matches!(missing, Err(CacheError::Missing { .. })));
    store.put(b"never put")?;
    let wrong = store.record(Blake3::of(b"key"), &result(&[("x", Output { size: 1, ..output })]));
    assert!(matches!(wrong, Err(CacheError::Missing { .. })), "not in that size");
    let named = store.record(Blake3::of(b"key"), &result(&[("../x", output)]));
    assert!(matches!(named, Err(CacheError::Name { .. })));
    assert!(store.recall(Blake3::of(b"key"))?.is_none());
    assert_eq!(store.stats()?.temporary.count, 0);
    Ok(())
}
