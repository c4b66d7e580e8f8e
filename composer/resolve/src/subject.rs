//! What a question is about: a component or a capability, by its name.

use tarsia_manifest::Catalogue;
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, suggest};

use crate::selection::Selection;

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A component.
    Component(Name),
    /// A capability that some component provides or requires.
    Capability(CapabilityName),
}

impl Subject {
    /// What a name stands for in the workspace of a selection. Where it is both, the component is
    /// meant, unless only the capability is in the selection.
    ///
    /// # Errors
    /// Nothing has this name (E0304).
    pub fn find(
        catalogue: &Catalogue,
        selection: &Selection<'_>,
        text: &str,
    ) -> Result<Self, Diagnostic> {
        let components = &catalogue.components;
        let component = components.id(text).map(|id| components.name(id).clone());
        // Who requires what is in the manifests, all of which would have to be read: that is asked only
        // when a name would stand for nothing else.
        let capability = text.parse().ok().filter(|name: &CapabilityName| {
            let provided = components.capability(name.as_str()).is_some();
            provided || (component.is_none() && is_required(catalogue, name))
        });
        let found = [component.map(Self::Component), capability.map(Self::Capability)];
        let mut found: Vec<Self> = found.into_iter().flatten().collect();
        found.sort_by_key(|subject| !subject.is_in(selection));
        found.into_iter().next().ok_or_else(|| {
            let known = components.names().map(Name::as_str);
            let known = known.chain(components.capabilities().iter().map(CapabilityName::as_str));
            let text = text.escape_debug();
            let message = format!("there is no component and no capability `{text}`");
            Diagnostic::error(Code::UnknownComponent, message)
                .hint(suggest::did_you_mean(&text.to_string(), known))
        })
    }

    /// Whether a selection has it.
    pub fn is_in(&self, selection: &Selection<'_>) -> bool {
        !self.members(selection).is_empty()
    }

    /// The components of a selection that are it or provide it, by name.
    pub fn members<'s>(&self, selection: &'s Selection<'_>) -> Vec<&'s Name> {
        let members = selection.components.iter().filter(|(name, selected)| match self {
            Self::Component(one) => one == *name,
            Self::Capability(one) => {
                selected.provides.iter().any(|provision| provision.capability.value == *one)
            }
        });
        members.map(|(name, _)| name).collect()
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Component(name) => f.pad(name.as_str()),
            Self::Capability(name) => f.pad(name.as_str()),
        }
    }
}

/// Whether anything requires or recommends a capability.
fn is_required(catalogue: &Catalogue, name: &CapabilityName) -> bool {
    catalogue.components.iter().any(|component| {
        let required = component.requires.iter().map(|one| &one.capability.value);
        let recommended = component.recommends.iter().map(|one| &one.capability.value);
        required.chain(recommended).any(|other| other == name)
    }) || catalogue.profiles.values().any(|profile| profile.requires.find(name).is_some())
}
