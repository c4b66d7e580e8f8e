//! Flips bits of blobs and records, and cuts them off: wrong bytes are never delivered, and the next put
//! repairs what was damaged.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use support::memory::Memory;
use support::random::Random;
use support::{cases, script};
use tarsia_cache::{ActionResult, Output, Store};
use tarsia_model::Blake3;

const OBJECTS: u64 = 200;

struct Kept {
    bytes: Vec<u8>,
    key: Blake3,
    result: ActionResult,
}

fn keep(store: &Store, random: &mut Random) -> Vec<Kept> {
    let make = |number: u64| {
        let size = [0, 1, 31, 400, 5_000, 70_000][random.below(6) as usize];
        let mut bytes = random.bytes(size);
        bytes.extend(number.to_le_bytes());
        let outputs = [(format!("out/{number}"), Output::of(&bytes))].into();
        let notes = "n".repeat(random.below(50) as usize);
        let result = ActionResult { outputs, log: Some(Blake3::of(&bytes)), notes };
        Kept { bytes, key: Blake3::of(&number.to_le_bytes()), result }
    };
    let kept: Vec<Kept> = (0..OBJECTS).map(make).collect();
    repair(store, &kept);
    kept
}

fn repair(store: &Store, kept: &[Kept]) {
    for one in kept {
        store.put(&one.bytes).expect("put");
        if store.recall(one.key).expect("readable").is_none() {
            store.record(one.key, &one.result).expect("recorded");
        }
    }
}

/// Spoils a file; says whether it is another now.
fn spoil(memory: &Memory, path: &Path, random: &mut Random) {
    memory.change(path, |data| {
        if random.below(4) == 0 || data.is_empty() {
            data.truncate(random.below(data.len().max(1) as u64) as usize);
        } else {
            let bit = random.below(data.len() as u64 * 8) as usize;
            data[bit / 8] ^= 1 << (bit % 8);
        }
    });
}

#[test]
fn wrong_bytes_are_never_delivered() {
    let memory = script::disk();
    let store = script::open(&memory);
    let mut random = Random(4);
    let kept = keep(&store, &mut random);
    let sound = contents(&memory);
    assert_eq!(sound.len() as u64, 2 * OBJECTS);
    let paths: Vec<PathBuf> = sound.keys().cloned().collect();
    let wanted = cases(10_000);
    let (mut spoilt, mut absent) = (0, 0);
    while spoilt < wanted {
        for _ in 0..100 {
            spoil(&memory, &paths[random.below(paths.len() as u64) as usize], &mut random);
            spoilt += 1;
        }
        for (number, one) in kept.iter().enumerate() {
            let digest = Blake3::of(&one.bytes);
            if let Some(result) = store.recall(one.key).expect("readable") {
                assert_eq!(result, one.result);
            }
            match number % 3 {
                0 => match store.get(digest).expect("readable") {
                    Some(bytes) => assert!(bytes == one.bytes, "wrong bytes"),
                    None => absent += 1,
                },
                1 => {
                    if store.deliver(digest, Path::new("/out/it"), false).expect("readable") {
                        let found = memory.content(Path::new("/out/it")).expect("delivered");
                        assert!(found == one.bytes, "wrong bytes");
                    } else {
                        absent += 1;
                    }
                }
                // Left for the repair to find.
                _ => {}
            }
        }
        repair(&store, &kept);
        let now = contents(&memory);
        assert!(now == sound, "the next put repairs everything");
    }
    assert!(absent > spoilt / 10, "{absent} of {spoilt} were in a blob that was asked for");
    assert!(store.verify().expect("readable").is_sound());
}

/// Nothing but `verify` looks at these files before it.
#[test]
fn verify_finds_all_of_it() {
    let memory = script::disk();
    let store = script::open(&memory);
    let mut random = Random(5);
    let kept = keep(&store, &mut random);
    let sound = contents(&memory);
    for path in sound.keys() {
        if random.below(3) == 0 {
            spoil(&memory, path, &mut random);
        }
    }
    memory.write_file(Path::new("/cache/store/blobs/a/not-a-blob"), b"?");
    let bad = |folder: &str| {
        let now = contents(&memory);
        let in_folder = |path: &Path| path.starts_with(Path::new("/cache/store").join(folder));
        now.iter().filter(|(path, data)| in_folder(path) && sound.get(*path) != Some(data)).count()
    };
    let (blobs, results) = (bad("blobs") as u64 - 1, bad("results") as u64);
    let verified = store.verify().expect("readable");
    assert_eq!((verified.damaged_blobs, verified.damaged_results), (blobs, results));
    assert!(blobs > 10 && results > 10 && verified.dangling > 10, "{verified:?}");
    assert_eq!((verified.strangers, verified.is_sound()), (1, false));
    assert_eq!(store.stats().expect("readable").damaged.count, blobs + results + 1);
    let again = store.verify().expect("readable");
    assert!(again.is_sound(), "{again:?}");
    let whole = kept.iter().filter(|one| store.recall(one.key).expect("readable").is_some());
    assert_eq!(whole.count() as u64, again.results.count);
}

/// Blobs and records.
fn contents(memory: &Memory) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut tree = memory.tree();
    tree.retain(|path, _| {
        ["blobs", "results"].iter().any(|folder| path.starts_with(format!("/cache/store/{folder}")))
    });
    tree
}
