//! Carries out a graph of actions: takes from the store what is there, starts first what the most
//! waits for, and leaves nothing half done.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Instant;

use tarsia_cache::ActionResult;
use tarsia_model::{Blake3, Code, Diagnostic};

use super::action::{Made, Origin, Wish};
use super::describe::{Described, Given};
use super::event::{Event, Observer, Reason, State};
use super::graph::{ActionId, Graph};
use super::history::{History, Last};
use super::job::Job;
use super::unsettled::Fresh;
use super::workshop::Workshop;
use crate::content::digest_of;
use crate::sandbox::Confinement;

/// How often an action is carried out again because its inputs changed under it.
const TRIES: usize = 3;
/// How the notes of a result begin whose programs saw the whole machine.
const UNCONFINED: &str = "unconfined";

/// How to carry a graph out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Go on with what does not need what failed.
    pub keep_going: bool,
    /// Carry out what the store already has, too, twice under different surroundings, and compare.
    pub compare: bool,
    /// Use no result of programs that saw the whole machine; such are carried out again.
    pub confined: bool,
    /// Carry out no more than what this action reads from.
    pub before: Option<ActionId>,
}

/// How an action ended.
#[derive(Debug)]
enum Outcome {
    /// Its outputs are in the store.
    Made {
        /// Each output's digest.
        outputs: BTreeMap<String, Blake3>,
        /// Whether it was carried out; otherwise the store had them.
        ran: bool,
    },
    /// It failed.
    Failed(Diagnostic),
    /// It was not carried out.
    Skipped,
}

/// How a graph ended.
#[derive(Debug)]
pub struct Report {
    outcomes: Vec<Outcome>,
    /// Whether the user ended it.
    pub interrupted: bool,
}

impl Report {
    /// The digest of an output; none when it was not made.
    pub fn output(&self, ActionId(at): ActionId, name: &str) -> Option<Blake3> {
        match &self.outcomes[at] {
            Outcome::Made { outputs, .. } => outputs.get(name).copied(),
            Outcome::Failed(_) | Outcome::Skipped => None,
        }
    }

    /// Whether something was added to the store.
    pub fn made_anything(&self) -> bool {
        self.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Made { ran: true, .. }))
    }

    /// Every failure, with its action's place.
    pub fn failures(&self) -> impl Iterator<Item = (ActionId, &Diagnostic)> {
        self.outcomes.iter().enumerate().filter_map(|(at, outcome)| match outcome {
            Outcome::Failed(failure) => Some((ActionId(at), failure)),
            Outcome::Made { .. } | Outcome::Skipped => None,
        })
    }
}

/// Carries out a graph.
pub fn run(
    graph: &Graph<'_>,
    workshop: &Workshop<'_>,
    options: Options,
    observer: &dyn Observer,
) -> Report {
    let history = workshop.history();
    let actions = graph.actions();
    let last: Vec<Option<Last>> =
        actions.iter().map(|action| history.last(&action.name())).collect();
    // What was never carried out counts as one second, so that longer chains go first.
    let cost: Vec<u64> = last.iter().map(|last| last.map_or(1000, |last| last.took)).collect();
    let urgency = graph.urgency(&cost);
    let mut open: Vec<usize> = (0..actions.len()).map(|at| graph.needs(at).len()).collect();
    let wanted = match options.before {
        Some(ActionId(at)) => graph.before(at),
        None => (0..actions.len()).collect(),
    };
    // What is not wanted waits for ever.
    (0..actions.len()).filter(|at| !wanted.contains(at)).for_each(|at| open[at] = usize::MAX);
    let ready = wanted.iter().copied().filter(|at| open[*at] == 0);
    let ready = ready.map(|at| (urgency[at], Reverse(at))).collect();
    let outcomes = (0..actions.len()).map(|_| None).collect();
    let queue = Queue {
        state: Mutex::new(Progress { ready, open, outcomes, left: wanted.len(), failed: false }),
        changed: Condvar::new(),
    };
    let crew = Crew {
        graph,
        workshop,
        options,
        observer,
        history,
        last,
        queue,
        urgency,
        alone: Mutex::new(()),
    };
    let workers = workshop.jobs.count.get().min(actions.len());
    std::thread::scope(|scope| {
        let crew = &crew;
        for worker in 1..workers {
            scope.spawn(move || crew.work(scope, worker));
        }
        crew.work(scope, 0);
    });
    let progress = crew.queue.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let outcomes = progress.outcomes.into_iter().map(|one| one.unwrap_or(Outcome::Skipped));
    Report { outcomes: outcomes.collect(), interrupted: workshop.is_interrupted() }
}

