//! Inheritance: what a product comes to when everything it extends is taken into account. Every
//! value keeps the place that set it and the places it overrode.
//!
//! A value overrides those its product takes over. Two values of which neither overrides the other
//! may meet when a product extends two others: equal values agree, different ones are an error
//! unless the product decides. So two ways to one common origin never disagree, and of an origin and
//! a product that overrides it, the override holds.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_model::{ByteSize, CapabilityName, Code, Diagnostic, Name, Span, Spanned, suggest};

use crate::decided::{Decided, Preference, Slot, absorb_all};
use crate::node::Scalar;
use crate::scalar::FeaturePath;
use crate::{Catalogue, ProductManifest};

/// A product with everything it extends.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveProduct {
    /// Its name.
    pub name: Spanned<Name>,
    /// Whether it is a fragment, which cannot be built.
    pub is_fragment: bool,
    /// Its own summary.
    pub summary: Option<Spanned<String>>,
    /// The products and fragments it is made of, each after those it extends, itself last.
    pub lineage: Vec<Name>,
    /// Version of the firmware.
    pub version: Option<Decided<String>>,
    /// Class of device.
    pub profile: Option<Decided<Name>>,
    /// Board.
    pub board: Option<Decided<Name>>,
    /// Kernel flavour.
    pub kernel: Option<Decided<Name>>,
    /// Drivers, sorted by name.
    pub drivers: Vec<Decided<Name>>,
    /// Services, sorted by name.
    pub services: Vec<Decided<Name>>,
    /// Apps, sorted by name.
    pub apps: Vec<Decided<Name>>,
    /// The component that starts it.
    pub boot: Option<Decided<Name>>,
    /// Capabilities that it wants, sorted by name.
    pub requires: Vec<Decided<CapabilityName>>,
    /// Which components to prefer, best first, by capability.
    pub prefer: BTreeMap<CapabilityName, Decided<Preference>>,
    /// Components that it does not have, sorted by name; those that would have been taken over
    /// overrode the lines that list them.
    pub without: Vec<Decided<Name>>,
    /// Values of features, not yet judged against their declarations.
    pub features: BTreeMap<FeaturePath, Decided<Scalar>>,
    /// Limits.
    pub budget: EffectiveBudget,
}

/// Limits of a product's image and of its parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectiveBudget {
    /// Bytes of flash for the whole image.
    pub flash: Option<Decided<ByteSize>>,
    /// Bytes of RAM for the whole image.
    pub ram: Option<Decided<ByteSize>>,
    /// Limits by component.
    pub components: BTreeMap<Name, EffectiveLimits>,
}

/// Limits of one component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectiveLimits {
    /// Bytes of flash.
    pub flash: Option<Decided<ByteSize>>,
    /// Bytes of RAM.
    pub ram: Option<Decided<ByteSize>>,
}

/// Follows `extends` from the product called `name`.
///
/// # Errors
/// An unknown or broken product, a circle, an undecided disagreement, a `without` that removes
/// nothing: all that is found.
pub fn effective(catalogue: &Catalogue, name: &Name) -> Result<EffectiveProduct, Vec<Diagnostic>> {
    let Some(product) = catalogue.products.get(name) else {
        return Err(vec![unknown(catalogue, name, None)]);
    };
    let lineage = Lineage::of(catalogue, product)?;
    let mut problems = Vec::new();
    let mut settings: BTreeMap<&Name, Settings> = BTreeMap::new();
    for product in &lineage {
        let mut own = Settings::default();
        for parent in product.extends.iter() {
            own.absorb(&settings[&parent.value]);
        }
        own.decide(product);
        settings.insert(&product.name().value, own);
    }
    let settled = settings.remove(name).unwrap_or_default();
    let names = lineage.iter().map(|product| product.name().value.clone()).collect();
    let effective = settled.settle(product, names, &mut problems);
    if problems.is_empty() { Ok(effective) } else { Err(problems) }
}

