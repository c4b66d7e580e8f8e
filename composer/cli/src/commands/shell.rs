//! `tarsia shell`: a program where a product's compiler runs.

use std::ffi::OsString;

use tarsia_build::engine::Wish;
use tarsia_model::{Code, Diagnostic};
use tarsia_plan::{Firmware, Place};

use crate::making::shell;
use crate::session::Session;
use crate::ui::Outcome;

/// Runs it.
pub fn run(
    session: &Session,
    name: &str,
    component: Option<&str>,
    file: Option<&str>,
    command: Vec<OsString>,
) -> Outcome {
    match attempt(session, name, (component, file), command) {
        Ok(0) => Outcome::Success,
        Ok(_) => Outcome::Failure,
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

fn attempt(
    session: &Session,
    name: &str,
    (component, file): (Option<&str>, Option<&str>),
    command: Vec<OsString>,
) -> Result<i32, Vec<Diagnostic>> {
    let selection = session.resolve(name)?;
    let plan = session.plan(&selection)?;
    let step = component.zip(file).map(|(component, file)| step(&plan, component, file));
    let step = step.transpose().map_err(|problem| vec![problem])?;
    // What has C may have no crate.
    let folder = component.filter(|_| step.is_none()).map(|component| {
        let found = plan.crates.iter().find(|(name, _)| name.as_str() == component);
        found.map(|(_, folder)| folder.clone()).ok_or_else(|| {
            let message = format!("`{name}` compiles no component `{component}`");
            let known = plan.crates.keys().map(tarsia_model::Name::as_str);
            let near = tarsia_model::suggest::did_you_mean(component, known);
            vec![Diagnostic::error(Code::UnknownComponent, message).hint(near)]
        })
    });
    let wish = Wish { folder: folder.transpose()?, command };
    shell(session, &selection, &plan, step.as_deref(), &wish)
}

/// The step that compiles a file of a component's C.
fn step(plan: &Firmware, component: &str, file: &str) -> Result<String, Diagnostic> {
    let part = plan.c.iter().find(|part| part.component.as_str() == component);
    let files: Vec<String> = part.iter().flat_map(|part| &part.files).map(Place::shown).collect();
    if files.iter().any(|known| known == file) {
        return Ok(format!("cc/{component}/{file}"));
    }
    let message = format!("`{component}` compiles no C of the name `{file}`");
    let hint = match files.as_slice() {
        [] => "it has no C under `c` in its manifest".to_owned(),
        files => format!("its files are {}", tarsia_model::suggest::listed(files)),
    };
    Err(Diagnostic::error(Code::UnknownComponent, message).hint(hint))
}