/// What an action came to.
struct Got<'a, 'w> {
    outputs: BTreeMap<String, Blake3>,
    /// What is still to be done; nothing when the store had it.
    rest: Option<Rest<'a, 'w>>,
}

/// An action that was carried out, and what is still to be done about it.
struct Rest<'a, 'w> {
    at: usize,
    worker: usize,
    /// How long it was carried out, in milliseconds.
    took: u64,
    fresh: Fresh,
    described: Described<'a, 'w>,
}

/// Runs a program where the program of an action would run, after what that reads from.
///
/// # Errors
/// Why that is not possible, and what failed before.
pub fn shell(
    graph: &Graph<'_>,
    workshop: &Workshop<'_>,
    at: ActionId,
    wish: &Wish,
    observer: &dyn Observer,
) -> Result<i32, Diagnostic> {
    workshop.until_whole(graph, || enter(graph, workshop, at, wish, observer))
}

fn enter(
    graph: &Graph<'_>,
    workshop: &Workshop<'_>,
    ActionId(at): ActionId,
    wish: &Wish,
    observer: &dyn Observer,
) -> Result<i32, Diagnostic> {
    let action = &graph.actions()[at];
    let options = Options { before: Some(ActionId(at)), ..Options::default() };
    let report = run(graph, workshop, options, observer);
    if let Some((_, failure)) = report.failures().next() {
        return Err(failure.clone());
    }
    let mut inputs = BTreeMap::new();
    for (path, origin) in &action.inputs {
        let made = match origin {
            Origin::Output(from, name) => report.output(*from, name).map(Given::File),
            _ => given(workshop, path, origin)?,
        };
        let made = made.ok_or_else(|| {
            let message = format!("cannot start `{}`: the build was ended", action.name());
            Diagnostic::error(Code::ActionFailed, message)
        })?;
        inputs.insert(path.clone(), made);
    }
    let described = Described { action, inputs };
    let job = Job { described: &described, workshop, other: false, observer };
    action.work.shell(&job, wish)
}

/// What an input is now; none for what another action makes.
fn given(
    workshop: &Workshop<'_>,
    path: &str,
    origin: &Origin,
) -> Result<Option<Given>, Diagnostic> {
    Ok(Some(match origin {
        Origin::Text(bytes) => Given::File(Blake3::of(bytes)),
        Origin::File(file) => {
            let digest = workshop.digests.file(file).map_err(|error| {
                let message = format!("cannot read an input: {error}");
                Diagnostic::error(Code::Unreadable, message)
            })?;
            Given::File(digest)
        }
        Origin::Tree(folder, ends) => {
            let tree = workshop.digests.tree(folder, path)?;
            Given::Tree(if ends.is_empty() { tree } else { Arc::new(tree.without(ends)) })
        }
        Origin::Output(..) => return Ok(None),
    }))
}

struct Progress {
    ready: BinaryHeap<(u64, Reverse<usize>)>,
    /// How many an action still waits for.
    open: Vec<usize>,
    outcomes: Vec<Option<Outcome>>,
    /// How many have not ended.
    left: usize,
    failed: bool,
}

