//! Shows what a build does: a line per program, on a terminal below them a board of what runs, and, where
//! asked for, events as JSON lines and a trace for browsers.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tarsia_build::engine::{Event, Graph, Observer, Reason, State};
use tarsia_model::{Code, Diagnostic, Name};

use crate::board::Board;
use crate::making::How;
use crate::ui::Ui;

/// Shows and records what happens.
pub struct Progress {
    why: bool,
    /// The programs that actions run; actions without one are too short to be announced.
    programs: BTreeMap<String, &'static str>,
    shared: Arc<Shared>,
    /// Draws the board again and again; none without a terminal.
    ticker: Mutex<Option<JoinHandle<()>>>,
}

/// How often the board is drawn: often enough to look alive.
const TICK: Duration = Duration::from_millis(100);

/// What is drawn, and by whom.
struct Shared {
    ui: Ui,
    start: Instant,
    inner: Mutex<Inner>,
    over: Condvar,
}

#[derive(Default)]
struct Inner {
    board: Board,
    /// Whether the board is not to be drawn any more.
    over: bool,
    reasons: BTreeMap<String, String>,
    events: Option<(PathBuf, std::fs::File)>,
    failed: Option<std::io::Error>,
    trace: Option<(PathBuf, Vec<Value>)>,
}

