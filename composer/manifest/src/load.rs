//! Reads every manifest of every catalogue, in parallel, and reports every problem of every file.
//! Files are numbered in the order in which they are found, so the result does not depend on timing;
//! and a load that knows an earlier one differs from one that does not in nothing but its speed.

use std::ops::Range;

use tarsia_model::{SourceMap, diagnostic};

use crate::catalogue::Loaded;
use crate::examine::{self, Content, File};
use crate::files::Files;
use crate::find::{self, Candidate, Kind};
use crate::guest::Guest;
use crate::read::{self, Manifest};
use crate::snapshot::{self, Kept, Past, Record};
use crate::supply::Supply;
use crate::survey::{Clock, Survey};
use crate::yaml::MAX_FILE;
use crate::{admit, origins};

/// What [`reload`] found.
#[derive(Debug)]
pub struct Reloaded {
    /// The same as [`load`] gives.
    pub loaded: Loaded,
    /// What to give the next [`reload`]; none when that is what was given to this one, or when there
    /// is no clock.
    pub snapshot: Option<Vec<u8>>,
}

/// Reads every manifest of a workspace.
pub fn load(files: &impl Files) -> Loaded {
    go(files, Past::default(), &|| None, b"").loaded
}

/// Reads every manifest of a workspace, and a guest in place of the product of its name.
pub fn load_with(files: &impl Files, guest: &Guest) -> Loaded {
    let mut loaded = load(files);
    let Loaded { sources, catalogue, diagnostics } = &mut loaded;
    let (name, path) = (guest.name.clone(), guest.path.clone());
    let displaced = format!("products/{name}.yaml");
    diagnostics.retain(|problem| {
        let place = problem.primary.as_ref().map(|label| sources.get(label.span.source).path);
        place.is_none_or(|path| catalogue.inside(path) != displaced)
    });
    catalogue.products.remove(&name);
    catalogue.broken.products.remove(&name);
    let candidate =
        Candidate { path, kind: Kind::Product, name: name.clone(), origin: 0, past: None };
    let id = examine::source(sources.len());
    let read = read::decode(files.read(&candidate.path, MAX_FILE + 1), id, &candidate);
    sources.add(candidate.path, read.text);
    diagnostics.extend(read.problems);
    match read.manifest {
        Some(Manifest::Product(product)) => _ = catalogue.products.insert(name, *product),
        _ => catalogue.broken.insert(Kind::Product, name),
    }
    diagnostic::sort(diagnostics);
    loaded
}

/// Reads what changed in a workspace since `snapshot` was made, and recalls the rest. `tool` names
/// the very program that runs: what another one wrote counts as nothing, as does a damaged snapshot.
pub fn reload(
    files: &impl Files,
    snapshot: Option<Vec<u8>>,
    tool: &[u8],
    clock: Clock<'_>,
) -> Reloaded {
    let past = snapshot.and_then(|bytes| snapshot::read(tool, bytes));
    go(files, past.unwrap_or_default(), clock, tool)
}

fn go(files: &impl Files, past: Past, clock: Clock<'_>, tool: &[u8]) -> Reloaded {
    let survey = Survey::new(files, &past, clock);
    let mut loaded = Loaded { sources: SourceMap::over(past.buffer.clone()), ..Loaded::default() };
    let (workspace, origins) = origins::open(&survey, &mut loaded);
    let folders = find::folders(&survey, &origins, &mut loaded.diagnostics);
    let candidates = find::candidates(&folders);
    let first = usize::from(workspace.is_there());
    let files = examine::files(&survey, &origins, candidates, first, &mut loaded.diagnostics);
    let supply = Supply::of(&files, &past);
    let is_same = !workspace.is_changed()
        && folders.len() == past.folders.len()
        && !folders.iter().any(|folder| folder.changed)
        && !files.iter().any(File::is_changed);
    let snapshot = (!is_same && survey.start().is_some()).then(|| {
        let records = files.iter().zip(&supply.parts);
        let records = records.map(|(f, part)| record(f, &past, &supply.provides[part.clone()]));
        let workspace = record(&workspace, &past, &[]);
        snapshot::write(tool, &supply.capabilities, &workspace, &folders, records)
    });
    admit::all(&mut loaded, &origins, workspace, files, &supply, &past);
    diagnostic::sort(&mut loaded.diagnostics);
    Reloaded { loaded, snapshot }
}

/// What the next load is told of a file.
fn record<'r>(file: &'r File<'_>, past: &'r Past, provides: &'r [u32]) -> Record<'r> {
    let part = |range: &Range<usize>| past.buffer.get(range.clone()).unwrap_or_default();
    let sound = match &file.content {
        Content::Nothing | Content::Broken(_) => None,
        Content::Kept { sound, .. } => Some(Kept {
            digest: sound.digest,
            text: part(&sound.text),
            packed: part(&sound.packed),
            layer: sound.layer,
            provides,
        }),
        Content::Read(found) => Some(Kept {
            digest: found.digest,
            text: found.text.as_bytes(),
            packed: &found.packed,
            layer: found.layer,
            provides,
        }),
    };
    Record { name: &file.candidate.name, mark: file.mark, sound }
}
