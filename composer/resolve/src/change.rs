//! One edit of a product, as data: what `what-if` tries and what repairs propose. A change is made to
//! the product in memory; no file is touched.

use tarsia_manifest::{
    Catalogue, Decided, EffectiveProduct, FeaturePath, Layer, Preference, Scalar,
};
use tarsia_model::{CapabilityName, Code, Diagnostic, Name, Span, Spanned, suggest};

use crate::frame::product_key;

/// One edit of a product.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Prefer a component for a capability.
    Prefer(CapabilityName, Name),
    /// List a component.
    Add(Name),
    /// Give a feature a value.
    Set(FeaturePath, Scalar),
    /// Allow again what is excluded.
    Allow(Name),
    /// Do not list a component, or exclude it when it is not listed.
    Remove(Name),
    /// Do not require a capability.
    Waive(CapabilityName),
    /// Require a capability.
    Require(CapabilityName),
    /// Do not set a feature.
    Unset(FeaturePath),
    /// Another kernel flavour.
    Kernel(Name),
    /// Another board.
    Board(Name),
    /// Another profile.
    Profile(Name),
}

impl Change {
    /// Reads a change as the command line has it: `+NAME`, `-NAME`, `COMPONENT.FEATURE=VALUE`,
    /// `board=NAME`, `kernel=NAME`, `profile=NAME`, `CAPABILITY:NAME` for a preference.
    ///
    /// # Errors
    /// What cannot be read, with the forms that can (E0701).
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let refuse = |hint: String| {
            Diagnostic::error(Code::Usage, format!("`{}` is no change", text.escape_debug()))
                .hint(hint)
        };
        let forms = || {
            "write `+component`, `-component`, `component.feature=value`, `kernel=name`, `board=name`, \
             `profile=name` or `capability:component`"
                .to_owned()
        };
        let name = |text: &str| text.parse::<Name>().map_err(refuse);
        if let Some(added) = text.strip_prefix('+') {
            return name(added).map(Self::Add);
        }
        if let Some(removed) = text.strip_prefix('-') {
            return name(removed).map(Self::Remove);
        }
        if let Some((key, value)) = text.split_once('=') {
            return match key {
                "board" => name(value).map(Self::Board),
                "kernel" => name(value).map(Self::Kernel),
                "profile" => name(value).map(Self::Profile),
                path => {
                    let path = path.parse::<FeaturePath>().map_err(refuse)?;
                    Ok(Self::Set(path, Scalar::plain(value)))
                }
            };
        }
        let (capability, component) = text.split_once(':').ok_or_else(|| refuse(forms()))?;
        let capability = capability.parse::<CapabilityName>().map_err(refuse)?;
        Ok(Self::Prefer(capability, name(component)?))
    }

    /// Makes the change to a product.
    ///
    /// # Errors
    /// What cannot be changed so: an unknown component, one that products cannot list.
    pub fn apply(
        &self,
        catalogue: &Catalogue,
        product: &mut EffectiveProduct,
    ) -> Result<(), Diagnostic> {
        let place = product.name.span;
        match self {
            Self::Add(name) => {
                let layer = layer_of(catalogue, name)?;
                product.without.retain(|gone| gone.value != *name);
                let entry = decided(name.clone(), place);
                let list = match layer {
                    Layer::Driver => &mut product.drivers,
                    Layer::Service => &mut product.services,
                    Layer::App => &mut product.apps,
                    Layer::Boot => {
                        product.boot = Some(entry);
                        return Ok(());
                    }
                    Layer::Kernel => {
                        product.kernel = Some(entry);
                        return Ok(());
                    }
                    Layer::Board => {
                        product.board = Some(entry);
                        return Ok(());
                    }
                    Layer::Library | Layer::Toolchain => {
                        let message = format!("`{name}` cannot be listed: its layer is `{layer}`");
                        return Err(Diagnostic::error(Code::WrongLayer, message).hint(
                            "it comes in when something requires what it provides".to_owned(),
                        ));
                    }
                };
                if !list.iter().any(|listed| listed.value == *name) {
                    list.push(entry);
                    list.sort_by(|a, b| a.value.cmp(&b.value));
                }
            }
            Self::Remove(name) => {
                layer_of(catalogue, name)?;
                let lists = [&mut product.drivers, &mut product.services, &mut product.apps];
                let mut listed = false;
                for list in lists {
                    let before = list.len();
                    list.retain(|entry| entry.value != *name);
                    listed |= list.len() < before;
                }
                if product.boot.as_ref().is_some_and(|boot| boot.value == *name) {
                    product.boot = None;
                    listed = true;
                }
                if !listed && !product.without.iter().any(|gone| gone.value == *name) {
                    product.without.push(decided(name.clone(), place));
                }
                product.features.retain(|path, _| !listed || path.component != *name);
            }
            Self::Allow(name) => product.without.retain(|gone| gone.value != *name),
            Self::Waive(capability) => {
                product.requires.retain(|wanted| wanted.value != *capability);
            }
            Self::Require(capability) => {
                if !product.requires.iter().any(|wanted| wanted.value == *capability) {
                    product.requires.push(decided(capability.clone(), place));
                    product.requires.sort_by(|a, b| a.value.cmp(&b.value));
                }
            }
            Self::Unset(path) => _ = product.features.remove(path),
            Self::Prefer(capability, name) => {
                let entry = product
                    .prefer
                    .entry(capability.clone())
                    .or_insert_with(|| decided(Preference(Vec::new()), place));
                entry.value.0.retain(|known| known.value != *name);
                entry.value.0.insert(0, Spanned::new(name.clone(), place));
            }
            Self::Set(path, value) => {
                product.features.insert(path.clone(), decided(value.clone(), place));
            }
            Self::Kernel(name) => product.kernel = Some(decided(name.clone(), place)),
            Self::Board(name) => product.board = Some(decided(name.clone(), place)),
            Self::Profile(name) => product.profile = Some(decided(name.clone(), place)),
        }
        Ok(())
    }

    /// The edit to make in the product's file, as a command.
    pub fn edit(&self, catalogue: &Catalogue, product: &EffectiveProduct) -> String {
        let own = |line: Span| line.source == product.name.span.source;
        match self {
            Self::Prefer(capability, name) => {
                format!("write `prefer: {{ {capability}: [{name}] }}`")
            }
            Self::Add(name) => {
                let layer = catalogue.components.get(name.as_str()).map(|found| found.layer.value);
                let key = layer.and_then(product_key).unwrap_or("services");
                match layer {
                    Some(Layer::Board | Layer::Kernel | Layer::Boot) => {
                        format!("write `{key}: {name}`")
                    }
                    _ => format!("add `{name}` to `{key}`"),
                }
            }
            Self::Set(path, value) => format!("set the feature `{path}: {value}`"),
            Self::Allow(name) => {
                let line = product.without.iter().find(|gone| gone.value == *name);
                let layer = catalogue.components.get(name.as_str()).map(|found| found.layer.value);
                if line.is_some_and(|line| own(line.span)) {
                    format!("remove `{name}` from `without`")
                } else if matches!(layer, Some(Layer::Library | Layer::Toolchain)) {
                    format!("remove `{name}` from `without` of the product that this one extends")
                } else {
                    format!("list `{name}` again, which an extended product removes")
                }
            }
            Self::Remove(name) => {
                let lists = [
                    ("drivers", &product.drivers),
                    ("services", &product.services),
                    ("apps", &product.apps),
                ];
                let listed = lists.into_iter().find_map(|(key, list)| {
                    list.iter().find(|entry| entry.value == *name).map(|entry| (key, entry))
                });
                match listed {
                    Some((key, entry)) if own(entry.span) => {
                        format!("remove `{name}` from `{key}`")
                    }
                    _ => format!("write `without: [{name}]`"),
                }
            }
            Self::Waive(capability) => format!("remove `{capability}` from `requires`"),
            Self::Require(capability) => format!("add `{capability}` to `requires`"),
            Self::Unset(path) => format!("remove the feature `{path}`"),
            Self::Kernel(name) => format!("take another kernel: `kernel: {name}`"),
            Self::Board(name) => format!("take another board: `board: {name}`"),
            Self::Profile(name) => format!("take another profile: `profile: {name}`"),
        }
    }
}

fn decided<T>(value: T, place: Span) -> Decided<T> {
    Decided { value, span: place, key: place, overrode: Vec::new() }
}

fn layer_of(catalogue: &Catalogue, name: &Name) -> Result<Layer, Diagnostic> {
    let components = &catalogue.components;
    components.get(name.as_str()).map(|found| found.layer.value).ok_or_else(|| {
        let known = components.names().map(Name::as_str);
        Diagnostic::error(Code::UnknownComponent, format!("there is no component `{name}`"))
            .hint(suggest::did_you_mean(name.as_str(), known))
    })
}
