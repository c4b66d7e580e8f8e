//! Why a component is not in a selection: nobody asked for what it provides, another was taken for
//! that, or a line keeps it out. Each reason is judged by the rules that the choice was made by.

use tarsia_manifest::{Catalogue, ComponentId, ComponentManifest, Layer};
use tarsia_model::{CapabilityName, Name, Span, suggest};

use crate::recommend::Outcome;
use crate::selection::{Cause, Selection};
use crate::setting::describe;
use crate::space::{only_for, supports_arch, supports_class};
use crate::subject::Subject;
use crate::terms::Terms;

/// At most so many providers of a capability are told about.
const PROVIDERS: usize = 8;

/// One reason why something is not in a selection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Absence {
    /// In words.
    pub text: String,
    /// The line it follows from; none where it follows from there being none.
    pub span: Option<Span>,
}

impl Absence {
    fn at(span: Span, text: String) -> Self {
        Self { text, span: Some(span) }
    }

    const fn of_nothing(text: String) -> Self {
        Self { text, span: None }
    }
}

/// What reasons are found in.
pub struct Absences<'a, 'c> {
    selection: &'a Selection<'c>,
    /// The terms that the choice was made under.
    terms: Terms<'a, 'c>,
}

impl<'a, 'c> Absences<'a, 'c> {
    /// The circumstances of a selection; none when its product does not name its frame, which no
    /// product with a selection does.
    pub fn new(catalogue: &'c Catalogue, selection: &'a Selection<'c>) -> Option<Self> {
        let terms = Terms::of(catalogue, &selection.product, None, &mut Vec::new())?;
        Some(Self { selection, terms })
    }

    /// Why something is absent.
    pub fn of(&self, subject: &Subject) -> Vec<Absence> {
        let components = &self.terms.catalogue.components;
        match subject {
            Subject::Component(name) => {
                components.id(name.as_str()).map_or(Vec::new(), |id| self.of_component(id))
            }
            Subject::Capability(name) => self.of_capability(name),
        }
    }

    fn of_component(&self, id: ComponentId) -> Vec<Absence> {
        let manifest = self.terms.catalogue.components.at(id);
        let name = &manifest.component.value;
        let mut found = self.kept_out(id, manifest);
        // What is kept out by a line was not weighed against others.
        if !found.is_empty() {
            return found;
        }
        let product = &self.selection.product;
        let mut unasked = Vec::new();
        for provision in &manifest.provides {
            let capability = &provision.capability.value;
            if let Some(when) = &provision.when
                && let Some(failing) = self.terms.setting.failing(manifest, when)
            {
                let text = format!(
                    "it provides `{capability}` only when {}: {failing}",
                    describe(name, when)
                );
                found.push(Absence::at(when.span, text));
                continue;
            }
            let in_vain = self.in_vain(capability);
            if !self.is_required(capability) {
                if in_vain.is_empty() {
                    unasked.push(capability.as_str());
                }
                found.extend(in_vain);
                continue;
            }
            let subject = Subject::Capability(capability.clone());
            let members = subject.members(self.selection);
            found.extend(members.into_iter().map(|other| self.before(other, manifest, capability)));
        }
        if found.is_empty() || unasked.len() == manifest.provides.len() {
            let product = &product.name.value;
            found.push(Absence::of_nothing(if unasked.is_empty() {
                format!("`{product}` does not list it, and it provides nothing that is required")
            } else {
                format!("nothing in `{product}` requires {}", suggest::alternatives(&unasked))
            }));
        }
        found.dedup();
        found
    }

    fn of_capability(&self, name: &CapabilityName) -> Vec<Absence> {
        let components = &self.terms.catalogue.components;
        let mut found = self.in_vain(name);
        if found.is_empty() {
            let product = &self.selection.product.name.value;
            found.push(Absence::of_nothing(format!("nothing in `{product}` requires it")));
        }
        let Some(capability) = components.capability(name.as_str()) else {
            found.push(Absence::of_nothing("no component anywhere provides it".to_owned()));
            return found;
        };
        for id in components.providers(capability).iter().take(PROVIDERS) {
            let manifest = components.at(*id);
            let provider = &manifest.component.value;
            let mut provisions = manifest.provides.iter();
            let when = provisions.find(|p| p.capability.value == *name).and_then(|p| {
                let when = p.when.as_ref()?;
                let failing = self.terms.setting.failing(manifest, when)?;
                Some((when, failing))
            });
            if let Some((when, failing)) = when {
                let text = format!(
                    "`{provider}` provides it only when {}: {failing}",
                    describe(provider, when)
                );
                found.push(Absence::at(when.span, text));
            }
            found.extend(self.kept_out(*id, manifest));
        }
        found
    }

