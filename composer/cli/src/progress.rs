//! Shows what a build does: one line that is overwritten on a terminal, a line per program in a pipe,
//! and, where asked for, events as JSON lines and a trace for browsers.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};
use tarsia_build::engine::{Event, Graph, Observer, Reason, State};
use tarsia_model::{Code, Diagnostic, Name};

use crate::making::How;
use crate::ui::Ui;

/// Shows and records what happens.
pub struct Progress {
    ui: Ui,
    why: bool,
    /// The programs that actions run; actions without one are too short to be announced.
    programs: BTreeMap<String, &'static str>,
    start: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    total: usize,
    ended: usize,
    /// What runs, since when, in milliseconds, and what it last said.
    running: BTreeMap<String, (u64, String)>,
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

impl Progress {
    /// Shows the build of a graph.
    ///
    /// # Errors
    /// A file for events that cannot be made.
    pub fn new(ui: Ui, how: &How, graph: &Graph<'_>) -> Result<Self, Diagnostic> {
        let programs = graph
            .actions()
            .iter()
            .filter_map(|action| Some((action.name(), action.work.program()?)));
        let events = how.events.as_ref().map(|path| -> Result<_, Diagnostic> {
            let file = std::fs::File::create(path).map_err(|error| unwritten(path, &error))?;
            Ok((path.clone(), file))
        });
        let inner = Inner {
            total: graph.actions().len(),
            events: events.transpose()?,
            trace: how.trace.clone().map(|path| (path, Vec::new())),
            ..Inner::default()
        };
        let (start, inner) = (now(), Mutex::new(inner));
        Ok(Self { ui, why: how.why, programs: programs.collect(), start, inner })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the start.
    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes back the line that is overwritten: others have something to say.
    pub fn stand_aside(&self) {
        if self.lock().total > 0 {
            self.ui.clear();
        }
    }

    /// A product's files are in their folder.
    pub fn product_done(&self, product: &Name, changed: &[String]) {
        let at = self.elapsed();
        let event =
            json!({ "event": "product-done", "at": at, "product": product, "changed": changed });
        self.lock().write(event.to_string());
    }

    /// Ends the show.
    ///
    /// # Errors
    /// Files that could not be written.
    pub fn finish(self) -> Result<(), Diagnostic> {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let (Some((path, _)), Some(error)) = (&inner.events, &inner.failed) {
            return Err(unwritten(path, error));
        }
        if let Some((path, events)) = &inner.trace {
            let text = json!({ "traceEvents": events, "displayTimeUnit": "ms" }).to_string();
            std::fs::write(path, text).map_err(|error| unwritten(path, &error))?;
        }
        Ok(())
    }

    /// The line that is overwritten.
    fn show(&self, inner: &Inner) {
        let longest = inner.running.iter().min_by_key(|(_, (since, _))| *since);
        let Some((action, (since, said))) = longest else { return };
        let seconds = self.elapsed().saturating_sub(*since) / 1000;
        let others = match inner.running.len() - 1 {
            0 => String::new(),
            others => format!(", {others} more"),
        };
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let text = format!("[{}/{}] {action} {seconds} s{said}{others}", inner.ended, inner.total);
        self.ui.transient("Building", &text);
    }
}

impl Observer for Progress {
    fn notice(&self, event: &Event<'_>) {
        let at = self.elapsed();
        let mut inner = self.lock();
        match event {
            Event::Start { action, reason, .. } => {
                let reason = describe(reason);
                if let Some(program) = self.programs.get(*action) {
                    self.ui.status("Building", &format!("{action} ({program}; {reason})"));
                }
                inner.reasons.insert((*action).to_owned(), reason);
                inner.running.insert((*action).to_owned(), (at, String::new()));
            }
            Event::Progress { action, text } => {
                if let Some((_, said)) = inner.running.get_mut(*action) {
                    (*text).clone_into(said);
                }
            }
            Event::Instead { command } => self.ui.status("Instead of", command),
            Event::End { action, state, took, worker, .. } => {
                inner.ended += 1;
                let ran = inner.running.remove(*action);
                let reason = inner.reasons.remove(*action);
                if self.why
                    && let (Some(reason), State::Done | State::Failed(_)) = (reason, state)
                {
                    let (whole, tenth) = (took / 1000, took % 1000 / 100);
                    self.ui.status("Why", &format!("{action} {whole}.{tenth} s: {reason}"));
                }
                if let (Some((since, _)), Some((_, events)), Some(worker)) =
                    (ran, &mut inner.trace, worker)
                {
                    // Times in microseconds (Trace Event Format, "Complete Events").
                    events.push(json!({
                        "name": action, "ph": "X", "pid": 1, "tid": worker,
                        "ts": since * 1000, "dur": at.saturating_sub(since) * 1000,
                    }));
                }
            }
        }
        if let Some(line) = record(event, at) {
            inner.write(line);
        }
        self.show(&inner);
    }
}

/// An event as a line; what a program says is for people only.
fn record(event: &Event<'_>, at: u64) -> Option<String> {
    let value = match event {
        Event::Start { action, reason, worker } => json!({
            "event": "action-start", "at": at, "action": action, "worker": worker,
            "reason": describe(reason),
        }),
        Event::Progress { .. } | Event::Instead { .. } => return None,
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
