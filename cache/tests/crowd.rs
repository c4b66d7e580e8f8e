//! Many processes in one store, some of them collecting, all of them killed at any time: nothing that a
//! living one uses goes, nothing is corrupt, and nobody waits for the dead.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::cases;
use support::random::Random;
use tarsia_cache::{ActionResult, CacheError, Limits, Output, Store};
use tarsia_model::Blake3;

const WRITERS: usize = 32;
const COLLECTORS: usize = 2;
/// How much they collect down to: a part of what there can be.
const LIMIT: u64 = 200_000;
/// How many contents and keys there are: so few that processes meet.
const CONTENTS: u64 = 120;
const KEYS: u64 = 40;

/// What a collector says each time.
const COLLECTED: &str = "collected";

/// What tells this binary that it is one of the crowd: its part, the folder, and a seed.
const PART: &str = "TARSIA_CROWD";

fn content(number: u64) -> Vec<u8> {
    let mut random = Random(number);
    let size = [10, 300, 4_000, 20_000][random.below(4) as usize];
    random.bytes(size)
}

/// Each key has one result.
fn result(key: u64) -> (Vec<u64>, ActionResult) {
    let mut random = Random(1_000 + key);
    let contents: Vec<u64> = (0..1 + random.below(4)).map(|_| random.below(CONTENTS)).collect();
    let outputs = contents.iter().map(|n| (n.to_string(), Output::of(&content(*n))));
    let result = ActionResult { outputs: outputs.collect(), log: None, notes: key.to_string() };
    (contents, result)
}

fn key(number: u64) -> Blake3 {
    Blake3::of(&number.to_le_bytes())
}

fn store(folder: &Path) -> Store {
    Store::new(folder).with_limits(Limits { reserve_percent: 0, reserve_bytes: 0, size: LIMIT })
}

/// One of the crowd, started by the test below; by itself it has nothing to do.
#[test]
#[expect(clippy::disallowed_methods, reason = "the crowd is told its part")]
fn one_of_the_crowd() {
    let Ok(part) = std::env::var(PART) else { return };
    let (part, rest) = part.split_once(' ').expect("a part");
    let (seed, folder) = rest.split_once(' ').expect("a seed");
    let store = store(Path::new(folder));
    let mut random = Random(seed.parse().expect("a number"));
    if part == "collect" {
        loop {
            store.gc(LIMIT / 2, &BTreeSet::new()).expect("collected");
            println!("{COLLECTED}");
        }
    }
    loop {
        build(&store, &mut random).expect("built");
    }
}

/// What a build does; looks at the end whether all that it used is still there.
fn build(store: &Store, random: &mut Random) -> Result<(), CacheError> {
    let lease = store.lease()?;
    let mut used = BTreeSet::new();
    let mut recorded = BTreeSet::new();
    for _ in 0..2 + random.below(6) {
        let number = random.below(KEYS);
        let (contents, expected) = result(number);
        if let Some(found) = lease.recall(key(number))? {
            assert_eq!(found, expected);
        } else {
            for content_number in &contents {
                lease.put(&content(*content_number))?;
            }
            lease.record(key(number), &expected)?;
        }
        used.extend(contents);
        recorded.insert(number);
    }
    for number in used {
        let found = lease.get(Blake3::of(&content(number)))?;
        assert!(found == Some(content(number)), "a leased blob is gone");
    }
    for number in recorded {
        assert!(lease.recall(key(number))?.is_some(), "a leased result is gone");
    }
    Ok(())
}

/// A process of the crowd and where it says what.
struct Member {
    child: Child,
    part: &'static str,
    sayings: PathBuf,
}

impl Member {
    fn start(part: &'static str, seed: u64, folder: &Path) -> Self {
        let sayings = folder.join(format!("{part}-{seed}"));
        let file = std::fs::File::create(&sayings).expect("a file");
        let child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "one_of_the_crowd", "--nocapture"])
            .env(PART, format!("{part} {seed} {}", folder.join("store").display()))
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file"))
            .stderr(file)
            .spawn()
            .expect("this binary starts");
        Self { child, part, sayings }
    }

    /// Kills it, and gives what it said, unless it has ended by itself: then something was wrong.
    fn kill(mut self) -> String {
        if let Some(status) = self.child.try_wait().expect("a child") {
            let text = std::fs::read_to_string(&self.sayings).unwrap_or_default();
            panic!("{} ended with {status}:\n{text}", self.part);
        }
        self.child.kill().expect("alive");
        self.child.wait().expect("killed");
        std::fs::read_to_string(&self.sayings).unwrap_or_default()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // When the test fails, the others must not run on.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it goes on for a time")]
fn nothing_in_use_is_collected() {
    let folder = tempfile::tempdir().expect("a folder");
    // Eight seconds, or as many times that as are asked for, up to ten minutes.
    let time = Duration::from_secs((cases(1).saturating_mul(8)).min(600));
    let mut random = Random(8);
    let mut seed = 0;
    let mut start = |part| {
        seed += 1;
        Member::start(part, seed, folder.path())
    };
    let mut members: Vec<Member> = (0..WRITERS).map(|_| start("write")).collect();
    members.extend((0..COLLECTORS).map(|_| start("collect")));
    let began = Instant::now();
    let (mut kills, mut said) = (0, String::new());
    while began.elapsed() < time {
        std::thread::sleep(Duration::from_millis(20 + random.below(60)));
        let member = members.swap_remove(random.below(members.len() as u64) as usize);
        let part = member.part;
        said += &member.kill();
        kills += 1;
        members.push(start(part));
    }
    said.extend(members.into_iter().map(Member::kill));
    let collections = said.matches(COLLECTED).count();
    let store = store(&folder.path().join("store"));
    let verified = store.verify().expect("readable");
    assert!(verified.is_sound(), "{verified:?}");
    assert!(verified.results.count > 0 && kills > 20, "{verified:?}, {kills} kills");
    // Whoever collects gets its turn, though the store is never empty of others.
    assert!(collections > 10, "{collections} collections");
    // What was used in the moment a collection starts stays, and clocks of file systems are coarse.
    std::thread::sleep(Duration::from_millis(50));
    // No lock of the dead is in the way, and nothing of theirs stays.
    let collected = store.gc(0, &BTreeSet::new()).expect("collected");
    assert!(collected.before > 0);
    assert_eq!(left(&folder.path().join("store")), BTreeMap::new());
}

/// The files that are left in a store but for those that always are.
#[expect(clippy::disallowed_methods, reason = "put into order here")]
fn left(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let always = ["ready", "lock", "gate", "collecting"];
        if entry.path().is_dir() {
            found.extend(left(&entry.path()));
        } else if !always.iter().any(|name| entry.file_name() == *name) {
            let mut bytes = Vec::new();
            let mut file = std::fs::File::open(entry.path()).expect("readable");
            file.read_to_end(&mut bytes).expect("readable");
            found.insert(entry.path(), bytes.len() as u64);
        }
    }
    found
}
