//! Closes a product's wishes over what components require, choosing among alternatives by written
//! rules, and reports everything that is wrong at once.

use std::collections::BTreeMap;

use tarsia_manifest::{
    ComponentManifest, EffectiveProduct, Layer, ProfileManifest, Provision, Requirement, Share,
};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Span, Spanned, suggest};

use crate::index::{Index, provision};
use crate::selection::{Binding, Cause, Provided, Selected, Selection};
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
    let order = order::start_order(&components, &mut problems);
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

/// What a product must decide itself: profile, board and kernel.
struct Frame<'c> {
    profile: &'c ProfileManifest,
    board: &'c ComponentManifest,
    board_span: Span,
    kernel: &'c ComponentManifest,
    kernel_span: Span,
    setting: Setting,
}

impl<'c> Frame<'c> {
    fn find(
        catalogue: &Index<'c>,
        product: &EffectiveProduct,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let missing = |code, what: &str, names: Vec<&str>| {
            let message = format!("resolve `{}`: it names no {what}", product.name.value);
            Diagnostic::at(code, product.name.span, message).hint(format!(
                "add `{what}:` with one of {}",
                suggest::alternatives(&names)
            ))
        };
        let profiles = || catalogue.manifests().profiles.keys().map(Name::as_str);
        let profile = match &product.profile {
            None => {
                problems.push(missing(Code::NoProfile, "profile", profiles().collect()));
                None
            }
            Some(set) => catalogue.profile(&set.value).or_else(|| {
                let message = format!("find the profile `{}`", set.value);
                problems.push(
                    Diagnostic::at(Code::UnknownProfile, set.span, message)
                        .label("no profile has this name")
                        .hint(suggest::did_you_mean(set.value.as_str(), profiles())),
                );
                None
            }),
        };
        let mut part = |set: Option<Spanned<Name>>, layer: Layer, code| {
            let Some(set) = set else {
                let names = catalogue.names_of(layer).collect();
                problems.push(missing(code, layer.as_str(), names));
                return None;
            };
            find_component(catalogue, &set, layer, problems).map(|found| (found, set.span))
        };
        let board = part(product.board.as_ref().map(|s| s.spanned()), Layer::Board, Code::NoBoard);
        let kernel =
            part(product.kernel.as_ref().map(|s| s.spanned()), Layer::Kernel, Code::NoKernel);
        let ((board, board_span), (kernel, kernel_span), profile) = (board?, kernel?, profile?);
        let arch = board.board.as_ref()?.arch.value.clone();
        let setting = Setting {
            class: profile.profile.value.clone(),
            board: board.component.value.clone(),
            arch,
            kernel: kernel.component.value.clone(),
        };
        Some(Self { profile, board, board_span, kernel, kernel_span, setting })
    }
}

/// The component with a name, if it exists and belongs to the layer it is listed under.
fn find_component<'c>(
    catalogue: &Index<'c>,
    name: &Spanned<Name>,
    layer: Layer,
    problems: &mut Vec<Diagnostic>,
) -> Option<&'c ComponentManifest> {
    let Some(found) = catalogue.component(&name.value) else {
        // A file with errors is reported by its own errors; this one is only a consequence.
        if catalogue.manifests().broken.components.contains(&name.value) {
            problems.push(broken("component", name));
            return None;
        }
        let near = suggest::did_you_mean(name.value.as_str(), catalogue.names_of(layer))
            .or_else(|| {
                let all = catalogue.manifests().components.keys().map(Name::as_str);
                suggest::did_you_mean(name.value.as_str(), all)
            })
            .unwrap_or_else(|| format!("`tarsia list {}` shows what there is", listing(layer)));
        problems.push(
            Diagnostic::at(
                Code::UnknownComponent,
                name.span,
                format!("find the {} `{}`", layer.as_str(), name.value),
            )
            .label("no component has this name")
            .hint(near),
        );
        return None;
    };
    let actual = found.layer.value;
    if actual == layer {
        return Some(found);
    }
    let second_kernel = actual == Layer::Kernel;
    let code = if second_kernel { Code::TwoKernels } else { Code::WrongLayer };
    let message = if second_kernel {
        format!("use `{}` as a {}: a product has exactly one kernel, in `kernel:`", name.value, layer.as_str())
    } else {
        format!("use `{}` as a {}: its layer is {}", name.value, layer.as_str(), actual.as_str())
    };
    problems.push(
        Diagnostic::at(code, name.span, message)
            .also(found.layer.span, "its layer is declared here")
            .hint(product_key(actual).map(|key| format!("list it under `{key}:`"))),
    );
    None
}

/// What is named is there, but its file has errors.
fn broken(what: &str, name: &Spanned<Name>) -> Diagnostic {
    let message = format!("use the {what} `{}`: its file has errors", name.value);
    Diagnostic::at(Code::UnknownComponent, name.span, message)
}

/// The key of a product under which components of a layer are named.
const fn product_key(layer: Layer) -> Option<&'static str> {
    match layer {
        Layer::Kernel => Some("kernel"),
        Layer::Board => Some("board"),
        Layer::Driver => Some("drivers"),
        Layer::Service => Some("services"),
        Layer::App => Some("apps"),
        Layer::Boot | Layer::Library | Layer::Toolchain => None,
    }
}

const fn listing(layer: Layer) -> &'static str {
    match layer {
        Layer::Board => "boards",
        Layer::Kernel => "kernels",
        _ => "components",
    }
}