fn unknown(catalogue: &Catalogue, name: &Name, place: Option<Span>) -> Diagnostic {
    let code = if place.is_some() { Code::ExtendsUnknown } else { Code::UnknownProduct };
    let at = |message: String| match place {
        Some(span) => Diagnostic::at(code, span, message),
        None => Diagnostic::error(code, message),
    };
    if catalogue.broken.products.contains(name) {
        return at(format!("the product `{name}` cannot be used: its file has errors"))
            .consequence(true);
    }
    let known = catalogue.products.keys().map(Name::as_str);
    at(format!("there is no product or fragment `{name}`"))
        .hint(suggest::did_you_mean(name.as_str(), known))
}

/// The order of inheritance.
struct Lineage<'c> {
    catalogue: &'c Catalogue,
    order: Vec<&'c ProductManifest>,
    done: BTreeSet<&'c Name>,
    /// The way to the product being visited, with the entries of `extends` that lead there.
    path: Vec<(&'c Name, Option<Span>)>,
    problems: Vec<Diagnostic>,
}

impl<'c> Lineage<'c> {
    fn of(
        catalogue: &'c Catalogue,
        product: &'c ProductManifest,
    ) -> Result<Vec<&'c ProductManifest>, Vec<Diagnostic>> {
        let (order, done) = (Vec::new(), BTreeSet::new());
        let mut lineage = Self { catalogue, order, done, path: Vec::new(), problems: Vec::new() };
        lineage.visit(product, None);
        if lineage.problems.is_empty() { Ok(lineage.order) } else { Err(lineage.problems) }
    }

    fn visit(&mut self, product: &'c ProductManifest, via: Option<Span>) {
        let name = &product.name().value;
        if self.done.contains(name) {
            return;
        }
        if let Some(start) = self.path.iter().position(|(known, _)| *known == name) {
            let edges = self.path[start + 1..].iter().copied().chain([(name, via)]);
            self.problems.push(circle(name, edges));
            return;
        }
        self.path.push((name, via));
        for parent in product.extends.iter() {
            match self.catalogue.products.get(&parent.value) {
                Some(found) => self.visit(found, Some(parent.span)),
                None => {
                    let found = unknown(self.catalogue, &parent.value, Some(parent.span));
                    self.problems.push(found);
                }
            }
        }
        self.path.pop();
        self.done.insert(name);
        self.order.push(product);
    }
}

/// Each step leads to a name, from the one before and at first from `first`, by an entry of
/// `extends`. Every product in the circle reports it alike.
fn circle<'c>(
    first: &'c Name,
    steps: impl Iterator<Item = (&'c Name, Option<Span>)>,
) -> Diagnostic {
    let mut from = first;
    let mut steps: Vec<(&Name, &Name, Option<Span>)> =
        steps.map(|(to, span)| (std::mem::replace(&mut from, to), to, span)).collect();
    let smallest = steps.iter().enumerate().min_by_key(|(_, step)| step.0).map_or(0, |(at, _)| at);
    steps.rotate_left(smallest);
    let names: Vec<&str> = steps.iter().map(|(from, ..)| from.as_str()).collect();
    let message = format!(
        "products extend each other in a circle: {} → {}",
        names.join(" → "),
        names.first().unwrap_or(&"")
    );
    let mut places = steps
        .iter()
        .rev()
        .filter_map(|(from, to, span)| Some(((*span)?, format!("`{from}` extends `{to}`"))));
    let closing = match places.next() {
        Some((span, text)) => Diagnostic::at(Code::ExtendsCycle, span, message).label(text),
        None => Diagnostic::error(Code::ExtendsCycle, message),
    };
    let mut others: Vec<_> = places.collect();
    others.reverse();
    others
        .into_iter()
        .fold(closing, |diagnostic, (span, text)| diagnostic.also(span, text))
        .hint("remove one of these entries".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Drivers,
    Services,
    Apps,
}

/// Whether a component is in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Membership {
    Listed,
    Removed,
}

impl std::fmt::Display for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Listed => "listed",
            Self::Removed => "removed",
        })
    }
}

