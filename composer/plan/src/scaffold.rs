//! The files of a new product or component: small, complete, and passing every check as they are.

use std::collections::BTreeMap;

use serde::Serialize;
use tarsia_manifest::Layer;
use tarsia_model::{Code, Diagnostic, Name};

use crate::template;

/// What a new product starts from.
#[derive(Clone, Debug, Serialize)]
pub struct NewProduct {
    /// Its name.
    pub name: Name,
    /// Its profile.
    pub profile: Name,
    /// Its board.
    pub board: Name,
    /// Its kernel flavour.
    pub kernel: Name,
    /// Its services.
    pub services: Vec<Name>,
    /// The board's flash, as written.
    pub flash: String,
    /// The board's RAM, as written.
    pub ram: String,
}

/// The files of a new product, by path in the workspace.
pub fn product(new: &NewProduct) -> Result<BTreeMap<String, String>, Diagnostic> {
    let text = include_str!("../templates/product.yaml.j2");
    let path = format!("products/{}.yaml", new.name);
    Ok(BTreeMap::from([(path, template::render_own("product.yaml.j2", text, new)?)]))
}

#[derive(Serialize)]
struct NewComponent<'a> {
    name: &'a Name,
    layer: &'static str,
}

/// The folder below `components` in which components of a layer stand.
pub const fn folder_of(layer: Layer) -> &'static str {
    match layer {
        Layer::Kernel => "kernels",
        Layer::Board => "boards",
        Layer::Driver => "drivers",
        Layer::Service => "services",
        Layer::App => "apps",
        Layer::Boot => "boot",
        Layer::Library => "libraries",
        Layer::Toolchain => "toolchains",
    }
}

/// The files of a new component, by path in the workspace.
pub fn component(name: &Name, layer: Layer) -> Result<BTreeMap<String, String>, Diagnostic> {
    let source = match layer {
        Layer::Service => include_str!("../templates/component/service.rs.j2"),
        Layer::Driver => include_str!("../templates/component/driver.rs.j2"),
        Layer::Library => include_str!("../templates/component/library.rs.j2"),
        _ => {
            let message = format!("make a component of layer {layer}: start from an existing one");
            return Err(Diagnostic::error(Code::Usage, message));
        }
    };
    let texts = [
        ("component.yaml", include_str!("../templates/component/component.yaml.j2")),
        ("Cargo.toml", include_str!("../templates/component/Cargo.toml.j2")),
        ("src/lib.rs", source),
    ];
    let folder = format!("components/{}/{name}", folder_of(layer));
    let mut files = BTreeMap::new();
    for (path, text) in texts {
        let context = NewComponent { name, layer: layer.as_str() };
        files.insert(format!("{folder}/{path}"), template::render_own(path, text, context)?);
    }
    Ok(files)
}
