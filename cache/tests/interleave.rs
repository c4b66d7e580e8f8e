//! A build and a collection at the same time, in every order of their operations in which each is
//! interrupted once, and the collection twice: nothing that a lease has used goes, and no result is left
//! without its blobs.

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use support::memory::Memory;
use support::script;
use tarsia_cache::{ActionResult, CacheError, Lease, Output, Store};
use tarsia_model::Blake3;

const OLD: [&[u8]; 2] = [b"old, and used again", b"old"];

/// What a build has done so far, and so what must not go.
#[derive(Default)]
struct Build {
    lease: Option<Lease>,
    blobs: BTreeSet<&'static [u8]>,
    results: BTreeSet<Blake3>,
}

type Step = fn(&Store, &mut Build) -> Result<(), CacheError>;

fn result() -> ActionResult {
    let outputs = OLD.iter().map(|bytes| (bytes.len().to_string(), Output::of(bytes)));
    ActionResult { outputs: outputs.collect(), ..ActionResult::default() }
}

fn leased<'b>(store: &Store, build: &'b mut Build) -> Result<&'b mut Lease, CacheError> {
    if build.lease.is_none() {
        build.lease = Some(store.lease()?);
    }
    Ok(build.lease.as_mut().expect("just made"))
}

fn recall(store: &Store, build: &mut Build) -> Result<(), CacheError> {
    if leased(store, build)?.recall(script::key(1))?.is_some() {
        build.results.insert(script::key(1));
        build.blobs.extend(OLD);
    }
    Ok(())
}

fn put(store: &Store, build: &mut Build) -> Result<(), CacheError> {
    for bytes in OLD {
        leased(store, build)?.put(bytes)?;
        build.blobs.insert(bytes);
    }
    Ok(())
}

fn get(store: &Store, build: &mut Build) -> Result<(), CacheError> {
    if leased(store, build)?.get(Blake3::of(OLD[1]))?.is_some() {
        build.blobs.insert(OLD[1]);
    }
    Ok(())
}

fn record(store: &Store, build: &mut Build) -> Result<(), CacheError> {
    leased(store, build)?.record(script::key(2), &result())?;
    build.results.insert(script::key(2));
    Ok(())
}

/// Without a lease the blobs may go in between: then there is an error, and nothing else.
fn record_unleased(store: &Store, _: &mut Build) -> Result<(), CacheError> {
    match store.record(script::key(3), &result()) {
        Err(CacheError::Missing { .. }) => Ok(()),
        ended => ended,
    }
}

fn put_unleased(store: &Store, _: &mut Build) -> Result<(), CacheError> {
    OLD.iter().try_for_each(|bytes| store.put(bytes).map(drop))
}

const BUILDS: [[Step; 2]; 7] = [
    [recall, get],
    [put, record],
    [get, put],
    [put_unleased, record_unleased],
    [recall, record_unleased],
    [put, recall],
    [record_unleased, recall],
];

/// How many operations the clock takes for one moment: it tells them apart, it does not, it stands still.
const TICKS: [u64; 3] = [1, 16, STILL];
const STILL: u64 = 1 << 40;

/// A disk with a store with a result that nobody has used for long.
fn start(tick: u64) -> Memory {
    let memory = Memory::new(&[]);
    memory.set_tick(tick);
    let store = script::open(&memory);
    put(&store, &mut Build::default()).expect("put");
    store.record(script::key(1), &result()).expect("recorded");
    if tick != STILL {
        // The clock goes on.
        for _ in 0..2 * tick {
            store.stats().expect("readable");
        }
    }
    memory
}

/// The same again, for one case.
fn again(memory: &Memory) -> (Memory, Store) {
    let memory = memory.killed();
    let store = script::open(&memory);
    (memory, store)
}

fn step(store: &Store, build: &Mutex<Build>, step: Step) -> bool {
    let ended = step(store, &mut build.lock().expect("one thread"));
    waits(ended)
}

/// Whether somebody would wait for a lock here: then it is the turn of others.
fn waits(ended: Result<(), CacheError>) -> bool {
    match ended {
        Ok(()) => false,
        Err(error) if error.kind() == Some(std::io::ErrorKind::WouldBlock) => true,
        Err(error) => panic!("{error}"),
    }
}

fn collect(store: &Store) -> bool {
    waits(store.gc(0, &BTreeSet::new()).map(drop))
}

