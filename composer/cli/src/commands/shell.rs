//! `tarsia shell`: a program where a product's compiler runs.

use std::ffi::OsString;

use tarsia_build::engine::Wish;
use tarsia_model::{Code, Diagnostic};

use crate::making::shell;
use crate::session::Session;
use crate::ui::Outcome;

/// Runs it.
pub fn run(
    session: &Session,
    name: &str,
    component: Option<&str>,
    command: Vec<OsString>,
) -> Outcome {
    match attempt(session, name, component, command) {
        Ok(0) => Outcome::Success,
        Ok(_) => Outcome::Failure,
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

fn attempt(
    session: &Session,
    name: &str,
    component: Option<&str>,
    command: Vec<OsString>,
) -> Result<i32, Vec<Diagnostic>> {
    let selection = session.resolve(name)?;
    let plan = session.plan(&selection)?;
    let folder = component.map(|component| {
        let found = plan.crates.iter().find(|(name, _)| name.as_str() == component);
        found.map(|(_, folder)| folder.clone()).ok_or_else(|| {
            let message = format!("`{name}` compiles no component `{component}`");
            let known = plan.crates.keys().map(tarsia_model::Name::as_str);
            let near = tarsia_model::suggest::did_you_mean(component, known);
            vec![Diagnostic::error(Code::UnknownComponent, message).hint(near)]
        })
    });
    let wish = Wish { folder: folder.transpose()?, command };
    shell(session, &selection, &plan, &wish)
}
