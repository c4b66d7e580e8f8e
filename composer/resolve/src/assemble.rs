//! From what was chosen to a selection: each member with what it is bound to and why it is there.

use std::collections::BTreeMap;

use tarsia_manifest::{ComponentManifest, Condition};
use tarsia_model::{Name, Spanned};

use crate::bind::bound;
use crate::closure::Members;
use crate::recommend::{Advice, Outcome};
use crate::scope::Scope;
use crate::selection::{Binding, Cause, Provided, Recommended, Selected};
use crate::setting::describe;

fn when(by: &ComponentManifest, condition: Option<&Condition>) -> Option<Spanned<String>> {
    condition.map(|one| Spanned::new(describe(&by.component.value, one), one.span))
}

/// The members as components of a selection, by name.
pub fn assemble<'c>(
    scope: Scope<'_, 'c>,
    members: &Members,
    advice: &[Advice<'c>],
) -> BTreeMap<Name, Selected<'c>> {
    let Scope { terms, space } = scope;
    let mut causes: BTreeMap<usize, Vec<Cause>> = BTreeMap::new();
    for (id, span) in &terms.listed {
        let Some(at) = space.find(*id) else { continue };
        causes.entry(at).or_default().push(Cause::Product { span: *span });
    }
    for want in &space.wants {
        let suppliers = want.capability.map_or(&[][..], |capability| members.suppliers(capability));
        for at in suppliers {
            let (capability, span) = (want.name.clone(), want.span);
            causes.entry(*at).or_default().push(if want.by_profile {
                Cause::Profile { capability, span }
            } else {
                Cause::Wanted { capability, span }
            });
        }
    }
    let mut by_name: Vec<usize> = members.order().to_vec();
    by_name.sort_by_key(|at| space.name(*at));
    let mut components = BTreeMap::new();
    for at in &by_name {
        let node = &space.nodes[*at];
        let name = &node.manifest.component.value;
        let mut bindings = Vec::new();
        for need in &node.needs {
            let providers = bound(scope, members, need);
            for provider in &providers {
                causes.entry(*provider).or_default().push(Cause::Component {
                    by: name.clone(),
                    capability: need.requirement.capability.value.clone(),
                    span: need.requirement.capability.span,
                    when: when(node.manifest, need.requirement.when.as_ref()),
                });
            }
            let provided = providers.into_iter().filter_map(|provider| {
                let provision = space.provision(provider, need.capability?)?;
                Some(Provided { component: space.name(provider).clone(), provision })
            });
            bindings.push(Binding { requirement: need.requirement, providers: provided.collect() });
        }
        let options = node.manifest.kernel_options.iter();
        let options = options.filter(|one| terms.setting.holds(node.manifest, one.when.as_ref()));
        let modules = node.manifest.kernel_modules.iter();
        let modules = modules.filter(|one| terms.setting.holds(node.manifest, one.when.as_ref()));
        let selected = Selected {
            manifest: node.manifest,
            causes: Vec::new(),
            provides: node.gives.iter().map(|(_, provision)| *provision).collect(),
            features: BTreeMap::new(),
            bindings,
            recommendations: Vec::new(),
            kernel_options: options.collect(),
            kernel_modules: modules.collect(),
        };
        components.insert(name.clone(), selected);
    }
    for Advice { by, recommendation, outcome } in advice {
        let node = &space.nodes[*by];
        let capability = &recommendation.capability;
        if let Some(selected) = components.get_mut(space.name(*by)) {
            let recommended = Recommended { recommendation, outcome: *outcome };
            selected.recommendations.push(recommended);
        }
        let id = space.catalogue.components.capability(capability.as_str());
        for at in id
            .filter(|_| *outcome != Outcome::Impossible)
            .map_or(&[][..], |id| members.suppliers(id))
        {
            causes.entry(*at).or_default().push(Cause::Recommended {
                by: space.name(*by).clone(),
                capability: capability.value.clone(),
                span: capability.span,
                when: when(node.manifest, recommendation.when.as_ref()),
            });
        }
    }
    for (at, causes) in causes {
        if let Some(selected) = components.get_mut(space.name(at)) {
            selected.causes = causes;
        }
    }
    components
}
