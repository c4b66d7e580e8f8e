//! The tree of a product: who brought in what, everything in full once.

mod support;

use std::fmt::Write as _;

use support::workspace::Workspace;
use tarsia_resolve::Tree;

fn draw(trees: &[Tree], depth: usize, text: &mut String) {
    for Tree { name, layer, edge, repeated, children } in trees {
        let again = if *repeated { " again" } else { "" };
        writeln!(text, "{:depth$}{name} ({layer}) {edge:?}{again}", "").expect("a String grows");
        draw(children, depth + 2, text);
    }
}

#[test]
fn a_product() {
    let catalogue = "
        { component: telemetry, layer: service, requires: [{ capability: sensor, many: true }, console] }
        { component: log, layer: service, provides: [log], requires: [console] }
        { component: light, layer: driver, provides: [sensor], requires: [adc] }
        { component: moisture, layer: driver, provides: [sensor], requires: [adc] }
        { component: converter, layer: driver, provides: [{ capability: adc, share: mutex }], requires: [hw.clock] }
        { component: uart, layer: driver, provides: [{ capability: console, share: mutex }], requires: [hw.uart, lock] }
        { component: spin, layer: library, provides: [lock] }
        { component: dog, layer: driver, provides: [watchdog], requires: [hw.clock] }";
    let product = "drivers: [moisture, light]\nservices: [telemetry]";
    let workspace = Workspace::new(catalogue, product).profile("requires: [log, watchdog]");
    let text = workspace.selection(|selection| {
        let mut text = String::new();
        draw(&Tree::of(&selection), 0, &mut text);
        text
    });
    insta::assert_snapshot!(text);
}
