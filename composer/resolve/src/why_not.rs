//! Why something is not in a selection, and what brings it in: edits of the product, each tried
//! before it is told; or the conflict that keeps it out.

use tarsia_manifest::{Catalogue, EffectiveProduct, Layer};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Severity};

use crate::absence::{Absence, Absences};
use crate::attempt::{Refused, attempt, attempt_briefly, force};
use crate::change::Change;
use crate::selection::{Cause, Selection};
use crate::subject::Subject;

/// At most so many ways are tried.
const TRIED: usize = 48;

/// At most so many edits are told beside a conflict.
const SHOWN: usize = 4;

/// Why something is not in a selection.
#[derive(Debug)]
pub struct WhyNot<'c> {
    /// What kept it out.
    pub absences: Vec<Absence>,
    /// What it would take.
    pub remedy: Remedy<'c>,
}

/// What it would take for something to be in a selection.
#[derive(Debug)]
pub enum Remedy<'c> {
    /// An edit brings it in.
    Edit(Box<Edit<'c>>),
    /// It goes with the product, but no edit of the product was found that brings it in.
    Unknown,
    /// It does not go with the product.
    Conflict {
        /// The conflicts of the product with it.
        problems: Vec<Diagnostic>,
        /// Edits that bring it in all the same, the smallest first.
        edits: Vec<Edit<'c>>,
    },
}

/// An edit of a product and what comes of it.
#[derive(Debug)]
pub struct Edit<'c> {
    /// The changes, all of which are needed.
    pub changes: Vec<Change>,
    /// The selection of the product with them.
    pub selection: Selection<'c>,
}

/// Tells why a selection does not have something.
pub fn why_not<'c>(
    catalogue: &'c Catalogue,
    selection: &Selection<'c>,
    subject: &Subject,
) -> WhyNot<'c> {
    let absences = Absences::new(catalogue, selection);
    let search = Search { catalogue, selection, subject };
    let ways = search.ways();
    let absences = absences.map_or(Vec::new(), |absences| absences.of(subject));
    for way in ways.iter().take(TRIED) {
        if let Some(edit) = search.edit(way) {
            return WhyNot { absences, remedy: Remedy::Edit(Box::new(edit)) };
        }
    }
    WhyNot { absences, remedy: search.conflict(&ways) }
}

struct Search<'a, 'c> {
    catalogue: &'c Catalogue,
    selection: &'a Selection<'c>,
    subject: &'a Subject,
}

