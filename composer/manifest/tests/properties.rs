//! Whatever a file holds, reading it ends with an answer whose places lie in the file; and writing a
//! product and reading it again changes nothing.

mod common;

use std::fmt::Debug;

use common::loaded;
use proptest::prelude::*;
use tarsia_manifest::item::Item as _;
use tarsia_manifest::pack::{self, Pack};
use tarsia_manifest::{Loaded, Memory, ProductManifest, WorkspaceManifest, load, write, yaml};
use tarsia_model::{SourceId, Span, render};

const COMPONENT: &str = "\
component: probe
layer: driver
summary: \"A probe: é\"
licence: MIT
arch: [armv7m]
provides:
  - { capability: hw.adc, with: { base: 0x4000_0000, name: adc } }
  - sensor.moisture
requires: [adc, { capability: sensor, many: true, at-least: 0, when: { features: { mode: [raw] } } }]
recommends: [log, { capability: net.ip, when: { classes: [small], hardware: [hw.eth] } }]
conflicts: [{ component: other, when: { features: { period: { max: 2s } } } }]
only-if-named: true
features:
  mode: { type: enum, values: [raw, percent], default: raw, summary: M. }
  period: { type: duration, min: 1s, default: 10s, summary: P. }
crate: { features: [x], arch-features: { armv7m: [y] }, init: true }
budget: { flash: 2KiB, ram: 64 }
";
const PRODUCT: &str = "\
product: p
version: 1.10
extends: &x [base]
kernel: embassy
services: [log]
features: { log.level: 'info', log.x: true }
budget: { flash: 8 KiB, components: { log: { ram: 1_000 } } }
";

fn places_lie_in_the_file(loaded: &Loaded) -> Result<(), TestCaseError> {
    for diagnostic in &loaded.diagnostics {
        let labels = diagnostic.primary.iter().chain(&diagnostic.related);
        for Span { source, start, end } in labels.map(|label| label.span) {
            let text = loaded.sources.get(source).text;
            prop_assert!(start <= end && end as usize <= text.len(), "{diagnostic:?} in {text:?}");
            prop_assert!(
                text.is_char_boundary(start as usize) && text.is_char_boundary(end as usize)
            );
        }
    }
    render::all(&loaded.diagnostics, &loaded.sources, true);
    Ok(())
}

fn both(text: &[u8]) -> Result<(), TestCaseError> {
    for path in ["components/drivers/probe/component.yaml", "products/p.yaml", "profiles/p.yaml"] {
        let loaded = load(&Memory::from_iter([(path, text)]));
        let manifests = loaded.catalogue.components.len()
            + loaded.catalogue.products.len()
            + loaded.catalogue.profiles.len();
        prop_assert!((manifests == 1) == loaded.diagnostics.is_empty(), "an answer or a complaint");
        places_lie_in_the_file(&loaded)?;
        packing_keeps_everything(&loaded, text)?;
    }
    Ok(())
}

fn packing_keeps_everything(loaded: &Loaded, noise: &[u8]) -> Result<(), TestCaseError> {
    let catalogue = &loaded.catalogue;
    catalogue.components.iter().try_for_each(|component| same_packed(component, noise))?;
    catalogue.profiles.values().try_for_each(|profile| same_packed(profile, noise))?;
    catalogue.products.values().try_for_each(|product| same_packed(product, noise))
}

fn same_packed<T: Pack + PartialEq + Debug>(value: &T, noise: &[u8]) -> Result<(), TestCaseError> {
    let bytes = pack::packed(value);
    let back: Option<T> = pack::unpacked(&bytes, SourceId(0));
    prop_assert_eq!(back.as_ref(), Some(value));
    let elsewhere: T = pack::unpacked(&bytes, SourceId(7)).expect("the same bytes");
    prop_assert_eq!(pack::packed(&elsewhere), bytes.clone());
    // Other bytes may be another manifest, but never a panic.
    for at in 0..bytes.len() {
        prop_assert!(pack::unpacked::<T>(&bytes[..at], SourceId(0)).is_none());
        let mut other = bytes.clone();
        other[at] ^= noise.get(at).copied().unwrap_or(0xff);
        let _ = pack::unpacked::<T>(&other, SourceId(0));
    }
    Ok(())
}

const PROFILE: &str = "\
profile: p
summary: |
  Small
  things.
storage: { min: 64KiB, max: 1MiB }
ram: { max: 64KiB }
kernels: [embassy]
prefer: { adc: [probe, other] }
requires: [console]
budget: { flash: 64KiB }
";
const BOARD: &str = "\
component: probe
layer: board
summary: A board.
licence: MIT
classes: [p]
board:
  arch: armv7m
  target: thumbv7m-none-eabi
  chip: C
  memory: { flash: { base: 0, size: 2MiB }, ram: { base: 0x2000_0000, size: 256KiB } }
  uf2-family: 0x1234
  emulator: { program: qemu-system-arm, package: q, args: ['-kernel', '{elf}'] }
root-dependencies: { chip: [rt] }
";
const KERNEL: &str = "\
component: probe
layer: kernel
summary: A kernel.
licence: MIT
kernel: { template: main.rs.j2, dependencies: { executor: [nightly] } }
runtime: { linker-script: memory.x.j2, link-args: [-Tlink.x], entry: 'rt::entry', dependencies: { rt: [] } }
";

