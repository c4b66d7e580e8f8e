//! What a product must decide itself before anything can be chosen for it: profile, board and kernel,
//! and the components it lists.

use tarsia_manifest::{
    Catalogue, ComponentId, ComponentManifest, EffectiveProduct, Layer, ProfileManifest,
};
use tarsia_model::{Code, Diagnostic, Name, Span, Spanned, suggest};

/// What a product must decide itself: profile, board and kernel.
#[derive(Clone, Debug)]
pub struct Frame<'c> {
    /// The class of device.
    pub profile: &'c ProfileManifest,
    /// The hardware.
    pub board: &'c ComponentManifest,
    /// Its number.
    pub board_id: ComponentId,
    /// Where the product names it.
    pub board_span: Span,
    /// The board's architecture.
    pub arch: Name,
    /// The kernel flavour.
    pub kernel: &'c ComponentManifest,
    /// Its number.
    pub kernel_id: ComponentId,
    /// Where the product names it.
    pub kernel_span: Span,
}

impl<'c> Frame<'c> {
    /// Finds them, or says what is missing or unknown.
    pub fn find(
        catalogue: &'c Catalogue,
        product: &EffectiveProduct,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let missing = |code, what: &str, names: Vec<&str>| {
            let message = format!("`{}` names no {what}", product.name.value);
            Diagnostic::at(code, product.name.span, message)
                .hint(format!("add `{what}:` with one of {}", suggest::alternatives(&names)))
        };
        let profiles = || catalogue.profiles.keys().map(Name::as_str);
        let profile = match &product.profile {
            None => {
                problems.push(missing(Code::NoProfile, "profile", profiles().collect()));
                None
            }
            Some(set) => catalogue.profiles.get(&set.value).or_else(|| {
                if catalogue.broken.profiles.contains(&set.value) {
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
                let names = names_of(catalogue, layer).collect();
                problems.push(missing(code, layer.as_str(), names));
                return None;
            };
            find_component(catalogue, &set, layer, problems).map(|found| (found, set.span))
        };
        let board = part(product.board.as_ref().map(|s| s.spanned()), Layer::Board, Code::NoBoard);
        let kernel =
            part(product.kernel.as_ref().map(|s| s.spanned()), Layer::Kernel, Code::NoKernel);
        let ((board, board_span), (kernel, kernel_span), profile) = (board?, kernel?, profile?);
        let components = &catalogue.components;
        Some(Self {
            profile,
            board: components.at(board),
            board_id: board,
            board_span,
            arch: components.at(board).board.as_ref()?.arch.value.clone(),
            kernel: components.at(kernel),
            kernel_id: kernel,
            kernel_span,
        })
    }
}

fn names_of(catalogue: &Catalogue, layer: Layer) -> impl Iterator<Item = &str> {
    let components = &catalogue.components;
    components.of_layer(layer).map(|id| components.name(id).as_str())
}

/// The component with a name, if it exists and belongs to the layer it is listed under.
fn find_component(
    catalogue: &Catalogue,
    name: &Spanned<Name>,
    layer: Layer,
    problems: &mut Vec<Diagnostic>,
) -> Option<ComponentId> {
    let Some(found) = catalogue.components.id(name.value.as_str()) else {
        // A file with errors is reported by its own errors; this one is only a consequence.
        if catalogue.broken.components.contains(&name.value) {
            let what = layer.as_str();
            problems.push(broken(Code::UnknownComponent, what, name.span, &name.value));
            return None;
        }
        let near = suggest::did_you_mean(name.value.as_str(), names_of(catalogue, layer))
            .or_else(|| {
                let all = catalogue.components.names().map(Name::as_str);
                suggest::did_you_mean(name.value.as_str(), all)
            })
            .unwrap_or_else(|| see(listing(layer)));
        let message = format!("there is no {} `{}`", layer.as_str(), name.value);
        problems.push(Diagnostic::at(Code::UnknownComponent, name.span, message).hint(near));
        return None;
    };
    let actual = catalogue.components.layer(found);
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
            .also(catalogue.components.at(found).layer.span, "its layer is declared here")
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
pub const fn product_key(layer: Layer) -> Option<&'static str> {
    match layer {
        Layer::Kernel => Some("kernel"),
        Layer::Board => Some("board"),
        Layer::Driver => Some("drivers"),
        Layer::Service => Some("services"),
        Layer::App => Some("apps"),
        Layer::Boot => Some("boot"),
        Layer::Library | Layer::Toolchain => None,
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
pub fn wishes(
    catalogue: &Catalogue,
    product: &EffectiveProduct,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(ComponentId, Span)> {
    let lists = [
        (&product.drivers, Layer::Driver),
        (&product.services, Layer::Service),
        (&product.apps, Layer::App),
    ];
    let listed = lists.into_iter().flat_map(|(list, layer)| list.iter().map(move |n| (n, layer)));
    let boot = product.boot.iter().map(|name| (name, Layer::Boot));
    listed
        .chain(boot)
        .filter_map(|(name, layer)| {
            let wish = find_component(catalogue, &name.spanned(), layer, problems);
            wish.map(|component| (component, name.span))
        })
        .collect()
}