    /// Lines that keep a component out by itself.
    fn kept_out(&self, id: ComponentId, manifest: &ComponentManifest) -> Vec<Absence> {
        let (setting, product) = (&self.terms.setting, &self.selection.product);
        let name = &manifest.component.value;
        let mut found = Vec::new();
        let frame = [
            (Layer::Board, setting.board, &setting.board_name, &product.board),
            (Layer::Kernel, setting.kernel, &setting.kernel_name, &product.kernel),
        ];
        for (layer, taken, other, line) in frame {
            if manifest.layer.value == layer && id != taken {
                let span = line.as_ref().map_or(product.name.span, |line| line.span);
                let text = format!("`{name}` is another {layer} than the product's, `{other}`");
                found.push(Absence::at(span, text));
            }
        }
        if let Some(line) = product.without.iter().find(|gone| gone.value == *name) {
            found.push(Absence::at(line.span, format!("the product's `without` removes `{name}`")));
        }
        if let Some(shy) = manifest.only_if_named.as_ref().filter(|shy| shy.value)
            && !setting.named.contains(&id)
        {
            let text = format!("`{name}` is only taken when the product lists it");
            found.push(Absence::at(shy.span, text));
        }
        if !supports_class(manifest, &setting.class) {
            let text = format!("`{name}` is {}", only_for(&manifest.classes));
            found.push(Absence::at(manifest.classes[0].span, text));
        }
        // A board brings its own architecture.
        if manifest.layer.value != Layer::Board && !supports_arch(manifest, &setting.arch) {
            let text = format!("`{name}` is {}", only_for(&manifest.arch));
            found.push(Absence::at(manifest.arch[0].span, text));
        }
        found
    }

    /// Whether anyone asks for a capability and gets it.
    fn is_required(&self, capability: &CapabilityName) -> bool {
        let Selection { product, profile, components, .. } = self.selection;
        let wanted = product.requires.iter().any(|c| c.value == *capability)
            || profile.requires.find(capability).is_some();
        wanted
            || components.values().any(|selected| {
                let mut bindings = selected.bindings.iter();
                let mut advice = selected.recommendations.iter();
                bindings.any(|one| one.requirement.capability.value == *capability)
                    || advice.any(|one| {
                        one.outcome != Outcome::Impossible
                            && one.recommendation.capability.value == *capability
                    })
            })
    }

    /// Recommendations of a capability that were not taken.
    fn in_vain(&self, capability: &CapabilityName) -> Vec<Absence> {
        let mut found = Vec::new();
        for (name, selected) in &self.selection.components {
            for one in &selected.recommendations {
                let recommended = &one.recommendation.capability;
                if recommended.value == *capability && one.outcome == Outcome::Impossible {
                    let text = format!(
                        "`{name}` recommends `{capability}`, but no provider goes with the rest of the product"
                    );
                    found.push(Absence::at(recommended.span, text));
                }
            }
        }
        found
    }

    /// Why a member was taken for a capability rather than another component.
    fn before(
        &self,
        member: &Name,
        other: &ComponentManifest,
        capability: &CapabilityName,
    ) -> Absence {
        let selected = &self.selection.components[member];
        let named = selected.causes.iter().find(|cause| matches!(cause, Cause::Product { .. }));
        if let Some(cause) = named {
            let text = format!("the product names `{member}`, which provides `{capability}`");
            return Absence::at(cause.span(), text);
        }
        let components = &self.terms.catalogue.components;
        let ranked = components.capability(capability.as_str());
        let ranked = ranked.map_or(&[][..], |id| self.terms.preferences.of(id));
        let place = |name: &Name| {
            ranked.iter().position(|id| components.name(*id) == name).unwrap_or(ranked.len())
        };
        let name = &other.component.value;
        let flash = |manifest: &ComponentManifest| manifest.budget.as_ref()?.flash;
        let (mine, theirs) = (flash(other), flash(selected.manifest));
        let sizes = (
            mine.as_ref().map_or(u64::MAX, |size| size.value.0),
            theirs.as_ref().map_or(u64::MAX, |size| size.value.0),
        );
        if place(member) < place(name) {
            return self.preferred(member, capability);
        }
        if place(member) == place(name)
            && sizes.1 < sizes.0
            && let Some(theirs) = theirs
        {
            let mine = match mine {
                Some(mine) => format!("`{name}` {}", mine.value),
                None => format!("`{name}` promises nothing"),
            };
            let text = format!(
                "`{member}` promises to take less flash for `{capability}`: {}, {mine}",
                theirs.value
            );
            return Absence::at(theirs.span, text);
        }
        if place(member) == place(name) && sizes.0 == sizes.1 && member < name {
            let text = format!(
                "`{member}` provides `{capability}` and stands before `{name}` by name; nothing else decides"
            );
            return Absence::at(selected.manifest.component.span, text);
        }
        let elsewhere = selected.causes.iter().find(|c| c.capability() != Some(capability));
        match elsewhere.and_then(|cause| Some((cause, cause.capability()?))) {
            Some((cause, reason)) => {
                let text =
                    format!("`{member}` is there for `{reason}` and provides `{capability}`, too");
                Absence::at(cause.span(), text)
            }
            None => Absence::of_nothing(format!(
                "`{member}` was taken for `{capability}`: `{name}` does not go with the rest of the product"
            )),
        }
    }

    /// The line that prefers a member.
    fn preferred(&self, member: &Name, capability: &CapabilityName) -> Absence {
        let Selection { product, profile, .. } = self.selection;
        let own = product.prefer.get(capability);
        let own = own.and_then(|list| list.value.0.iter().find(|one| one.value == *member));
        let class = || profile.prefer.get(capability).and_then(|list| list.find(member));
        let (by, line) = match own {
            Some(line) => ("product", Some(line.span)),
            None => ("profile", class().map(|line| line.span)),
        };
        Absence { text: format!("the {by} prefers `{member}` for `{capability}`"), span: line }
    }
}
