//! What a build pays for knowing its inputs: the digests of one large file and of many small ones,
//! beside `b3sum` where it is installed. The page cache is warm.
//! `cargo bench -p tarsia-build --bench digests`; figures are in docs/performance.md.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use divan::Bencher;
use tarsia_build::Surroundings;
use tarsia_build::digests::Digests;
use tarsia_cache::Memo;
use tempfile::TempDir;

/// Bytes of the large file, and of each small one.
const LARGE: usize = 1 << 30;
const SMALL: usize = 4 << 10;
/// How many small ones, and how many share a folder.
const COUNT: usize = 50_000;
const SHARED: usize = 100;
const THREADS: [usize; 2] = [1, 2];

/// Where everything is written; gone after the last measurement.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();
static LARGE_FILE: LazyLock<PathBuf> = LazyLock::new(large);
static SMALL_FILES: LazyLock<PathBuf> = LazyLock::new(small);

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    FOLDER.set(folder.path().to_owned()).expect("set once");
    divan::main();
}

fn folder() -> &'static Path {
    FOLDER.get().expect("set by main")
}

/// The content of a small file, or of a part of the large one: no two are equal.
fn content(at: usize) -> Vec<u8> {
    at.to_le_bytes().repeat(SMALL / size_of::<usize>())
}

fn names() -> impl Iterator<Item = String> {
    (0..COUNT).map(|at| format!("{:03}/{:02}", at / SHARED, at % SHARED))
}

fn large() -> PathBuf {
    let path = folder().join("large");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path).expect("a file"));
    for at in 0..LARGE / SMALL {
        file.write_all(&content(at)).expect("written");
    }
    file.flush().expect("written");
    settle();
    path
}

fn small() -> PathBuf {
    let root = folder().join("small");
    for (at, name) in names().enumerate() {
        let path = root.join(name);
        if at % SHARED == 0 {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        }
        std::fs::write(path, content(at)).expect("written");
    }
    settle();
    root
}

/// What is younger than a second is not remembered.
fn settle() {
    std::thread::sleep(Duration::from_secs(2));
}

fn memo() -> TempDir {
    tempfile::tempdir_in(folder()).expect("a folder")
}

/// One look as a build takes it: opens the memory, digests, keeps the memory.
fn look(memo: &TempDir, threads: usize, ask: impl Fn(&Digests) + Send + Sync) {
    let digests = Digests::open(Memo::new(memo.path().join("digests")));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| ask(&digests));
    digests.keep();
}

fn ask_large(digests: &Digests) {
    digests.file(&LARGE_FILE).expect("a digest");
}

fn ask_small(digests: &Digests) {
    let tree = digests.tree(&SMALL_FILES, "an input").expect("a digest");
    assert_eq!(tree.files().count(), COUNT);
}

/// With nothing remembered, then with everything.
fn cold(bencher: Bencher<'_, '_>, threads: usize, ask: fn(&Digests)) {
    // Writes the files.
    look(&memo(), threads, ask);
    bencher.with_inputs(memo).bench_refs(|memo| look(memo, threads, ask));
}

fn warm(bencher: Bencher<'_, '_>, threads: usize, ask: fn(&Digests)) {
    let memo = memo();
    look(&memo, threads, ask);
    bencher.bench(|| look(&memo, threads, ask));
}

#[divan::bench(args = THREADS, sample_count = 11, sample_size = 1)]
fn large_cold(bencher: Bencher<'_, '_>, threads: usize) {
    cold(bencher, threads, ask_large);
}

#[divan::bench(args = THREADS, sample_count = 11, sample_size = 1)]
fn large_warm(bencher: Bencher<'_, '_>, threads: usize) {
    warm(bencher, threads, ask_large);
}

#[divan::bench(args = THREADS, sample_count = 11, sample_size = 1)]
fn small_cold(bencher: Bencher<'_, '_>, threads: usize) {
    cold(bencher, threads, ask_small);
}

#[divan::bench(args = THREADS, sample_count = 11, sample_size = 1)]
fn small_warm(bencher: Bencher<'_, '_>, threads: usize) {
    warm(bencher, threads, ask_small);
}

fn no_b3sum() -> bool {
    Surroundings::read().find("b3sum").is_none()
}

/// Runs `b3sum` over each share of files, all at once.
fn b3sum(folder: &Path, threads: usize, shares: &[Vec<String>]) {
    let start = |names: &Vec<String>| {
        let mut command = Command::new("b3sum");
        command.arg(format!("--num-threads={threads}")).args(names).current_dir(folder);
        command.stdout(Stdio::null()).spawn().expect("b3sum")
    };
    for mut child in shares.iter().map(start).collect::<Vec<_>>() {
        assert!(child.wait().expect("ended").success());
    }
}

#[divan::bench(args = THREADS, sample_count = 11, sample_size = 1, ignore = no_b3sum())]
fn large_b3sum(bencher: Bencher<'_, '_>, threads: usize) {
    let shares = [vec![LARGE_FILE.display().to_string()]];
    bencher.bench(|| b3sum(folder(), threads, &shares));
}

/// It takes small files one after the other, so that two at once are two processes.
#[divan::bench(args = THREADS, sample_count = 11, sample_size = 1, ignore = no_b3sum())]
fn small_b3sum(bencher: Bencher<'_, '_>, processes: usize) {
    let all: Vec<String> = names().collect();
    let shares: Vec<Vec<String>> =
        all.chunks(COUNT.div_ceil(processes)).map(<[String]>::to_vec).collect();
    bencher.bench(|| b3sum(&SMALL_FILES, 1, &shares));
}
