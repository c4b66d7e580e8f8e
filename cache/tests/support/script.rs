//! What a build does with a store, in short: everything a store can do, once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tarsia_cache::{ActionResult, CacheError, Limits, Output, Store};
use tarsia_model::Blake3;

use super::memory::Memory;

pub const SMALL: [&[u8]; 4] = [b"first", b"second, longer", b"what the compiler said", b"last"];

/// Collections of the script let the large file go and keep all others.
const LIMIT: u64 = 30_000;

/// A disk with a file to be put into the store and a folder for outputs.
pub fn disk() -> Memory {
    let memory = Memory::new(&["/in", "/out"]);
    memory.write_file(Path::new("/in/large"), &large());
    memory
}

/// More than is read at once.
fn large() -> Vec<u8> {
    (0..70_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect()
}

pub fn open(memory: &Memory) -> Store {
    Store::on(Arc::new(memory.clone()), "/cache/store").with_limits(limits())
}

/// No collection on account of the size of the disk.
pub fn limits() -> Limits {
    Limits { size: u64::MAX, reserve_percent: 0, reserve_bytes: 1 }
}

pub fn key(number: u8) -> Blake3 {
    Blake3::of(&[number])
}

/// What each key must give, if it gives anything.
pub fn expected() -> BTreeMap<Blake3, ActionResult> {
    let [a, b, log, last] = SMALL.map(Output::of);
    let large = Output::of(&large());
    let result = |outputs: &[(&str, Output)], log: Option<Blake3>| ActionResult {
        outputs: outputs.iter().map(|(name, output)| ((*name).to_owned(), *output)).collect(),
        log,
        notes: "notes\n".to_owned(),
    };
    [
        (
            key(1),
            result(&[("a", a), ("bin/b", Output { executable: true, ..b })], Some(log.digest)),
        ),
        (key(2), result(&[("a", a), ("large", large)], None)),
        (key(3), result(&[("last", last)], None)),
    ]
    .into()
}

/// Uses the store. `durable` are the keys that must be found whatever happens next.
pub fn run(store: &Store, durable: &mut BTreeSet<Blake3>) -> Result<(), CacheError> {
    let expected = expected();
    let mut record = |store: &Store, number| {
        store.record(key(number), &expected[&key(number)])?;
        durable.insert(key(number));
        Ok::<_, CacheError>(())
    };
    {
        let lease = store.lease()?;
        for bytes in &SMALL[..3] {
            lease.put(bytes)?;
        }
        record(&lease, 1)?;
        lease.put_file(Path::new("/in/large"))?;
        record(&lease, 2)?;
        let collected = lease.gc(0, &BTreeSet::new())?;
        assert!(collected.after > 0, "what is leased stays");
        for number in [1, 2] {
            assert_eq!(lease.recall(key(number))?.as_ref(), Some(&expected[&key(number)]));
        }
        assert!(lease.deliver(Blake3::of(&large()), Path::new("/out/large"), true)?);
    }
    store.put(SMALL[3])?;
    record(store, 3)?;
    assert_eq!(store.get(Blake3::of(SMALL[0]))?.as_deref(), Some(SMALL[0]));
    assert!(store.recall(key(1))?.is_some());
    durable.remove(&key(2));
    store.gc(LIMIT, &BTreeSet::new())?;
    assert!(store.recall(key(2))?.is_none(), "what was not used for the longest time is gone");
    assert!(store.stats()?.bytes() <= LIMIT);
    let verified = store.verify()?;
    assert!(verified.is_sound(), "{verified:?}");
    Ok(())
}

/// Looks at everything that can be seen of a store: all of it is right.
pub fn check(memory: &Memory, durable: &BTreeSet<Blake3>) {
    let store = open(memory);
    for (key, expected) in expected() {
        let recalled = store.recall(key).expect("readable");
        assert!(recalled.is_some() || !durable.contains(&key), "a result was lost");
        let Some(result) = recalled else { continue };
        assert_eq!(result, expected);
        let digests = result.outputs.values().map(|output| output.digest);
        for digest in digests.chain(result.log) {
            let bytes = store.get(digest).expect("readable").expect("a result's blob is bad");
            assert_eq!(Blake3::of(&bytes), digest);
        }
    }
    let verified = store.verify().expect("nothing stands in the way");
    assert!(verified.is_sound(), "{verified:?}");
    if let Some(delivered) = memory.content(Path::new("/out/large")) {
        assert!(delivered == large(), "a part was delivered");
    }
}

/// Everything that is left when the script is over, by path.
pub fn left(memory: &Memory) -> BTreeMap<PathBuf, Vec<u8>> {
    memory.tree()
}
