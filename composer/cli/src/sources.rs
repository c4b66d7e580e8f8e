//! External sources of the products that a command is about: their lock files, and their bytes in the store.

use std::path::Path;

use tarsia_build::sources::{Fetcher, Lock, Ready, Wanted, wanted};
use tarsia_cache::Store;
use tarsia_manifest::LockedSource;
use tarsia_model::{Diagnostic, Name};
use tarsia_resolve::Selection;

use crate::session::Session;

/// A product with its lock file and the sources of its components.
pub struct Sourced<'s> {
    /// Its name.
    pub product: Name,
    /// Its lock file.
    pub lock: Lock,
    /// The sources.
    pub wanted: Vec<Wanted<'s>>,
    /// Its components.
    pub components: Vec<Name>,
}

/// The products named, or all of them.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn products<'s>(
    session: &'s Session,
    names: &[String],
) -> Result<Vec<Sourced<'s>>, Vec<Diagnostic>> {
    each(&session.asked(names), |name| {
        session.resolve(name).and_then(|selection| of(session, &selection))
    })
}

fn of<'s>(session: &Session, selection: &Selection<'s>) -> Result<Sourced<'s>, Vec<Diagnostic>> {
    let product = &selection.product.name;
    let manifest = session.sources().get(product.span.source).path;
    Ok(Sourced {
        product: product.value.clone(),
        lock: Lock::open(&session.root, manifest, &product.value)?,
        wanted: wanted(&session.root, session.catalogue(), selection),
        components: selection.components.keys().cloned().collect(),
    })
}

/// Calls `work` with what fetches into the store, from `from` when it is given.
pub fn fetching<T>(
    session: &Session,
    store: &Store,
    from: Option<&Path>,
    work: impl FnOnce(&Fetcher<'_>) -> T,
) -> T {
    let say = |what: &str| session.ui.status("Fetching", what);
    let fetcher = Fetcher::new(&session.surroundings, store, &session.cache, &say);
    let from = from.map(|from| session.surroundings.here.join(from));
    work(&fetcher.vendored(from))
}

/// Fetches what is locked; says how many sources were fetched.
///
/// # Errors
/// Every source that cannot be had.
pub fn fetch(
    fetcher: &Fetcher<'_>,
    wanted: &[Wanted<'_>],
    locked: &[LockedSource],
) -> Result<usize, Vec<Diagnostic>> {
    let (mut count, mut problems) = (0, Vec::new());
    for one in wanted {
        let Some(entry) = locked.iter().find(|entry| entry.key() == one.key()) else {
            continue;
        };
        match fetcher.fetch(one, entry) {
            Ok(fetched) => count += usize::from(fetched),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(count) } else { Err(problems) }
}

/// Sees to it that the store has every external source of products that are to be built, and that their lock
/// files are right: written or removed where that is allowed, and refused with `locked`. Gives the sources of each.
///
/// # Errors
/// Every source that cannot be had, or how each of the lock files differs.
pub fn ready<'s>(
    session: &Session,
    store: &Store,
    selections: &'s [Selection<'s>],
    locked: bool,
) -> Result<Vec<Vec<Ready<'s>>>, Vec<Diagnostic>> {
    let products = each(selections, |selection| of(session, selection))?;
    if locked {
        // Before anything is fetched.
        each(&products, |one| one.lock.exact(&one.wanted).map_err(|problem| vec![problem]))?;
    }
    each(products, |Sourced { lock, wanted, .. }| {
        if wanted.is_empty() && lock.file.is_none() {
            return Ok(Vec::new());
        }
        let sources = fetching(session, store, None, |fetcher| {
            let sources = if locked || lock.drift(&wanted).is_empty() {
                lock.exact(&wanted).map_err(|problem| vec![problem])?
            } else {
                let followed = lock.follow(fetcher, &wanted, &|_| false)?;
                session.ui.status("Locked", &lock.shown);
                followed.sources
            };
            fetch(fetcher, &wanted, &sources).map(|_| sources)
        })?;
        let found = wanted.into_iter().filter_map(|wanted| {
            let locked = sources.iter().find(|entry| entry.key() == wanted.key())?.clone();
            Some(Ready { wanted, locked })
        });
        Ok(found.collect())
    })
}

/// What `work` gives for each; the problems of all when there is one.
fn each<T, R>(
    all: impl IntoIterator<Item = T>,
    mut work: impl FnMut(T) -> Result<R, Vec<Diagnostic>>,
) -> Result<Vec<R>, Vec<Diagnostic>> {
    let (mut done, mut problems) = (Vec::new(), Vec::new());
    for one in all {
        match work(one) {
            Ok(result) => done.push(result),
            Err(more) => problems.extend(more),
        }
    }
    // What several products say wrong is told once.
    problems.dedup();
    if problems.is_empty() { Ok(done) } else { Err(problems) }
}
