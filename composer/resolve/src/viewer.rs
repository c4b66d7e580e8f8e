//! Makes the view of a product: looks up the place of every value, and what stood where it overrode.

use std::collections::BTreeMap;

use tarsia_manifest::{
    Catalogue, Decided, EffectiveLimits, EffectiveProduct, Preference, ProductManifest,
};
use tarsia_model::{CapabilityName, Name, SourceMap, Span};

use crate::selection::{Cause, Selected, Selection};
use crate::view::{
    AdjustedValue, Adjustment, Asker, Bound, BudgetView, Former, Ground, Limits, Part, Stated, View,
};

impl View {
    /// A product, and its selection when it has one. `sources` has the texts of `catalogue`.
    pub fn of(
        catalogue: &Catalogue,
        sources: &SourceMap,
        product: &EffectiveProduct,
        selection: Option<&Selection<'_>>,
    ) -> Self {
        let look = Look { catalogue, sources };
        let names = |list: &[Decided<Name>]| list.iter().map(|entry| look.entry(entry)).collect();
        let name = |value: &Option<Decided<Name>>| value.as_ref().map(|value| look.value(value));
        let budget = &product.budget;
        let parts = budget.components.iter();
        let EffectiveProduct { name: own, .. } = product;
        let plain = |value: String, span| Stated {
            value,
            origin: sources.location(span),
            overrode: Vec::new(),
        };
        Self {
            product: Stated {
                value: own.value.clone(),
                origin: sources.location(own.span),
                overrode: Vec::new(),
            },
            fragment: product.is_fragment,
            lineage: product.lineage.clone(),
            summary: product.summary.as_ref().map(|text| plain(text.value.clone(), text.span)),
            version: product.version.as_ref().map(|version| look.value(version)),
            profile: name(&product.profile),
            board: name(&product.board),
            kernel: name(&product.kernel),
            boot: name(&product.boot),
            drivers: names(&product.drivers),
            services: names(&product.services),
            apps: names(&product.apps),
            without: names(&product.without),
            requires: product.requires.iter().map(|wanted| look.entry(wanted)).collect(),
            prefer: look.preferences(product),
            features: look.features(product, selection),
            budget: BudgetView {
                image: Limits {
                    flash: budget.flash.as_ref().map(|limit| look.value(limit)),
                    ram: budget.ram.as_ref().map(|limit| look.value(limit)),
                },
                components: parts.map(|(name, of)| (name.clone(), look.limits(of))).collect(),
            },
            components: selection.map(|selection| {
                let parts = selection.components.iter();
                parts.map(|(name, selected)| (name.clone(), look.part(selected))).collect()
            }),
            limits: selection.map(|selection| look.bounds(selection)),
        }
    }
}

/// What places are looked up in.
struct Look<'a> {
    catalogue: &'a Catalogue,
    sources: &'a SourceMap,
}

