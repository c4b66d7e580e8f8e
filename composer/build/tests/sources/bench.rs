//! A store, a component's folder, and sources as a manifest has them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tarsia_build::Surroundings;
use tarsia_build::digests::Digests;
use tarsia_build::engine::{Jobs, Unsettled, Workshop};
use tarsia_build::sandbox::Confinement;
use tarsia_build::sources::{Fetcher, Ready, Wanted, folder, tree};
use tarsia_cache::{Memo, Store};
use tarsia_image::tree::Tree;
use tarsia_manifest::item::Item as _;
use tarsia_manifest::{LockedSource, Source, yaml};
use tarsia_model::{Diagnostic, SourceId};

pub struct Bench {
    pub folder: tempfile::TempDir,
    pub store: Store,
    pub surroundings: Surroundings,
}

/// A source from its text in a manifest.
pub fn source(text: &str) -> Source {
    let mut problems = Vec::new();
    let node = yaml::parse(SourceId(0), text, &mut problems).expect("YAML");
    let source = Source::decode(&node, &mut problems);
    source.unwrap_or_else(|| panic!("{text}: {problems:?}"))
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path().join("cache"));
        std::fs::create_dir(folder.path().join("component")).expect("a folder");
        Self { store, surroundings: Surroundings::read(), folder }
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file and gives its address.
    pub fn file(&self, path: &str, bytes: &[u8]) -> String {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        format!("file://{}", path.display())
    }

    pub fn wanted<'s>(&self, source: &'s Source) -> Wanted<'s> {
        let name = |text: &str| text.parse().expect("a name");
        Wanted {
            component: name("tool"),
            name: name("code"),
            source,
            folder: self.at("component"),
            board_arch: Some(name("armv7m")),
        }
    }

    pub fn lock(&self, source: &Source) -> Result<LockedSource, Diagnostic> {
        let cache = self.at("cache");
        Fetcher::new(&self.surroundings, &self.store, &cache, &|_| ()).lock(&self.wanted(source))
    }

    pub fn fetch(&self, source: &Source, locked: &LockedSource) -> Result<bool, Diagnostic> {
        let cache = self.at("cache");
        let fetcher = Fetcher::new(&self.surroundings, &self.store, &cache, &|_| ());
        fetcher.fetch(&self.wanted(source), locked)
    }

    pub fn tree(&self, source: &Source, locked: &LockedSource) -> Result<Tree, Diagnostic> {
        tree(&self.store, &self.wanted(source), locked, self.folder.path())
    }

    /// A source as actions have it, with what keeps its folder in `out`.
    pub fn kept<T>(
        &self,
        source: &Source,
        locked: &LockedSource,
        work: impl FnOnce(&Ready<'_>, &Workshop<'_>) -> T,
    ) -> T {
        let digests = Digests::open(Memo::new(self.at("digests")));
        let interrupted = AtomicBool::new(false);
        let workshop = Workshop {
            surroundings: &self.surroundings,
            store: &self.store,
            digests: &digests,
            confinement: &Confinement::None { reason: "no program is run".to_owned() },
            jobs: &Jobs::new(NonZeroUsize::MIN).expect("a pipe"),
            root: self.folder.path(),
            folder: &self.at("out"),
            interrupted: &interrupted,
            lost: AtomicBool::new(false),
            unsettled: Unsettled::default(),
        };
        let (wanted, locked) = (self.wanted(source), locked.clone());
        work(&Ready { wanted, locked }, &workshop)
    }

    pub fn folder(
        &self,
        source: &Source,
        locked: &LockedSource,
        to: &Path,
    ) -> Result<(), Diagnostic> {
        folder(&self.store, &self.wanted(source), locked, to)
    }
}

/// Runs a program that has to succeed.
pub fn run(program: &str, args: &[&str], folder: &Path) -> String {
    let output = std::process::Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}