impl<'c> Search<'_, 'c> {
    const fn product(&self) -> &EffectiveProduct {
        &self.selection.product
    }

    /// Changes that could bring it in, the smallest first.
    fn ways(&self) -> Vec<Vec<Change>> {
        let components = &self.catalogue.components;
        let mut ways = match self.subject {
            Subject::Component(name) => self.ways_of(name),
            Subject::Capability(capability) => {
                let id = components.capability(capability.as_str());
                let providers = id.map_or(&[][..], |id| components.providers(id));
                let by_provider = providers.iter().flat_map(|id| {
                    let name = components.name(*id);
                    self.ways_of(name)
                });
                let wish = [vec![Change::Require(capability.clone())]];
                wish.into_iter().chain(by_provider).collect()
            }
        };
        ways.sort_by_key(Vec::len);
        ways
    }

    fn ways_of(&self, name: &Name) -> Vec<Vec<Change>> {
        let Some(manifest) = self.catalogue.components.get(name.as_str()) else {
            return Vec::new();
        };
        let layer = manifest.layer.value;
        let add = match layer {
            Layer::Board => {
                let board = Change::Board(name.clone());
                let profiles = manifest.classes.iter().map(|class| class.value.clone());
                let both = profiles.map(|class| vec![board.clone(), Change::Profile(class)]);
                return [vec![board.clone()]].into_iter().chain(both).collect();
            }
            Layer::Kernel => return vec![vec![Change::Kernel(name.clone())]],
            Layer::Library | Layer::Toolchain => None,
            _ => Some(Change::Add(name.clone())),
        };
        let own = self.product().name.span.source;
        let gone = self.product().without.iter().find(|gone| gone.value == *name);
        // To list a component is to take back that an extended product removes it, but not that the
        // product itself does.
        let mut base = Vec::new();
        if gone.is_some_and(|gone| gone.span.source == own || add.is_none()) {
            base.push(Change::Allow(name.clone()));
        }
        let with = |more: &[&Change]| -> Vec<Change> {
            base.iter().chain(more.iter().copied()).cloned().collect()
        };
        let mut ways = Vec::new();
        if !base.is_empty() {
            ways.push(base.clone());
        }
        let mut capabilities: Vec<&CapabilityName> =
            manifest.provides.iter().map(|provision| &provision.capability.value).collect();
        capabilities.dedup();
        for capability in &capabilities {
            ways.push(with(&[&Change::Prefer((*capability).clone(), name.clone())]));
        }
        if let Some(add) = &add {
            ways.push(with(&[add]));
        }
        for capability in capabilities {
            let prefer = Change::Prefer(capability.clone(), name.clone());
            let require = Change::Require(capability.clone());
            if add.is_none() {
                ways.push(with(&[&require]));
                ways.push(with(&[&require, &prefer]));
            }
            if let Some(add) = &add {
                ways.push(with(&[add, &prefer]));
            }
            let rivals = Subject::Capability(capability.clone());
            for rival in rivals.members(self.selection) {
                let causes = &self.selection.components[rival].causes;
                if causes.iter().any(|cause| matches!(cause, Cause::Product { .. })) {
                    let remove = Change::Remove(rival.clone());
                    ways.push(with(&[add.as_ref().unwrap_or(&prefer), &remove]));
                }
            }
        }
        ways
    }

    /// The edit of these changes, if it brings in what was asked for. Features of what goes with it
    /// are dropped.
    fn edit(&self, changes: &[Change]) -> Option<Edit<'c>> {
        let mut changes = changes.to_vec();
        let selection = match attempt_briefly(self.catalogue, self.product(), &changes) {
            Ok(selection) => selection,
            Err(refused) => {
                let unset = self.unused(&refused)?;
                changes.extend(unset);
                attempt_briefly(self.catalogue, self.product(), &changes).ok()?
            }
        };
        self.subject.is_in(&selection).then_some(Edit { changes, selection })
    }

    /// The features that would be set on nothing, when that is all that is wrong.
    fn unused(&self, refused: &Refused) -> Option<Vec<Change>> {
        let errors = refused.problems.iter().filter(|one| one.severity == Severity::Error);
        let unset = |error: &Diagnostic| {
            let place = error.primary.as_ref().filter(|_| error.code == Code::FeatureUnused)?;
            let mut features = self.product().features.iter();
            let (path, _) = features.find(|(_, setting)| setting.key == place.span)?;
            Some(Change::Unset(path.clone()))
        };
        errors.map(unset).collect()
    }

    /// What keeps it out, when no way brings it in.
    fn conflict(&self, ways: &[Vec<Change>]) -> Remedy<'c> {
        let components = &self.catalogue.components;
        // A library cannot be listed: what is against it is asked as if it could.
        let (base, found) = match self.subject {
            Subject::Component(name) => {
                let Some(id) = components.id(name.as_str()) else { return Remedy::Unknown };
                let listed = ways.iter().find(|way| match way.as_slice() {
                    [Change::Board(_) | Change::Kernel(_)] => true,
                    [.., Change::Add(_)] => way.len() <= 2,
                    _ => false,
                });
                match listed {
                    Some(way) => (way.clone(), attempt(self.catalogue, self.product(), way)),
                    None => (Vec::new(), force(self.catalogue, self.product(), id)),
                }
            }
            Subject::Capability(name) => {
                let way = vec![Change::Require(name.clone())];
                let found = attempt(self.catalogue, self.product(), &way);
                (way, found)
            }
        };
        let Err(Refused { mut problems, repairs }) = found else {
            return Remedy::Unknown;
        };
        let mut edits: Vec<Edit<'c>> = Vec::new();
        let bases: Vec<&[Change]> =
            if base.is_empty() { ways.iter().map(Vec::as_slice).collect() } else { vec![&base] };
        for repair in repairs {
            let longer = bases.iter().map(|base| {
                let changes: Vec<Change> = base.iter().chain([&repair]).cloned().collect();
                changes
            });
            let mut longer = longer.take(TRIED);
            edits.extend(longer.find_map(|changes| self.edit(&changes)));
        }
        edits.sort_by(|a, b| (a.changes.len(), &a.changes).cmp(&(b.changes.len(), &b.changes)));
        edits.dedup_by(|a, b| a.changes == b.changes);
        edits.truncate(SHOWN);
        // What is told as an edit need not stand as a hint as well.
        let told: Vec<String> = edits
            .iter()
            .flat_map(|edit| &edit.changes)
            .map(|change| change.edit(self.catalogue, self.product()))
            .collect();
        for problem in &mut problems {
            problem.hints.retain(|hint| !told.contains(hint));
        }
        Remedy::Conflict { problems, edits }
    }
}