impl Look<'_> {
    fn stated<T, U>(
        &self,
        decided: &Decided<T>,
        value: U,
        former: impl Fn(Span) -> String,
    ) -> Stated<U> {
        let overrode = decided.overrode.iter();
        let overrode = overrode
            .map(|span| Former { value: former(*span), origin: self.sources.location(*span) })
            .collect();
        Stated { value, origin: self.sources.location(decided.span), overrode }
    }

    fn value<T: Clone>(&self, decided: &Decided<T>) -> Stated<T> {
        let text = |span| self.sources.text(span).to_owned();
        self.stated(decided, decided.value.clone(), text)
    }

    /// An entry of a list overrode lines of the same name, of which only the list can tell more.
    fn entry<T: Clone>(&self, decided: &Decided<T>) -> Stated<T> {
        let former = |span: Span| {
            let removed = self
                .manifest(span)
                .is_some_and(|manifest| manifest.without.iter().any(|gone| gone.span == span));
            if removed { "removed" } else { "listed" }.to_owned()
        };
        self.stated(decided, decided.value.clone(), former)
    }

    /// The product in whose file a place is.
    fn manifest(&self, span: Span) -> Option<&ProductManifest> {
        let mut products = self.catalogue.products.values();
        products.find(|product| product.span.source == span.source)
    }

    fn preferences(
        &self,
        product: &EffectiveProduct,
    ) -> BTreeMap<CapabilityName, Stated<Vec<Name>>> {
        let preference = |(capability, decided): (&CapabilityName, &Decided<Preference>)| {
            // The place of a list is that of its first name, and the text there is not all of it.
            let former = |span: Span| {
                let names = self.manifest(span).and_then(|one| one.prefer.get(capability));
                names.map_or_else(String::new, |names| Preference(names.to_vec()).to_string())
            };
            let names = decided.value.0.iter().map(|name| name.value.clone()).collect();
            (capability.clone(), self.stated(decided, names, former))
        };
        product.prefer.iter().map(preference).collect()
    }

    fn features(
        &self,
        product: &EffectiveProduct,
        selection: Option<&Selection<'_>>,
    ) -> BTreeMap<String, Adjustment> {
        let mut found = BTreeMap::new();
        for (path, decided) in &product.features {
            let Stated { value, origin, overrode } = self.value(decided);
            let value = AdjustedValue::Written(value);
            found.insert(path.to_string(), Adjustment { value, set: true, origin, overrode });
        }
        for (component, selected) in selection.iter().flat_map(|all| &all.components) {
            for (feature, setting) in &selected.features {
                let value = AdjustedValue::Read(setting.value.clone());
                let (set, origin) =
                    (setting.set.is_some(), setting.set.unwrap_or(setting.declared));
                let origin = self.sources.location(origin);
                let adjusted = found.entry(format!("{component}.{feature}")).or_insert_with(|| {
                    Adjustment { value: value.clone(), set, origin, overrode: Vec::new() }
                });
                adjusted.value = value;
            }
        }
        found
    }

    fn limits(&self, limits: &EffectiveLimits) -> Limits {
        Limits {
            flash: limits.flash.as_ref().map(|limit| self.value(limit)),
            ram: limits.ram.as_ref().map(|limit| self.value(limit)),
        }
    }

    fn part(&self, selected: &Selected<'_>) -> Part {
        let reason = |cause: &Cause| Ground::of(cause, self.sources);
        Part {
            layer: selected.manifest.layer.value.as_str(),
            causes: selected.causes.iter().map(reason).collect(),
        }
    }

    fn bounds(&self, selection: &Selection<'_>) -> BTreeMap<String, Vec<Bound>> {
        let regions = selection.limits.iter();
        regions
            .map(|(region, limits)| {
                let bounds = limits.iter().map(|limit| Bound {
                    size: limit.size,
                    by: limit.by.as_str(),
                    name: limit.name.clone(),
                    origin: self.sources.location(limit.span),
                });
                (region.clone(), bounds.collect())
            })
            .collect()
    }
}

impl Ground {
    /// A cause with its place.
    pub(crate) fn of(cause: &Cause, sources: &SourceMap) -> Self {
        Self {
            by: match cause {
                Cause::Product { .. } | Cause::Wanted { .. } => Asker::Product,
                Cause::Profile { .. } => Asker::Profile,
                Cause::Component { .. } => Asker::Requirement,
                Cause::Recommended { .. } => Asker::Recommendation,
            },
            component: cause.by().cloned(),
            capability: cause.capability().cloned(),
            when: cause.when().map(|when| when.value.clone()),
            origin: sources.location(cause.span()),
        }
    }
}

/// `console for log`.
impl std::fmt::Display for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(capability) = &self.capability else {
            return f.write_str("named");
        };
        let component = self.component.as_ref().map_or("", |name| name.as_str());
        match self.by {
            Asker::Product => write!(f, "{capability} for the product")?,
            Asker::Profile => write!(f, "{capability} for the profile")?,
            Asker::Requirement => write!(f, "{capability} for {component}")?,
            Asker::Recommendation => write!(f, "{capability}, recommended by {component}")?,
        }
        self.when.as_ref().map_or(Ok(()), |when| write!(f, " when {when}"))
    }
}
