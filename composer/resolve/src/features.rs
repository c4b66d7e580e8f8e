//! Gives every feature of every selected component its value: the product's, judged against the
//! declaration, or the default.

use std::collections::BTreeMap;

use tarsia_manifest::{Catalogue, EffectiveProduct};
use tarsia_model::{Code, Diagnostic, Name, Severity, suggest};

use crate::selection::{FeatureSetting, Selected};

/// Sets the features of `components`, which may be `incomplete`.
pub fn apply(
    catalogue: &Catalogue,
    product: &EffectiveProduct,
    components: &mut BTreeMap<Name, Selected<'_>>,
    incomplete: bool,
    problems: &mut Vec<Diagnostic>,
) {
    for selected in components.values_mut() {
        for (name, feature) in selected.manifest.features.iter() {
            let setting = FeatureSetting {
                value: feature.default.clone(),
                set: None,
                declared: feature.span(),
            };
            selected.features.insert(name.value.clone(), setting);
        }
    }
    // What is not known to be in the product may come with what could not be found.
    let incomplete =
        incomplete || problems.iter().any(|problem| problem.severity == Severity::Error);
    for (path, setting) in &product.features {
        let (owner, name) = (&path.component, &path.feature);
        let set = setting.span;
        let key = setting.key;
        let Some(selected) = components.get_mut(owner) else {
            let absent = absent_owner(catalogue, components, owner, path, key);
            let listed = [&product.drivers, &product.services, &product.apps];
            let reported = catalogue.broken.components.contains(owner)
                || listed.into_iter().flatten().any(|listed| listed.value == *owner);
            let follows = reported || (incomplete && absent.code == Code::FeatureUnused);
            problems.push(absent.consequence(follows));
            continue;
        };
        let Some(feature) = selected.manifest.features.get(name) else {
            let known: Vec<_> =
                selected.manifest.features.keys().map(|key| key.value.as_str()).collect();
            let hint =
                suggest::did_you_mean(name.as_str(), known.iter().copied()).unwrap_or_else(|| {
                    if known.is_empty() {
                        format!("`{owner}` has no features")
                    } else {
                        format!("`{owner}` has {}", suggest::listed(&known))
                    }
                });
            let message = format!("`{owner}` has no feature `{name}`");
            problems.push(
                Diagnostic::at(Code::UnknownFeature, key, message)
                    .also(selected.manifest.component.span, "the component")
                    .hint(hint),
            );
            continue;
        };
        match feature.parse(path, &setting.spanned()) {
            Ok(value) => {
                let setting = FeatureSetting { value, set: Some(set), declared: feature.span() };
                selected.features.insert(name.clone(), setting);
            }
            Err(problem) => problems.push(*problem),
        }
    }
}

fn absent_owner(
    catalogue: &Catalogue,
    components: &BTreeMap<Name, Selected<'_>>,
    owner: &Name,
    path: &dyn std::fmt::Display,
    key: tarsia_model::Span,
) -> Diagnostic {
    if catalogue.components.contains(owner.as_str()) {
        let message = format!("`{path}` is set, but `{owner}` is not in this product");
        return Diagnostic::at(Code::FeatureUnused, key, message)
            .hint(format!("add `{owner}` to the product or remove this line"));
    }
    let message = format!("there is no component `{owner}`");
    let selected = components.keys().map(Name::as_str);
    Diagnostic::at(Code::UnknownComponent, key, message)
        .hint(suggest::did_you_mean(owner.as_str(), selected))
}
