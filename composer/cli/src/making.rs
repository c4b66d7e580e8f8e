//! Builds products: one graph of actions for all of them, so that they share what they have in common.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::unregister;
use tarsia_build::builders::cargo::Devices;
use tarsia_build::confinements;
use tarsia_build::digests::Digests;
use tarsia_build::engine::{
    self, ActionId, Graph, Jobs, Options, Report, Unsettled, Wish, Workshop, run,
};
use tarsia_build::product::{self, Given, Measured, Steps, Written};
use tarsia_build::sandbox::Confinement;
use tarsia_cache::{CacheError, Memo};
use tarsia_model::{Blake3, Code, Diagnostic};
use tarsia_plan::Firmware;
use tarsia_resolve::Selection;

use crate::progress::Progress;
use crate::session::Session;
use crate::sources;

/// How to build.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// How much runs at once; as much as there are processors when none.
    pub jobs: Option<NonZeroUsize>,
    /// Go on with other products after a failure.
    pub keep_going: bool,
    /// Say why each action is carried out, and what it cost.
    pub why: bool,
    /// Where to write what happens, a JSON value per line.
    pub events: Option<PathBuf>,
    /// Where to write a trace for browsers.
    pub trace: Option<PathBuf>,
    /// Refuse lock files that do not match, instead of writing them.
    pub locked: bool,
    /// Carry out every action twice, and compare.
    pub compare: bool,
    /// Neither run a program without a sandbox nor use what such a run made.
    pub confined: bool,
}

/// Products that were built.
pub struct Making<'a> {
    graph: &'a Graph<'a>,
    report: &'a Report,
    workshop: &'a Workshop<'a>,
    steps: &'a [Result<Steps, Vec<Diagnostic>>],
    selections: &'a [Selection<'a>],
    progress: &'a Progress,
}

impl Making<'_> {
    /// What a product came to.
    ///
    /// # Errors
    /// Why it could not be built; nothing when another product's failure or the user ended the build.
    pub fn measured(&self, at: usize) -> Result<Measured, Vec<Diagnostic>> {
        let steps = self.steps[at].clone()?;
        let measured = Measured::of(
            steps.clone(),
            self.graph,
            self.report,
            self.workshop,
            &self.selections[at],
        );
        if let Some(measured) = measured.map_err(|problem| vec![problem])? {
            return Ok(measured);
        }
        let failures = self.report.failures().filter(|(id, _)| steps.has(*id));
        let mut problems: Vec<Diagnostic> = failures.map(|(_, failure)| failure.clone()).collect();
        if problems.is_empty() {
            let name = &self.selections[at].product.name.value;
            let why = if self.report.interrupted {
                "the build was ended"
            } else {
                "something else failed first; --keep-going goes on"
            };
            let message = format!("cannot build `{name}`: {why}");
            problems.push(Diagnostic::error(Code::ActionFailed, message));
        }
        Err(problems)
    }

    /// Writes a product's files into a folder.
    ///
    /// # Errors
    /// Sizes over their limits, and files that cannot be written.
    pub fn write(
        &self,
        session: &Session,
        at: usize,
        measured: &Measured,
        folder: &Path,
    ) -> Result<Written, Vec<Diagnostic>> {
        let selection = &self.selections[at];
        let (catalogue, report) = (session.catalogue(), self.report);
        let written =
            product::write(folder, catalogue, selection, measured, report, self.workshop)?;
        self.progress.product_done(&selection.product.name.value, &written.changed);
        Ok(written)
    }
}