/// Everything that is inherited.
#[derive(Clone, Debug, Default)]
struct Settings {
    version: Slot<String>,
    profile: Slot<Name>,
    board: Slot<Name>,
    kernel: Slot<Name>,
    boot: Slot<Name>,
    requires: BTreeMap<CapabilityName, Slot<Membership>>,
    prefer: BTreeMap<CapabilityName, Slot<Preference>>,
    without: BTreeMap<Name, Slot<Membership>>,
    flash: Slot<ByteSize>,
    ram: Slot<ByteSize>,
    lists: BTreeMap<(List, Name), Slot<Membership>>,
    features: BTreeMap<FeaturePath, Slot<Scalar>>,
    flash_of: BTreeMap<Name, Slot<ByteSize>>,
    ram_of: BTreeMap<Name, Slot<ByteSize>>,
}

impl Settings {
    fn absorb(&mut self, parent: &Self) {
        self.version.absorb(&parent.version);
        self.profile.absorb(&parent.profile);
        self.board.absorb(&parent.board);
        self.kernel.absorb(&parent.kernel);
        self.boot.absorb(&parent.boot);
        absorb_all(&mut self.requires, &parent.requires);
        absorb_all(&mut self.prefer, &parent.prefer);
        absorb_all(&mut self.without, &parent.without);
        self.flash.absorb(&parent.flash);
        self.ram.absorb(&parent.ram);
        absorb_all(&mut self.lists, &parent.lists);
        absorb_all(&mut self.features, &parent.features);
        absorb_all(&mut self.flash_of, &parent.flash_of);
        absorb_all(&mut self.ram_of, &parent.ram_of);
    }

    /// Puts the product's own lines over what it took over.
    fn decide(&mut self, product: &ProductManifest) {
        self.version.decide_from(product.version.as_ref());
        self.profile.decide_from(product.profile.as_ref());
        self.board.decide_from(product.board.as_ref());
        self.kernel.decide_from(product.kernel.as_ref().map(|kernel| &kernel.0));
        self.boot.decide_from(product.boot.as_ref());
        for wanted in &product.requires {
            let slot = self.requires.entry(wanted.value.clone()).or_default();
            slot.decide(Membership::Listed, wanted.span, wanted.span);
        }
        for (capability, names) in product.prefer.iter() {
            let slot = self.prefer.entry(capability.value.clone()).or_default();
            let place = names.first().map_or(capability.span, |name| name.span);
            slot.decide(Preference(names.to_vec()), place, capability.span);
        }
        for (path, value) in product.features.iter() {
            let slot = self.features.entry(path.value.clone()).or_default();
            slot.decide(value.value.clone(), value.span, path.span);
        }
        if let Some(budget) = &product.budget {
            self.flash.decide_from(budget.flash.as_ref());
            self.ram.decide_from(budget.ram.as_ref());
            for (name, limits) in budget.components.iter() {
                let limits = [(&mut self.flash_of, &limits.flash), (&mut self.ram_of, &limits.ram)];
                for (slots, limit) in limits {
                    if let Some(limit) = limit {
                        let slot = slots.entry(name.value.clone()).or_default();
                        slot.decide(limit.value, limit.span, name.span);
                    }
                }
            }
        }
        for removed in &product.without {
            self.remove(removed);
        }
        let lists = [
            (List::Drivers, &product.drivers),
            (List::Services, &product.services),
            (List::Apps, &product.apps),
        ];
        for (list, names) in lists {
            for name in names {
                let slot = self.lists.entry((list, name.value.clone())).or_default();
                slot.decide(Membership::Listed, name.span, name.span);
                // To list what was removed is to take it back.
                if let Some(removed) = self.without.get_mut(&name.value) {
                    removed.decide(Membership::Listed, name.span, name.span);
                }
            }
        }
    }

    fn remove(&mut self, removed: &Spanned<Name>) {
        let gone = self.without.entry(removed.value.clone()).or_default();
        gone.decide(Membership::Removed, removed.span, removed.span);
        for ((_, name), slot) in &mut self.lists {
            let listed = slot.0.iter().any(|member| member.value == Membership::Listed);
            if *name == removed.value && listed {
                slot.decide(Membership::Removed, removed.span, removed.span);
            }
        }
    }

