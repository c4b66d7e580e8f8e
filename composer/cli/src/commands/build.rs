//! `tarsia build`: images in `out/PRODUCT`.

use std::path::{Path, PathBuf};

use tarsia_build::product::Written;
use tarsia_model::{Code, Diagnostic};
use tarsia_resolve::Selection;

use crate::making::{How, make};
use crate::session::Session;
use crate::ui::Outcome;

/// Builds and says what was written.
pub fn run(session: &Session, products: &[String], out: Option<&Path>, how: &How) -> Outcome {
    let names = &session.asked(products);
    let (mut selections, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match session.resolve(name) {
            Ok(selection) => selections.push(selection),
            Err(found) => problems.extend(found),
        }
    }
    // What several products say wrong is told once.
    problems.dedup();
    if !problems.is_empty() && !how.keep_going || selections.is_empty() {
        return session.ui.report(&problems, session.sources());
    }
    let folder = |selection: &Selection<'_>| match out {
        Some(out) if names.len() == 1 => out.to_owned(),
        Some(out) => out.join(selection.product.name.value.as_str()),
        None => session.out(&selection.product.name.value),
    };
    match build(session, &selections, &folder, how) {
        Err(found) => problems.extend(found),
        Ok(built) => {
            let shown = |folder: PathBuf| {
                folder.strip_prefix(&session.root).map_or(folder.clone(), Path::to_owned)
            };
            let mut written = Vec::new();
            for (selection, found) in selections.iter().zip(built) {
                match found {
                    Ok(files) => written.push((selection, files)),
                    Err(found) => problems.extend(found),
                }
            }
            let text = || {
                let each = written
                    .iter()
                    .map(|(selection, files)| summary(selection, files, &shown(folder(selection))));
                each.collect::<String>()
            };
            match written.as_slice() {
                [] => {}
                [(_, one)] if names.len() == 1 => session.ui.answer(text, &one.image),
                // For programs, problems are the answer.
                _ if session.ui.structured() && !problems.is_empty() => {}
                all => {
                    let images: Vec<_> = all.iter().map(|(_, files)| &files.image).collect();
                    session.ui.answer(text, &images);
                }
            }
        }
    }
    if problems.is_empty() {
        return Outcome::Success;
    }
    session.ui.report(&problems, session.sources())
}

/// Builds selections and writes the files of each into its folder.
///
/// # Errors
/// What keeps all of them from being built; and for each, why it could not be.
pub fn build(
    session: &Session,
    selections: &[Selection<'_>],
    folder: &dyn Fn(&Selection<'_>) -> PathBuf,
    how: &How,
) -> Result<Vec<Result<Written, Vec<Diagnostic>>>, Vec<Diagnostic>> {
    for selection in selections {
        session.ui.warn(&selection.warnings, session.sources());
    }
    make(session, selections, how, |making| {
        let one = |(at, selection): (usize, &Selection<'_>)| {
            let measured = making.measured(at)?;
            let written = making.write(session, at, &measured, &folder(selection))?;
            session.ui.warn(&measured.problems, session.sources());
            Ok(written)
        };
        selections.iter().enumerate().map(one).collect()
    })
}

/// Builds one selection into its folder of outputs.
///
/// # Errors
/// Why it could not be built.
pub fn build_one(session: &Session, selection: &Selection<'_>) -> Result<Written, Vec<Diagnostic>> {
    let folder = |selection: &Selection<'_>| session.out(&selection.product.name.value);
    let only = std::slice::from_ref(selection);
    let mut built = build(session, only, &folder, &How::default())?;
    let lost = || vec![Diagnostic::error(Code::ActionFailed, "nothing was built")];
    built.pop().ok_or_else(lost)?
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
