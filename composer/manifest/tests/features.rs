//! Products' values against the declarations of features.

mod common;

use common::{COMPONENT, cases, component, rendered, shown};
use tarsia_manifest::{Feature, Scalar};
use tarsia_model::{SourceMap, Span, Spanned};

fn judged(declaration: &str, value: &str, quoted: bool) -> String {
    let text = format!("{COMPONENT}features:\n  f: {{ summary: F., {declaration} }}\n");
    let loaded = component(&text);
    assert!(loaded.diagnostics.is_empty(), "{}", shown(&loaded));
    let component = loaded.catalogue.components.iter().next().expect("a component");
    let feature: &Feature = component.features.get("f").expect("a feature");
    let mut sources: SourceMap = loaded.sources;
    let id = sources.add("products/p.yaml", format!("  probe.f: {value}\n"));
    let end = 11 + u32::try_from(value.len()).expect("short");
    let scalar = Spanned::new(Scalar { text: value.to_owned(), quoted }, Span::new(id, 11, end));
    match feature.parse(&"probe.f", &scalar) {
        Ok(value) => format!("{value:?}\n"),
        Err(problem) => rendered(&[*problem], &sources),
    }
}

#[test]
fn values() {
    let plain = [
        ("type: bool, default: true", "false"),
        ("type: bool, default: true", "no"),
        ("type: int, min: 1, max: 0x10, default: 2", "0x1_0"),
        ("type: int, min: 1, max: 16, default: 2", "17"),
        ("type: int, default: 2", "-1"),
        ("type: int, default: 2", "1.5"),
        ("type: int, default: 2", "010"),
        ("type: size, min: 64, max: 1KiB, default: 128", "0x80"),
        ("type: size, min: 64, max: 1KiB, default: 128", "2KiB"),
        ("type: size, default: 128", "2kb"),
        ("type: duration, min: 100ms, max: 24h, default: 10s", "5min"),
        ("type: duration, min: 100ms, max: 24h, default: 10s", "25h"),
        ("type: duration, min: 100ms, default: 10s", "10"),
        ("type: duration, min: 100ms, default: 10s", "10ms"),
        ("type: enum, values: [raw, percent], default: raw", "percent"),
        ("type: enum, values: [raw, percent], default: raw", "percnt"),
        ("type: string, max-length: 4, default: a", "1.10"),
        ("type: string, max-length: 4, default: a", "longer"),
    ];
    let titles: Vec<String> =
        plain.iter().map(|(kind, value)| format!("{kind} <- {value}")).collect();
    let judged_plain =
        plain.iter().zip(&titles).map(|((k, v), t)| (t.as_str(), judged(k, v, false)));
    let quoted = [
        ("quoted int", judged("type: int, default: 2", "3", true)),
        ("quoted bool", judged("type: bool, default: true", "true", true)),
        ("quoted string", judged("type: string, default: a", "true", true)),
    ];
    let text = cases(judged_plain.chain(quoted));
    insta::assert_snapshot!(text);
}