fn judge(store: &Store, build: &Mutex<Build>, told: &str) {
    let build = build.lock().expect("one thread");
    for bytes in &build.blobs {
        let found = store.get(Blake3::of(bytes)).expect("readable");
        assert_eq!(found.as_deref(), Some(*bytes), "{told}: a leased blob is gone");
    }
    for key in &build.results {
        let found = store.recall(*key).expect("readable");
        assert_eq!(found.as_ref(), Some(&result()), "{told}: a leased result is gone");
    }
    let verified = store.verify().expect("readable");
    assert!(verified.is_sound(), "{told}: {verified:?}");
}

/// How many operations a collection takes that has something to do.
fn length(memory: &Memory) -> u64 {
    let (memory, store) = again(memory);
    let before = memory.operations();
    let collected = store.gc(0, &BTreeSet::new()).expect("nothing stands in the way");
    assert_eq!((collected.results, collected.blobs, collected.after), (1, 2, 0));
    memory.operations() - before
}

#[test]
fn a_build_during_a_collection() {
    let length = length(&start(1));
    for tick in TICKS {
        let base = start(tick);
        for (number, steps) in BUILDS.into_iter().enumerate() {
            for first in 0..length {
                for second in first..=length {
                    let (memory, store) = again(&base);
                    let build = Arc::new(Mutex::new(Build::default()));
                    let waiting = Arc::new(Mutex::new(Vec::new()));
                    for (at, one) in [first, second].into_iter().zip(steps) {
                        let (store, build, waiting) =
                            (store.clone(), build.clone(), waiting.clone());
                        memory.before(at, move || {
                            let mut waiting = waiting.lock().expect("one thread");
                            // Who waits for the first step does not begin the second.
                            if !waiting.is_empty() || step(&store, &build, one) {
                                waiting.push(one);
                            }
                        });
                    }
                    assert!(!collect(&store), "nobody makes a collection wait between its steps");
                    memory.run_rest();
                    for one in waiting.lock().expect("one thread").drain(..) {
                        assert!(!step(&store, &build, one), "nothing to wait for any more");
                    }
                    let told = format!("build {number}, tick {tick}, at {first} and {second}");
                    judge(&store, &build, &told);
                    collect(&store);
                    judge(&store, &build, &told);
                }
            }
        }
    }
}

#[test]
fn a_collection_during_a_build() {
    for tick in TICKS {
        let base = start(tick);
        for (number, steps) in BUILDS.into_iter().enumerate() {
            for at in 0.. {
                let (memory, store) = again(&base);
                let build = Mutex::new(Build::default());
                let (other, ran) = (store.clone(), Arc::new(Mutex::new(false)));
                let flag = ran.clone();
                memory.before(at, move || {
                    *flag.lock().expect("one thread") = true;
                    collect(&other);
                });
                for one in steps {
                    assert!(!step(&store, &build, one), "a collection keeps no lock");
                }
                let told = format!("build {number}, tick {tick}, at {at}");
                judge(&store, &build, &told);
                if !*ran.lock().expect("one thread") {
                    assert!(at > 20, "{at}: the build does something");
                    break;
                }
                collect(&store);
                judge(&store, &build, &told);
            }
        }
    }
}

/// Whoever finds damage late does not take away what was put in its place.
#[test]
fn damage_that_is_found_twice() {
    let base = start(1);
    let name = Blake3::of(OLD[0]).to_string();
    let path = format!("/cache/store/blobs/{}/{name}", &name[..1]);
    base.change(path.as_ref(), |data| data[0] ^= 1);
    for at in 0.. {
        let (memory, store) = again(&base);
        let build = Arc::new(Mutex::new(Build::default()));
        let (other, repaired) = (store.clone(), build.clone());
        let waiting = Arc::new(Mutex::new(true));
        let flag = waiting.clone();
        memory.before(at, move || {
            *flag.lock().expect("one thread") = step(&other, &repaired, put);
        });
        let found = store.get(Blake3::of(OLD[0])).expect("nobody keeps a lock");
        assert!(found.is_none_or(|bytes| bytes == OLD[0]), "at {at}: wrong bytes");
        let before = memory.operations();
        if *waiting.lock().expect("one thread") {
            memory.run_rest();
            assert!(!step(&store, &build, put), "at {at}: nothing to wait for any more");
        }
        judge(&store, &build, &format!("at {at}"));
        if at > before {
            break;
        }
    }
}
