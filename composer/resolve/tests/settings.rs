//! Values of features, and limits of the image.

mod support;

use support::workspace::Workspace;
use tarsia_resolve::LimitSource;

const COMPONENTS: &str = "
    { component: app, layer: service, features: {
        period: { type: duration, min: 1s, max: 1h, default: 10s, summary: P. },
        mode: { type: enum, values: [raw, percent], default: raw, summary: M. },
        stack: { type: size, max: 4KiB, default: 1KiB, summary: S. },
        loud: { type: bool, default: false, summary: L. } } }
    { component: idle, layer: service, features: { x: { type: int, default: 1, summary: X. } } }
    { component: plain, layer: service }";

fn workspace(product: &str) -> Workspace {
    // The helper takes one component per line.
    let lines =
        COMPONENTS.replace(",\n        ", ", ").replace("features: {\n        ", "features: { ");
    Workspace::new(&lines, &format!("services: [app, plain]\n{product}"))
}

#[test]
fn features_have_the_products_value_or_the_default() {
    let product = "features: { app.period: 90s, app.mode: percent }";
    workspace(product).selection(|selection| {
        let features = &selection.components["app"].features;
        let shown: Vec<String> = features
            .iter()
            .map(|(name, s)| {
                format!("{name}={}{}", s.value, if s.set.is_some() { " set" } else { "" })
            })
            .collect();
        assert_eq!(shown, ["loud=false", "mode=percent set", "period=90s set", "stack=1KiB"]);
    });
}

#[test]
fn features_are_judged() {
    let cases = [
        ("unknown feature", "app.perod: 1s", "E0410 app.perod"),
        ("of a component without any", "plain.x: 1", "E0410 plain.x"),
        ("wrong type", "app.loud: 3", "E0411 3"),
        ("no unit", "app.period: 10", "E0411 10"),
        ("too short", "app.period: 10ms", "E0412 10ms"),
        ("too large", "app.stack: 5KiB", "E0412 5KiB"),
        ("not one of the words", "app.mode: per-cent", "E0412 per-cent"),
        ("not in the product", "idle.x: 2", "E0413 idle.x"),
        ("of nobody", "ap.period: 1s", "E0304 ap.period"),
        (
            "all at once",
            "app.loud: 3, idle.x: 2, app.period: 2h",
            "E0411 3; E0412 2h; E0413 idle.x",
        ),
    ];
    for (title, features, expected) in cases {
        let found = workspace(&format!("features: {{ {features} }}")).outcome();
        assert_eq!(found, expected, "{title}");
    }
}

/// The limits of a region as `size by`, tightest first, and the codes of warnings.
fn limits(profile: &str, product: &str) -> (String, Vec<&'static str>) {
    let workspace = Workspace::new("", product).profile(profile);
    workspace.selection(|selection| {
        let flash = selection.limits["flash"].iter();
        let texts = flash.map(|limit| format!("{} {}", limit.size, limit.by.as_str()));
        let warnings = selection.warnings.iter().map(|warning| warning.code.as_str());
        (texts.collect::<Vec<_>>().join(", "), warnings.collect())
    })
}

#[test]
fn the_tightest_limit_is_first() {
    let cases = [
        ("", "", "256KiB board"),
        ("storage: { max: 1MiB }", "", "256KiB board, 1MiB profile"),
        ("storage: { max: 128KiB }", "", "128KiB profile, 256KiB board"),
        (
            "budget: { flash: 100KiB }",
            "budget: { flash: 64KiB }",
            "64KiB product, 100KiB profile, 256KiB board",
        ),
        // Of equals, the one that is easiest to change.
        (
            "budget: { flash: 64KiB }",
            "budget: { flash: 64KiB }",
            "64KiB product, 64KiB profile, 256KiB board",
        ),
        ("", "budget: { flash: 256KiB }", "256KiB product, 256KiB board"),
        ("", "budget: { ram: 1KiB }", "256KiB board"),
    ];
    for (profile, product, expected) in cases {
        assert_eq!(
            limits(profile, product),
            (expected.to_owned(), Vec::new()),
            "{profile} {product}"
        );
    }
    let beyond = limits("", "budget: { flash: 1MiB, ram: 64KiB }");
    assert_eq!(beyond, ("256KiB board, 1MiB product".to_owned(), vec!["E0502"]));
    Workspace::new("", "budget: { ram: 1KiB }").selection(|selection| {
        let ram = &selection.limits["ram"][0];
        assert_eq!((ram.size.0, ram.by), (1024, LimitSource::Product));
    });
}

#[test]
fn a_board_below_its_class() {
    let below = |profile: &str| Workspace::new("", "").profile(profile).outcome();
    assert_eq!(below("storage: { min: 512KiB }"), "E0418 256KiB");
    assert_eq!(below("ram: { min: 65KiB }"), "E0418 64KiB");
    assert_eq!(below("storage: { min: 256KiB }\nram: { min: 64KiB }"), "");
}
