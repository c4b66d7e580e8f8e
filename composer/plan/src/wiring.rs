//! Which value goes where: the arguments of each component's `init` and `run`, the types they have,
//! and the order of the calls, as the Rust text of the generated root.

use std::collections::BTreeMap;

use crate::linux::is_process;
use serde::Serialize;
use tarsia_manifest::{FeatureValue, Layer, Provision, Scalar, Share};
use tarsia_model::Name;
use tarsia_resolve::{Binding, Provided, Selected, Selection};

/// What the template of the root is given.
#[derive(Debug, Default, Serialize)]
pub struct Wiring {
    /// Crates that act only by being linked; rustc drops what the root does not name.
    pub links: Vec<String>,
    /// One `Config` per configured component.
    pub configs: Vec<Config>,
    /// The types of devices.
    pub devices: Vec<Device>,
    /// Statements that start the hardware.
    pub steps: Vec<String>,
    /// The services.
    pub services: Vec<Service>,
}

/// A component's configuration.
#[derive(Debug, Serialize)]
pub struct Config {
    /// Name of the static.
    #[serde(rename = "const")]
    pub constant: String,
    /// The crate.
    pub path: String,
    /// Its values.
    pub fields: Vec<Field>,
}

/// One value of a configuration.
#[derive(Debug, Serialize)]
pub struct Field {
    /// Field name.
    pub name: String,
    /// Rust expression.
    pub value: String,
}

/// The type of a device.
#[derive(Debug, Serialize)]
pub struct Device {
    /// Its alias in the root.
    pub alias: String,
    /// The type.
    #[serde(rename = "type")]
    pub rust_type: String,
}

/// A service.
#[derive(Debug, Serialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its name as an identifier.
    pub ident: String,
    /// Its name as a constant.
    #[serde(rename = "const")]
    pub constant: String,
    /// The alias of the tuple of its arguments.
    pub parts: String,
    /// The arguments.
    pub params: Vec<Value>,
    /// How the tuple is bound: mutably when something of it is lent, unused when it is empty.
    pub binding: &'static str,
    /// The call of its `run`.
    pub call: String,
}

/// A value with its type.
#[derive(Clone, Debug, Serialize)]
pub struct Value {
    /// The type.
    #[serde(rename = "type")]
    pub rust_type: String,
    /// The expression.
    pub value: String,
    /// Whether the callee borrows it.
    #[serde(skip)]
    lent: bool,
}

/// Wires a selection up.
pub fn wire(selection: &Selection<'_>, has_crate: impl Fn(&Name) -> bool) -> Wiring {
    let mut wiring = Wiring::default();
    for name in &selection.order {
        let selected = &selection.components[name];
        let layer = selected.manifest.layer.value;
        // A process has no part in what the services of the one program share.
        let process = is_process(selected.manifest);
        let service = (layer == Layer::Service || layer == Layer::App) && !process;
        // A board's crate is optional, and so is that of a driver which is in the kernel; whatever else
        // has an `init` cannot do without one.
        let optional = layer == Layer::Board || !selected.manifest.kernel_options.is_empty();
        let init = has_init(selected) && (!optional || has_crate(name));
        if !init && !service && !process && has_crate(name) {
            wiring.links.push(crate_path(name));
        }
        if (init || service || process) && !selected.features.is_empty() {
            wiring.configs.push(config(name, selected));
        }
        if init {
            start(name, selected, &mut wiring);
        }
        if service {
            wiring.services.push(run(name, selected));
        }
    }
    wiring
}

/// Whether the generated code calls the component's `init`.
pub fn has_init(selected: &Selected<'_>) -> bool {
    let layer = selected.manifest.layer.value;
    let usual = layer == Layer::Board || layer == Layer::Driver;
    let said = selected.manifest.krate.as_ref().and_then(|options| options.init.as_ref());
    said.map_or(usual, |init| init.value)
}

/// `pl011-uart` as `Pl011Uart`.
pub fn camel(name: &str) -> String {
    name.split(['-', '_', '.'])
        .flat_map(|word| {
            let mut chars = word.chars();
            chars.next().map(|first| format!("{}{}", first.to_ascii_uppercase(), chars.as_str()))
        })
        .collect()
}

fn constant(name: &Name) -> String {
    name.ident().to_ascii_uppercase()
}

fn crate_path(name: &Name) -> String {
    format!("tarsia_{}", name.ident())
}

fn config(name: &Name, selected: &Selected<'_>) -> Config {
    let path = crate_path(name);
    let fields = selected
        .features
        .iter()
        .map(|(feature, setting)| {
            let kind = camel(feature.as_str());
            Field { name: feature.ident(), value: literal(&setting.value, &path, &kind) }
        })
        .collect();
    Config { constant: constant(name), path, fields }
}

/// A feature's value as the contract's type for it.
fn literal(value: &FeatureValue, path: &str, kind: &str) -> String {
    match value {
        FeatureValue::Bool(value) => value.to_string(),
        FeatureValue::Int(value) => value.to_string(),
        FeatureValue::Size(size) => size.0.to_string(),
        FeatureValue::Duration(time) => format!("embassy_time::Duration::from_millis({})", time.0),
        FeatureValue::Enum(word) => format!("{path}::{kind}::{}", camel(word.as_str())),
        FeatureValue::String(text) => format!("{text:?}"),
    }
}

