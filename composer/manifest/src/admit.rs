//! Puts what was found into the catalogue, each name once.

use std::ops::Range;
use std::sync::Arc;

use tarsia_model::{Name, SourceMap, Span};

use crate::catalogue::Loaded;
use crate::claim::{self, Claim, Claims};
use crate::components::{Components, Row, Stored};
use crate::examine::{Content, File, source};
use crate::find::{Candidate, Kind, Origin};
use crate::read::Manifest;
use crate::snapshot::Past;
use crate::supply::Supply;
use crate::{ComponentManifest, Layer, pack};

/// A file in the list of sources.
struct Entry {
    kind: Kind,
    name: Name,
    origin: usize,
    path: Arc<str>,
    /// What the component in it provides.
    provides: Range<usize>,
    body: Body,
}

/// What an entry has for the catalogue.
enum Body {
    /// Nothing: its file has errors, or what it had was taken.
    None,
    Component(Layer, Stored<ComponentManifest>),
    Other(Manifest),
}

/// Adds the sources and every manifest that its name stands for.
pub(crate) fn all(
    loaded: &mut Loaded,
    origins: &[Origin],
    workspace: File<'_>,
    files: Vec<File<'_>>,
    supply: &Supply,
    past: &Past,
) {
    let Loaded { sources, catalogue, diagnostics } = loaded;
    let parts = supply.parts.iter().cloned();
    let mut entries: Vec<Entry> = std::iter::once((workspace, 0..0))
        .chain(files.into_iter().zip(parts))
        .filter(|(file, _)| file.is_there())
        .map(|(file, provides)| entry(file, provides, sources))
        .collect();
    let claims = claims(&entries);
    claim::idle_overrides(origins, &claims, diagnostics);
    let place = |claim: &Claim| place(&entries[claim.source.0 as usize], claim, past);
    let settled: Vec<Claim> =
        claims.iter().flat_map(|claims| claims.settle(origins, place, diagnostics)).collect();
    let mut rows = Vec::with_capacity(settled.len());
    for Claim { name, source, .. } in settled {
        let entry = &mut entries[source.0 as usize];
        match std::mem::replace(&mut entry.body, Body::None) {
            Body::Component(layer, manifest) => {
                let (path, provides) = (entry.path.clone(), entry.provides.clone());
                rows.push(Row { name, path, source, layer, provides, manifest });
            }
            Body::Other(Manifest::Profile(profile)) => {
                catalogue.profiles.insert(name, *profile);
            }
            Body::Other(Manifest::Product(product)) => {
                catalogue.products.insert(name, *product);
            }
            _ => catalogue.broken.insert(entry.kind, name),
        }
    }
    catalogue.components = Components::new(rows, supply, past.buffer.clone());
}

fn entry(file: File<'_>, provides: Range<usize>, sources: &mut SourceMap) -> Entry {
    let Candidate { path, kind, name, origin, .. } = file.candidate;
    let body = match file.content {
        Content::Kept { sound, manifest } => {
            sources.add_part(path.clone(), sound.text.clone());
            match (sound.layer, manifest) {
                (_, Some(manifest)) => Body::Other(manifest),
                (Some(layer), None) => Body::Component(layer, Stored::Packed(sound.packed.clone())),
                (None, None) => Body::None,
            }
        }
        Content::Read(found) => {
            sources.add(path.clone(), found.text);
            match found.manifest {
                Manifest::Component(component) => {
                    Body::Component(component.layer.value, Stored::Decoded(component))
                }
                manifest => Body::Other(manifest),
            }
        }
        Content::Broken(text) => {
            sources.add(path.clone(), text);
            Body::None
        }
        Content::Nothing => Body::None,
    };
    Entry { kind, name, origin, path, provides, body }
}

fn claims(entries: &[Entry]) -> [Claims; 3] {
    [Kind::Component, Kind::Product, Kind::Profile].map(|kind| {
        let of_kind = entries.iter().enumerate().filter(|(_, entry)| entry.kind == kind);
        let claim = |(index, entry): (usize, &Entry)| Claim {
            name: entry.name.clone(),
            source: source(index),
            origin: entry.origin,
        };
        Claims::new(kind, of_kind.map(claim).collect())
    })
}

/// Where a file states its name.
fn place(entry: &Entry, claim: &Claim, past: &Past) -> Span {
    match &entry.body {
        Body::Component(_, Stored::Decoded(manifest)) => manifest.component.span,
        Body::Component(_, Stored::Packed(range)) => {
            let bytes = past.buffer.get(range.clone()).unwrap_or_default();
            let manifest: Option<ComponentManifest> = pack::unpacked(bytes, claim.source);
            manifest.map_or(Span::file(claim.source), |manifest| manifest.component.span)
        }
        Body::Other(manifest) => manifest.place(),
        Body::None => Span::file(claim.source),
    }
}
