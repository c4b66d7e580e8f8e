//! A load that knows an earlier one gives what a load that knows nothing gives: after any edits, and
//! whatever happened to the snapshot.

#[path = "common/compare.rs"]
mod compare;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use std::{fs, io};

use compare::everything;
use proptest::prelude::*;
use tarsia_manifest::files::{Entry, Files, Home, Stat};
use tarsia_manifest::{Clock, Disk, Memory, load, reload};

const TOOL: &[u8] = b"test";
/// So late that whatever is on disk is settled.
const LATE: Clock<'static> = &|| Some(i64::MAX);

fn manifest(name: &str, layer: &str, variant: u8) -> String {
    let extra = match variant % 4 {
        0 => "provides: [one, { capability: two, when: { arch: [a] } }]\n",
        1 => "provides: [two, three]\nrequires: [one]\n",
        2 => "features:\n  f: { type: int, max: 9, default: 3, summary: F. }\n",
        _ => "provides: [{ capability: hw.x, with: { base: 0x10 } }, one, one]\n",
    };
    format!("component: {name}\nlayer: {layer}\nsummary: A {variant}.\nlicence: MIT\n{extra}")
}

/// What is done to a workspace: three numbers, so that shrinking finds the shortest story.
type Edit = (u8, u8, u8);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec((0u8..18, any::<u8>(), any::<u8>()), 1..12)
}

/// A workspace on disk with a second catalogue beside it, in the same folder.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        for (name, variant) in [("a", 0), ("b", 1), ("c", 2)] {
            let path = format!("work/components/drivers/{name}/component.yaml");
            place.write(&path, &manifest(name, "driver", variant));
        }
        place.write("work/products/p.yaml", "product: p\nservices: [a]\n");
        place.write("work/profiles/mini.yaml", "profile: mini\nsummary: Small.\n");
        place.write("vendor/components/drivers/v/component.yaml", &manifest("v", "driver", 3));
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        // An edit may meet a file where it wants a folder: then it changes nothing.
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, text);
    }

    fn edit(&self, (what, a, b): Edit) {
        let home = if b & 0x80 == 0 { "work" } else { "vendor" };
        let layer = ["drivers", "services"][usize::from(b >> 6 & 1)];
        let name = ["a", "b", "c", "d", "a-b"][usize::from(a % 5)];
        let folder = format!("{home}/components/{layer}/{name}");
        let file = format!("{folder}/component.yaml");
        let product = format!("{home}/products/{name}.yaml");
        let word = layer.trim_end_matches('s');
        match what {
            0 | 1 => self.write(&file, &manifest(name, word, b)),
            2 => drop(fs::remove_dir_all(self.at(&folder))),
            3 => drop(fs::remove_file(self.at(&file))),
            4 => drop(fs::rename(self.at(&folder), self.at(&format!("{folder}x")))),
            5 => drop(fs::rename(self.at(&format!("{folder}x")), self.at(&folder))),
            6 => self.write(&file, "component: [\n"),
            7 => touch(&self.at(&file), 1_000_000 + u64::from(b)),
            8 => swap(&self.at(&file)),
            9 => self.write(&product, &format!("product: {name}\nservices: [s{b}]\n")),
            10 => drop(fs::remove_file(self.at(&product))),
            11 => self.write(
                &format!("{home}/profiles/{name}.yaml"),
                &format!("profile: {name}\nsummary: The {b}.\n"),
            ),
            12 => self.workspace(b),
            13 => drop(fs::create_dir_all(self.at(&folder))),
            14 => link(
                Path::new(["../services/b", "../gone", "/", "b"][usize::from(b % 4)]),
                &self.at(&folder),
            ),
            15 => link(
                Path::new(["../b/component.yaml", "/etc/hostname"][usize::from(b % 2)]),
                &self.at(&file),
            ),
            16 => self.write(&format!("{home}/components/{layer}/Bad_name/component.yaml"), "x"),
            _ => drop(fs::remove_dir_all(self.at(&format!("{home}/components/{layer}")))),
        }
    }

    fn workspace(&self, variant: u8) {
        let text = match variant % 6 {
            0 => return drop(fs::remove_file(self.at("work/tarsia.yaml"))),
            1 => "catalogues: [.]\n",
            2 => "catalogues: [., ../vendor]\n",
            3 => "catalogues:\n  - .\n  - { path: ../vendor, override: [a, b] }\n",
            4 => "catalogues: [../vendor, ../gone]\n",
            _ => "catalogues: }\n",
        };
        self.write("work/tarsia.yaml", text);
    }

    /// The clock of the file system, as the command reads it.
    fn now(&self) -> i64 {
        let file = self.at("now");
        fs::write(&file, "").expect("a file");
        let time = fs::metadata(file).and_then(|metadata| metadata.modified()).expect("a time");
        let since = time.duration_since(UNIX_EPOCH).expect("a time after 1970");
        i64::try_from(since.as_nanos()).expect("a time before 2262")
    }
}

