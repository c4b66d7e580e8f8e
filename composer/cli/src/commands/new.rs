//! `tarsia new`: a product or component to start from.

use std::collections::BTreeMap;
use std::io::Write as _;

use fs_err as fs;
use tarsia_manifest::{ComponentManifest, Layer, Set};
use tarsia_model::{Code, Diagnostic, Name, SourceMap, suggest};
use tarsia_plan::scaffold::{self, NewProduct};

use crate::args::{New, NewLayer};
use crate::session::Session;
use crate::ui::Outcome;

/// Writes the files, unless one of them exists.
pub fn run(session: &Session, what: &New) -> Outcome {
    let made = match what {
        New::Product { name, board, kernel } => {
            product(session, name, board.as_deref(), kernel.as_deref())
        }
        New::Component { name, layer } => component(session, name, *layer),
    };
    match made.and_then(|files| write(session, files)) {
        Ok(paths) => {
            let text: String = paths.iter().map(|path| format!("{path}\n")).collect();
            session.ui.answer(|| text, &serde_json::json!({ "created": paths }));
            Outcome::Success
        }
        Err(problem) => session.ui.report(&[problem], &SourceMap::default()),
    }
}

fn parse_name(name: &str) -> Result<Name, Diagnostic> {
    name.parse().map_err(|rule: String| {
        Diagnostic::error(Code::BadName, format!("{name:?} is not a name")).hint(rule)
    })
}

fn component(
    session: &Session,
    name: &str,
    layer: NewLayer,
) -> Result<BTreeMap<String, String>, Diagnostic> {
    let name = parse_name(name)?;
    if let Some(folder) = session.catalogue().components.folder(name.as_str()) {
        let message = format!("there is a component `{name}` already");
        let found = Diagnostic::error(Code::AlreadyExists, message);
        return Err(found.hint(format!("it is in `{folder}`")));
    }
    let layer = match layer {
        NewLayer::Service => Layer::Service,
        NewLayer::Driver => Layer::Driver,
        NewLayer::Library => Layer::Library,
    };
    scaffold::component(&name, layer)
}

fn product(
    session: &Session,
    name: &str,
    board: Option<&str>,
    kernel: Option<&str>,
) -> Result<BTreeMap<String, String>, Diagnostic> {
    let catalogue = session.catalogue();
    let of = |layer| catalogue.components.iter().filter(move |c| c.layer.value == layer);
    let board = pick("board", board, of(Layer::Board), |c| {
        c.board.as_ref().is_some_and(|board| board.emulator.is_some())
    })?;
    let profile_of = |kernel: &ComponentManifest| {
        catalogue.profiles.values().find(|profile| {
            let class = &profile.profile.value;
            [board, kernel].into_iter().all(|part| allows(&part.classes, class))
                && allows(&profile.kernels, &kernel.component.value)
        })
    };
    let runs = |kernel: &ComponentManifest| {
        board.board.as_ref().is_some_and(|board| allows(&kernel.arch, &board.arch.value))
    };
    let kernel = pick("kernel", kernel, of(Layer::Kernel), |c| runs(c) && profile_of(c).is_some())?;
    let mismatch = |code, why: &str| {
        let (kernel, board) = (&kernel.component.value, &board.component.value);
        let message = format!("the kernel `{kernel}` cannot be used on `{board}`: {why}");
        Diagnostic::error(code, message)
            .hint("without `--kernel`, one is chosen that fits the board".to_owned())
    };
    if !runs(kernel) {
        return Err(mismatch(Code::ArchMismatch, "it is for other architectures"));
    }
    let profile =
        profile_of(kernel).ok_or_else(|| mismatch(Code::ClassMismatch, "no profile has both"))?;
    let size = |region: &str| {
        let memory = board.board.as_ref().and_then(|board| board.memory.get(region));
        memory.map_or_else(String::new, |region| region.size.value.to_string().replace(' ', ""))
    };
    let services = ["supervisor"].iter().filter_map(|name| name.parse().ok());
    scaffold::product(&NewProduct {
        name: parse_name(name)?,
        profile: profile.profile.value.clone(),
        board: board.component.value.clone(),
        kernel: kernel.component.value.clone(),
        services: services
            .filter(|name: &Name| catalogue.components.contains(name.as_str()))
            .collect(),
        flash: size("flash"),
        ram: size("ram"),
    })
}

/// An empty list in a manifest allows everything.
fn allows(listed: &Set<Name>, name: &Name) -> bool {
    listed.is_empty() || listed.find(name).is_some()
}

/// The component asked for, or the first that suits.
fn pick<'c>(
    what: &str,
    asked: Option<&str>,
    all: impl Iterator<Item = &'c ComponentManifest>,
    suits: impl Fn(&ComponentManifest) -> bool,
) -> Result<&'c ComponentManifest, Diagnostic> {
    let all: Vec<_> = all.collect();
    let found = match asked {
        Some(name) => all.iter().find(|c| c.component.value.as_str() == name),
        None => all.iter().find(|c| suits(c)),
    };
    found.copied().ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|c| c.component.value.as_str()).collect();
        let message = asked.map_or_else(
            || format!("there is no {what} that suits"),
            |asked| format!("there is no {what} {asked:?}"),
        );
        let near = asked.and_then(|asked| suggest::did_you_mean(asked, names.iter().copied()));
        let known = || format!("known: {}", suggest::listed(&names));
        Diagnostic::error(Code::UnknownComponent, message).hint(near.unwrap_or_else(known))
    })
}

fn write(session: &Session, files: BTreeMap<String, String>) -> Result<Vec<String>, Diagnostic> {
    for path in files.keys() {
        if session.root.join(path).exists() {
            let message = format!("`{path}` exists already");
            return Err(Diagnostic::error(Code::AlreadyExists, message));
        }
    }
    for (path, text) in &files {
        let full = session.root.join(path);
        let create = || -> std::io::Result<()> {
            if let Some(folder) = full.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::File::create_new(&full)?.write_all(text.as_bytes())
        };
        create().map_err(|error| {
            Diagnostic::error(Code::OutputFailed, format!("`{path}` could not be made: {error}"))
        })?;
    }
    Ok(files.into_keys().collect())
}
