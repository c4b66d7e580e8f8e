//! Manifests that are YAML and yet wrong: the text of every complaint, and that all of a file's
//! problems are reported at once.

mod common;

use common::{COMPONENT, cases, component, loaded, product, shown};

/// A component with more lines.
fn with(lines: &str) -> String {
    shown(&component(&format!("{COMPONENT}{lines}")))
}

fn feature(declaration: &str) -> String {
    with(&format!("features:\n  f: {{ summary: F., {declaration} }}\n"))
}

#[test]
fn keys() {
    let text = cases([
        ("unknown", shown(&product("product: p\nprofle: mini\n"))),
        ("unknown and far", shown(&product("product: p\nbudget: { gold: 1 }\n"))),
        ("with an escape", shown(&product("product: p\n\"\\e[2J\": 1\n"))),
        ("duplicate", shown(&product("product: p\nboard: a\nkernel: k\nboard: b\n"))),
        ("missing", shown(&component("component: probe\nsummary: A probe.\n"))),
        ("neither product nor fragment", shown(&product("summary: Nothing.\n"))),
        ("product and fragment", shown(&product("product: p\nfragment: p\n"))),
        ("section of another layer", with("kernel: { template: main.rs.j2 }\n")),
        ("section that is missing", shown(&component(&COMPONENT.replace("driver", "board")))),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn c_code() {
    let c = |lines: &str| {
        let features = "features: { word: { type: enum, values: [a], default: a, summary: W. } }\n";
        with(&format!("{features}c: {{ {lines} }}\n"))
    };
    let text = cases([
        ("no file", c("include: [include]")),
        ("no file of a crate", c("crates: { freertos: { include: [include] } }")),
        ("outside", c("files: [../a.c]")),
        ("a macro's name", c("files: [a.c], define: { a-b: 1 }")),
        ("value and feature", c("files: [a.c], define: { A: { value: 1, feature: word } }")),
        ("neither", c("files: [a.c], define: { A: {} }")),
        ("no such feature", c("files: [a.c], define: { A: { feature: wrd } }")),
        ("words", c("files: [a.c], define: { A: { feature: word } }")),
        ("a flag with a blank", c("files: [a.c], flags: [\"-D X\"]")),
        ("several lines", c("files: [a.c], define: { A: \"1\\n2\" }")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn types() {
    let text = cases([
        ("list for text", shown(&product("product: p\nsummary: [a]\n"))),
        ("text for list", shown(&product("product: p\nservices: log\n"))),
        ("text for mapping", shown(&product("product: p\nfeatures: none\n"))),
        ("nothing", shown(&product("product: p\nbudget:\nkernel: ~\n"))),
        ("yes for boolean", with("crate: { init: yes }\n")),
        ("quoted boolean", with("crate: { init: \"true\" }\n")),
        ("number", with("requires: [{ capability: c, many: true, at-least: 0755 }]\n")),
        ("large number", with("requires: [{ capability: c, many: true, at-least: 4294967296 }]\n")),
        ("word", with("provides: [{ capability: c, share: mutx }]\n")),
        ("word and far", shown(&component(&COMPONENT.replace("driver", "thing")))),
        ("name", shown(&product("product: p\nboard: My_Board\nservices: [\"a\\nb\", -x]\n"))),
        ("capability", with("provides: [sensor..t]\n")),
        ("fact", with("provides: [{ capability: hw.x, with: { type: 1, Base: 2 } }]\n")),
        ("crate", with("root-dependencies: { \"a b\": [\"x\\\"y\"] }\n")),
        ("path", with("crate: { path: ../../elsewhere }\n")),
        ("feature path", shown(&product("product: p\nfeatures: { deadline: 2s }\n"))),
        ("size", shown(&product("product: p\nbudget: { flash: 128K, ram: lots }\n"))),
        ("size with a sign", with("budget: { flash: -1 }\n")),
        ("the same twice", shown(&product("product: p\nservices: [log, telemetry, log]\n"))),
        ("listed and removed", shown(&product("product: p\nservices: [log]\nwithout: [log]\n"))),
        ("facts of no hardware", with("provides: [{ capability: c, with: { base: 1 } }]\n")),
        ("copy of nothing", with("provides: [{ capability: c, share: copy }]\n")),
        ("count of one", with("requires: [{ capability: c, at-least: 2 }]\n")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn declarations_of_features() {
    let text = cases([
        ("default below", feature("type: int, min: 5, max: 9, default: 4")),
        ("default of another type", feature("type: int, default: fast")),
        ("default of another size", feature("type: size, max: 1KiB, default: 2KiB")),
        ("range upside down", feature("type: duration, min: 2s, max: 1s, default: 1s")),
        ("limit of another type", feature("type: duration, min: 2, default: 1s")),
        ("beyond 32 bits", feature("type: int, max: 4294967296, default: 0")),
        ("enum without values", feature("type: enum, default: a")),
        ("default not a value", feature("type: enum, values: [raw, percent], default: percnt")),
        (
            "keys of other types",
            feature("type: bool, values: [a], min: 1, max-length: 2, default: true"),
        ),
        ("default too long", feature("type: string, max-length: 3, default: long")),
        ("no default", feature("type: bool")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn boards_and_profiles() {
    let board = |memory: &str| {
        let section =
            format!("board:\n  arch: armv7m\n  target: t\n  chip: C\n  memory: {memory}\n");
        shown(&component(&format!("{}{section}", COMPONENT.replace("driver", "board"))))
    };
    let text = cases([
        ("no RAM", board("{ flash: { base: 0, size: 1KiB } }")),
        ("overlap", board("{ flash: { base: 0, size: 1KiB }, ram: { base: 0x3ff, size: 1KiB } }")),
        (
            "beyond",
            board("{ flash: { base: 0xffff_ffff_ffff_ffff, size: 1 }, ram: { base: 0, size: 0 } }"),
        ),
        (
            "bounds upside down",
            shown(&loaded(&[(
                "profiles/mini.yaml",
                "profile: mini\nsummary: Small.\nram: { min: 64KiB, max: 8KiB }\n",
            )])),
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn names_across_files() {
    let text = cases([
        ("folder", shown(&component(&COMPONENT.replace("probe", "prob")))),
        ("file", shown(&product("product: q\n"))),
        (
            "twice",
            shown(&loaded(&[
                ("components/drivers/probe/component.yaml", COMPONENT),
                ("components/services/probe/component.yaml", COMPONENT),
            ])),
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn everything_at_once() {
    let loaded = loaded(&[
        (
            "components/drivers/probe/component.yaml",
            "component: probe\nlayer: drver\nsummary: A probe.\nlicense: MIT\nbudget: { flash: 1kb, flash: 2KiB }\n\
             features:\n  a: { type: int, default: x, summary: A. }\n  b: { type: bol, default: true, summary: B. }\n",
        ),
        ("products/p.yaml", "product: P\nboard: [a]\nextends: [x, x]\n"),
        ("profiles/mini.yaml", "profile: mini\n"),
    ]);
    let text = shown(&loaded);
    insta::assert_snapshot!(text);
}

#[test]
fn sources() {
    let one = |text: &str| with(&format!("sources:\n  s: {{ {text} }}\n"));
    let digest = "0".repeat(64);
    let commit = "a".repeat(40);
    let text = cases([
        ("none", one("strip: 1")),
        ("two", one("deb: bash, git: \"https://example.org/x\"")),
        (
            "three",
            one(&format!(
                "deb: bash, prebuilt: b, archive: \"https://example.org/x\", sha256: {digest}"
            )),
        ),
        ("digest of a package", one(&format!("deb: bash, sha256: {digest}"))),
        ("package", one("deb: Bash_5")),
        ("architecture alone", one("deb: \"{arch}\"")),
        ("another pattern", one("deb: \"bash-{board}\"")),
        ("followed file", one(&format!("prebuilt: b, sha256: {digest}, follow: true"))),
        ("architecture", one("deb: bash, arch: ARM64")),
        ("no digest", one("archive: \"https://example.org/x\"")),
        ("short digest", one("archive: \"https://example.org/x\", sha256: 12ab")),
        ("large digest", one(&format!("prebuilt: b, sha256: {}", "A".repeat(64)))),
        ("no commit", one("git: \"https://example.org/x\"")),
        ("branch", one("git: \"https://example.org/x\", revision: main")),
        (
            "git through a file of options",
            one(&format!("git: \"ext::sh -c x\", revision: {commit}")),
        ),
        ("option", one(&format!("git: \"--upload-pack=x\", revision: {commit}"))),
        ("password", one(&format!("archive: \"https://u:p@example.org/x\", sha256: {digest}"))),
        (
            "archive through ssh",
            one(&format!("archive: \"ssh://example.org/x\", sha256: {digest}")),
        ),
        ("space", one(&format!("archive: \"https://example.org/a b\", sha256: {digest}"))),
        ("upwards", one(&format!("prebuilt: ../b, sha256: {digest}"))),
        (
            "inner archive of git",
            one(&format!("git: \"https://example.org/x\", revision: {commit}, unpack: a.tar")),
        ),
        ("architecture of a file", one(&format!("prebuilt: b, sha256: {digest}, arch: all"))),
        (
            "a file as it is, unpacked",
            one(&format!("prebuilt: b, sha256: {digest}, strip: 1, twins: true")),
        ),
        ("unknown", one("deb: bash, version: 5.2")),
        ("no name", with("sources: { My_Source: { deb: bash } }\n")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn sources_that_are_right() {
    let digest = "0".repeat(64);
    let commit = "a".repeat(40);
    let lines = format!(
        "sources:\n  kernel: {{ deb: linux-source-6.1, arch: all, unpack: usr/src/linux-source-6.1.tar.xz, strip: 1, twins: true }}\n  \
         tool: {{ archive: \"https://example.org/x.tar.gz\", sha256: {digest}, strip: 1 }}\n  \
         repo: {{ git: \"ssh://git@example.org/x\", revision: {commit} }}\n  \
         image: {{ deb: \"linux-image-{{arch}}\", follow: true }}\n  \
         blob: {{ prebuilt: files/blob.bin, sha256: {digest} }}\n  \
         inner: {{ prebuilt: b, sha256: {digest}, unpack: a.tar, strip: 1, twins: true }}\n"
    );
    assert_eq!(with(&lines), "");
}