/// Opens what actions are carried out in, and closes it again.
fn open<T>(
    session: &Session,
    how: &How,
    work: impl FnOnce(&Workshop<'_>, &Devices<'_>, Blake3) -> Result<(T, bool), Vec<Diagnostic>>,
) -> Result<T, Vec<Diagnostic>> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot start to build: {error}");
        vec![Diagnostic::error(Code::ActionFailed, message)]
    };
    let cached = |error: CacheError| vec![error.into()];
    let jobs = how.jobs.map_or_else(Jobs::usual, Jobs::new).map_err(failed)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut handlers = Vec::new();
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        handlers.push(flag::register(signal, Arc::clone(&interrupted)).map_err(failed)?);
    }
    let place = Blake3::of(session.root.as_os_str().as_encoded_bytes()).to_string();
    let digests = Digests::open(Memo::new(session.cache.join("digests").join(place)));
    let program = std::env::current_exe().and_then(|path| digests.file(&path)).map_err(failed)?;
    let folder = session.root.join("out/.device");
    let confinement = confinements::find(&session.surroundings, &digests, &folder);
    if let (true, Confinement::None { reason }) = (how.confined, &confinement) {
        let message = format!("cannot build confined: {reason}");
        return Err(vec![Diagnostic::error(Code::NotConfined, message).hint(
            "`tarsia build` without `--confined` goes on, and says that programs saw the machine"
                .to_owned(),
        )]);
    }
    // What this build puts and finds stays until it is over.
    let lease = session.store.lease().map_err(cached)?;
    let workshop = Workshop {
        surroundings: &session.surroundings,
        store: &lease,
        digests: &digests,
        confinement: &confinement,
        jobs: &jobs,
        root: &session.root,
        folder: &folder,
        interrupted: &interrupted,
        lost: AtomicBool::new(false),
        unsettled: Unsettled::default(),
    };
    let devices = Devices {
        workspace: tarsia_build::inputs::device_workspace(&session.root, session.catalogue()),
        elsewhere: tarsia_build::inputs::elsewhere(&session.root, session.catalogue()),
        root: &session.root,
        catalogue: session.catalogue(),
    };
    let answer = work(&workshop, &devices, program);
    digests.keep();
    drop(lease);
    for handler in handlers {
        unregister(handler);
    }
    let (answer, added) = answer?;
    if added {
        if let Confinement::None { reason } = &confinement {
            session.ui.status("Unconfined", &format!("programs saw the whole machine: {reason}"));
        }
        // The moment to see whether it is too much.
        session.store.tidy().map_err(cached)?;
    }
    Ok(answer)
}

/// Builds products and hands them to `then`.
///
/// # Errors
/// What keeps all of them from being built.
pub fn make<T>(
    session: &Session,
    selections: &[Selection<'_>],
    how: &How,
    mut then: impl FnMut(&Making<'_>) -> T,
) -> Result<T, Vec<Diagnostic>> {
    let one = |problem| vec![problem];
    let plans: Vec<Result<Firmware, Vec<Diagnostic>>> =
        selections.iter().map(|selection| session.plan(selection)).collect();
    open(session, how, |workshop, devices, program| {
        let sources = sources::ready(session, workshop.store, selections, how.locked)?;
        let mut graph = Graph::default();
        let mut steps = Vec::new();
        for ((selection, plan), sources) in selections.iter().zip(&plans).zip(&sources) {
            let plan = plan.as_ref().map_err(Clone::clone);
            steps.push(plan.and_then(|plan| {
                let given = Given { workshop, devices, selection, plan, sources, program };
                Steps::plan(&mut graph, &given)
            }));
        }
        let How { keep_going, compare, confined, .. } = *how;
        let options = Options { keep_going, compare, confined, before: None };
        let mut added = false;
        let answer = workshop.until_whole(&graph, || {
            let progress = Progress::new(session.ui, how, workshop.jobs.count.get(), &graph)?;
            let report = run(&graph, workshop, options, &progress);
            progress.stand_aside();
            added |= report.made_anything();
            let making = Making {
                graph: &graph,
                report: &report,
                workshop,
                steps: &steps,
                selections,
                progress: &progress,
            };
            let answer = then(&making);
            progress.finish()?;
            Ok(answer)
        });
        Ok((answer.map_err(one)?, added))
    })
}

/// Runs a program where a product's compiler runs, or where the step of this name runs; gives its exit code.
///
/// # Errors
/// Why that is not possible.
pub fn shell(
    session: &Session,
    selection: &Selection<'_>,
    plan: &Firmware,
    step: Option<&str>,
    wish: &Wish,
) -> Result<i32, Vec<Diagnostic>> {
    let one = |problem| vec![problem];
    open(session, &How::default(), |workshop, devices, program| {
        let only = std::slice::from_ref(selection);
        let mut sources = sources::ready(session, workshop.store, only, false)?;
        let sources = &sources.pop().unwrap_or_default();
        let mut graph = Graph::default();
        let given = Given { workshop, devices, selection, plan, sources, program };
        let steps = Steps::plan(&mut graph, &given)?;
        let progress = Progress::new(session.ui, &How::default(), 1, &graph).map_err(one)?;
        let named = |step| graph.actions().iter().position(|action| action.step == step);
        let action = step.map_or(Some(steps.firmware), |step| named(step).map(ActionId));
        let action = action.ok_or_else(|| {
            let (name, step) = (&selection.product.name.value, step.unwrap_or_default());
            one(Diagnostic::error(Code::ActionFailed, format!("`{name}` has no step `{step}`")))
        })?;
        let code = engine::shell(&graph, workshop, action, wish, &progress);
        Ok((code.map_err(one)?, false))
    })
}
