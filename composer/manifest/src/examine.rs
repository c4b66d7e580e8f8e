//! Looks at the files that may be manifests: what an earlier load knows and nobody changed is kept,
//! the rest is read. A file with the same content under another mark is kept too.

use rayon::prelude::*;
use tarsia_model::{Blake3, CapabilityName, Diagnostic, SourceId};

use crate::files::{EntryKind, Files, Mark};
use crate::find::{self, Candidate, Kind, Origin};
use crate::pack;
use crate::read::{self, Manifest};
use crate::snapshot::Sound;
use crate::survey::Survey;
use crate::yaml::MAX_FILE;
use crate::{ComponentManifest, Layer};

/// A file, looked at.
pub(crate) struct File<'p> {
    pub(crate) candidate: Candidate<'p>,
    /// What to recognise it by next time; none when it must be read again.
    pub(crate) mark: Option<Mark>,
    pub(crate) content: Content<'p>,
}

/// What is in a file.
pub(crate) enum Content<'p> {
    /// There is no such file, or it is none.
    Nothing,
    /// Something with problems.
    Broken(Box<str>),
    /// What an earlier load knows, with the manifest where it is no component's.
    Kept { sound: &'p Sound, manifest: Option<Manifest> },
    /// What was read now.
    Read(Box<Found>),
}

/// A file without problems, as it was read.
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) digest: Blake3,
    pub(crate) manifest: Manifest,
    /// Empty when there is no need for it.
    pub(crate) packed: Vec<u8>,
    /// Of a component.
    pub(crate) layer: Option<Layer>,
    /// What a component provides, sorted.
    pub(crate) provides: Vec<CapabilityName>,
}

/// What the first look at a file says.
enum Look {
    Nothing,
    /// As an earlier load knows it.
    Same,
    Unknown,
}

/// Looks at every candidate; those that are files are numbered from `first`.
pub(crate) fn files<'p>(
    survey: &Survey<'p, impl Files>,
    origins: &[Origin],
    candidates: Vec<Candidate<'p>>,
    first: usize,
    problems: &mut Vec<Diagnostic>,
) -> Vec<File<'p>> {
    let looked: Vec<Result<Look, Box<Diagnostic>>> = candidates
        .par_iter()
        .map(|candidate| look(survey, &origins[candidate.origin], candidate))
        .collect();
    let mut next = first;
    let mut numbered = Vec::with_capacity(candidates.len());
    for (candidate, look) in candidates.into_iter().zip(looked) {
        let look = look.unwrap_or_else(|problem| {
            problems.push(*problem);
            Look::Nothing
        });
        let source = source(next);
        next += usize::from(!matches!(look, Look::Nothing));
        numbered.push((candidate, look, source));
    }
    let examined: Vec<(File<'p>, Vec<Diagnostic>)> = numbered
        .into_par_iter()
        .map(|(candidate, look, source)| match look {
            Look::Nothing => {
                (File { candidate, mark: None, content: Content::Nothing }, Vec::new())
            }
            Look::Same => same(survey, &origins[candidate.origin], candidate, source),
            Look::Unknown => read(survey, &origins[candidate.origin], candidate, source),
        })
        .collect();
    let keep = |(file, more)| {
        problems.extend(more);
        file
    };
    examined.into_iter().map(keep).collect()
}

/// The number of the file at this place.
pub(crate) fn source(index: usize) -> SourceId {
    SourceId(u32::try_from(index).expect("fewer than 2^32 files"))
}

fn look(
    survey: &Survey<'_, impl Files>,
    origin: &Origin,
    candidate: &Candidate<'_>,
) -> Result<Look, Box<Diagnostic>> {
    let stat = survey.files.stat(&candidate.path, &origin.home);
    let known = candidate.past.filter(|past| past.sound.is_some()).and_then(|past| past.mark);
    if let (Ok(stat), Some(mark)) = (&stat, known)
        && stat.kind == EntryKind::File
        && stat.mark == mark
    {
        return Ok(Look::Same);
    }
    find::present(stat, &candidate.path)
        .map_err(Box::new)
        .map(|there| if there { Look::Unknown } else { Look::Nothing })
}

