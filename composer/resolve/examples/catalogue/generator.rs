//! Catalogues of any size with the shape of a real one: a few boards and kernels, libraries in pairs
//! that build on each other and exclude each other, drivers of which three serve each bus, and services
//! over both with conditions, recommendations and conflicts. One product is impossible: what it names
//! needs, five libraries deep, what it also excludes. The same count gives the same catalogue.

use std::collections::BTreeMap;

/// A component.
pub struct Component {
    pub name: String,
    pub layer: &'static str,
    pub folder: &'static str,
    /// The architecture that it is for; any when absent.
    pub arch: Option<&'static str>,
    /// How many pieces of hardware it has: `hw.device-0` and on.
    pub hardware: usize,
    /// Lines of its manifest after the common ones.
    pub body: String,
    /// What it provides, where others require it.
    pub provides: Option<String>,
    /// What it requires of others.
    pub requires: Vec<String>,
    /// What it requires when its feature `depth` is at least 50, what it recommends, whom it excludes.
    pub deep: Option<String>,
    pub recommends: Option<String>,
    pub conflicts: Vec<String>,
    /// Integers that a product may set.
    pub features: &'static [&'static str],
}

/// Components and products.
pub struct Catalogue {
    pub components: Vec<Component>,
    /// The services of each product; together they name every service.
    pub products: BTreeMap<String, Vec<String>>,
}

const ARCHES: [(&str, &str); 2] =
    [("armv7m", "thumbv7m-none-eabi"), ("rv32imac", "riscv32imac-unknown-none-elf")];
/// Pieces of hardware that drivers know; each board has six of them.
const DEVICES: usize = 8;

impl Catalogue {
    /// A catalogue of `count` components (at least 100), and a product for every hundred.
    pub fn of(count: usize) -> Self {
        let (boards, kernels) = (4, 4);
        let (libraries, drivers) = (count / 4, count * 2 / 5 / 3 * 3);
        let services = count - boards - kernels - libraries - drivers - 1;
        let buses = drivers / 3;
        let components = (0..boards)
            .map(board)
            .chain((0..kernels).map(kernel))
            .chain((0..libraries).map(library))
            .chain((0..drivers).map(|i| driver(i, libraries)))
            .chain((0..services).map(|i| service(i, services, buses, libraries)))
            .chain([blocker()])
            .collect();
        let mut products: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for index in 0..services {
            let product = format!("product-{:03}", index % (count / 100));
            products.entry(product).or_default().push(format!("service-{index:05}"));
        }
        Self { components, products }
    }

    /// The catalogue as a workspace of this project, by path.
    pub fn workspace(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::from([(
            "profiles/mini.yaml".to_owned(),
            format!(
                "profile: mini\nsummary: Generated.\nstorage: {{ max: 16MiB }}\nprefer: {{ bus-1: [{PREFERRED}] }}\n"
            ),
        )]);
        for component in &self.components {
            let Component { name, layer, folder, body, provides, requires, features, .. } =
                component;
            let arch = component.arch.map(|arch| format!("arch: [{arch}]\n")).unwrap_or_default();
            let mut text = format!(
                "component: {name}\nlayer: {layer}\nsummary: Generated for measurements.\nlicence: MIT\n{arch}{body}"
            );
            let hardware = (0..component.hardware).map(|k| {
                format!("{{ capability: hw.device-{k}, share: copy, with: {{ base: {k}0000, irq: {k} }} }}")
            });
            let others = provides.iter().map(|c| format!("{{ capability: {c}, share: mutex }}"));
            let provides: Vec<String> = hardware.chain(others).collect();
            if !provides.is_empty() {
                text += &format!("provides:\n  - {}\n", provides.join("\n  - "));
            }
            let deep = component.deep.iter().map(|capability| {
                format!("{{ capability: {capability}, when: {{ features: {{ depth: {{ min: 50 }} }} }} }}")
            });
            let requires: Vec<String> = requires.iter().cloned().chain(deep).collect();
            if !requires.is_empty() {
                text += &format!("requires:\n  - {}\n", requires.join("\n  - "));
            }
            if let Some(capability) = &component.recommends {
                text += &format!("recommends: [{capability}]\n");
            }
            if !component.conflicts.is_empty() {
                text += &format!("conflicts: [{}]\n", component.conflicts.join(", "));
            }
            if !features.is_empty() {
                text += "features:\n";
            }
            for feature in *features {
                text += &format!(
                    "  {feature}: {{ type: int, min: 1, max: 100, default: 10, summary: Generated. }}\n"
                );
            }
            files.insert(format!("components/{folder}/{name}/component.yaml"), text);
        }
        for (index, (name, services)) in self.products.iter().enumerate() {
            let settings: Vec<String> = services
                .iter()
                .map(|service| format!("  {service}.period: 20\n  {service}.depth: 60\n"))
                .collect();
            let text = format!(
                "product: {name}\nprofile: mini\nboard: board-{}\nkernel: kernel-{}\nservices: [{}]\nfeatures:\n{}budget: {{ flash: 1MiB }}\n",
                index % 4,
                index % 4,
                services.join(", "),
                settings.concat()
            );
            files.insert(format!("products/{name}.yaml"), text);
        }
        files.insert(
            format!("products/{IMPOSSIBLE}.yaml"),
            format!("product: {IMPOSSIBLE}\nprofile: mini\nboard: board-0\nkernel: kernel-0\nservices: [service-00000, {BLOCKER}]\n"),
        );
        files
    }
}