impl Inner {
    fn write(&mut self, mut line: String) {
        if let Some((_, file)) = &mut self.events {
            line.push('\n');
            let written = file.write_all(line.as_bytes());
            self.failed = self.failed.take().or(written.err());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the start.
    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Says something above the board.
    fn say(&self, inner: &mut Inner, verb: &str, text: &str) {
        let line = self.ui.line(verb, text);
        match self.ui.room().filter(|_| !inner.over) {
            Some(size) => self.ui.draw(&inner.board.draw(&line, self.elapsed(), size)),
            None => self.ui.draw(&line),
        }
    }

    /// Draws the board until it is over, then takes it away.
    fn tick(&self) {
        let mut inner = self.lock();
        while !inner.over {
            let waited = self.over.wait_timeout(inner, TICK);
            (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if let Some(size) = self.ui.room().filter(|_| !inner.over) {
                self.ui.draw(&inner.board.draw("", self.elapsed(), size));
            }
        }
        self.ui.draw(inner.board.clear());
    }
}

impl Progress {
    /// Shows the build of a graph by so many jobs.
    ///
    /// # Errors
    /// A file for events that cannot be made.
    pub fn new(ui: Ui, how: &How, jobs: usize, graph: &Graph<'_>) -> Result<Self, Diagnostic> {
        let programs = graph
            .actions()
            .iter()
            .filter_map(|action| Some((action.name(), action.work.program()?)));
        let events = how.events.as_ref().map(|path| -> Result<_, Diagnostic> {
            let file = std::fs::File::create(path).map_err(|error| unwritten(path, &error))?;
            Ok((path.clone(), file))
        });
        let inner = Inner {
            board: Board::new(graph.actions().len(), jobs),
            events: events.transpose()?,
            trace: how.trace.clone().map(|path| (path, Vec::new())),
            ..Inner::default()
        };
        let (start, inner, over) = (now(), Mutex::new(inner), Condvar::new());
        let shared = Arc::new(Shared { ui, start, inner, over });
        // Without a thread there is no board, which is no reason not to build.
        let ticker = ui.room().and_then(|_| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("board".to_owned()).spawn(move || shared.tick()).ok()
        });
        let (why, programs, ticker) = (how.why, programs.collect(), Mutex::new(ticker));
        Ok(Self { why, programs, shared, ticker })
    }

    /// Takes the board away: others have something to say.
    pub fn stand_aside(&self) {
        self.shared.lock().over = true;
        self.shared.over.notify_all();
        let ticker = self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ticker) = ticker {
            // It ends at once; it cannot panic.
            let _ = ticker.join();
        }
    }

    /// A product's files are in their folder.
    pub fn product_done(&self, product: &Name, changed: &[String]) {
        let at = self.shared.elapsed();
        let event =
            json!({ "event": "product-done", "at": at, "product": product, "changed": changed });
        self.shared.lock().write(event.to_string());
    }

    /// Ends the show.
    ///
    /// # Errors
    /// Files that could not be written.
    pub fn finish(self) -> Result<(), Diagnostic> {
        self.stand_aside();
        let inner = self.shared.lock();
        if let (Some((path, _)), Some(error)) = (&inner.events, &inner.failed) {
            return Err(unwritten(path, error));
        }
        if let Some((path, events)) = &inner.trace {
            let text = json!({ "traceEvents": events, "displayTimeUnit": "ms" }).to_string();
            std::fs::write(path, text).map_err(|error| unwritten(path, &error))?;
        }
        Ok(())
    }
}

impl Observer for Progress {
    fn notice(&self, event: &Event<'_>) {
        let at = self.shared.elapsed();
        let mut inner = self.shared.lock();
        let inner = &mut *inner;
        match event {
            Event::Start { action, reason, .. } => {
                let reason = describe(reason);
                if let Some(program) = self.programs.get(*action) {
                    let text = format!("{action} ({program}; {reason})");
                    self.shared.say(inner, "Building", &text);
                }
                inner.reasons.insert((*action).to_owned(), reason);
                inner.board.running.insert((*action).to_owned(), (at, String::new()));
            }
            Event::Progress { action, text } => {
                if let Some((_, said)) = inner.board.running.get_mut(*action) {
                    (*text).clone_into(said);
                }
            }
            Event::Again { source } => {
                let text = format!("{source} again: its folder was changed");
                self.shared.say(inner, "Unpacking", &text);
            }
            Event::Instead { command } => self.shared.say(inner, "Instead of", command),
            Event::End { action, state, took, worker, .. } => {
                inner.board.ended += 1;
                inner.board.cached += usize::from(matches!(state, State::Cached));
                let ran = inner.board.running.remove(*action);
                let reason = inner.reasons.remove(*action);
                if self.why
                    && let (Some(reason), State::Done | State::Failed(_)) = (reason, state)
                {
                    let (whole, tenth) = (took / 1000, took % 1000 / 100);
                    let text = format!("{action} {whole}.{tenth} s: {reason}");
                    self.shared.say(inner, "Why", &text);
                }
                if let (Some((since, _)), Some((_, events)), Some(worker)) =
                    (ran, &mut inner.trace, worker)
                {
                    // Times in microseconds (Trace Event Format, "Complete Events").
                    events.push(json!({
                        "name": action, "ph": "X", "pid": 1, "tid": worker,
                        "ts": since * 1000, "dur": took * 1000,
                    }));
                }
            }
        }
        if let Some(line) = record(event, at) {
            inner.write(line);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stand_aside();
    }
}

/// An event as a line; what a program says is for people only.
fn record(event: &Event<'_>, at: u64) -> Option<String> {
    let value = match event {
        Event::Start { action, reason, worker } => json!({
            "event": "action-start", "at": at, "action": action, "worker": worker,
            "reason": describe(reason),
        }),
        Event::Progress { .. } | Event::Again { .. } | Event::Instead { .. } => return None,
        Event::End { action, state, key, took, .. } => {
            let key = key.map(|key| key.to_string());
            match state {
                State::Cached => {
                    json!({ "event": "cache-hit", "at": at, "action": action, "key": key })
                }
                State::Done => json!({
                    "event": "action-end", "at": at, "action": action, "key": key,
                    "result": "done", "took": took,
                }),
                State::Failed(problem) => json!({
                    "event": "action-end", "at": at, "action": action, "key": key,
                    "result": "failed", "took": took,
                    "code": problem.code.as_str(), "message": problem.message,
                }),
                State::Skipped => json!({
                    "event": "action-end", "at": at, "action": action, "result": "skipped",
                }),
            }
        }
    };
    Some(value.to_string())
}

/// Why an action is carried out, in words.
fn describe(reason: &Reason) -> String {
    let short = |value: &str| {
        let digest = value.len() >= 64 && value.bytes().take(64).all(|b| b.is_ascii_hexdigit());
        if digest { value[..12].to_owned() } else { value.to_owned() }
    };
    match reason {
        Reason::New => "not built here before".to_owned(),
        Reason::Lost => "its result is not in the store".to_owned(),
        Reason::Asked => "asked for".to_owned(),
        Reason::Changed { what, old: Some(old), new: Some(new) } => {
            format!("{what} was {}, is {}", short(old), short(new))
        }
        Reason::Changed { what, old: None, .. } => format!("{what} is new"),
        Reason::Changed { what, new: None, .. } => format!("{what} is gone"),
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Code::OutputFailed, format!("cannot write {}: {error}", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "people are told how long things take")]
fn now() -> Instant {
    Instant::now()
}