fn touch(path: &Path, seconds: u64) {
    if let Ok(file) = fs::File::options().write(true).open(path) {
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).expect("a time");
    }
}

/// Changes a file and hides it: the same size, the same time of change.
fn swap(path: &Path) {
    let change = || -> io::Result<()> {
        let time = fs::metadata(path)?.modified()?;
        let text = fs::read_to_string(path)?;
        let changed = text.replace("one", "six").replace("MIT", "BSD");
        fs::write(path, changed)?;
        fs::File::options().write(true).open(path)?.set_modified(time)
    };
    let _ = change();
}

#[cfg(unix)]
fn link(target: &Path, path: &Path) {
    let _ = fs::remove_dir_all(path).and_then(|()| std::os::unix::fs::symlink(target, path));
    let _ = fs::remove_file(path).and_then(|()| std::os::unix::fs::symlink(target, path));
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) {}

/// Makes edits; after each, both ways to load must agree. `pause` is waited before each edit.
fn agree(edits: &[Edit], pause: Duration, late: bool) -> Result<(), TestCaseError> {
    let place = Place::new();
    let disk = Disk::new(place.at("work")).expect("a workspace");
    let mut snapshot = None;
    for edit in edits {
        for _ in 0..2 {
            let now = place.now();
            let clock = move || Some(if late { i64::MAX } else { now });
            let warm = reload(&disk, snapshot.clone(), TOOL, &clock);
            prop_assert_eq!(everything(&warm.loaded), everything(&load(&disk)));
            snapshot = warm.snapshot.or(snapshot);
        }
        std::thread::sleep(pause);
        place.edit(*edit);
    }
    let warm = reload(&disk, snapshot, TOOL, LATE);
    prop_assert_eq!(everything(&warm.loaded), everything(&load(&disk)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Edits come faster than the clock of the file system: nothing is settled.
    #[test]
    fn after_quick_edits(edits in edits()) {
        agree(&edits, Duration::ZERO, false)?;
    }

    /// Each edit comes at a later time than what was loaded: everything is settled.
    #[test]
    fn after_slow_edits(edits in edits()) {
        agree(&edits, Duration::from_millis(12), true)?;
    }
}

/// What a link leads to can change while the folder it stands in does not.
#[cfg(unix)]
#[test]
fn links_are_followed_each_time() {
    use std::os::unix::fs::symlink;

    let place = Place::new();
    let shared = "work/shared/l/component.yaml";
    place.write(shared, &manifest("l", "driver", 0));
    place.write("elsewhere/l/component.yaml", &manifest("l", "driver", 1));
    symlink("../../shared/l", place.at("work/components/drivers/l")).expect("a link");
    symlink("../shared/q.yaml", place.at("work/products/q.yaml")).expect("a link");
    let disk = Disk::new(place.at("work")).expect("a workspace");
    let mut snapshot = None;
    let mut agreed = |what: &str, found: &str| {
        std::thread::sleep(Duration::from_millis(12));
        let warm = reload(&disk, snapshot.clone(), TOOL, LATE);
        assert_eq!(everything(&warm.loaded), everything(&load(&disk)), "{what}");
        snapshot = warm.snapshot.or(snapshot.take());
        let messages: Vec<&str> =
            warm.loaded.diagnostics.iter().map(|found| found.message.as_str()).collect();
        assert_eq!(messages.join("; "), found, "{what}");
    };
    let product = "`products/q.yaml` leads to nothing readable";
    agreed("a link to nothing", product);
    place.write("work/shared/q.yaml", "product: q\n");
    agreed("all is there", "");
    agreed("and recalled", "");
    fs::rename(place.at("work/shared"), place.at("work/moved")).expect("moved");
    agreed(
        "gone",
        "`components/drivers/l` leads to nothing readable; `products/q.yaml` leads to nothing readable",
    );
    fs::rename(place.at("work/moved"), place.at("work/shared")).expect("moved");
    agreed("back", "");
    agreed("and recalled again", "");
    fs::rename(place.at("work/shared"), place.at("work/moved")).expect("moved");
    fs::write(place.at("elsewhere/q.yaml"), "product: q\n").expect("a file");
    symlink("../elsewhere", place.at("work/shared")).expect("a link");
    agreed(
        "out of the catalogue",
        "`components/drivers/l` is a link that leaves the workspace; \
         `products/q.yaml` is a link that leaves the workspace",
    );
}

/// Files in memory, counting what is read and listed.
#[derive(Default)]
struct Counting {
    memory: Memory,
    looks: AtomicUsize,
}

impl Counting {
    fn looks(&self) -> usize {
        self.looks.swap(0, Ordering::Relaxed)
    }
}

impl Files for Counting {
    fn home(&self, folder: &str) -> io::Result<Home> {
        self.memory.home(folder)
    }
    fn list(&self, folder: &str, home: &Home) -> io::Result<Vec<Entry>> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.memory.list(folder, home)
    }
    fn stat(&self, path: &str, home: &Home) -> io::Result<Stat> {
        self.memory.stat(path, home)
    }
    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.memory.read(path, limit)
    }
}

