//! The generated root crate of a small product in which every kind of binding occurs once.

mod small;

use std::collections::BTreeMap;

use small::loaded;
use tarsia_manifest::{Loaded, effective};
use tarsia_model::{Diagnostic, Name, render};
use tarsia_plan::{Firmware, Inputs, compose};
use tarsia_resolve::resolve;

const FILES: &[(&str, &str)] = &[
    ("profiles/mini.yaml", "profile: mini\nsummary: S.\n"),
    (
        "products/field.yaml",
        "product: field\nversion: 1.2.0\nprofile: mini\nboard: oak\nkernel: single\ndrivers: [probe, rain-gauge]\n\
         services: [readings, keeper]\napps: [panel]\n\
         features: { readings.period: 1min, probe.mode: per-cent, readings.name: \"a \\\"b\\\"\\\\\" }\n",
    ),
    (
        "components/boards/oak/component.yaml",
        "component: oak\nlayer: board\n\
         provides:\n\
         \x20 - { capability: hw.uart16, with: { base: 0x4000c000, clock_hz: 50000000, fifo: true } }\n\
         \x20 - { capability: hw.adc, with: { base: 0x40038000, label: \"0x10\" } }\n\
         \x20 - { capability: hw.tick, share: copy, with: { clock_hz: 50000000 } }\n\
         board:\n\
         \x20 arch: armv7m\n\
         \x20 target: thumbv7m-none-eabi\n\
         \x20 chip: O\n\
         \x20 memory:\n\
         \x20   flash: { base: 0, size: 256KiB }\n\
         \x20   ram: { base: 0x20000000, size: 64KiB }\n\
         \x20   ccm-ram: { base: 0x20080000, size: 8KiB }\n",
    ),
    (
        "components/kernels/single/component.yaml",
        "component: single\nlayer: kernel\n\
         provides: [{ capability: slots, share: copy, type: \"&'static [&'static Slot]\", value: \"&SERVICES\" }]\n\
         requires: [runtime, hw.tick]\n\
         features:\n\
         \x20 stack: { type: size, default: 2KiB, summary: S. }\n\
         \x20 slice: { type: duration, default: 5ms, summary: S. }\n\
         kernel:\n\
         \x20 template: src/main.rs.j2\n\
         \x20 dependencies: { tarsia-service: [trace], single-rt: [] }\n\
         \x20 arch-dependencies: { armv7m: { cortex-m: [critical] }, rv32imac: { riscv: [] } }\n",
    ),
    (
        "components/libraries/start/component.yaml",
        "component: start\nlayer: library\nprovides: [runtime]\n\
         runtime:\n\
         \x20 linker-script: memory.x.j2\n\
         \x20 link-args: [-Tlink.x, '-defsym=quoted=\"1\"']\n\
         \x20 entry: \"#[start::entry]\"\n\
         \x20 dependencies: { start-rt: [device] }\n",
    ),
    (
        "components/drivers/uart16/component.yaml",
        "component: uart16\nlayer: driver\nprovides: [{ capability: console, share: mutex }]\nrequires: [hw.uart16]\n\
         features: { baud: { type: int, default: 115200, summary: S. } }\n\
         crate: { features: [fifo], arch-features: { armv7m: [thumb], rv32imac: [riscv] } }\n",
    ),
    (
        "components/drivers/converter/component.yaml",
        "component: converter\nlayer: driver\nprovides: [{ capability: adc, share: exclusive }]\nrequires: [hw.adc]\n",
    ),
    (
        "components/drivers/probe/component.yaml",
        "component: probe\nlayer: driver\nprovides: [{ capability: sensor, share: exclusive }]\nrequires: [adc, console]\n\
         features:\n\
         \x20 mode: { type: enum, values: [raw, per-cent], default: raw, summary: S. }\n\
         \x20 invert: { type: bool, default: true, summary: S. }\n\
         \x20 window: { type: size, default: 1KiB, summary: S. }\n",
    ),
    (
        "components/drivers/rain-gauge/component.yaml",
        "component: rain-gauge\nlayer: driver\nprovides: [{ capability: sensor, share: exclusive }]\n",
    ),
    (
        "components/services/readings/component.yaml",
        "component: readings\nlayer: service\n\
         provides: [{ capability: latest, share: copy, type: \"&'static Latest\", value: \"&tarsia_readings::LATEST\" }]\n\
         requires: [{ capability: sensor, many: true }, console]\n\
         features:\n\
         \x20 period: { type: duration, default: 10s, summary: S. }\n\
         \x20 name: { type: string, default: n, summary: S. }\n\
         root-dependencies: { sensor-types: [] }\n",
    ),
    (
        "components/services/keeper/component.yaml",
        "component: keeper\nlayer: service\nrequires: [slots, { capability: watchdog, many: true, at-least: 0 }]\n",
    ),
    ("components/apps/panel/component.yaml", "component: panel\nlayer: app\nrequires: [latest]\n"),
];

