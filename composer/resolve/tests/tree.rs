//! The tree of a product: who brought in what, everything in full once.

mod support;

use std::fmt::Write as _;

use support::workspace::Workspace;
use tarsia_resolve::{Node, Tree};

fn draw(trees: &[Tree], depth: usize, text: &mut String) {
    for Tree { node, edge, repeated, children } in trees {
        let again = if *repeated { " again" } else { "" };
        let node = match node {
            Node::Component { name, layer } => format!("{name} ({layer})"),
            Node::Group { group } => format!("{group:?}"),
            Node::Product { product } => format!("product {product}"),
            Node::Profile { profile } => format!("profile {profile}"),
        };
        writeln!(text, "{:depth$}{node} {edge:?}{again}", "").expect("a String grows");
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

/// A catalogue with what only the complete resolver has: a legal circle, a recommendation.
const RINGS: &str = "
    { component: shell, layer: service, requires: [alloc], recommends: [history, colour] }
    { component: heap, layer: library, provides: [alloc], requires: [trace, lock] }
    { component: tracer, layer: library, provides: [trace], requires: [alloc, console] }
    { component: uart, layer: driver, provides: [{ capability: console, share: mutex }], requires: [hw.uart] }
    { component: spin, layer: library, provides: [lock] }
    { component: past, layer: library, provides: [history], requires: [alloc] }
    { component: paint, layer: library, provides: [colour], arch: [rv32imac] }";

fn ring(product: &str, read: impl FnOnce(&tarsia_resolve::Selection<'_>) -> Vec<Tree>) -> String {
    Workspace::new(RINGS, product).selection(|selection| {
        let mut text = String::new();
        draw(&read(&selection), 0, &mut text);
        text
    })
}

#[test]
fn a_circle_stands_in_a_group() {
    insta::assert_snapshot!(ring("services: [shell]", |selection| {
        let names = selection.groups().concat();
        assert_eq!(names.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["heap", "tracer"]);
        Tree::of(selection)
    }));
}

#[test]
fn a_circle_that_the_product_requires() {
    insta::assert_snapshot!(ring("services: [shell]\nrequires: [alloc, trace]", Tree::of));
}

#[test]
fn inverted() {
    insta::assert_snapshot!(ring("services: [shell]", |selection| {
        Tree::above(selection, Tree::leaves(selection))
    }));
    let name = "tracer".parse().expect("a name");
    insta::assert_snapshot!(
        "inverted_from_a_circle",
        ring("services: [shell]", |selection| Tree::above(selection, [&name]))
    );
}