struct Queue {
    state: Mutex<Progress>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Crew<'a, 'w> {
    graph: &'a Graph<'w>,
    workshop: &'a Workshop<'a>,
    options: Options,
    observer: &'a dyn Observer,
    history: History,
    /// The last build of each action.
    last: Vec<Option<Last>>,
    queue: Queue,
    urgency: Vec<u64>,
    /// Held by the one action that must be alone.
    alone: Mutex<()>,
}

impl<'w> Crew<'_, 'w> {
    fn work<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>, worker: usize) {
        while let Some(at) = self.next() {
            let stopped = {
                let progress = self.queue.lock();
                (progress.failed && !self.options.keep_going) || self.workshop.is_interrupted()
            };
            let (outcome, rest) =
                if stopped { (self.skip(at), None) } else { self.carry_out(at, worker) };
            self.finish(at, outcome);
            if let Some(rest) = rest {
                scope.spawn(move || self.settle(&rest));
            }
        }
    }

    /// Keeps what an action made. When that fails, so has the action; those that read from it already
    /// had what it made.
    fn settle(&self, rest: &Rest<'_, '_>) {
        let Rest { at, worker, took, fresh, described } = rest;
        let action = &self.graph.actions()[*at].name();
        let key = described.key();
        let state = match self.workshop.unsettled.settle(fresh, self.workshop.store) {
            Ok(()) => {
                self.history.note(described, Last { key, took: *took });
                State::Done
            }
            Err(error) => {
                let failure = Diagnostic::from(error);
                let mut progress = self.queue.lock();
                progress.failed = true;
                progress.outcomes[*at] = Some(Outcome::Failed(failure.clone()));
                State::Failed(Box::new(failure))
            }
        };
        let (state, worker) = (&state, Some(*worker));
        self.observer.notice(&Event::End { action, state, key: Some(key), worker, took: *took });
    }

    /// The next action; none when all have ended.
    fn next(&self) -> Option<usize> {
        let mut progress = self.queue.lock();
        loop {
            if progress.left == 0 {
                return None;
            }
            if let Some((_, Reverse(at))) = progress.ready.pop() {
                return Some(at);
            }
            progress = self.queue.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finish(&self, at: usize, outcome: Outcome) {
        let mut progress = self.queue.lock();
        progress.failed |= matches!(outcome, Outcome::Failed(_));
        progress.outcomes[at] = Some(outcome);
        progress.left -= 1;
        for user in self.graph.users(at) {
            progress.open[*user] -= 1;
            if progress.open[*user] == 0 {
                progress.ready.push((self.urgency[*user], Reverse(*user)));
            }
        }
        self.queue.changed.notify_all();
    }

    fn skip(&self, at: usize) -> Outcome {
        let action = &self.graph.actions()[at].name();
        let state = &State::Skipped;
        self.observer.notice(&Event::End { action, state, key: None, worker: None, took: 0 });
        Outcome::Skipped
    }

    fn carry_out(&self, at: usize, worker: usize) -> (Outcome, Option<Rest<'_, 'w>>) {
        let name = self.graph.actions()[at].name();
        let start = now();
        let mut seen = None;
        let attempt = self.attempt(at, worker, &mut seen);
        let took = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (outcome, state, worker) = match attempt {
            Ok(None) => return (self.skip(at), None),
            Ok(Some(Got { outputs, rest: Some(rest) })) => {
                return (Outcome::Made { outputs, ran: true }, Some(rest));
            }
            Ok(Some(Got { outputs, rest: None })) => {
                (Outcome::Made { outputs, ran: false }, State::Cached, None)
            }
            Err(_) if self.workshop.is_interrupted() => return (self.skip(at), None),
            Err(failure) => {
                let state = State::Failed(Box::new(failure.clone()));
                (Outcome::Failed(failure), state, Some(worker))
            }
        };
        let event = Event::End { action: &name, state: &state, key: seen, worker, took };
        self.observer.notice(&event);
        (outcome, None)
    }

    /// The outputs of an action and whether it was carried out; none when something it reads from was
    /// not made.
    fn attempt(
        &self,
        at: usize,
        worker: usize,
        seen: &mut Option<Blake3>,
    ) -> Result<Option<Got<'_, 'w>>, Diagnostic> {
        let store = self.workshop.store;
        for _ in 0..TRIES {
            let Some(described) = self.describe(at)? else { return Ok(None) };
            let key = described.key();
            *seen = Some(key);
            let name = described.action.name();
            let trusted = |result: &ActionResult| {
                !(self.options.confined && result.notes.starts_with(UNCONFINED))
            };
            if !self.options.compare
                && let Some(result) = store.recall(key)?.filter(trusted)
            {
                let outputs = digests_of(&result);
                if let Some(last) = self.last[at].filter(|last| last.key != key) {
                    self.history.note(&described, Last { key, took: last.took });
                }
                return Ok(Some(Got { outputs, rest: None }));
            }
            // Waited for without a token: what it waits for may use it.
            let alone = described.action.alone.then(|| self.alone.lock());
            let token = self.workshop.jobs.acquire().map_err(|error| {
                let message = format!("cannot wait for a job token: {error}");
                Diagnostic::error(Code::ActionFailed, message)
            })?;
            let reason = if self.options.compare {
                Reason::Asked
            } else {
                self.history.reason(&described, key)
            };
            self.observer.notice(&Event::Start { action: &name, reason: &reason, worker });
            let start = now();
            let (workshop, observer) = (self.workshop, self.observer);
            let job = |other| Job { described: &described, workshop, other, observer };
            let made = described.action.work.make(&job(false));
            if self.workshop.is_interrupted() {
                return Ok(None);
            }
            // What was made of something else than the key says is worth nothing; nor is a failure.
            if !self.is_current(&described)? {
                continue;
            }
            if made.is_err() {
                self.look_at_inputs(&described);
            }
            let made = complete(&described, made?)?;
            if self.options.compare {
                let other = complete(&described, described.action.work.make(&job(true))?)?;
                compare(&name, &made, &other)?;
            }
            drop((token, alone));
            let took = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            let notes = match self.workshop.confinement {
                _ if described.action.work.program().is_none() => "no program".to_owned(),
                Confinement::Bubblewrap { version, .. } => format!("bubblewrap {version}"),
                Confinement::None { reason } => format!("{UNCONFINED}: {reason}"),
            };
            let fresh = self.workshop.unsettled.add(key, notes, made);
            let outputs = fresh.digests();
            let rest = Some(Rest { at, worker, took, fresh, described });
            return Ok(Some(Got { outputs, rest }));
        }
        let name = self.graph.actions()[at].name();
        let message = format!("cannot carry out `{name}`: what it reads keeps changing");
        Err(Diagnostic::error(Code::ActionFailed, message))
    }

    /// An action with the content of all that it reads.
    fn describe(&self, at: usize) -> Result<Option<Described<'_, 'w>>, Diagnostic> {
        let action = &self.graph.actions()[at];
        let progress = self.queue.lock();
        let mut outputs = BTreeMap::new();
        for (path, origin) in &action.inputs {
            if let Origin::Output(ActionId(from), name) = origin {
                let Some(Some(Outcome::Made { outputs: made, .. })) = progress.outcomes.get(*from)
                else {
                    return Ok(None);
                };
                let Some(digest) = made.get(name) else { return Ok(None) };
                outputs.insert(path.clone(), Given::File(*digest));
            }
        }
        drop(progress);
        let mut inputs = outputs;
        for (path, origin) in &action.inputs {
            let Some(given) = given(self.workshop, path, origin)? else { continue };
            inputs.insert(path.clone(), given);
        }
        Ok(Some(Described { action, inputs }))
    }

    /// When the store did not give back one of them, sees which others it does not either, so that all are made
    /// anew at once.
    fn look_at_inputs(&self, described: &Described<'_, '_>) {
        if !self.workshop.lost.load(Ordering::Relaxed) {
            return;
        }
        for (path, given) in &described.inputs {
            if let (Given::File(digest), Origin::Output(..)) =
                (given, &described.action.inputs[path])
            {
                // What it says is said already.
                let _ = self.workshop.fetch(path, *digest);
            }
        }
    }

    /// Whether files and folders still are what they were when the key was made.
    fn is_current(&self, described: &Described<'_, '_>) -> Result<bool, Diagnostic> {
        for (path, given) in &described.inputs {
            let same = match (given, &described.action.inputs[path]) {
                (Given::Tree(tree), Origin::Tree(folder, ends)) => {
                    self.workshop.digests.is_current(folder, tree, ends)?
                }
                (Given::File(digest), Origin::File(file)) => {
                    digest_of(file).is_ok_and(|now| now == *digest)
                }
                _ => true,
            };
            if !same {
                self.workshop.digests.forget();
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What was made must be what was promised.
fn complete(described: &Described<'_, '_>, made: Made) -> Result<Made, Diagnostic> {
    let promised = described.action.outputs.iter().copied();
    if promised.clone().eq(made.keys().map(String::as_str)) {
        return Ok(made);
    }
    let name = described.action.name();
    let made: Vec<&str> = made.keys().map(String::as_str).collect();
    let message = format!(
        "`{name}` made {} and was to make {}",
        tarsia_model::suggest::listed(&made),
        tarsia_model::suggest::listed(&promised.collect::<Vec<_>>())
    );
    Err(Diagnostic::error(Code::ActionFailed, message))
}

/// Holds the outputs of two runs against each other.
fn compare(action: &str, one: &Made, two: &Made) -> Result<(), Diagnostic> {
    for (name, one) in one {
        let two = &two[name];
        if one == two {
            continue;
        }
        let shorter = one.len().min(two.len());
        let offset = one.iter().zip(two).position(|(a, b)| a != b).unwrap_or(shorter);
        let count =
            one.iter().zip(two).filter(|(a, b)| a != b).count() + one.len().abs_diff(two.len());
        let around = |bytes: &[u8]| {
            let (from, to) = (offset.saturating_sub(16), bytes.len().min(offset + 32));
            bytes.get(from..to).unwrap_or_default().escape_ascii().to_string()
        };
        let message = format!(
            "cannot make the same bytes twice: `{action}` made another `{name}` the second time, from offset {offset}"
        );
        return Err(Diagnostic::error(Code::NotDeterministic, message)
            .note(format!("{count} bytes differ; sizes {} and {}", one.len(), two.len()))
            .note(format!("first:  {}", around(one)))
            .note(format!("second: {}", around(two))));
    }
    Ok(())
}

fn digests_of(result: &ActionResult) -> BTreeMap<String, Blake3> {
    result.outputs.iter().map(|(name, output)| (name.clone(), output.digest)).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long an action takes is told, and decides nothing but which starts first"
)]
fn now() -> Instant {
    Instant::now()
}