const DEVICE_MANIFEST: &str = "\
[workspace]
members = [\"boards/*\", \"drivers/*\"]
exclude = [\"tools\"]

[workspace.package]
edition = \"2024\"

[workspace.dependencies]
static_cell = \"2\"
tarsia-service = { path = \"libraries/service\" }

[profile.release]
lto = true
";
const MAIN: &str = "\
{% extends \"root.rs.j2\" %}
{% block attributes %}#![feature(nothing)]
{% endblock %}
{% block kernel %}

{{ runtime.entry }}
fn main() -> ! {
    // {{ product.name }} {{ product.version }} on {{ board.name }} ({{ arch }}) with {{ kernel.name }}
    let parts = start();
    tarsia_single::run({{ hw.tick.clock_hz }}, {{ config.slice }}, {{ config.stack }});
{% for service in services %}
    spawn(\"{{ service.name }}\", service_{{ service.ident }}(parts.{{ service.ident }}));
{% endfor %}
}
{% endblock %}
";
const MEMORY: &str = "\
{% for name, region in memory | items %}
{{ name }} : ORIGIN = {{ region.base }}, LENGTH = {{ region.link_size }} /* {{ region.size }} */
{% endfor %}
_stack = {{ stack }};
";

/// The catalogue with some files replaced.
/// Every component has a crate.
fn inputs(loaded: &Loaded) -> Inputs {
    let components = &loaded.catalogue.components;
    let in_devices = |name: &Name| {
        let folder = components.folder(name.as_str()).expect("a folder");
        let folder = folder.strip_prefix("components/").expect("a component's folder");
        (name.clone(), folder.to_owned())
    };
    let template = |name: &str, path: &str, text: &str| {
        ((name.parse().expect("a name"), path.to_owned()), text.to_owned())
    };
    Inputs {
        device_manifest: DEVICE_MANIFEST.to_owned(),
        folders: components.names().map(in_devices).collect(),
        templates: BTreeMap::from([
            template("single", "src/main.rs.j2", MAIN),
            template("start", "memory.x.j2", MEMORY),
        ]),
    }
}

fn composed(loaded: &Loaded, inputs: &Inputs) -> Result<Firmware, Box<Diagnostic>> {
    let name = "field".parse().expect("a name");
    let product = effective(&loaded.catalogue, &name).expect("a product");
    let selection = match resolve(&loaded.catalogue, product) {
        Ok(selection) => selection,
        Err(problems) => panic!("{}", render::all(&problems, &loaded.sources, false)),
    };
    compose(&selection, inputs).map_err(|mut problems| Box::new(problems.remove(0)))
}

fn firmware(changed: &[(&str, &str)]) -> Firmware {
    let loaded = loaded(FILES, changed);
    composed(&loaded, &inputs(&loaded)).expect("a firmware")
}

#[test]
fn generated_files() {
    let firmware = firmware(&[]);
    let paths: Vec<&str> = firmware.generated.keys().map(String::as_str).collect();
    let root = "products/field";
    let own = ["Cargo.toml", "build.rs", "memory.x", "src/main.rs"].map(|f| format!("{root}/{f}"));
    assert_eq!(paths[0], "Cargo.toml");
    assert_eq!(paths[1..], own);
    let text: String =
        firmware.generated.iter().map(|(path, text)| format!("==> {path}\n{text}\n")).collect();
    insta::assert_snapshot!(text);
}

#[test]
fn what_the_build_is_told() {
    let firmware = firmware(&[]);
    assert_eq!(firmware.package(), "product-field");
    assert_eq!(firmware.target, "thumbv7m-none-eabi");
    assert_eq!(firmware.c_compiler, None);
    assert_eq!(firmware.crates["uart16"], "drivers/uart16");
    let widths: Vec<(&str, u64)> =
        firmware.link_sizes.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    // Sixteen times the hardware's, but not into the next region.
    assert_eq!(widths, [("ccm_ram", 8 << 14), ("flash", 256 << 14), ("ram", 0x8_0000)]);
}

#[test]
fn a_c_compiler_is_named() {
    let gauge = "component: rain-gauge\nlayer: driver\nprovides: [{ capability: sensor, share: exclusive }]\n\
                 crate: { c-compiler: arm-none-eabi-gcc, path: port }\n";
    let firmware = firmware(&[("components/drivers/rain-gauge/component.yaml", gauge)]);
    assert_eq!(firmware.c_compiler.as_deref(), Some("arm-none-eabi-gcc"));
}

#[test]
fn c_is_compiled_for_the_target_and_linked() {
    let gauge = "component: rain-gauge\nlayer: driver\nprovides: [{ capability: sensor, share: exclusive }]\n\
                 features:\n\
                 \x20 on: { type: bool, default: true, summary: S. }\n\
                 \x20 room: { type: size, default: 2KiB, summary: S. }\n\
                 \x20 name: { type: string, default: \"a \\\"b\\\"\", summary: S. }\n\
                 c:\n\
                 \x20 files: [src/gauge.c]\n\
                 \x20 include: [include]\n\
                 \x20 define: { ON: { feature: on }, ROOM: { feature: room }, NAME: { feature: name }, FEW: 3 }\n\
                 \x20 flags: [-std=c11]\n\
                 \x20 crates: { vendor: { files: [a.c], include: [inc] } }\n";
    let path = "components/drivers/rain-gauge/component.yaml";
    let firmware = firmware(&[(path, gauge)]);
    let [part] = firmware.c.as_slice() else { panic!("one component has C: {:?}", firmware.c) };
    assert_eq!(part.compiler, "arm-none-eabi-gcc");
    let flags = part.flags.join(" ");
    assert!(flags.starts_with("-Os ") && flags.contains(" -march=armv7-m "), "{flags}");
    assert!(flags.ends_with(" -std=c11"), "a component's own come last: {flags}");
    let shown =
        |places: &[tarsia_plan::Place]| places.iter().map(|p| p.shown()).collect::<Vec<_>>();
    assert_eq!(shown(&part.files), ["src/gauge.c", "vendor/a.c"]);
    assert_eq!(shown(&part.include), ["include", "vendor/inc"]);
    let define: Vec<String> = part.define.iter().map(|(name, v)| format!("{name}={v}")).collect();
    assert_eq!(define, ["FEW=3", "NAME=\"a \\\"b\\\"\"", "ON=1", "ROOM=2048"]);
    let script = &firmware.generated["products/field/build.rs"];
    for line in
        ["rerun-if-changed=c/libtarsia-c-rain-gauge.a", "link-lib=static=tarsia-c-rain-gauge"]
    {
        assert!(script.contains(line), "{script}");
    }
}

/// A library, or a driver that says so, has no `init`; what then only acts by being linked is named.
#[test]
fn init_can_be_said_and_denied() {
    let start = FILES.iter().find(|(path, _)| path.contains("/start/")).expect("the runtime").1;
    let changed = format!("{start}crate: {{ init: true }}\n");
    let gauge = "component: rain-gauge\nlayer: driver\ncrate: { init: false }\n";
    let firmware = firmware(&[
        ("components/libraries/start/component.yaml", &changed),
        ("components/drivers/rain-gauge/component.yaml", gauge),
    ]);
    let main = &firmware.generated["products/field/src/main.rs"];
    assert!(main.contains("    tarsia_start::init();\n"), "{main}");
    assert!(!main.contains("use tarsia_start as _;"), "{main}");
    assert!(main.contains("use tarsia_rain_gauge as _;\n"), "{main}");
    assert!(!main.contains("tarsia_rain_gauge::init"), "{main}");
}

#[test]
fn a_board_may_have_no_crate() {
    let loaded = loaded(FILES, &[]);
    let mut inputs = inputs(&loaded);
    inputs.folders.remove("oak");
    let firmware = composed(&loaded, &inputs).expect("a firmware");
    for (path, text) in &firmware.generated {
        assert!(!text.contains("tarsia_oak") && !text.contains("tarsia-oak"), "{path}: {text}");
    }
}

/// Kernels that share their `main` have it from a component that they require.
#[test]
fn a_template_may_be_another_components() {
    let path = "components/kernels/single/component.yaml";
    let single = FILES.iter().find(|(one, _)| *one == path).expect("the kernel").1;
    let with = |owner: &str| {
        let owner = format!("template: src/main.rs.j2\n  template-of: {owner}\n");
        let changed = single.replace("template: src/main.rs.j2\n", &owner);
        let loaded = loaded(FILES, &[(path, &changed)]);
        let mut inputs = inputs(&loaded);
        let key = ("start".parse().expect("a name"), "src/main.rs.j2".to_owned());
        inputs.templates.insert(key, "// of {{ kernel.name }}\n".to_owned());
        composed(&loaded, &inputs)
    };
    let firmware = with("start").expect("a firmware");
    assert_eq!(firmware.generated["products/field/src/main.rs"], "// of single\n");
    let problem = with("absent").expect_err("it is not in the product");
    assert_eq!(problem.code.as_str(), "E0605");
    let expected = "`single` takes its template from `absent`, which is not in the product";
    assert_eq!(problem.message, expected);
}

#[test]
fn composing_twice_gives_the_same_texts() {
    assert_eq!(firmware(&[]).generated, firmware(&[]).generated);
}

/// What a template or the device workspace can get wrong: the code, and words of the message.
#[test]
fn failures_are_explained() {
    type Change = fn(&mut Inputs);
    fn template(inputs: &mut Inputs, text: &str) {
        let key = ("single".parse().expect("a name"), "src/main.rs.j2".to_owned());
        inputs.templates.insert(key, text.to_owned());
    }
    let cases: [(Change, &str, &str); 7] = [
        (|i| i.templates.clear(), "E0604", "src/main.rs.j2"),
        (|i| template(i, "a\n{{ product.nmae }}\n"), "E0604", "line 2"),
        (|i| template(i, "{% if %}"), "E0604", "syntax"),
        (|i| template(i, "{% include 'other.j2' %}"), "E0604", "other.j2"),
        (
            |i| {
                template(
                    i,
                    "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
                );
            },
            "E0604",
            "fuel",
        ),
        (|i| i.device_manifest = "[package]".to_owned(), "E0605", "[workspace]"),
        (|i| i.device_manifest = "[workspace]".to_owned(), "E0605", "[profile.release]"),
    ];
    for (change, code, word) in cases {
        let loaded = loaded(FILES, &[]);
        let mut inputs = inputs(&loaded);
        change(&mut inputs);
        let problem = composed(&loaded, &inputs).expect_err("it cannot be composed");
        assert_eq!(problem.code.as_str(), code, "{problem:?}");
        assert!(problem.message.contains(word), "{word}: {}", problem.message);
    }
}