/// The components a product lists, with the place of each.
fn wishes<'c>(
    catalogue: &Index<'c>,
    product: &EffectiveProduct,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(&'c ComponentManifest, Span)> {
    let lists = [
        (&product.drivers, Layer::Driver),
        (&product.services, Layer::Service),
        (&product.apps, Layer::App),
    ];
    let mut found = Vec::new();
    for (list, layer) in lists {
        for name in list {
            let wish = find_component(catalogue, &name.spanned(), layer, problems);
            found.extend(wish.map(|component| (component, name.span)));
        }
    }
    found
}

struct Chosen<'c> {
    manifest: &'c ComponentManifest,
    causes: Vec<Cause>,
}

struct Closure<'a, 'c> {
    catalogue: &'a Index<'c>,
    viability: &'a Viability<'a, 'c>,
    chosen: BTreeMap<Name, Chosen<'c>>,
    problems: Vec<Diagnostic>,
}

/// A requirement that nothing chosen fulfils yet.
struct Open {
    capability: CapabilityName,
    cause: Cause,
    span: Span,
    needed_by: String,
    many: bool,
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
            let Some(Cause::Product { span }) = causes.first() else { continue };
            let name = &manifest.component.value;
            if !crate::index::supports_class(manifest, class) {
                let classes: Vec<_> = manifest.classes.iter().map(|c| c.value.as_str()).collect();
                let message = format!(
                    "use `{name}` in the class `{class}`: it is only for {}",
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
                    "use `{name}` on `{board}`: the board is {}, and it is only for {}",
                    arch,
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
            let message = format!("use the kernel `{kernel}` in the class `{class}`");
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
            let mut candidates: Vec<_> = open
                .into_iter()
                .map(|open| (self.viability.providers(&open.capability), open))
                .collect();
            candidates.sort_by_key(|(providers, _)| providers.len());
            let Some((providers, open)) = candidates.into_iter().next() else { return };
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

    fn open(&mut self, profile: &ProfileManifest) -> Vec<Open> {
        let mut open = Vec::new();
        let mut found = Vec::new();
        for capability in &profile.requires {
            open.push(Open {
                capability: capability.value.clone(),
                cause: Cause::Profile { capability: capability.value.clone(), span: capability.span },
                span: capability.span,
                needed_by: format!("profile `{}`", profile.profile.value),
                many: false,
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
                    many: requirement.at_least() == 0,
                });
            }
        }
        open.retain(|open| {
            let providers: Vec<&Name> = self
                .chosen
                .iter()
                .filter(|(_, chosen)| provision(chosen.manifest, &open.capability).is_some())
                .map(|(name, _)| name)
                .collect();
            found.extend(providers.iter().map(|name| ((*name).clone(), open.cause.clone())));
            providers.is_empty() && !open.many
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
        if all.is_empty() {
            let near = suggest::did_you_mean(
                capability.as_str(),
                self.catalogue.capabilities().map(CapabilityName::as_str),
            );
            let message = format!("provide `{capability}` for {needed_by}: no component anywhere does");
            return Diagnostic::at(Code::UnknownCapability, *span, message)
                .label("required here")
                .hint(near);
        }
        let message = format!("provide `{capability}` for {needed_by}: no component can here");
        let mut problem =
            Diagnostic::at(Code::NoProvider, *span, message).label("required here");
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

fn conflicts(chosen: &BTreeMap<Name, Chosen<'_>>, problems: &mut Vec<Diagnostic>) {
    for (name, one) in chosen {
        for other in &one.manifest.conflicts {
            let Some(rival) = chosen.get(&other.value) else { continue };
            let mutual = rival.manifest.conflicts.iter().any(|back| back.value == *name);
            if mutual && other.value < *name {
                continue;
            }
            let message = format!("combine `{name}` with `{}`: they exclude each other", other.value);
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

impl Cause {
    /// Where the cause stands.
    pub const fn span(&self) -> Span {
        match self {
            Self::Product { span } | Self::Profile { span, .. } | Self::Component { span, .. } => *span,
        }
    }

    const fn verb(&self) -> &'static str {
        match self {
            Self::Product { .. } => "the product names",
            Self::Profile { .. } => "the profile needs",
            Self::Component { .. } => "this brings in",
        }
    }
}

/// Binds each requirement to the chosen components that fulfil it.
fn bind<'c>(
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
        let message = format!(
            "give `{by}` its `{capability}`: {} provide it, and only one may",
            suggest::listed(&names)
        );
        let mut problem =
            Diagnostic::at(Code::AmbiguousProvider, requirement.capability.span, message);
        for provided in &found {
            if let Some(cause) = chosen.get(provided.component.as_str()).and_then(|c| c.causes.first()) {
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
fn exclusive(components: &BTreeMap<Name, Selected<'_>>, problems: &mut Vec<Diagnostic>) {
    let mut owners: BTreeMap<(Name, CapabilityName), (Name, Span)> = BTreeMap::new();
    for (name, selected) in components {
        for binding in &selected.bindings {
            for provided in binding.providers.iter().filter(|p| has_one_owner(p.provision)) {
                let capability = provided.provision.capability.value.clone();
                let span = binding.requirement.capability.span;
                let key = (provided.component.clone(), capability.clone());
                if let Some((first, place)) = owners.get(&key) {
                    let message = format!(
                        "give `{capability}` of `{}` to both `{first}` and `{name}`: it has one owner",
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
