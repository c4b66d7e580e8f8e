//! Closes a product's wishes over what components require, choosing among alternatives by written
//! rules, and reports everything that is wrong at once.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{ComponentManifest, EffectiveProduct, Layer, ProfileManifest};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Span, suggest};

use crate::bind::{bind, conflicts, exclusive};
use crate::frame::{Frame, wishes};
use crate::index::Index;
use crate::selection::{Cause, Selection};
use crate::viable::{Setting, Viability};
use crate::{features, limits, order};

/// Resolves a product against a catalogue: the selection, or every reason why there is none.
pub fn resolve<'c>(
    catalogue: &Index<'c>,
    product: EffectiveProduct,
) -> Result<Selection<'c>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let Some(frame) = Frame::find(catalogue, &product, &mut problems) else {
        wishes(catalogue, &product, &mut problems);
        return Err(problems);
    };
    let viability = Viability::new(catalogue, &frame.setting);
    let mut closure =
        Closure { catalogue, viability: &viability, chosen: BTreeMap::new(), problems };
    closure.name(frame.board, Cause::Product { span: frame.board_span });
    closure.name(frame.kernel, Cause::Product { span: frame.kernel_span });
    for (component, span) in wishes(catalogue, &product, &mut closure.problems) {
        closure.name(component, Cause::Product { span });
    }
    closure.check_named(&frame);
    closure.complete(frame.profile);
    let Closure { chosen, mut problems, .. } = closure;

    conflicts(&chosen, &mut problems);
    let mut components = bind(&chosen, &mut problems);
    exclusive(&components, &mut problems);
    features::apply(catalogue, &product, &mut components, &mut problems);
    let limits = limits::find(&product, frame.profile, frame.board, &mut problems);
    let order = order::start_order(&components, &frame.setting.board, &mut problems);
    if problems.iter().any(|p| p.severity == tarsia_model::Severity::Error) {
        return Err(problems);
    }
    Ok(Selection {
        product,
        profile: frame.profile,
        board: frame.setting.board,
        kernel: frame.setting.kernel,
        components,
        order,
        limits,
        warnings: problems,
    })
}

/// A component that is in, and why.
pub struct Chosen<'c> {
    /// Its manifest.
    pub manifest: &'c ComponentManifest,
    /// Everything that brought it in so far.
    pub causes: Vec<Cause>,
}

struct Closure<'a, 'c> {
    catalogue: &'a Index<'c>,
    viability: &'a Viability<'a, 'c>,
    chosen: BTreeMap<Name, Chosen<'c>>,
    problems: Vec<Diagnostic>,
}

/// A requirement that what is chosen does not fulfil yet.
struct Open {
    capability: CapabilityName,
    cause: Cause,
    span: Span,
    needed_by: String,
    /// How many providers it takes.
    wanted: u32,
}

