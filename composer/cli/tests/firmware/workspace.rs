//! A copy of this repository's products and components under cargo's folder for tests, built with
//! the real binary. The copy and cargo's files for it stay from run to run, so that the device's
//! standard library is compiled once per copy; the store does not outlive the binary.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders that firmware is made of.
const FOLDERS: [&str; 3] = ["components", "products", "profiles"];

/// A workspace with how its commands are started.
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    /// Where results are kept.
    pub store: PathBuf,
    /// A program with arguments that `tarsia` is started through; none is the usual case.
    pub through: Vec<String>,
    /// Set for `tarsia`, beside what the test itself was started with.
    pub environment: Vec<(&'static str, String)>,
}

/// How a command ended, and what it said.
pub struct Run {
    /// The exit code.
    pub code: Option<i32>,
    /// Its answer.
    pub stdout: String,
    /// All else.
    pub stderr: String,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(f, "exit {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

impl Workspace {
    /// The copy in `folder`, renewed if the binary or a source is not what the copy was made of.
    pub fn open(folder: &str) -> Self {
        Self::open_at(&kept().join(folder))
    }

    /// The copy in this folder, which may be anywhere.
    pub fn open_at(root: &Path) -> Self {
        let root = root.to_owned();
        std::fs::create_dir_all(&root).expect("a folder");
        // Tests of one file run at once; the first makes the copy.
        let guard = std::fs::File::create(root.join("lock")).expect("a lock");
        guard.lock().expect("locked");
        let files = sources();
        let stamp = stamp(&files);
        if std::fs::read_to_string(root.join("stamp")).is_ok_and(|old| old == stamp) {
            return Self::at(root);
        }
        for folder in FOLDERS.iter().chain(&["store", "stamp", "out/.device/history"]) {
            remove(&root.join(folder));
        }
        for (path, bytes) in &files {
            put(&root.join(path), bytes);
        }
        put(&root.join("stamp"), stamp.as_bytes());
        Self::at(root)
    }

    fn at(root: PathBuf) -> Self {
        Self { store: root.join("store"), root, through: Vec::new(), environment: Vec::new() }
    }

    /// Writes a file of the workspace, unless it is already so.
    pub fn write(&self, path: &str, text: &str) {
        put(&self.root.join(path), text.as_bytes());
    }

    /// `tarsia` with these arguments, on this workspace and with a store of its own.
    pub fn tarsia(&self, args: &[&str]) -> Command {
        let mut words =
            self.through.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_tarsia")]);
        let mut command = Command::new(words.next().expect("the binary at least"));
        command.args(words).arg("-C").arg(&self.root);
        command.arg("--cache-dir").arg(&self.store).args(args);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `tarsia` to its end.
    pub fn run(&self, args: &[&str]) -> Run {
        let output = self.tarsia(args).output().expect("tarsia starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Builds a product that must build.
    pub fn build(&self, product: &str) -> Run {
        let run = self.run(&["build", product]);
        assert_eq!(run.code, Some(0), "build {product}: {run}");
        run
    }

    /// A file of the outputs of a product.
    pub fn output(&self, product: &str, file: &str) -> PathBuf {
        self.root.join("out").join(product).join(file)
    }
}

/// Where copies stay.
pub fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware")
}

/// Every product of the repository for a microcontroller, in order of name. Those that run Linux have a kernel
/// to build, and tests of their own (`linux.rs`).
pub fn products() -> Vec<String> {
    let texts: BTreeMap<String, String> = sources()
        .into_iter()
        .filter_map(|(path, bytes)| {
            let stem = path.strip_prefix("products/")?.strip_suffix(".yaml")?.to_owned();
            Some((stem, String::from_utf8(bytes).ok()?))
        })
        .collect();
    let value = |name: &str, key: &str| {
        let found = texts.get(name)?.lines().find_map(|line| line.strip_prefix(key))?;
        Some(found.trim().to_owned())
    };
    let runs_linux = |name: &String| {
        let lineage = std::iter::successors(Some(name.clone()), |at| value(at, "extends:"));
        lineage
            .filter_map(|at| value(&at, "kernel:"))
            .next()
            .is_some_and(|kernel| kernel.starts_with("linux"))
    };
    let products = texts.keys().filter(|name| value(name, "product:").is_some());
    let products: Vec<_> = products.filter(|name| !runs_linux(name)).cloned().collect();
    assert!(products.len() >= 5, "{products:?}");
    products
}

/// What the repository's firmware is made of: paths and contents, in order of path.
pub fn sources() -> Vec<(String, Vec<u8>)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in FOLDERS {
        walk(&repository, folder, &mut files);
    }
    files.sort();
    files
}

#[expect(clippy::disallowed_methods, reason = "sorted by the caller")]
fn walk(root: &Path, folder: &str, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        if name == "target" || name.starts_with('.') {
            continue;
        }
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            walk(root, &path, files);
        } else {
            files.push((path, std::fs::read(entry.path()).expect("a file")));
        }
    }
}

/// Tells copies apart that were made of other sources, or of which another binary wrote the store.
fn stamp(files: &[(String, Vec<u8>)]) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(&std::fs::read(env!("CARGO_BIN_EXE_tarsia")).expect("the binary"));
    for (path, bytes) in files {
        hasher.write(path.as_bytes());
        hasher.write(bytes);
    }
    format!("{:016x}\n", hasher.finish())
}

/// Removes a file or a folder that may be there.
pub fn remove(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        std::fs::remove_dir_all(path).expect("removed");
    } else if path.is_symlink() || path.exists() {
        std::fs::remove_file(path).expect("removed");
    }
}

/// Writes a file, unless it is already so; other tests may be reading it.
fn put(path: &Path, bytes: &[u8]) {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return;
    }
    let folder = path.parent().expect("in a folder");
    std::fs::create_dir_all(folder).expect("a folder");
    let new = tempfile::NamedTempFile::with_prefix_in(".new-", folder).expect("a file");
    std::fs::write(new.path(), bytes).expect("written");
    new.persist(path).expect("in place");
}
