//! What a product says must itself be sensible: what it names fits its class and architecture, its
//! preferences name providers, what it excludes would otherwise be there.

use std::collections::BTreeMap;

use tarsia_manifest::{Catalogue, ComponentManifest, EffectiveProduct, Layer, ProfileManifest};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Span, Spanned, suggest};

use crate::scope::Scope;
use crate::selection::Selected;
use crate::setting::Setting;
use crate::space::{Unfit, only_for, supports_arch, supports_class};
use crate::terms::Terms;

/// Judges what the product names, excludes and prefers.
pub fn check(terms: &Terms<'_, '_>, problems: &mut Vec<Diagnostic>) {
    let Terms { catalogue, product, ref frame, ref setting, .. } = *terms;
    for (id, span) in &terms.listed {
        let manifest = catalogue.components.at(*id);
        class(manifest, setting, *span, problems);
        architecture(catalogue, manifest, setting, *span, problems);
    }
    let allowed = &frame.profile.kernels;
    let kernel = &setting.kernel_name;
    if !allowed.is_empty() && allowed.find(kernel).is_none() {
        let names: Vec<_> = allowed.iter().map(|name| name.value.as_str()).collect();
        let message = format!("the class `{}` does not have the kernel `{kernel}`", setting.class);
        problems.push(
            Diagnostic::at(Code::ClassMismatch, frame.kernel_span, message)
                .also(allowed[0].span, "the profile's kernels are listed here")
                .hint(format!("choose {}", suggest::alternatives(&names))),
        );
    }
    excluded(catalogue, product, problems);
    for (capability, names) in &product.prefer {
        preference(catalogue, capability, names.key, &names.value.0, problems);
    }
    // A profile is written for many workspaces; what one of them lacks is worth a word only.
    let ProfileManifest { prefer, .. } = frame.profile;
    let mut strange = Vec::new();
    for (capability, names) in prefer.iter() {
        preference(catalogue, &capability.value, capability.span, names, &mut strange);
    }
    problems.extend(strange.into_iter().map(Diagnostic::warning));
}

fn class(
    manifest: &ComponentManifest,
    setting: &Setting,
    span: Span,
    problems: &mut Vec<Diagnostic>,
) {
    if supports_class(manifest, &setting.class) {
        return;
    }
    let message = format!(
        "`{}` cannot be used in the class `{}`: it is {}",
        manifest.component.value,
        setting.class,
        only_for(&manifest.classes)
    );
    problems.push(
        Diagnostic::at(Code::ClassMismatch, span, message)
            .also(manifest.classes[0].span, "its classes are declared here"),
    );
}

fn architecture(
    catalogue: &Catalogue,
    manifest: &ComponentManifest,
    setting: &Setting,
    span: Span,
    problems: &mut Vec<Diagnostic>,
) {
    if supports_arch(manifest, &setting.arch) {
        return;
    }
    let message = format!(
        "`{}` cannot run on `{}`: the board is `{}`, and it is {}",
        manifest.component.value,
        setting.board_name,
        setting.arch,
        only_for(&manifest.arch)
    );
    let components = &catalogue.components;
    let others: Vec<&str> = components
        .of_layer(manifest.layer.value)
        .filter(|id| supports_arch(components.at(*id), &setting.arch))
        .map(|id| components.name(id).as_str())
        .collect();
    let is_kernel = manifest.layer.value == Layer::Kernel && !others.is_empty();
    let hint =
        is_kernel.then(|| format!("kernels for {}: {}", setting.arch, suggest::listed(&others)));
    problems.push(
        Diagnostic::at(Code::ArchMismatch, span, message)
            .also(manifest.arch[0].span, "its architectures are declared here")
            .hint(hint),
    );
}

/// What `without` names must exist.
fn excluded(catalogue: &Catalogue, product: &EffectiveProduct, problems: &mut Vec<Diagnostic>) {
    for gone in &product.without {
        let name = gone.value.as_str();
        if !catalogue.components.contains(name) {
            let known = catalogue.components.names().map(Name::as_str);
            let message = format!("there is no component `{name}` to exclude");
            problems.push(
                Diagnostic::at(Code::UnknownComponent, gone.span, message)
                    .hint(suggest::did_you_mean(name, known))
                    .consequence(catalogue.broken.components.contains(name)),
            );
        }
    }
}

/// Who is preferred for a capability must provide it.
fn preference(
    catalogue: &Catalogue,
    capability: &CapabilityName,
    key: Span,
    names: &[Spanned<Name>],
    problems: &mut Vec<Diagnostic>,
) {
    let components = &catalogue.components;
    let unsure = !catalogue.broken.components.is_empty();
    let Some(id) = components.capability(capability.as_str()) else {
        let known = components.capabilities().iter().map(CapabilityName::as_str);
        let message = format!(
            "no component anywhere provides `{capability}`, for which a preference is given"
        );
        problems.push(
            Diagnostic::at(Code::NotAProvider, key, message)
                .hint(suggest::did_you_mean(capability.as_str(), known))
                .consequence(unsure),
        );
        return;
    };
    let providers = components.providers(id);
    let texts =
        || -> Vec<&str> { providers.iter().map(|id| components.name(*id).as_str()).collect() };
    for name in names {
        if components.id(name.as_str()).is_some_and(|id| providers.contains(&id)) {
            continue;
        }
        let message = format!("`{}` does not provide `{capability}`", name.value);
        let near = suggest::did_you_mean(name.as_str(), texts());
        let hint =
            near.unwrap_or_else(|| format!("its providers are {}", suggest::listed(&texts())));
        problems.push(
            Diagnostic::at(Code::NotAProvider, name.span, message).hint(hint).consequence(unsure),
        );
    }
}

/// Warns of exclusions without which the selection would be the same: nothing that the product
/// extends lists the component, and nobody here could have chosen it.
pub fn useless(
    scope: Scope<'_, '_>,
    components: &BTreeMap<Name, Selected<'_>>,
    problems: &mut Vec<Diagnostic>,
) {
    let Scope { terms, space } = scope;
    for gone in terms.product.without.iter().filter(|gone| gone.overrode.is_empty()) {
        let id = space.catalogue.components.id(gone.value.as_str());
        let Some(id) = id.filter(|id| terms.setting.without.contains(id)) else {
            continue;
        };
        let asked = |capability: &CapabilityName| {
            let needed = |selected: &Selected<'_>| {
                let mut bindings = selected.bindings.iter().map(|one| &one.requirement.capability);
                let mut advice = selected.recommendations.iter();
                bindings.any(|needed| needed.value == *capability)
                    || advice.any(|one| one.recommendation.capability.value == *capability)
            };
            components.values().any(needed) || space.wants.iter().any(|w| w.name == *capability)
        };
        let chosen = space.find(id).is_some_and(|at| {
            space.nodes[at].unfit == Some(Unfit::Without)
                && space.nodes[at].manifest.provides.iter().any(|p| asked(&p.capability.value))
        });
        if !chosen {
            let message = format!("`{}` would not be in the product anyway", gone.value);
            problems.push(
                Diagnostic::at(Code::RemovesNothing, gone.span, message)
                    .hint("remove this entry of `without`".to_owned())
                    .warning(),
            );
        }
    }
}
