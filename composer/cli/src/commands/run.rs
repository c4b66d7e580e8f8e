//! `tarsia run`: boots a product in its board's emulator and watches its console.

use std::time::Duration;

use regex::Regex;
use serde::Serialize;
use tarsia_build::emulator::{self, Emulation, Ending, Until};
use tarsia_model::{Code, Diagnostic};
use tarsia_resolve::Selection;

use crate::commands::build;
use crate::session::Session;
use crate::ui::Outcome;

/// How long to wait for a pattern when the user does not say, in seconds.
const PATIENCE: u64 = 60;

#[derive(Serialize)]
struct Ran<'a> {
    product: &'a str,
    seen: bool,
    console: Vec<String>,
}

/// Builds, boots and watches.
pub fn run(session: &Session, name: &str, until: Option<&str>, timeout: Option<u64>) -> Outcome {
    match attempt(session, name, until, timeout) {
        Ok(ran) => {
            if session.ui.structured() {
                session.ui.answer(String::new, &ran);
            }
            Outcome::Success
        }
        Err(problems) => session.ui.report(&problems, session.sources()),
    }
}

fn attempt<'a>(
    session: &Session,
    name: &'a str,
    until: Option<&str>,
    timeout: Option<u64>,
) -> Result<Ran<'a>, Vec<Diagnostic>> {
    let pattern = until.map(Regex::new).transpose().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim().to_owned();
        vec![Diagnostic::error(
            Code::Usage,
            format!("the pattern given with --until is no regular expression: {reason}"),
        )]
    })?;
    let selection = session.resolve(name)?;
    let emulation = emulation(session, &selection).map_err(|problem| vec![problem])?;
    build::build_one(session, &selection)?;

    let seconds = timeout.or_else(|| pattern.as_ref().map(|_| PATIENCE));
    let until = Until { pattern, timeout: seconds.map(Duration::from_secs) };
    let mut console = Vec::new();
    let mut line = |text: &str| {
        session.ui.console(text);
        console.push(text.to_owned());
    };
    session.ui.status("Booting", &format!("{name} with {}", emulation.program));
    let folder = session.out(&selection.product.name.value);
    let ending = emulator::run(&session.surroundings, &emulation, &until, &folder, &mut line)
        .map_err(|problem| vec![problem])?;
    let seen = ending == Ending::Seen;
    match judge(&ending, &until, console.len()) {
        Some(problem) => Err(vec![problem]),
        None => Ok(Ran { product: name, seen, console }),
    }
}

fn emulation(session: &Session, selection: &Selection<'_>) -> Result<Emulation, Diagnostic> {
    let board = &selection.board;
    let described = selection.get(board).and_then(|selected| selected.manifest.board.as_ref());
    let emulator = described.and_then(|board| board.emulator.as_ref()).ok_or_else(|| {
        let place =
            selection.product.board.as_ref().map_or(selection.product.name.span, |b| b.span);
        Diagnostic::at(
            Code::NoEmulator,
            place,
            format!("cannot run on `{board}`: it has no emulator"),
        )
    })?;
    let out = session.out(&selection.product.name.value);
    let template: Vec<String> = emulator.args.iter().map(|arg| arg.value.clone()).collect();
    Ok(Emulation {
        program: emulator.program.value.to_string(),
        package: emulator.package.value.clone(),
        args: emulator::arguments(&template, &|suffix| out.join(format!("firmware.{suffix}"))),
    })
}

/// The problem that an ending is, if it is one.
fn judge(ending: &Ending, until: &Until, lines: usize) -> Option<Diagnostic> {
    let not_seen = |how: String| {
        let pattern = until.pattern.as_ref()?;
        let message =
            format!("`{pattern}` did not appear on the console: {how} after {lines} lines");
        Some(Diagnostic::error(Code::PatternNotSeen, message))
    };
    match ending {
        Ending::Seen => None,
        Ending::TimedOut => {
            let seconds = until.timeout.map_or(0, |timeout| timeout.as_secs());
            not_seen(format!("{seconds} s passed"))
        }
        Ending::Interrupted => not_seen("interrupted".to_owned()),
        Ending::Exited { code: Some(0), .. } => not_seen("the emulator ended".to_owned()),
        Ending::Exited { stderr, .. } => {
            let problem = Diagnostic::error(Code::ActionFailed, "the emulator failed");
            Some(if stderr.is_empty() { problem } else { problem.note(stderr.clone()) })
        }
    }
}
