//! `tarsia build`: a product's image in `out/PRODUCT`.

use std::path::Path;

use tarsia_build::product::{self, Written};
use tarsia_model::Diagnostic;
use tarsia_resolve::Selection;

use crate::session::Session;
use crate::ui::Outcome;

/// Builds and says what was written.
pub fn run(session: &Session, name: &str, out: Option<&Path>) -> Outcome {
    let built = session.resolve(name).and_then(|selection| {
        let written = build(session, &selection, out)?;
        Ok((selection, written))
    });
    match built {
        Err(problems) => session.ui.report(&problems, session.sources()),
        Ok((selection, written)) => {
            let folder = out.map_or_else(|| Path::new("out").join(name), Path::to_owned);
            session.ui.answer(|| summary(&selection, &written, &folder), &written.image);
            Outcome::Success
        }
    }
}

/// Builds a selection and writes its files.
pub fn build(
    session: &Session,
    selection: &Selection<'_>,
    out: Option<&Path>,
) -> Result<Written, Vec<Diagnostic>> {
    session.ui.warn(&selection.warnings, session.sources());
    let measured = session.measure(selection).map_err(|problem| vec![problem])?;
    let warnings: Vec<_> = measured.problems.clone();
    let folder = out.map_or_else(|| session.out(&selection.product.name.value), Path::to_owned);
    let written = product::write(&folder, session.catalogue(), selection, &measured)?;
    session.ui.warn(&warnings, session.sources());
    Ok(written)
}

fn summary(selection: &Selection<'_>, written: &Written, folder: &Path) -> String {
    let regions: String = written
        .image
        .regions
        .iter()
        .map(|region| {
            let percent = region.used.saturating_mul(1000) / region.limit.max(1);
            let (whole, tenth) = (percent / 10, percent % 10);
            format!(
                "  {:<6}{:>8} of {} bytes ({whole}.{tenth} %)\n",
                region.name, region.used, region.limit
            )
        })
        .collect();
    let state = match written.changed.as_slice() {
        [] => "up to date".to_owned(),
        changed => format!("wrote {}", changed.join(", ")),
    };
    format!(
        "{}: {} components on {}, kernel {}\n{regions}  {}: {state}\n",
        selection.product.name.value,
        selection.components.len(),
        selection.board,
        selection.kernel,
        folder.display(),
    )
}
