//! What a product must decide itself before anything can be chosen for it: profile, board and kernel,
//! and the components it lists.

use tarsia_manifest::{ComponentManifest, EffectiveProduct, Layer, ProfileManifest};
use tarsia_model::{Code, Diagnostic, Name, Span, Spanned, suggest};

use crate::index::Index;
use crate::viable::Setting;

/// What a product must decide itself: profile, board and kernel.
pub struct Frame<'c> {
    pub profile: &'c ProfileManifest,
    pub board: &'c ComponentManifest,
    pub board_span: Span,
    pub kernel: &'c ComponentManifest,
    pub kernel_span: Span,
    pub setting: Setting,
}

impl<'c> Frame<'c> {
    /// Finds them, or says what is missing or unknown.
    pub fn find(
        catalogue: &Index<'c>,
        product: &EffectiveProduct,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let missing = |code, what: &str, names: Vec<&str>| {
            let message = format!("resolve `{}`: it names no {what}", product.name.value);
            Diagnostic::at(code, product.name.span, message)
                .hint(format!("add `{what}:` with one of {}", suggest::alternatives(&names)))
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
        format!(
            "use `{}` as a {}: a product has exactly one kernel, in `kernel:`",
            name.value,
            layer.as_str()
        )
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
pub fn wishes<'c>(
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
