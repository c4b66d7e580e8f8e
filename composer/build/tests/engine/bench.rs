//! A place to try the engine in, and actions made of closures.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tarsia_build::Surroundings;
use tarsia_build::digests::Digests;
use tarsia_build::engine::{
    Action, ActionId, Event, Graph, Job, Jobs, Observer, Options, Origin, Reason, Report,
    Unsettled, Work, Workshop, run,
};
use tarsia_build::sandbox::Confinement;
use tarsia_cache::{Memo, Store};
use tarsia_model::{Blake3, Diagnostic};
use tempfile::TempDir;

use super::disk::Disk;

/// Which actions were carried out.
#[derive(Default)]
pub struct Made(Mutex<Vec<String>>);

impl Made {
    /// Those since the last time, in order of their ends; several at once come in any order.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

type Answer = Result<Vec<(&'static str, Vec<u8>)>, Diagnostic>;

struct Closure<'w, F> {
    log: &'w Made,
    work: F,
}

/// Work that says it runs a program.
struct Program<'w>(Box<dyn Work + 'w>);

impl Work for Program<'_> {
    fn make(&self, job: &Job<'_>) -> Result<BTreeMap<String, Vec<u8>>, Diagnostic> {
        self.0.make(job)
    }

    fn program(&self) -> Option<&'static str> {
        Some("program")
    }
}

impl<F: Fn(&Job<'_>) -> Answer + Send + Sync> Work for Closure<'_, F> {
    fn make(&self, job: &Job<'_>) -> Result<BTreeMap<String, Vec<u8>>, Diagnostic> {
        self.log.0.lock().expect("no panic").push(job.described.action.step.clone());
        let made = (self.work)(job)?;
        Ok(made.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect())
    }
}

/// An action while it is put together.
pub struct Draft<'w>(Action<'w>);

/// An action of the product `p`.
pub fn action<'w>(
    step: &'static str,
    log: &'w Made,
    outputs: &[&'static str],
    work: impl Fn(&Job<'_>) -> Answer + Send + Sync + 'w,
) -> Draft<'w> {
    Draft(Action {
        product: "p".parse().expect("a name"),
        step: step.to_owned(),
        builder: "test 1",
        inputs: BTreeMap::new(),
        settings: Vec::new(),
        outputs: outputs.to_vec(),
        alone: false,
        work: Box::new(Closure { log, work }),
    })
}

impl<'w> Draft<'w> {
    /// Adds an input.
    pub fn reads(mut self, name: &str, origin: Origin) -> Self {
        self.0.inputs.insert(name.to_owned(), origin);
        self
    }

    /// Says that it runs a program.
    pub fn program(mut self) -> Self {
        self.0.work = Box::new(Program(self.0.work));
        self
    }

    /// The action.
    pub fn done(self) -> Action<'w> {
        self.0
    }
}

/// Generated content.
pub fn text(text: &str) -> Origin {
    Origin::Text(text.as_bytes().to_vec())
}

/// What a run came to.
pub struct Ran {
    pub report: Report,
    pub lost: bool,
    store: Store,
}

impl Ran {
    /// An output as text.
    pub fn text(&self, action: usize, output: &str) -> String {
        let digest = self.report.output(ActionId(action), output).expect("made");
        let bytes = self.store.get(digest).expect("a store").expect("kept");
        String::from_utf8(bytes).expect("text")
    }
}

#[derive(Default)]
struct Reasons(Mutex<BTreeMap<String, Reason>>);

impl Observer for Reasons {
    fn notice(&self, event: &Event<'_>) {
        if let Event::Start { action, reason, .. } = event {
            let mut reasons = self.0.lock().expect("no panic");
            reasons.insert((*action).to_owned(), (*reason).clone());
        }
    }
}

/// The file with this name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = tarsia_manifest::walk::sorted_dir(folder).ok()?;
    entries.into_iter().find_map(|path| match path.is_dir() {
        true => find(&path, name),
        false => path.ends_with(name).then_some(path),
    })
}

/// A folder with inputs, a store and what the engine remembers.
pub struct Bench {
    folder: TempDir,
    jobs: usize,
}

impl Bench {
    /// An empty one, with two jobs.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), jobs: 2 }
    }

    /// With so many jobs.
    pub fn with_jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes an input.
    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.at(path), text).expect("written");
    }

    /// Forgets all results.
    pub fn empty_store(&self) {
        std::fs::remove_dir_all(self.at("store")).expect("removed");
    }

    /// Spoils a blob.
    pub fn damage(&self, digest: Blake3) {
        let path = find(&self.at("store"), &digest.to_string()).expect("a blob");
        // Another size would show before it is read.
        let size = std::fs::read(&path).expect("readable").len();
        std::fs::write(path, vec![b'?'; size]).expect("written");
    }

    fn observed(&self, graph: &Graph<'_>, options: Options, observer: &dyn Observer) -> Ran {
        self.stored(Store::new(self.at("store")), graph, options, observer)
    }

    fn stored(
        &self,
        store: Store,
        graph: &Graph<'_>,
        options: Options,
        observer: &dyn Observer,
    ) -> Ran {
        let digests = Digests::open(Memo::new(self.at("digests")));
        let interrupted = AtomicBool::new(false);
        let workshop = Workshop {
            surroundings: &Surroundings::read(),
            store: &store,
            digests: &digests,
            confinement: &Confinement::None { reason: "no program is run".to_owned() },
            jobs: &Jobs::new(NonZeroUsize::new(self.jobs).expect("not 0")).expect("a pipe"),
            root: &self.at(""),
            folder: &self.at("work"),
            interrupted: &interrupted,
            lost: AtomicBool::new(false),
            unsettled: Unsettled::default(),
        };
        let report = run(graph, &workshop, options, observer);
        let lost = workshop.lost.load(Ordering::Relaxed);
        digests.keep();
        Ran { report, lost, store }
    }

    /// Carries out a graph.
    pub fn run(&self, graph: &Graph<'_>, options: Options) -> Ran {
        self.observed(graph, options, &Reasons::default())
    }

    /// Carries out a graph with a disk that does something before each time it is waited for.
    pub fn run_on(&self, disk: Disk, graph: &Graph<'_>) -> Ran {
        let store = Store::on(Arc::new(disk), self.at("store"));
        self.stored(store, graph, Options::default(), &Reasons::default())
    }

    /// Carries out a graph and tells why what was carried out was.
    pub fn reasons(&self, graph: &Graph<'_>) -> BTreeMap<String, Reason> {
        let reasons = Reasons::default();
        self.observed(graph, Options::default(), &reasons);
        reasons.0.into_inner().expect("no panic")
    }
}
