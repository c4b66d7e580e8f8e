//! What the engine costs per action: a thousand actions that each start `/bin/true`, beside as many
//! plain starts of it, and the parts of the difference one by one. One at a time; the letters keep the
//! order.
//! `cargo bench -p tarsia-build --bench actions`; figures are in docs/performance.md.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use divan::Bencher;
use tarsia_build::Surroundings;
use tarsia_build::digests::Digests;
use tarsia_build::engine::{
    Action, Event, Graph, Job, Jobs, Made, Observer, Options, Unsettled, Work, Workshop, run,
};
use tarsia_build::sandbox::{self, Confinement, Ending, Mount};
use tarsia_cache::{Memo, Store};
use tarsia_model::{Diagnostic, Name};
use tempfile::TempDir;

/// How many actions, or starts.
const COUNT: usize = 1_000;
const PROGRAM: &str = "/bin/true";
/// The name of what each action makes.
const OUTPUT: &str = "out";
/// Where stores and memories are: on the disk of temporary files, or where no file is ever synced.
const PLACES: [&str; 2] = ["disk", "memory"];
const MEMORY: &str = "/dev/shm";

static UNCONFINED: LazyLock<Confinement> =
    LazyLock::new(|| Confinement::None { reason: "to be measured".to_owned() });
static PROBED: LazyLock<Confinement> = LazyLock::new(|| Confinement::probe(&Surroundings::read()));
static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..COUNT).map(|at| format!("step-{at}")).collect());

fn main() {
    divan::main();
}

fn no_bubblewrap() -> bool {
    !matches!(*PROBED, Confinement::Bubblewrap { .. })
}

/// The job that sees what a compiler would: the host's programs and libraries.
fn described() -> sandbox::Job {
    let mut job = sandbox::Job::new(PROGRAM);
    job.mounts = Confinement::system();
    job
}

fn start(confinement: &Confinement) {
    let running = confinement.spawn(&described()).expect("started");
    assert_eq!(running.finish(4096).expect("ended").ending, Ending::Exited(0));
}

/// Starts the program, or does nothing.
struct Starting {
    starts: bool,
    at: usize,
}

impl Work for Starting {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        if self.starts {
            start(job.workshop.confinement);
        }
        // No two make the same, so that the store has to keep each.
        Ok(Made::from([(OUTPUT.to_owned(), self.at.to_string().into_bytes())]))
    }
}

struct Silent;

impl Observer for Silent {
    fn notice(&self, _: &Event<'_>) {}
}

fn graph(starts: bool) -> Graph<'static> {
    let product: Name = "measured".parse().expect("a name");
    let mut graph = Graph::default();
    for (at, step) in NAMES.iter().enumerate() {
        graph.add(Action {
            product: product.clone(),
            step: step.clone(),
            builder: "start 1",
            inputs: BTreeMap::new(),
            settings: Vec::new(),
            outputs: vec![OUTPUT],
            alone: false,
            work: Box::new(Starting { starts, at }),
        });
    }
    graph
}

fn carry_out(graph: &Graph<'_>, confinement: &Confinement, folder: &Path, ran: bool) {
    let store = Store::new(folder.join("store"));
    let digests = Digests::open(Memo::new(folder.join("digests")));
    let interrupted = AtomicBool::new(false);
    let workshop = Workshop {
        surroundings: &Surroundings::read(),
        store: &store,
        digests: &digests,
        confinement,
        jobs: &Jobs::new(NonZeroUsize::MIN).expect("a pipe"),
        root: folder,
        folder: &folder.join("work"),
        interrupted: &interrupted,
        lost: AtomicBool::new(false),
        unsettled: Unsettled::default(),
    };
    let report = run(graph, &workshop, Options::default(), &Silent);
    assert_eq!(report.failures().count(), 0);
    assert_eq!(report.made_anything(), ran);
}

fn fresh(place: &str) -> TempDir {
    let folder = if place == "memory" { MEMORY.into() } else { std::env::temp_dir() };
    tempfile::tempdir_in(folder).expect("a folder")
}

/// The whole graph with an empty store.
fn first(bencher: Bencher<'_, '_>, place: &str, confinement: &Confinement, starts: bool) {
    let graph = graph(starts);
    bencher.with_inputs(|| fresh(place)).bench_values(|folder| {
        carry_out(&graph, confinement, folder.path(), true);
        folder
    });
}

#[divan::bench(sample_count = 9, sample_size = 1)]
fn a_plain_start() {
    for _ in 0..COUNT {
        let status = Command::new(PROGRAM).stdin(Stdio::null()).status();
        assert!(status.expect("started").success());
    }
}

#[divan::bench(sample_count = 9, sample_size = 1)]
fn b_job_unconfined() {
    for _ in 0..COUNT {
        start(&UNCONFINED);
    }
}

/// What the engine adds: key, look into the store, output, result, history.
#[divan::bench(args = PLACES, sample_count = 9, sample_size = 1)]
fn c_engine_without_program(bencher: Bencher<'_, '_>, place: &str) {
    first(bencher, place, &UNCONFINED, false);
}

#[divan::bench(args = PLACES, sample_count = 9, sample_size = 1)]
fn d_engine_unconfined(bencher: Bencher<'_, '_>, place: &str) {
    first(bencher, place, &UNCONFINED, true);
}

/// `bwrap` on a command line that comes near to that of a job: without the seccomp filters, and with
/// all of `/proc` in sight.
#[divan::bench(sample_count = 9, sample_size = 1, ignore = no_bubblewrap())]
fn e_plain_bwrap() {
    let mut words: Vec<&str> = "--unshare-all --unshare-user --disable-userns --die-with-parent \
        --new-session --cap-drop ALL --uid 1000 --gid 1000 --hostname tarsia --clearenv \
        --proc /proc --dev /dev --tmpfs /tmp"
        .split_whitespace()
        .collect();
    let system = Confinement::system();
    for mount in &system {
        let (option, from) = match mount {
            Mount::Symlink { target, .. } => ("--symlink", target),
            Mount::ReadOnly { host, .. } => ("--ro-bind", host),
            Mount::ReadWrite { .. } | Mount::Tmpfs { .. } => continue,
        };
        let [from, inside] = [from.as_path(), mount.inside()].map(|path| path.to_str());
        words.extend([option, from.expect("text"), inside.expect("text")]);
    }
    for _ in 0..COUNT {
        let status = Command::new("bwrap").args(&words).arg(PROGRAM).stdin(Stdio::null()).status();
        assert!(status.expect("started").success());
    }
}

#[divan::bench(sample_count = 9, sample_size = 1, ignore = no_bubblewrap())]
fn f_job_in_bwrap() {
    for _ in 0..COUNT {
        start(&PROBED);
    }
}

#[divan::bench(args = PLACES, sample_count = 9, sample_size = 1, ignore = no_bubblewrap())]
fn g_engine_in_bwrap(bencher: Bencher<'_, '_>, place: &str) {
    first(bencher, place, &PROBED, true);
}

/// The same graph when the store has everything.
#[divan::bench(sample_count = 9)]
fn h_nothing_to_do(bencher: Bencher<'_, '_>) {
    let (graph, folder) = (graph(false), fresh("disk"));
    carry_out(&graph, &UNCONFINED, folder.path(), true);
    bencher.bench(|| carry_out(&graph, &UNCONFINED, folder.path(), false));
}
