//! `tarsia run`: boots a product in its board's emulator and watches its console.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
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

/// How to run a product.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The pattern after which it ends.
    pub until: Option<&'a str>,
    /// After how many seconds it ends.
    pub timeout: Option<u64>,
    /// Which of its ports the host reaches.
    pub forward: &'a [Forward],
}

/// A port of the host's loopback, and the TCP port of the device that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    host: u16,
    device: u16,
}

impl FromStr for Forward {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || "write two ports, HOST:DEVICE, such as 8080:80".to_owned();
        let (host, device) = text.split_once(':').ok_or_else(usage)?;
        let port = |text: &str| text.parse().ok().filter(|port| *port != 0).ok_or_else(usage);
        Ok(Self { host: port(host)?, device: port(device)? })
    }
}

/// As an option of QEMU's user network.
impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ",hostfwd=tcp:127.0.0.1:{}-:{}", self.host, self.device)
    }
}

/// Builds, boots and watches.
pub fn run(session: &Session, name: &str, wish: &Wish<'_>) -> Outcome {
    match attempt(session, name, wish) {
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
    wish: &Wish<'_>,
) -> Result<Ran<'a>, Vec<Diagnostic>> {
    let Wish { until, timeout, .. } = *wish;
    let pattern = until.map(Regex::new).transpose().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim().to_owned();
        vec![Diagnostic::error(
            Code::Usage,
            format!("the pattern given with --until is no regular expression: {reason}"),
        )]
    })?;
    let selection = session.resolve(name)?;
    let emulation = emulation(session, &selection, wish.forward)?;
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

fn emulation(
    session: &Session,
    selection: &Selection<'_>,
    forward: &[Forward],
) -> Result<Emulation, Vec<Diagnostic>> {
    let board = &selection.board;
    let described = selection.get(board).and_then(|selected| selected.manifest.board.as_ref());
    let emulator = described.and_then(|board| board.emulator.as_ref()).ok_or_else(|| {
        let place =
            selection.product.board.as_ref().map_or(selection.product.name.span, |b| b.span);
        let message = format!("cannot run on `{board}`: it has no emulator");
        vec![Diagnostic::at(Code::NoEmulator, place, message)]
    })?;
    let out = session.out(&selection.product.name.value);
    let linux = tarsia_plan::linux::plan(selection)?;
    let layout = linux.as_ref().map(|linux| linux.layout.component.as_str()).unwrap_or_default();
    let own = emulator.layouts.get(layout).into_iter().flatten();
    let template: Vec<String> =
        emulator.args.iter().chain(own).map(|arg| arg.value.clone()).collect();
    let file = |name: &str| out.join(name).display().to_string();
    let ram = selection.limits.get("ram").into_iter().flatten().map(|limit| limit.size.0).min();
    let ports: Vec<String> = forward.iter().map(Forward::to_string).collect();
    let values = BTreeMap::from([
        ("bin", file("firmware.bin")),
        ("hex", file("firmware.hex")),
        ("elf", file("firmware.elf")),
        ("kernel", file("kernel")),
        ("initramfs", file("initramfs")),
        ("disk", file("disk.img")),
        ("ram", format!("{}M", ram.unwrap_or_default() >> 20)),
        ("command-line", linux.map(|linux| linux.command_line).unwrap_or_default()),
    ]);
    let ports = ports.concat();
    let args = emulator::arguments(&template, &values).into_iter();
    Ok(Emulation {
        program: emulator.program.value.to_string(),
        package: emulator.package.value.clone(),
        // These are parts of a list.
        args: args.map(|arg| arg.replace("{forward}", &ports)).collect(),
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