    fn settle(
        self,
        product: &ProductManifest,
        lineage: Vec<Name>,
        problems: &mut Vec<Diagnostic>,
    ) -> EffectiveProduct {
        let mut lists: BTreeMap<List, Vec<Decided<Name>>> = BTreeMap::new();
        let mut removed: BTreeMap<Name, Decided<Name>> = BTreeMap::new();
        let before = problems.len();
        for ((list, name), slot) in self.lists {
            let what = format!("having `{name}`");
            let settled = slot.settle(&what, product, problems);
            if let Some(Decided { value, span, key, overrode }) = settled {
                let member = Decided { value: name.clone(), span, key, overrode };
                match value {
                    Membership::Listed => lists.entry(list).or_default().push(member),
                    Membership::Removed => drop(removed.insert(name, member)),
                }
            }
        }
        // A disagreement about a list's entry is one about its removal; it is told once.
        let told = problems.len() > before;
        for (name, slot) in self.without {
            let what = format!("removing `{name}`");
            let mut quiet = Vec::new();
            let settled = slot.settle(&what, product, if told { &mut quiet } else { problems });
            let Some(Decided { value: Membership::Removed, span, key, overrode }) = settled else {
                continue;
            };
            if let Some(listed) = lists.values().flatten().find(|listed| listed.value == name) {
                let own = product.name();
                let place = product.extends.first().map_or(own.span, |parent| parent.span);
                let message =
                    format!("what `{}` extends disagrees about having `{name}`", own.value);
                problems.push(
                    Diagnostic::at(Code::ExtendsDisagree, place, message)
                        .also(listed.span, "listed here")
                        .also(span, "removed here")
                        .hint(format!("decide it in `{}` itself", own.value)),
                );
                continue;
            }
            let member = Decided { value: name.clone(), span, key, overrode };
            removed.entry(name).or_insert(member);
        }
        let without: Vec<Decided<Name>> = removed.into_values().collect();
        let mut requires = Vec::new();
        for (capability, slot) in self.requires {
            let what = format!("requiring `{capability}`");
            let settled = slot.settle(&what, product, problems);
            requires.extend(settled.map(|Decided { span, key, overrode, .. }| Decided {
                value: capability,
                span,
                key,
                overrode,
            }));
        }
        let mut prefer = BTreeMap::new();
        for (capability, slot) in self.prefer {
            let what = format!("what to prefer for `{capability}`");
            let settled = slot.settle(&what, product, problems);
            prefer.extend(settled.map(|preference| (capability, preference)));
        }
        let mut take = |list| lists.remove(&list).unwrap_or_default();
        let (drivers, services, apps) =
            (take(List::Drivers), take(List::Services), take(List::Apps));
        // What was set for a component goes with it; a line of the product's own is another mistake.
        let stays = |component: &Name, line: Span| {
            line.source == product.span.source
                || !without.iter().any(|gone| gone.value == *component)
        };
        let mut features = BTreeMap::new();
        for (path, slot) in self.features {
            let settled = slot.settle(&format!("the feature `{path}`"), product, problems);
            let settled = settled.filter(|value| stays(&path.component, value.span));
            features.extend(settled.map(|value| (path, value)));
        }
        let mut components: BTreeMap<Name, EffectiveLimits> = BTreeMap::new();
        for (name, slot) in self.flash_of {
            let settled = slot.settle(&format!("the flash budget of `{name}`"), product, problems);
            if let Some(limit) = settled.filter(|limit| stays(&name, limit.span)) {
                components.entry(name).or_default().flash = Some(limit);
            }
        }
        for (name, slot) in self.ram_of {
            let settled = slot.settle(&format!("the RAM budget of `{name}`"), product, problems);
            if let Some(limit) = settled.filter(|limit| stays(&name, limit.span)) {
                components.entry(name).or_default().ram = Some(limit);
            }
        }
        EffectiveProduct {
            name: product.name().clone(),
            is_fragment: product.is_fragment(),
            summary: product.summary.clone(),
            lineage,
            version: self.version.settle("the version", product, problems),
            profile: self.profile.settle("the profile", product, problems),
            board: self.board.settle("the board", product, problems),
            kernel: self.kernel.settle("the kernel", product, problems),
            drivers,
            services,
            apps,
            boot: self.boot.settle("the boot component", product, problems),
            requires,
            prefer,
            without,
            features,
            budget: EffectiveBudget {
                flash: self.flash.settle("the flash budget", product, problems),
                ram: self.ram.settle("the RAM budget", product, problems),
                components,
            },
        }
    }
}