/// The product that cannot be, and what makes it so.
pub const IMPOSSIBLE: &str = "impossible";
pub const BLOCKER: &str = "blocker";
/// What the profile prefers to other drivers of its bus.
pub const PREFERRED: &str = "driver-00005";

/// A service that excludes both libraries on which all others stand in the end.
fn blocker() -> Component {
    Component {
        conflicts: vec!["library-00000".to_owned(), "library-00001".to_owned()],
        ..plain(BLOCKER.to_owned(), "service", "services", String::new())
    }
}

fn board(index: usize) -> Component {
    let (arch, target) = ARCHES[index % 2];
    let body = format!(
        "board:\n  arch: {arch}\n  target: {target}\n  chip: G\n  memory:\n    \
         flash: {{ base: 0, size: 2MiB }}\n    ram: {{ base: 0x20000000, size: 256KiB }}\n"
    );
    Component {
        arch: Some(arch),
        hardware: DEVICES - 2,
        ..plain(format!("board-{index}"), "board", "boards", body)
    }
}

fn kernel(index: usize) -> Component {
    let body = "kernel:\n  template: main.rs.j2\n  dependencies: { executor: [] }\n".to_owned();
    plain(format!("kernel-{index}"), "kernel", "kernels", body)
}

fn plain(name: String, layer: &'static str, folder: &'static str, body: String) -> Component {
    Component {
        name,
        layer,
        folder,
        arch: None,
        hardware: 0,
        body,
        provides: None,
        requires: Vec::new(),
        deep: None,
        recommends: None,
        conflicts: Vec::new(),
        features: &[],
    }
}

/// Two libraries provide each `lib-…`, of different sizes, over libraries with lower numbers.
fn library(index: usize) -> Component {
    let pair = index / 2;
    let mut below = vec![pair / 2, pair / 3];
    below.dedup();
    below.retain(|other| *other < pair);
    Component {
        provides: Some(format!("lib-{pair}")),
        requires: below.into_iter().map(|other| format!("lib-{other}")).collect(),
        conflicts: vec![format!("library-{:05}", index ^ 1)],
        ..plain(
            format!("library-{index:05}"),
            "library",
            "libraries",
            format!("budget: {{ flash: {} }}\n", 512 + index * 37 % 1024),
        )
    }
}

/// Three drivers serve each `bus-…`: one per architecture on hardware that most boards have, and a
/// larger one that runs anywhere.
fn driver(index: usize, libraries: usize) -> Component {
    let (bus, way) = (index / 3, index % 3);
    let arch = ARCHES.get(way).map(|(arch, _)| *arch);
    let (flash, need) = match arch {
        Some(_) => ("1KiB", format!("hw.device-{}", bus % DEVICES)),
        None => ("3KiB", format!("lib-{}", bus % (libraries / 2))),
    };
    let body = format!("budget: {{ flash: {flash} }}\n");
    Component {
        arch,
        provides: Some(format!("bus-{bus}")),
        requires: vec![need],
        features: &["speed"],
        ..plain(format!("driver-{index:05}"), "driver", "drivers", body)
    }
}

fn service(index: usize, services: usize, buses: usize, libraries: usize) -> Component {
    let pairs = libraries / 2;
    Component {
        requires: vec![
            format!("bus-{}", index * 7 % buses),
            format!("lib-{}", index * 3 % pairs),
            format!("lib-{}", (index * 11 + 1) % pairs),
        ],
        deep: index.is_multiple_of(7).then(|| format!("lib-{}", (index * 5 + 2) % pairs)),
        recommends: index.is_multiple_of(5).then(|| format!("lib-{}", (index * 13 + 3) % pairs)),
        // Its neighbour is in another product.
        conflicts: (index.is_multiple_of(10) && index + 1 < services)
            .then(|| format!("service-{:05}", index + 1))
            .into_iter()
            .collect(),
        features: &["period", "depth", "retries"],
        ..plain(format!("service-{index:05}"), "service", "services", String::new())
    }
}
