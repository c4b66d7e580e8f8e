//! `tarsia vendor`: everything that products are made from, in one folder.

use std::path::Path;

use tarsia_build::sources::{Vendored, vendor};
use tarsia_model::Diagnostic;

use crate::session::Session;
use crate::sources::{fetch, fetching, products};
use crate::ui::Outcome;

/// Fetches what is missing and writes the folder.
pub fn run(session: &Session, folder: &Path, names: &[String]) -> Outcome {
    match go(session, folder, names) {
        Ok(Vendored { sources, bytes, crates }) => {
            let path = folder.display();
            let text = || {
                let crates = crates.map_or_else(
                    || "no crates: the workspace has no `components/Cargo.toml`".to_owned(),
                    |crates| format!("{crates} crates"),
                );
                let plural = if sources == 1 { "" } else { "s" };
                format!("{path}: {sources} external source{plural} of {bytes} bytes, {crates}\n")
            };
            let value = serde_json::json!({
                "folder": path.to_string(), "sources": sources, "bytes": bytes, "crates": crates,
            });
            session.ui.answer(text, &value);
            Outcome::Success
        }
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

fn go(session: &Session, folder: &Path, names: &[String]) -> Result<Vendored, Vec<Diagnostic>> {
    let found = products(session, names)?;
    let lease = session.store.lease().map_err(|error| vec![error.into()])?;
    let locked = fetching(session, &lease, None, |fetcher| {
        let (mut locked, mut problems) = (Vec::new(), Vec::new());
        for product in &found {
            match product.lock.exact(&product.wanted) {
                Err(problem) => problems.push(problem),
                Ok(sources) => match fetch(fetcher, &product.wanted, &sources) {
                    Ok(_) => locked.push((product.product.clone(), sources)),
                    Err(more) => problems.extend(more),
                },
            }
        }
        problems.dedup();
        if problems.is_empty() { Ok(locked) } else { Err(problems) }
    })?;
    let to = session.surroundings.here.join(folder);
    let workspace = (session.root.as_path(), session.catalogue());
    vendor(&session.surroundings, &lease, workspace, &locked, &to).map_err(|problem| vec![problem])
}
