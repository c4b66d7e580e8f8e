//! `tarsia lock`: lock files that match the manifests.

use serde::Serialize;
use tarsia_build::sources::{Relocked, Wanted};
use tarsia_model::Diagnostic;

use crate::session::Session;
use crate::sources::{Sourced, fetching, products};
use crate::ui::Outcome;

/// What became of a product's lock file.
#[derive(Serialize)]
pub struct Locked {
    product: String,
    file: Option<String>,
    sources: usize,
    written: bool,
    changes: Vec<String>,
}

/// Locks products, or looks whether they are.
pub fn run(session: &Session, names: &[String], locked: bool) -> Outcome {
    let found = products(session, names);
    let done = found
        .and_then(|found| if locked { look(&found) } else { follow(session, &found, &|_| false) });
    answer(session, done)
}

/// Says what was done.
pub fn answer(session: &Session, done: Result<Vec<Locked>, Vec<Diagnostic>>) -> Outcome {
    match done {
        Ok(done) => {
            let text = || done.iter().map(text).collect::<String>();
            session.ui.answer(text, &done);
            Outcome::Success
        }
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

/// Makes the lock files of products follow the manifests.
///
/// # Errors
/// Every source that cannot be had; the lock files of other products may be written.
pub fn follow(
    session: &Session,
    found: &[Sourced<'_>],
    renew: &dyn Fn(&Wanted<'_>) -> bool,
) -> Result<Vec<Locked>, Vec<Diagnostic>> {
    // What is fetched stays until the lock file names it.
    let lease = session.store.lease().map_err(|error| vec![error.into()])?;
    fetching(session, &lease, None, |fetcher| {
        let (mut done, mut problems) = (Vec::new(), Vec::new());
        for product in found {
            match product.lock.follow(fetcher, &product.wanted, renew) {
                Ok(relocked) => done.push(locked(product, relocked)),
                Err(more) => problems.extend(more),
            }
        }
        problems.dedup();
        if problems.is_empty() { Ok(done) } else { Err(problems) }
    })
}

fn look(found: &[Sourced<'_>]) -> Result<Vec<Locked>, Vec<Diagnostic>> {
    let (mut done, mut problems) = (Vec::new(), Vec::new());
    for product in found {
        match product.lock.exact(&product.wanted) {
            Ok(sources) => done.push(locked(product, Relocked { sources, ..Relocked::default() })),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(done) } else { Err(problems) }
}

fn locked(product: &Sourced<'_>, relocked: Relocked) -> Locked {
    let Relocked { sources, changes, written } = relocked;
    Locked {
        product: product.product.to_string(),
        file: (!sources.is_empty()).then(|| product.lock.shown.clone()),
        sources: sources.len(),
        written,
        changes,
    }
}

fn text(locked: &Locked) -> String {
    let Locked { product, file, sources, written, changes } = locked;
    let plural = if *sources == 1 { "" } else { "s" };
    let mut text = match (file, written) {
        (None, false) => format!("{product}: no external sources\n"),
        (None, true) => format!("{product}: no external sources any more, lock file removed\n"),
        (Some(file), true) => {
            format!("{product}: {sources} external source{plural}, wrote {file}\n")
        }
        (Some(_), false) => format!("{product}: {sources} external source{plural}, up to date\n"),
    };
    for change in changes {
        text += &format!("  {change}\n");
    }
    text
}
