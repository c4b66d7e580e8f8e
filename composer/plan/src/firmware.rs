//! A planned firmware: everything the compilation needs to be told.

use std::collections::BTreeMap;

use tarsia_model::Name;

use crate::c_part::CPart;
use crate::linux::Linux;

/// Texts that planning needs and does not read itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The device workspace's `Cargo.toml`.
    pub device_manifest: String,
    /// The folder of each component in the device workspace, such as `drivers/pl011-uart`.
    pub folders: BTreeMap<Name, String>,
    /// Template texts, by component and path in its folder.
    pub templates: BTreeMap<(Name, String), String>,
}

/// A planned firmware.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// The product.
    pub product: Name,
    /// The Rust target.
    pub target: String,
    /// The device workspace's `Cargo.toml`, which says where its crates are.
    pub device_manifest: String,
    /// The folder of the crate of each component that has one.
    pub crates: BTreeMap<Name, String>,
    /// Generated files, by path in the staging workspace.
    pub generated: BTreeMap<String, String>,
    /// How large each region is to the linker, in bytes: wider than the hardware's.
    pub link_sizes: BTreeMap<String, u64>,
    /// The C compiler that a component's build script needs, or that links; none when neither is so.
    pub c_compiler: Option<String>,
    /// C that is compiled and linked in, by component.
    pub c: Vec<CPart>,
    /// What a product that runs Linux has beside its program.
    pub linux: Option<Linux>,
}

impl Firmware {
    /// The name of the generated root package.
    pub fn package(&self) -> String {
        package(&self.product)
    }
}

/// The folder of the staging workspace with a product's libraries of C.
pub fn c_libraries(product: &Name) -> String {
    format!("products/{product}/c")
}

/// The name of the generated root package of a product.
pub fn package(product: &Name) -> String {
    format!("product-{product}")
}