impl<'c> Closure<'_, 'c> {
    fn name(&mut self, manifest: &'c ComponentManifest, cause: Cause) {
        let name = manifest.component.value.clone();
        let entry = self.chosen.entry(name).or_insert(Chosen { manifest, causes: Vec::new() });
        if !entry.causes.contains(&cause) {
            entry.causes.push(cause);
        }
    }

    /// What the product names must itself be possible: class and architecture, and the kernel must
    /// be one that the profile allows.
    fn check_named(&mut self, frame: &Frame<'_>) {
        let Setting { class, arch, board, .. } = &frame.setting;
        for Chosen { manifest, causes } in self.chosen.values() {
            let Some(Cause::Product { span }) = causes.first() else {
                continue;
            };
            let name = &manifest.component.value;
            if !crate::index::supports_class(manifest, class) {
                let classes: Vec<_> = manifest.classes.iter().map(|c| c.value.as_str()).collect();
                let message = format!(
                    "`{name}` cannot be used in the class `{class}`: it is only for {}",
                    suggest::listed(&classes)
                );
                let declared = manifest.classes[0].span;
                self.problems.push(
                    Diagnostic::at(Code::ClassMismatch, *span, message)
                        .also(declared, "its classes are declared here"),
                );
            }
            if !crate::index::supports_arch(manifest, arch) {
                let arches: Vec<_> = manifest.arch.iter().map(|a| a.value.as_str()).collect();
                let message = format!(
                    "`{name}` cannot run on `{board}`: the board is `{arch}`, and it is only for {}",
                    suggest::listed(&arches)
                );
                let layer = manifest.layer.value;
                let others: Vec<&str> = self
                    .catalogue
                    .names_of(layer)
                    .filter(|other| {
                        let other = other.parse().ok().and_then(|n| self.catalogue.component(&n));
                        other.is_some_and(|o| crate::index::supports_arch(o, arch))
                    })
                    .collect();
                let hint = (layer == Layer::Kernel && !others.is_empty())
                    .then(|| format!("kernels for {arch}: {}", suggest::listed(&others)));
                self.problems.push(
                    Diagnostic::at(Code::ArchMismatch, *span, message)
                        .also(manifest.arch[0].span, "its architectures are declared here")
                        .hint(hint),
                );
            }
        }
        let allowed = &frame.profile.kernels;
        let kernel = &frame.setting.kernel;
        if !allowed.is_empty() && !allowed.iter().any(|name| name.value == *kernel) {
            let names: Vec<_> = allowed.iter().map(|name| name.value.as_str()).collect();
            let message = format!("the class `{class}` does not have the kernel `{kernel}`");
            self.problems.push(
                Diagnostic::at(Code::ClassMismatch, frame.kernel_span, message)
                    .also(allowed[0].span, "the profile's kernels are listed here")
                    .hint(format!("choose {}", suggest::alternatives(&names))),
            );
        }
    }

    /// Adds providers until every requirement is fulfilled. Requirements with one possible provider
    /// are served before any choice is made, so that a choice can fall on what is needed anyway.
    fn complete(&mut self, profile: &ProfileManifest) {
        let mut hopeless: Vec<CapabilityName> = Vec::new();
        loop {
            let mut open = self.open(profile);
            open.retain(|open| !hopeless.contains(&open.capability));
            let mut candidates: Vec<_> =
                open.into_iter().map(|open| (self.candidates(&open.capability), open)).collect();
            candidates.sort_by_key(|(providers, _)| providers.len());
            let Some((providers, open)) = candidates.into_iter().next() else {
                return;
            };
            match choose(&providers, &open.capability, profile) {
                Some(provider) => self.name(provider, open.cause),
                None => {
                    hopeless.push(open.capability.clone());
                    let problem = self.no_provider(&open);
                    self.problems.push(problem);
                }
            }
        }
    }

    /// What could be added for a capability, by name.
    fn candidates(&self, capability: &CapabilityName) -> Vec<&'c ComponentManifest> {
        let mut possible = self.viability.providers(capability);
        possible.retain(|component| !self.chosen.contains_key(&component.component.value));
        possible
    }

    fn open(&mut self, profile: &ProfileManifest) -> Vec<Open> {
        let mut open = Vec::new();
        let mut found = Vec::new();
        for capability in &profile.requires {
            open.push(Open {
                capability: capability.value.clone(),
                cause: Cause::Profile {
                    capability: capability.value.clone(),
                    span: capability.span,
                },
                span: capability.span,
                needed_by: format!("profile `{}`", profile.profile.value),
                wanted: 1,
            });
        }
        for Chosen { manifest, .. } in self.chosen.values() {
            let by = &manifest.component.value;
            for requirement in &manifest.requires {
                let capability = requirement.capability.value.clone();
                let span = requirement.capability.span;
                let cause = Cause::Component { by: by.clone(), capability, span };
                open.push(Open {
                    capability: requirement.capability.value.clone(),
                    cause,
                    span,
                    needed_by: format!("`{by}`"),
                    wanted: requirement.at_least(),
                });
            }
        }
        let mut provided: BTreeMap<&CapabilityName, BTreeSet<&Name>> = BTreeMap::new();
        for (name, Chosen { manifest, .. }) in &self.chosen {
            for provision in &manifest.provides {
                provided.entry(&provision.capability.value).or_default().insert(name);
            }
        }
        open.retain(|open| {
            let providers = provided.get(&open.capability);
            let names = providers.into_iter().flatten();
            found.extend(names.map(|name| ((*name).clone(), open.cause.clone())));
            providers.map_or(0, BTreeSet::len) < open.wanted as usize
        });
        for (name, cause) in found {
            if let Some(chosen) = self.chosen.get_mut(&name)
                && !chosen.causes.contains(&cause)
            {
                chosen.causes.push(cause);
            }
        }
        open
    }

    fn no_provider(&self, open: &Open) -> Diagnostic {
        let Open { capability, span, needed_by, .. } = open;
        let all = self.catalogue.providers(capability);
        // What a component with errors would provide is not known.
        let unsure = !self.catalogue.manifests().broken.components.is_empty();
        if all.is_empty() {
            let near = suggest::did_you_mean(
                capability.as_str(),
                self.catalogue.capabilities().map(CapabilityName::as_str),
            );
            let message =
                format!("no component anywhere provides `{capability}`, which {needed_by} needs");
            return Diagnostic::at(Code::UnknownCapability, *span, message)
                .label("required here")
                .hint(near)
                .consequence(unsure);
        }
        let message = match open.wanted {
            1 => format!("no component can provide `{capability}` here, which {needed_by} needs"),
            n => {
                format!("fewer than {n} components can provide `{capability}` for {needed_by} here")
            }
        };
        let mut problem = Diagnostic::at(Code::NoProvider, *span, message)
            .label("required here")
            .consequence(unsure);
        if let Cause::Component { by, .. } = &open.cause
            && let Some(cause) = self.chosen.get(by).and_then(|by| by.causes.first())
        {
            problem = problem.also(cause.span(), format!("{} `{by}`", cause.verb()));
        }
        for provider in all {
            if let Some(reason) = self.viability.why_not(provider) {
                problem = problem.note(format!("`{}` {reason}", provider.component.value));
            }
        }
        problem
    }
}

/// The written preference: the profile's word, then the smaller promised size, then the name.
fn choose<'c>(
    providers: &[&'c ComponentManifest],
    capability: &CapabilityName,
    profile: &ProfileManifest,
) -> Option<&'c ComponentManifest> {
    let preferred = profile.prefer.get(capability).map_or(&[][..], |names| &**names);
    let rank = |component: &ComponentManifest| {
        let name = &component.component.value;
        let place = preferred.iter().position(|p| p.value == *name).unwrap_or(preferred.len());
        let size = component.budget.as_ref().and_then(|budget| budget.flash.as_ref());
        (place, size.map_or(u64::MAX, |size| size.value.0), name.clone())
    };
    providers.iter().copied().min_by_key(|component| rank(component))
}
