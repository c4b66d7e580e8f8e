//! Binds what was chosen: which provider serves which requirement, and whether what only one may own
//! has one owner.

use std::collections::BTreeMap;

use tarsia_manifest::{Provision, Requirement, Share};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Span, suggest};

use crate::closure::Chosen;
use crate::index::provision;
use crate::selection::{Binding, Provided, Selected};

/// Refuses selected components that exclude each other.
pub fn conflicts(chosen: &BTreeMap<Name, Chosen<'_>>, problems: &mut Vec<Diagnostic>) {
    for (name, one) in chosen {
        for other in &one.manifest.conflicts {
            let Some(rival) = chosen.get(&other.value) else {
                continue;
            };
            let mutual = rival.manifest.conflicts.iter().any(|back| back.value == *name);
            if mutual && other.value < *name {
                continue;
            }
            let message = format!("`{name}` and `{}` exclude each other", other.value);
            let mut problem = Diagnostic::at(Code::Conflict, other.span, message)
                .label(format!("`{name}` declares the conflict"));
            for (member, chosen) in [(name, one), (&other.value, rival)] {
                if let Some(cause) = chosen.causes.first() {
                    problem = problem.also(cause.span(), format!("{} `{member}`", cause.verb()));
                }
            }
            problems.push(problem.hint(format!("take out `{name}` or `{}`", other.value)));
        }
    }
}

/// Binds each requirement to the chosen components that fulfil it.
pub fn bind<'c>(
    chosen: &BTreeMap<Name, Chosen<'c>>,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<Name, Selected<'c>> {
    let mut components = BTreeMap::new();
    for (name, Chosen { manifest, causes }) in chosen {
        let bindings = manifest
            .requires
            .iter()
            .map(|requirement| Binding {
                requirement,
                providers: providers(chosen, requirement, name, problems),
            })
            .collect();
        let selected =
            Selected { manifest, causes: causes.clone(), features: BTreeMap::new(), bindings };
        components.insert(name.clone(), selected);
    }
    components
}

fn providers<'c>(
    chosen: &BTreeMap<Name, Chosen<'c>>,
    requirement: &Requirement,
    by: &Name,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Provided<'c>> {
    let capability = &requirement.capability.value;
    let found: Vec<Provided<'c>> = chosen
        .iter()
        .filter_map(|(component, chosen)| {
            let provision = provision(chosen.manifest, capability)?;
            Some(Provided { component: component.clone(), provision })
        })
        .collect();
    if !requirement.is_many() && found.len() > 1 {
        let names: Vec<_> = found.iter().map(|provided| provided.component.as_str()).collect();
        let message =
            format!("`{by}` takes one `{capability}`, and {} provide it", suggest::listed(&names));
        let mut problem =
            Diagnostic::at(Code::AmbiguousProvider, requirement.capability.span, message);
        for provided in &found {
            if let Some(cause) =
                chosen.get(provided.component.as_str()).and_then(|c| c.causes.first())
            {
                let text = format!("{} `{}`", cause.verb(), provided.component);
                problem = problem.also(cause.span(), text);
            }
        }
        problems.push(problem.hint(format!("keep one of {}", suggest::alternatives(&names))));
    }
    found
}

/// Hardware has one user unless it says otherwise; of the rest, what is passed whole.
fn has_one_owner(provision: &Provision) -> bool {
    match provision.share() {
        Share::Exclusive => true,
        Share::Link => provision.is_hardware(),
        Share::Mutex | Share::Copy => false,
    }
}

/// What only one component may own must have one owner.
pub fn exclusive(components: &BTreeMap<Name, Selected<'_>>, problems: &mut Vec<Diagnostic>) {
    let mut owners: BTreeMap<(Name, CapabilityName), (Name, Span)> = BTreeMap::new();
    for (name, selected) in components {
        for binding in &selected.bindings {
            for provided in binding.providers.iter().filter(|p| has_one_owner(p.provision)) {
                let capability = provided.provision.capability.value.clone();
                let span = binding.requirement.capability.span;
                let key = (provided.component.clone(), capability.clone());
                if let Some((first, place)) = owners.get(&key) {
                    let message = format!(
                        "`{first}` and `{name}` both claim `{capability}` of `{}`, which has one owner",
                        provided.component
                    );
                    problems.push(
                        Diagnostic::at(Code::HardwareTaken, span, message)
                            .label(format!("`{name}` claims it here"))
                            .also(*place, format!("`{first}` claims it here"))
                            .hint(format!("take out `{first}` or `{name}`")),
                    );
                } else {
                    owners.insert(key, (name.clone(), span));
                }
            }
        }
    }
}