/// The statement that starts a component, and the type of its device.
fn start(name: &Name, selected: &Selected<'_>, wiring: &mut Wiring) {
    let path = crate_path(name);
    let (hardware, bound) = arguments(selected);
    let mut args: Vec<String> = hardware;
    if !selected.features.is_empty() {
        args.push(format!("&CONFIG_{}", constant(name)));
    }
    args.extend(bound.iter().map(|value| value.value.clone()));
    let call = format!("{path}::init({})", args.join(", "));
    let Some(share) = device_share(selected) else {
        wiring.steps.push(format!("{call};"));
        return;
    };
    let types: Vec<&str> = bound.iter().map(|value| value.rust_type.as_str()).collect();
    let generics = if types.is_empty() { String::new() } else { format!("<{}>", types.join(", ")) };
    let alias = camel(name.as_str());
    wiring
        .devices
        .push(Device { alias: alias.clone(), rust_type: format!("{path}::Device{generics}") });
    let ident = name.ident();
    wiring.steps.push(match share {
        Share::Mutex => format!(
            "static DEVICE_{constant}: static_cell::StaticCell<tarsia_service::Shared<{alias}>> = \
             static_cell::StaticCell::new();\n    \
             let {ident}: &'static tarsia_service::Shared<{alias}> = \
             DEVICE_{constant}.init(tarsia_service::Shared::new({call}));",
            constant = constant(name)
        ),
        _ => format!("let {ident}: {alias} = {call};"),
    });
}

/// How the component's one device is shared; none when it has none to give.
fn device_share(selected: &Selected<'_>) -> Option<Share> {
    let gives = |provision: &&Provision| {
        provision.share() != Share::Link && provision.value.is_none() && !provision.is_hardware()
    };
    selected.manifest.provides.iter().find(gives).map(Provision::share)
}

/// A service's arguments and the call of its `run`.
fn run(name: &Name, selected: &Selected<'_>) -> Service {
    let (_, params) = arguments(selected);
    let mut args = vec![format!("&SLOT_{}", constant(name))];
    if !selected.features.is_empty() {
        args.push(format!("&CONFIG_{}", constant(name)));
    }
    args.extend(
        params.iter().enumerate().map(|(index, value)| {
            format!("{}parts.{index}", if value.lent { "&mut " } else { "" })
        }),
    );
    Service {
        name: name.to_string(),
        ident: name.ident(),
        constant: constant(name),
        parts: format!("{}Parts", camel(name.as_str())),
        binding: match params.as_slice() {
            [] => "_parts",
            params if params.iter().any(|value| value.lent) => "mut parts",
            _ => "parts",
        },
        call: format!("{}::run({})", crate_path(name), args.join(", ")),
        params,
    }
}

/// A component's hardware, as struct expressions, and what else is bound to it, in the order of its
/// manifest.
fn arguments(selected: &Selected<'_>) -> (Vec<String>, Vec<Value>) {
    let path = crate_path(&selected.manifest.component.value);
    let mut hardware = Vec::new();
    let mut bound = Vec::new();
    for binding in &selected.bindings {
        if binding.requirement.is_hardware() {
            hardware.extend(binding.providers.iter().map(|p| facts(&path, p.provision)));
        } else if binding.requirement.is_many() {
            bound.push(tuple(binding));
        } else if let Some(provided) = binding.providers.first() {
            bound.extend(passed(provided));
        }
    }
    (hardware, bound)
}

/// `tarsia_pl011_uart::Pl011 { base: 0x4000c000, clock_hz: 50000000 }`.
fn facts(path: &str, provision: &Provision) -> String {
    let fields: Vec<String> = provision
        .with
        .iter()
        .map(|(fact, value)| format!("{}: {}", fact.value.as_str(), fact_literal(&value.value)))
        .collect();
    format!("{path}::{} {{ {} }}", camel(segment(provision)), fields.join(", "))
}

/// The last word of a piece of hardware's name.
pub fn segment(provision: &Provision) -> &str {
    let name = provision.capability.value.as_str();
    name.rsplit('.').next().unwrap_or(name)
}

fn fact_literal(value: &Scalar) -> String {
    match (value.quoted, value.boolean(), value.integer()) {
        (false, Ok(value), _) => value.to_string(),
        (false, _, Ok(value)) => format!("{value:#x}"),
        _ => format!("{:?}", value.text),
    }
}

fn tuple(binding: &Binding<'_>) -> Value {
    let values: Vec<Value> = binding.providers.iter().filter_map(passed).collect();
    let join = |text: fn(&Value) -> &str| -> String {
        values.iter().map(|value| format!("{}, ", text(value))).collect()
    };
    Value {
        rust_type: format!("({})", join(|value| &value.rust_type)),
        value: format!("({})", join(|value| &value.value)),
        lent: true,
    }
}

/// What a consumer is passed for a provision; nothing for what acts by being linked.
fn passed(provided: &Provided<'_>) -> Option<Value> {
    let alias = camel(provided.component.as_str());
    let provision = provided.provision;
    let share = provision.share();
    let rust_type = match (share, &provision.rust_type) {
        (Share::Link, _) => return None,
        (_, Some(text)) => text.value.clone(),
        (Share::Mutex, None) => format!("&'static tarsia_service::Shared<{alias}>"),
        (Share::Exclusive | Share::Copy, None) => alias,
    };
    let value = provision.value.as_ref();
    let value = value.map_or_else(|| provided.component.ident(), |text| text.value.clone());
    Some(Value { rust_type, value, lent: share == Share::Exclusive })
}

/// The facts of the hardware a component requires, by segment and fact.
pub fn hardware_of(selected: &Selected<'_>) -> BTreeMap<String, BTreeMap<String, String>> {
    let hardware = selected.bindings.iter().filter(|b| b.requirement.is_hardware());
    hardware
        .flat_map(|binding| &binding.providers)
        .map(|provided| {
            let with = provided.provision.with.iter();
            let facts =
                with.map(|(fact, value)| (fact.value.as_str().to_owned(), value.text.clone()));
            (segment(provided.provision).to_owned(), facts.collect())
        })
        .collect()
}