fn same<'p>(
    survey: &Survey<'p, impl Files>,
    origin: &Origin,
    candidate: Candidate<'p>,
    source: SourceId,
) -> (File<'p>, Vec<Diagnostic>) {
    let mark = candidate.past.and_then(|past| past.mark);
    match kept(survey, &candidate, source) {
        Some(content) => (File { candidate, mark, content }, Vec::new()),
        None => read(survey, origin, candidate, source),
    }
}

/// What an earlier load knows of a file.
fn kept<'p>(
    survey: &Survey<'p, impl Files>,
    candidate: &Candidate<'p>,
    source: SourceId,
) -> Option<Content<'p>> {
    let sound = candidate.past?.sound.as_ref()?;
    let bytes = || survey.past.buffer.get(sound.packed.clone());
    // Components are many, and few of them are asked for: they stay packed.
    let manifest = match candidate.kind {
        Kind::Component => sound.layer.map(|_| None)?,
        Kind::Product => Some(Manifest::Product(pack::unpacked(bytes()?, source)?)),
        Kind::Profile => Some(Manifest::Profile(pack::unpacked(bytes()?, source)?)),
        Kind::Workspace => Some(Manifest::Workspace(pack::unpacked(bytes()?, source)?)),
    };
    Some(Content::Kept { sound, manifest })
}

/// Reads a file. Its mark is taken first, so that a change while it is read is seen next time.
pub(crate) fn read<'p>(
    survey: &Survey<'p, impl Files>,
    origin: &Origin,
    candidate: Candidate<'p>,
    source: SourceId,
) -> (File<'p>, Vec<Diagnostic>) {
    let mark = survey.stat(&candidate.path, &origin.home).ok().map(|stat| stat.mark);
    let mark = mark.and_then(|mark| survey.settled(mark));
    let bytes = survey.files.read(&candidate.path, MAX_FILE + 1);
    let digest = bytes.as_ref().map_or(Blake3([0; 32]), |bytes| Blake3::of(bytes));
    let known = candidate.past.and_then(|past| past.sound.as_ref());
    if bytes.is_ok()
        && known.is_some_and(|sound| sound.digest == digest)
        && let Some(content) = kept(survey, &candidate, source)
    {
        return (File { candidate, mark, content }, Vec::new());
    }
    let read::Read { text, manifest, problems } = read::decode(bytes, source, &candidate);
    let Some(manifest) = manifest else {
        return (File { candidate, mark: None, content: Content::Broken(text.into()) }, problems);
    };
    let packed = if survey.start().is_some() { manifest.packed() } else { Vec::new() };
    let (layer, provides) = match &manifest {
        Manifest::Component(component) => (Some(component.layer.value), provided(component)),
        _ => (None, Vec::new()),
    };
    let found = Found { text, digest, manifest, packed, layer, provides };
    (File { candidate, mark, content: Content::Read(Box::new(found)) }, problems)
}

/// A manifest may provide a capability in two forms; it is one provider still.
fn provided(component: &ComponentManifest) -> Vec<CapabilityName> {
    let mut provided: Vec<CapabilityName> =
        component.provides.iter().map(|provision| provision.capability.value.clone()).collect();
    provided.sort_unstable();
    provided.dedup();
    provided
}

impl File<'_> {
    /// Whether there is a file, sound or not.
    pub(crate) const fn is_there(&self) -> bool {
        !matches!(self.content, Content::Nothing)
    }

    /// Whether the next load would be told something else of it than this one was.
    pub(crate) fn is_changed(&self) -> bool {
        let Some(past) = self.candidate.past else {
            return true;
        };
        match &self.content {
            Content::Kept { .. } => self.mark != past.mark,
            Content::Read(_) => true,
            Content::Nothing | Content::Broken(_) => past.sound.is_some(),
        }
    }
}
