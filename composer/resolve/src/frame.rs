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
            let message = format!("`{}` names no {what}", product.name.value);
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
                if catalogue.manifests().broken.profiles.contains(&set.value) {
                    problems.push(broken(Code::UnknownProfile, "profile", set.span, &set.value));
                    return None;
                }
                let message = format!("there is no profile `{}`", set.value);
                let near = suggest::did_you_mean(set.value.as_str(), profiles());
                problems.push(
                    Diagnostic::at(Code::UnknownProfile, set.span, message)
                        .hint(near.unwrap_or_else(|| see("profiles"))),
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
            named: [&product.drivers, &product.services, &product.apps]
                .into_iter()
                .flatten()
                .map(|name| name.value.clone())
                .collect(),
            without: product.without.iter().map(|name| name.value.clone()).collect(),
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
            let what = layer.as_str();
            problems.push(broken(Code::UnknownComponent, what, name.span, &name.value));
            return None;
        }
        let near = suggest::did_you_mean(name.value.as_str(), catalogue.names_of(layer))
            .or_else(|| {
                let all = catalogue.manifests().components.keys().map(Name::as_str);
                suggest::did_you_mean(name.value.as_str(), all)
            })
            .unwrap_or_else(|| see(listing(layer)));
        let message = format!("there is no {} `{}`", layer.as_str(), name.value);
        problems.push(Diagnostic::at(Code::UnknownComponent, name.span, message).hint(near));
        return None;
    };
    let actual = found.layer.value;
    if actual == layer {
        return Some(found);
    }
    let second_kernel = actual == Layer::Kernel;
    let code = if second_kernel { Code::TwoKernels } else { Code::WrongLayer };
    let key = product_key(layer).unwrap_or_default();
    let message = if second_kernel {
        format!(
            "`{}` cannot stand under `{key}:`: a product has one kernel, in `kernel:`",
            name.value
        )
    } else {
        format!("`{}` cannot stand under `{key}:`: its layer is `{actual}`", name.value)
    };
    problems.push(
        Diagnostic::at(code, name.span, message)
            .also(found.layer.span, "its layer is declared here")
            .hint(product_key(actual).map(|key| format!("list it under `{key}:`"))),
    );
    None
}

/// What is named is there, but its file has errors.
fn broken(code: Code, what: &str, place: Span, name: &Name) -> Diagnostic {
    let message = format!("the {what} `{name}` cannot be used: its file has errors");
    Diagnostic::at(code, place, message).consequence(true)
}

fn see(kind: &str) -> String {
    format!("`tarsia list {kind}` shows what there is")
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