fn counting() -> Counting {
    let mut memory = Memory::default();
    for (index, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let path = format!("components/drivers/{name}/component.yaml");
        memory.0.insert(path, manifest(name, "driver", index as u8).into());
    }
    memory.0.insert("products/p.yaml".to_owned(), "product: p\n".into());
    Counting { memory, looks: AtomicUsize::new(0) }
}

#[test]
fn only_what_changed_is_looked_at() {
    let mut files = counting();
    let cold = reload(&files, None, TOOL, LATE);
    assert_eq!(files.looks(), 3 + 5, "three folders and five files");
    let snapshot = cold.snapshot.expect("a snapshot");

    let warm = reload(&files, Some(snapshot.clone()), TOOL, LATE);
    assert_eq!(files.looks(), 0);
    assert!(warm.snapshot.is_none(), "nothing to write");

    let path = "components/drivers/b/component.yaml";
    files.memory.0.insert(path.to_owned(), manifest("b", "driver", 9).into());
    let warm = reload(&files, Some(snapshot.clone()), TOOL, LATE);
    assert_eq!(files.looks(), 1);
    let again = reload(&files, warm.snapshot, TOOL, LATE);
    assert_eq!((files.looks(), again.snapshot), (0, None));

    files.memory.0.insert(path.to_owned(), b"component: [".to_vec());
    let broken = reload(&files, Some(snapshot.clone()), TOOL, LATE).snapshot.expect("a snapshot");
    files.looks();
    let again = reload(&files, Some(broken), TOOL, LATE);
    assert_eq!((files.looks(), again.snapshot), (1, None), "a file with errors is read each time");

    reload(&files, Some(snapshot), b"another tool", LATE);
    assert_eq!(files.looks(), 3 + 5, "another tool's snapshot is none");
}

/// What was changed a moment before it was read is read again, until it is old enough.
#[test]
fn what_is_not_settled_is_read_again() {
    let files = counting();
    // Memory's marks are of the year 1970.
    let soon: Clock<'_> = &|| Some(500_000_000);
    let first = reload(&files, None, TOOL, soon).snapshot.expect("a snapshot");
    files.looks();
    let second = reload(&files, Some(first.clone()), TOOL, soon);
    assert_eq!((files.looks(), second.snapshot), (8, None));
    let late = reload(&files, Some(first), TOOL, LATE).snapshot.expect("a snapshot");
    assert_eq!(files.looks(), 8);
    reload(&files, Some(late), TOOL, LATE);
    assert_eq!(files.looks(), 0);
}

#[test]
fn without_a_clock_there_is_no_snapshot() {
    assert!(reload(&counting(), None, TOOL, &|| None).snapshot.is_none());
}

fn damage() -> impl Strategy<Value = (u8, prop::sample::Index, u8)> {
    (0u8..4, any::<prop::sample::Index>(), 1u8..=255)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_damaged_snapshot_is_none((how, place, with) in damage()) {
        let files = counting();
        let cold = reload(&files, None, TOOL, LATE);
        let whole = cold.snapshot.expect("a snapshot");
        let mut bytes = whole.clone();
        let at = place.index(bytes.len());
        match how {
            0 | 1 => bytes[at] ^= with,
            2 => bytes.truncate(at),
            _ => bytes.insert(at, with),
        }
        let warm = reload(&files, Some(bytes), TOOL, LATE);
        prop_assert_eq!(warm.snapshot, Some(whole));
        prop_assert_eq!(everything(&warm.loaded), everything(&cold.loaded));
    }
}