/// What mutations put in: YAML's own characters, and words that change types.
fn splinter() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\[\\]{}:,&*!|>'\"%@`#\\-?\t\n ~\u{0}\u{1b}é\u{feff}]{1,4}",
        "[a-z]{1,5}",
        Just("\n".to_owned()),
        Just("0x".to_owned()),
        Just("null".to_owned()),
        Just("product: p\n".to_owned()),
        Just("*x".to_owned()),
        Just("---\n".to_owned()),
    ]
}

fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((0..text.len(), 0usize..12, splinter()), 1..5);
    edits.prop_map(move |edits| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, remove, put) in edits {
            let at = at.min(bytes.len());
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, put.bytes());
        }
        bytes
    })
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,3}){0,2}"
}

fn names() -> impl Strategy<Value = String> {
    prop::collection::btree_set(name(), 0..4)
        .prop_map(|names| format!("[{}]", names.into_iter().collect::<Vec<_>>().join(", ")))
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[1-9][0-9]{0,8}",
        "0x[0-9a-f]{1,8}",
        Just("true".to_owned()),
        Just("no".to_owned()),
        Just("1.10".to_owned()),
        Just("0755".to_owned()),
        Just("10s".to_owned()),
        Just("128KiB".to_owned()),
        Just("'~'".to_owned()),
        "\"[ -!#-\\[\\]-~é]{0,12}\"",
    ]
}

prop_compose! {
    fn product_text()(
        version in prop::option::of(scalar()), kernel in prop::option::of(name()),
        extends in names(), services in names(), without in names(),
        features in prop::collection::btree_map((name(), name()), scalar(), 0..4),
        flash in prop::option::of(0u64..1 << 40),
        limits in prop::collection::btree_map(name(), 0u64..1 << 20, 0..3),
        fragment in any::<bool>(),
    ) -> String {
        let mut text = format!("{}: p\nextends: {extends}\ndrivers: {services}\nwithout: {without}\n",
            if fragment { "fragment" } else { "product" });
        text.extend(version.map(|version| format!("version: {version}\n")));
        text.extend(kernel.map(|kernel| format!("kernel: {kernel}\n")));
        text += "features:";
        text += if features.is_empty() { " {}\n" } else { "\n" };
        text.extend(features.into_iter().map(|((c, f), value)| format!("  {c}.{f}: {value}\n")));
        text += "budget:\n  components:";
        text += if limits.is_empty() { " {}\n" } else { "\n" };
        text.extend(limits.into_iter().map(|(name, ram)| format!("    {name}: {{ ram: {ram} }}\n")));
        text.extend(flash.map(|flash| format!("  flash: {flash}\n")));
        text
    }
}

fn only(loaded: &Loaded) -> Option<&ProductManifest> {
    loaded.catalogue.products.values().next()
}

/// Values by content, without places.
fn content(product: &ProductManifest) -> serde_yaml::Value {
    product.encode()
}

proptest! {
    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,80}(\n\\PC{0,40}){0,4}") {
        both(text.as_bytes())?;
    }

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        both(&bytes)?;
    }

    #[test]
    fn mutated_components_have_an_answer(bytes in mutated(COMPONENT)) {
        both(&bytes)?;
    }

    #[test]
    fn mutated_products_have_an_answer(bytes in mutated(PRODUCT)) {
        both(&bytes)?;
    }

    #[test]
    fn mutated_profiles_have_an_answer(bytes in mutated(PROFILE)) {
        both(&bytes)?;
    }

    #[test]
    fn mutated_boards_have_an_answer(bytes in mutated(BOARD)) {
        both(&bytes)?;
    }

    #[test]
    fn mutated_kernels_have_an_answer(bytes in mutated(KERNEL)) {
        both(&bytes)?;
    }

    #[test]
    fn what_is_written_reads_back(text in product_text()) {
        let first = loaded(&[("products/p.yaml", &text)]);
        let Some(product) = only(&first) else {
            // The generator may remove what it lists; nothing else of it is wrong.
            prop_assert!(first.diagnostics.iter().all(|d| d.message.contains("both listed and removed")),
                "{text}\n{}", common::shown(&first));
            return Ok(());
        };
        let written = write::product(product);
        let second = loaded(&[("products/p.yaml", &written)]);
        prop_assert!(second.diagnostics.is_empty(), "{written}\n{}", common::shown(&second));
        let again = only(&second).expect("a product without problems");
        prop_assert_eq!(content(product), content(again));
        for ((path, value), (_, other)) in product.features.iter().zip(again.features.iter()) {
            prop_assert_eq!(value.boolean().ok(), other.boolean().ok(), "{}", path.value);
            prop_assert_eq!(value.integer().ok(), other.integer().ok(), "{}", path.value);
        }
    }
}

#[test]
fn the_bases_of_mutations_are_valid() {
    let component = "components/drivers/probe/component.yaml";
    for (path, text) in [
        (component, COMPONENT),
        (component, BOARD),
        (component, KERNEL),
        ("profiles/p.yaml", PROFILE),
        ("products/p.yaml", PRODUCT),
    ] {
        let loaded = loaded(&[(path, text)]);
        assert!(loaded.diagnostics.is_empty(), "{}", common::shown(&loaded));
    }
}

#[test]
fn a_workspace_packs_too() {
    let text = "catalogues: [., { path: ../a, override: [b] }]\n";
    let mut problems = Vec::new();
    let node = yaml::parse(SourceId(0), text, &mut problems).expect("YAML");
    let workspace = WorkspaceManifest::decode(&node, &mut problems).expect("a workspace");
    same_packed(&workspace, b"").expect("the same");
}
