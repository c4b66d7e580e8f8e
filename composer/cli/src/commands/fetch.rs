//! `tarsia fetch`: external sources into the store.

use std::path::Path;

use serde::Serialize;
use tarsia_model::{Code, Diagnostic};

use crate::session::Session;
use crate::sources::{fetch, fetching, products};
use crate::ui::Outcome;

#[derive(Serialize)]
struct Fetched {
    product: String,
    sources: usize,
    fetched: usize,
}

/// Fetches what the lock files say; writes none.
pub fn run(session: &Session, names: &[String], from: Option<&Path>) -> Outcome {
    match go(session, names, from) {
        Ok(done) => {
            let text = |one: &Fetched| {
                let Fetched { product, sources, fetched } = one;
                match (sources, fetched) {
                    (0, _) => format!("{product}: no external sources\n"),
                    (_, 0) => format!("{product}: all {sources} in the store already\n"),
                    _ => format!("{product}: fetched {fetched} of {sources}\n"),
                }
            };
            session.ui.answer(|| done.iter().map(text).collect(), &done);
            Outcome::Success
        }
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

fn go(
    session: &Session,
    names: &[String],
    from: Option<&Path>,
) -> Result<Vec<Fetched>, Vec<Diagnostic>> {
    if let Some(from) = from
        && !session.surroundings.here.join(from).join("index.json").is_file()
    {
        let message = format!("`{}` is no folder of vendored sources", from.display());
        return Err(vec![
            Diagnostic::error(Code::Usage, message)
                .hint("`tarsia vendor DIR PRODUCT` writes one".to_owned()),
        ]);
    }
    let found = products(session, names)?;
    let lease = session.store.lease().map_err(|error| vec![error.into()])?;
    let (mut done, mut problems) = (Vec::new(), Vec::new());
    fetching(session, &lease, from, |fetcher| {
        for product in &found {
            let locked = product.lock.exact(&product.wanted).map_err(|problem| vec![problem]);
            match locked.and_then(|locked| fetch(fetcher, &product.wanted, &locked)) {
                Ok(fetched) => done.push(Fetched {
                    product: product.product.to_string(),
                    sources: product.wanted.len(),
                    fetched,
                }),
                Err(more) => problems.extend(more),
            }
        }
    });
    problems.dedup();
    if problems.is_empty() { Ok(done) } else { Err(problems) }
}
