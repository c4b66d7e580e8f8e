//! Closes a product's wishes over what components require, choosing among alternatives by written
//! rules, and reports everything that is wrong at once.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_manifest::{ComponentManifest, EffectiveProduct, Layer, ProfileManifest, Requirement};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Span, Spanned, suggest};

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
    let mut closure = Closure {
        catalogue,
        viability: &viability,
        chosen: BTreeMap::new(),
        provided: BTreeMap::new(),
        open: Vec::new(),
        problems,
    };
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
    let limits = limits::find(catalogue, &product, frame.profile, frame.board, &mut problems);
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
    /// Who of the chosen provides what.
    provided: BTreeMap<&'c CapabilityName, BTreeSet<&'c Name>>,
    /// Requirements of the chosen that the chosen do not fulfil.
    open: Vec<Open>,
    problems: Vec<Diagnostic>,
}

/// A requirement, and who has it.
struct Open {
    capability: CapabilityName,
    cause: Cause,
    span: Span,
    needed_by: String,
    /// How many providers it takes.
    wanted: u32,
}

impl Open {
    fn of_component(by: &Name, requirement: &Requirement) -> Self {
        let Spanned { value: capability, span } = requirement.capability.clone();
        Self {
            cause: Cause::Component { by: by.clone(), capability: capability.clone(), span },
            capability,
            span,
            needed_by: format!("`{by}`"),
            wanted: requirement.at_least(),
        }
    }

    fn of_profile(profile: &ProfileManifest, capability: &Spanned<CapabilityName>) -> Self {
        let Spanned { value: capability, span } = capability.clone();
        Self {
            cause: Cause::Profile { capability: capability.clone(), span },
            capability,
            span,
            needed_by: format!("profile `{}`", profile.profile.value),
            wanted: 1,
        }
    }
}

impl<'c> Closure<'_, 'c> {
    fn name(&mut self, manifest: &'c ComponentManifest, cause: Cause) {
        let name = &manifest.component.value;
        if let Some(chosen) = self.chosen.get_mut(name) {
            if !chosen.causes.contains(&cause) {
                chosen.causes.push(cause);
            }
            return;
        }
        self.chosen.insert(name.clone(), Chosen { manifest, causes: vec![cause] });
        for provision in &manifest.provides {
            self.provided.entry(&provision.capability.value).or_default().insert(name);
        }
        self.open.extend(manifest.requires.iter().map(|r| Open::of_component(name, r)));
    }

    /// What the product names must itself be possible: class and architecture, and the kernel must
    /// be one that the profile allows.
    fn check_named(&mut self, frame: &Frame<'_>) {
        let mut unfit = BTreeSet::new();
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
                unfit.insert(format!("`{name}`"));
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
                unfit.insert(format!("`{name}`"));
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
        // What cannot be here is one mistake; what it would need is not another.
        self.open.retain(|open| !unfit.contains(&open.needed_by));
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

    /// Adds providers until every requirement is fulfilled. Requirements with the fewest possible
    /// providers are served first, so that a choice can fall on what is needed anyway.
    fn complete(&mut self, profile: &ProfileManifest) {
        self.open.extend(profile.requires.iter().map(|c| Open::of_profile(profile, c)));
        let mut hopeless = BTreeSet::new();
        loop {
            let provided = &self.provided;
            self.open.retain(|open| {
                let providers = provided.get(&open.capability).map_or(0, BTreeSet::len);
                providers < open.wanted as usize && !hopeless.contains(&open.capability)
            });
            let next = (0..self.open.len()).min_by_key(|at| {
                let open = &self.open[*at];
                (self.candidates(&open.capability).len(), &open.capability, &open.needed_by)
            });
            let Some(next) = next else { break };
            let open = self.open.swap_remove(next);
            match choose(&self.candidates(&open.capability), &open.capability, profile) {
                Some(provider) => {
                    self.name(provider, open.cause.clone());
                    self.open.push(open);
                }
                None => {
                    let problem = self.no_provider(&open);
                    self.problems.push(problem);
                    hopeless.insert(open.capability);
                }
            }
        }
        self.note_causes(profile);
    }

    /// Notes for every provider who needs it, beside who brought it in.
    fn note_causes(&mut self, profile: &ProfileManifest) {
        let wanted = profile.requires.iter().map(|c| Open::of_profile(profile, c));
        let needs = self.chosen.iter().flat_map(|(name, chosen)| {
            chosen.manifest.requires.iter().map(|r| Open::of_component(name, r))
        });
        let all: Vec<Open> = wanted.chain(needs).collect();
        for Open { capability, cause, .. } in all {
            for name in self.provided.get(&capability).into_iter().flatten() {
                if let Some(chosen) = self.chosen.get_mut(*name)
                    && !chosen.causes.contains(&cause)
                {
                    chosen.causes.push(cause.clone());
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
