//! `tarsia new`: a product or component to start from.

use std::collections::BTreeMap;
use std::io::Write as _;

use fs_err as fs;
use tarsia_manifest::{ComponentManifest, Layer};
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
    name.parse().map_err(|reason| {
        Diagnostic::error(Code::BadName, format!("use {name:?} as a name: {reason}"))
    })
}

fn component(
    session: &Session,
    name: &str,
    layer: NewLayer,
) -> Result<BTreeMap<String, String>, Diagnostic> {
    let name = parse_name(name)?;
    if session.catalogue().components.contains_key(&name) {
        let message = format!("make the component `{name}`: there is one already");
        return Err(Diagnostic::error(Code::AlreadyExists, message));
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
    let of = |layer| catalogue.components.values().filter(move |c| c.layer.value == layer);
    let board = pick("board", board, of(Layer::Board), |c| {
        c.board.as_ref().is_some_and(|board| board.emulator.is_some())
    })?;
    let arch = board.board.as_ref().map(|board| board.arch.value.clone());
    let kernel = pick("kernel", kernel, of(Layer::Kernel), |c| {
        c.arch.is_empty() || c.arch.iter().any(|other| Some(&other.value) == arch.as_ref())
    })?;
    let profile = catalogue.profiles.values().find(|profile| {
        profile.kernels.is_empty() || profile.kernels.find(&kernel.component.value).is_some()
    });
    let profile = profile.ok_or_else(|| {
        let message = format!("find a profile for the kernel `{}`", kernel.component.value);
        Diagnostic::error(Code::UnknownProfile, message)
    })?;
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
        services: services.filter(|name: &Name| catalogue.components.contains_key(name)).collect(),
        flash: size("flash"),
        ram: size("ram"),
    })
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
        let message = format!("find the {what} `{}`", asked.unwrap_or_default());
        let near = asked.and_then(|asked| suggest::did_you_mean(asked, names.iter().copied()));
        let known = || format!("known: {}", suggest::listed(&names));
        Diagnostic::error(Code::UnknownComponent, message).hint(near.unwrap_or_else(known))
    })
}

fn write(session: &Session, files: BTreeMap<String, String>) -> Result<Vec<String>, Diagnostic> {
    for path in files.keys() {
        if session.root.join(path).exists() {
            let message = format!("create {path}: it exists");
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
            Diagnostic::error(Code::OutputFailed, format!("create {path}: {error}"))
        })?;
    }
    Ok(files.into_keys().collect())
}
