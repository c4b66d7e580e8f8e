//! What products come to with what they extend.

mod common;

use common::{cases, loaded, refusal, shown};
use tarsia_manifest::{EffectiveProduct, Loaded, effective};
use tarsia_model::Span;

fn together(loaded: &Loaded, name: &str) -> EffectiveProduct {
    assert!(loaded.diagnostics.is_empty(), "{}", shown(loaded));
    effective(&loaded.catalogue, &name.parse().expect("a name")).expect("a product")
}

/// `file:line` of spans.
fn lines(loaded: &Loaded, spans: &[Span]) -> Vec<String> {
    let place = |span: &Span| loaded.sources.location(*span);
    spans.iter().map(place).map(|at| format!("{}:{}", at.file, at.line)).collect()
}

fn names(list: &[tarsia_manifest::Decided<tarsia_model::Name>]) -> Vec<&str> {
    list.iter().map(|each| each.value.as_str()).collect()
}

#[test]
fn own_lines_override_and_remember() {
    let loaded = loaded(&[
        (
            "products/base.yaml",
            "fragment: base\nkernel: embassy\nfeatures: { a.b: 1 }\nservices: [log, net]\n",
        ),
        ("products/mid.yaml", "fragment: mid\nextends: base\nkernel: rtic\nwithout: [net]\n"),
        (
            "products/p.yaml",
            "product: p\nextends: [mid]\nkernel: lilos\nfeatures: { a.b: 2 }\nservices: [supervisor]\n\
             budget: { flash: 64KiB, components: { log: { ram: 1KiB } } }\n",
        ),
    ]);
    let p = together(&loaded, "p");
    let kernel = p.kernel.expect("a kernel");
    assert_eq!(kernel.value.as_str(), "lilos");
    assert_eq!(lines(&loaded, &[kernel.span]), ["products/p.yaml:3"]);
    assert_eq!(lines(&loaded, &kernel.overrode), ["products/mid.yaml:3", "products/base.yaml:2"]);
    assert_eq!(names(&p.services), ["log", "supervisor"]);
    let feature = &p.features[&"a.b".parse().expect("a path")];
    assert_eq!(feature.value.text, "2");
    assert_eq!(lines(&loaded, &feature.overrode), ["products/base.yaml:3"]);
    assert_eq!(loaded.sources.text(feature.key), "a.b");
    assert_eq!(p.lineage.iter().map(|n| n.as_str()).collect::<Vec<_>>(), ["base", "mid", "p"]);
    assert_eq!(p.budget.components["log"].ram.as_ref().map(|ram| ram.value.0), Some(1024));
    assert!(!p.is_fragment);
    assert!(together(&loaded, "mid").is_fragment);
}

#[test]
fn ways_to_one_origin_agree() {
    let loaded = loaded(&[
        ("products/base.yaml", "fragment: base\nkernel: embassy\nservices: [log]\n"),
        ("products/left.yaml", "fragment: left\nextends: base\n"),
        ("products/right.yaml", "fragment: right\nextends: base\nkernel: rtic\nwithout: [log]\n"),
        ("products/p.yaml", "product: p\nextends: [left, right]\n"),
        ("products/q.yaml", "product: q\nextends: [right, left]\n"),
    ]);
    for name in ["p", "q"] {
        let product = together(&loaded, name);
        assert_eq!(product.kernel.expect("a kernel").value.as_str(), "rtic", "{name}");
        assert!(product.services.is_empty(), "{name}");
    }
}

#[test]
fn equal_values_agree_and_the_product_decides() {
    let loaded = loaded(&[
        ("products/a.yaml", "fragment: a\nkernel: embassy\nboard: x\n"),
        ("products/b.yaml", "fragment: b\nkernel: embassy\nboard: y\n"),
        ("products/both.yaml", "fragment: both\nextends: [a, b]\n"),
        ("products/p.yaml", "product: p\nextends: both\nboard: z\n"),
    ]);
    let p = together(&loaded, "p");
    assert_eq!(p.kernel.expect("a kernel").value.as_str(), "embassy");
    let board = p.board.expect("a board");
    assert_eq!(board.value.as_str(), "z");
    assert_eq!(lines(&loaded, &board.overrode), ["products/a.yaml:3", "products/b.yaml:3"]);
}

