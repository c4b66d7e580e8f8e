//! Lets every operation on the disk fail in every way: the error has a name or nothing was lost, no part
//! of anything can be seen, no lock stays, and the store goes on when the disk does.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use support::memory::{ENOSPC, Fault};
use support::script;
use tarsia_cache::{CacheError, Limits, Store};
use tarsia_model::Blake3;

const EIO: i32 = 5;
const EMFILE: i32 = 24;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;

const FAULTS: [Fault; 12] = [
    Fault::Errno(ENOSPC),
    Fault::Errno(EDQUOT),
    Fault::Errno(EIO),
    Fault::Errno(EMFILE),
    Fault::Errno(EROFS),
    Fault::Broken(ENOSPC),
    Fault::Broken(EDQUOT),
    Fault::Broken(EIO),
    Fault::Broken(EMFILE),
    Fault::Broken(EROFS),
    Fault::Half,
    Fault::Full,
];

#[test]
fn every_operation_may_fail() {
    let memory = script::disk();
    let (before, _) = memory.counts();
    script::run(&script::open(&memory), &mut BTreeSet::new()).expect("nothing stands in the way");
    let (after, _) = memory.counts();
    let end = script::left(&memory);
    let mut failed = 0;
    for operation in 0..after - before {
        for fault in FAULTS {
            let told = format!("operation {operation}, {fault:?}");
            let memory = script::disk();
            memory.fail_at(operation, fault);
            let store = script::open(&memory);
            let mut durable = BTreeSet::new();
            match script::run(&store, &mut durable) {
                Ok(()) => {}
                Err(CacheError::Io { source, operation, path }) => {
                    failed += 1;
                    let expected = match fault {
                        Fault::Errno(errno) | Fault::Broken(errno) => errno,
                        Fault::Half | Fault::Full => ENOSPC,
                    };
                    assert_eq!(source.raw_os_error(), Some(expected), "{told}");
                    assert!(!operation.is_empty() && path.is_absolute(), "{told}");
                }
                Err(other) => panic!("{told}: {other}"),
            }
            assert!(!memory.has_locks(), "{told}: a lock stays");
            memory.heal();
            if matches!(fault, Fault::Errno(_)) {
                let stats = store.stats().expect("readable");
                assert_eq!(stats.temporary.count, 0, "{told}: a temporary file stays");
            }
            script::check(&memory, &durable);
            // The same store, in the same process.
            script::run(&store, &mut BTreeSet::new())
                .unwrap_or_else(|error| panic!("{told}, then {error}"));
            assert!(!memory.has_locks(), "{told}: a lock stays");
            let mut left = script::left(&memory);
            left.retain(|path, _| !path.to_string_lossy().starts_with("/out/.tarsia-"));
            assert!(left == end, "{told}: {:?}", left.keys());
        }
    }
    assert!(failed > 1_000, "{failed} of them fail");
}

#[test]
fn a_put_leaves_the_reserve() {
    let memory = script::disk();
    let limits = Limits { size: u64::MAX, reserve_percent: 10, reserve_bytes: 1_000 };
    let store = Store::on(Arc::new(memory.clone()), "/cache").with_limits(limits);
    let bytes = |seed: u8| vec![seed; 10_000];
    store.put(&bytes(1)).expect("there is room");
    let taken = store.stats().expect("readable").bytes();
    // Room for one more and a little, beside the reserve of a tenth.
    let used: u64 = memory.tree().values().map(|data| data.len() as u64).sum();
    memory.set_capacity((used + 15_000) * 10 / 9);
    let lease = store.lease().expect("a lease");
    lease.put(&bytes(2)).expect("there is room");
    lease.put(&bytes(3)).expect("the first goes");
    assert_eq!(store.get(Blake3::of(&bytes(1))).expect("readable"), None);
    assert!(taken > 0);
    let refused = lease.put(&bytes(4)).expect_err("all the others are leased");
    let CacheError::NoRoom { needed: 10_000, free, reserve, .. } = refused else {
        panic!("{refused}")
    };
    assert!(free < needed_and(reserve), "{refused}");
    assert!(refused.to_string().contains("no room in `/cache`"), "{refused}");
    for seed in [2, 3] {
        assert_eq!(lease.get(Blake3::of(&bytes(seed))).expect("readable"), Some(bytes(seed)));
    }
    drop(lease);
    store.put(&bytes(4)).expect("nothing is leased any more");
}

fn needed_and(reserve: u64) -> u64 {
    reserve + 10_000
}
