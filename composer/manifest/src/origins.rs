//! Which catalogues a workspace has: `tarsia.yaml`, or the workspace's own folder without it.

use std::io;

use tarsia_model::{Code, Diagnostic};

use crate::catalogue::Loaded;
use crate::collection::Set;
use crate::examine::{self, Content, File};
use crate::files::{Files, Home};
use crate::find::{Candidate, Kind, Origin};
use crate::read::Manifest;
use crate::survey::Survey;
use crate::workspace::{CatalogueSource, WORKSPACE_FILE, WorkspaceManifest};

/// The workspace's own folder as a catalogue.
const OWN: &str = ".";

/// `tarsia.yaml` and the catalogues of a workspace; those that cannot be used are reported and left
/// out.
pub(crate) fn open<'p>(
    survey: &Survey<'p, impl Files>,
    loaded: &mut Loaded,
) -> (File<'p>, Vec<Origin>) {
    let own = Origin { prefix: String::new(), home: Home::default(), overrides: Set::default() };
    let (own, problem) = match survey.files.home(OWN) {
        Ok(home) => (Origin { home, ..own }, None),
        Err(error) => {
            let message = format!("the workspace could not be read: {error}");
            (own, Some(Diagnostic::error(Code::Unreadable, message)))
        }
    };
    loaded.diagnostics.extend(problem);
    let candidate = Candidate {
        path: WORKSPACE_FILE.into(),
        kind: Kind::Workspace,
        name: "workspace".parse().expect("a name of letters"),
        origin: 0,
        past: survey.past.workspace.as_ref(),
    };
    let own = [own];
    let mut files = examine::files(survey, &own, vec![candidate], 0, &mut loaded.diagnostics);
    let file = files.remove(0);
    let origins = match &file.content {
        Content::Nothing => own.into(),
        Content::Kept { manifest: Some(Manifest::Workspace(workspace)), .. } => {
            listed(survey.files, workspace, loaded)
        }
        Content::Read(found) => match &found.manifest {
            Manifest::Workspace(workspace) => listed(survey.files, workspace, loaded),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let complete = loaded.diagnostics.is_empty();
    loaded.catalogue.broken.workspace = !complete;
    loaded.catalogue.prefixes = origins.iter().map(|origin| origin.prefix.clone()).collect();
    let nothing_else = matches!(file.content, Content::Nothing) && !complete;
    (file, if nothing_else { Vec::new() } else { origins })
}

fn listed(files: &impl Files, workspace: &WorkspaceManifest, loaded: &mut Loaded) -> Vec<Origin> {
    let mut found: Vec<(Origin, &CatalogueSource)> = Vec::new();
    for source in &workspace.catalogues {
        let folder = source.path.as_str();
        let home = match files.home(folder) {
            Ok(home) => home,
            Err(error) => {
                loaded.diagnostics.push(missing(source, &error));
                continue;
            }
        };
        if let Some((_, first)) = found.iter().find(|(origin, _)| origin.home == home) {
            let message = format!("the catalogue `{}` is listed twice", folder.escape_debug());
            loaded.diagnostics.push(
                Diagnostic::at(Code::DuplicateEntry, source.path.span, message)
                    .also(first.path.span, "the same folder")
                    .hint("remove one of them".to_owned()),
            );
            continue;
        }
        let overrides = source.overrides.clone();
        found.push((Origin { prefix: prefix(folder), home, overrides }, source));
    }
    found.into_iter().map(|(origin, _)| origin).collect()
}

/// What the paths of a catalogue's files start with.
fn prefix(folder: &str) -> String {
    match folder.trim_end_matches('/') {
        OWN => String::new(),
        folder => format!("{folder}/"),
    }
}

fn missing(source: &CatalogueSource, error: &io::Error) -> Diagnostic {
    let folder = source.path.as_str().escape_debug();
    let (code, message) = match error.kind() {
        io::ErrorKind::NotFound => {
            (Code::CatalogueNotFound, format!("the catalogue `{folder}` does not exist"))
        }
        io::ErrorKind::NotADirectory => {
            (Code::CatalogueNotFound, format!("the catalogue `{folder}` is not a folder"))
        }
        _ => (Code::Unreadable, format!("the catalogue `{folder}` could not be read: {error}")),
    };
    Diagnostic::at(code, source.path.span, message)
        .hint("paths are relative to the folder of `tarsia.yaml`".to_owned())
}