#[test]
fn long_chains() {
    let mut files = vec![("products/p0.yaml".to_owned(), "product: p0\nkernel: k\n".to_owned())];
    for n in 1..1000 {
        let text = format!("product: p{n}\nextends: [p{}]\n", n - 1);
        files.push((format!("products/p{n}.yaml"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    let loaded = loaded(&files);
    assert_eq!(together(&loaded, "p999").lineage.len(), 1000);
}

#[test]
fn what_was_set_for_a_removed_component_goes_with_it() {
    let loaded = loaded(&[
        (
            "products/base.yaml",
            "fragment: base\nservices: [log, net]\nfeatures: { log.level: info, net.mtu: 1500 }\n\
             budget: { components: { log: { flash: 1KiB }, net: { ram: 2KiB } } }\n",
        ),
        ("products/p.yaml", "product: p\nextends: base\nwithout: [log]\n"),
        ("products/q.yaml", "product: q\nextends: p\nfeatures: { log.level: debug }\n"),
    ]);
    let of = |name: &str| {
        let product = effective(&loaded.catalogue, &name.parse().expect("a name")).expect("sound");
        let features: Vec<String> = product.features.keys().map(ToString::to_string).collect();
        let limited: Vec<String> =
            product.budget.components.keys().map(ToString::to_string).collect();
        (features.join(" "), limited.join(" "))
    };
    assert_eq!(of("p"), ("net.mtu".to_owned(), "net".to_owned()));
    // A line of the product's own is not dropped: it is for the resolver to refuse.
    assert_eq!(of("q"), ("log.level net.mtu".to_owned(), "net".to_owned()));
}

#[test]
fn refusals() {
    let disagree = loaded(&[
        (
            "products/a.yaml",
            "fragment: a\nkernel: embassy\nfeatures: { log.level: info }\nservices: [log]\nbudget: { ram: 4KiB }\n",
        ),
        (
            "products/b.yaml",
            "fragment: b\nkernel: rtic\nfeatures: { log.level: debug }\nextends: c\nwithout: [log]\nbudget: { ram: 8KiB }\n",
        ),
        ("products/c.yaml", "fragment: c\nservices: [log]\n"),
        ("products/p.yaml", "product: p\nextends: [a, b]\n"),
    ]);
    let circle = loaded(&[
        ("products/a.yaml", "product: a\nextends: b\n"),
        ("products/b.yaml", "product: b\nextends: [c]\n"),
        ("products/c.yaml", "product: c\nextends: [a]\n"),
        ("products/p.yaml", "product: p\nextends: a\n"),
        ("products/self.yaml", "product: self\nextends: self\n"),
    ]);
    let unknown = loaded(&[
        ("products/field.yaml", "fragment: field\nservices: [telemetry]\n"),
        ("products/p.yaml", "product: p\nextends: [feld, other]\n"),
        ("products/less.yaml", "fragment: less\nwithout: [telemetry]\n"),
        ("products/q.yaml", "product: q\nextends: [field, less]\n"),
    ]);
    let text = cases([
        ("disagreement", refusal(&disagree, "p")),
        ("circle", refusal(&circle, "p")),
        ("circle of one", refusal(&circle, "self")),
        ("unknown", refusal(&unknown, "p")),
        ("listed by one and removed by the other", refusal(&unknown, "q")),
        ("unknown product", refusal(&unknown, "fild")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn broken_parents_are_not_called_unknown() {
    let loaded = loaded(&[
        ("products/base.yaml", "fragment: base\nkernl: x\n"),
        ("products/p.yaml", "product: p\nextends: base\n"),
    ]);
    let problems = effective(&loaded.catalogue, &"p".parse().expect("a name")).expect_err("broken");
    insta::assert_snapshot!(common::rendered(&problems, &loaded.sources));
}
