//! What is refused, under which code, and what the caret marks.

mod support;

use support::workspace::Workspace;
use tarsia_manifest::effective;
use tarsia_resolve::{Conflict, conflicts};

const BOARD: &str = "components/boards/board/component.yaml";
const PRODUCT: &str = "products/p.yaml";

fn check(title: &str, components: &str, product: &str, expected: &str) {
    assert_eq!(Workspace::new(components, product).outcome(), expected, "{title}");
}

#[test]
fn frame() {
    let plain =
        || Workspace::new("{ component: other, layer: kernel, kernel: { template: m.j2 } }", "");
    let cases = [
        ("no profile", plain().replaced(PRODUCT, "profile: mini\n", ""), "E0405 p"),
        ("no board", plain().replaced(PRODUCT, "board: board\n", ""), "E0404 p"),
        ("no kernel", plain().replaced(PRODUCT, "kernel: kernel\n", ""), "E0402 p"),
        (
            "nothing",
            plain().replaced(PRODUCT, "profile: mini\nboard: board\nkernel: kernel\n", ""),
            "E0405 p; E0404 p; E0402 p",
        ),
        ("unknown profile", plain().replaced(PRODUCT, "mini", "min"), "E0303 min"),
        ("unknown board", plain().replaced(PRODUCT, "board: board", "board: bord"), "E0304 bord"),
        (
            "a kernel for a board",
            plain().replaced(PRODUCT, "board: board", "board: kernel"),
            "E0403 kernel",
        ),
        (
            "a board for a kernel",
            plain().replaced(PRODUCT, "kernel: kernel", "kernel: board"),
            "E0305 board",
        ),
        (
            "a second kernel",
            plain().replaced(PRODUCT, "kernel: kernel", "kernel: kernel\nservices: [other]"),
            "E0403 other",
        ),
        ("a kernel of another class", plain().profile("kernels: [other]"), "E0407 kernel"),
        (
            "a board of another class",
            plain().replaced(BOARD, "summary:", "classes: [rich]\nsummary:"),
            "E0407 board",
        ),
        (
            "all wishes are looked at without a frame",
            plain().replaced(PRODUCT, "kernel: kernel", "services: [gone, board]"),
            "E0402 p; E0305 board; E0304 gone",
        ),
    ];
    for (title, workspace, expected) in cases {
        assert_eq!(workspace.outcome(), expected, "{title}");
    }
}

#[test]
fn mismatches() {
    let catalogue = "
        { component: riscv, layer: driver, arch: [rv32imac] }
        { component: rich, layer: driver, classes: [rich, huge] }
        { component: riscv-kernel, layer: kernel, arch: [rv32imac], kernel: { template: m.j2 } }";
    check("architecture", catalogue, "drivers: [riscv]", "E0406 riscv");
    check("class", catalogue, "drivers: [rich]", "E0407 rich");
    let needy = "{ component: far, layer: driver, arch: [rv32imac], requires: [hw.gone, nothing] }";
    check("its needs are no second mistake", needy, "drivers: [far]", "E0406 far");
    check("both, at once", catalogue, "drivers: [riscv, rich]", "E0407 rich; E0406 riscv");
    let kernel =
        Workspace::new(catalogue, "").replaced(PRODUCT, "kernel: kernel", "kernel: riscv-kernel");
    assert_eq!(kernel.outcome(), "E0406 riscv-kernel");
}

#[test]
fn no_provider_with_every_reason() {
    let catalogue = "
        { component: app, layer: service, requires: [console] }
        { component: arch, layer: driver, provides: [console], arch: [rv32imac] }
        { component: bare, layer: driver, provides: [console], requires: [hw.usb] }
        { component: class, layer: driver, provides: [console], classes: [rich] }
        { component: deep, layer: driver, provides: [console], requires: [radio] }
        { component: few, layer: driver, provides: [console], requires: [{ capability: hw.uart, many: true, at-least: 2 }] }
        { component: kern, layer: kernel, provides: [console], kernel: { template: m.j2 } }
        { component: pair, layer: driver, provides: [console], requires: [{ capability: sensor, many: true, at-least: 2 }] }
        { component: sensor, layer: driver, provides: [sensor] }
        { component: wave, layer: driver, provides: [radio], arch: [rv32imac] }";
    Workspace::new(catalogue, "services: [app]").resolve(|found, sources| {
        let problems = found.expect_err("no console");
        let [problem] = &problems[..] else {
            panic!("one problem: {problems:?}");
        };
        assert_eq!(problem.code.as_str(), "E0401");
        let asked = sources.text(problem.related[0].span);
        assert_eq!(asked, "app", "who asked for it: {problem:?}");
        let reasons = [
            "`arch` is only for `rv32imac`, and `board` is armv7m",
            "`bare` needs `hw.usb`, which board `board` does not have",
            "`class` is only for `rich`, not for `mini`",
            "`deep` needs `radio`, which nothing here can provide",
            "`few` needs 2 providers of `hw.uart`, and only 1 can be here",
            "`kern` is another kernel than `kernel`",
            "`pair` needs 2 providers of `sensor`, and only 1 can be here",
            "`wave` is only for `rv32imac`, and `board` is armv7m",
        ];
        assert_eq!(problem.notes, reasons);
    });
}

#[test]
fn capabilities() {
    let catalogue = "
        { component: app, layer: service, requires: [consle] }
        { component: bpp, layer: service, requires: [consle, radio] }
        { component: uart, layer: driver, provides: [console] }
        { component: far, layer: driver, provides: [radio], classes: [rich] }";
    check("unknown anywhere", catalogue, "services: [app]", "E0416 consle");
    check(
        "once for many, beside others",
        catalogue,
        "services: [app, bpp]",
        "E0416 consle; E0401 radio",
    );
    let hint = Workspace::new(catalogue, "services: [app]")
        .resolve(|found, _| found.expect_err("no `consle`")[0].hints.concat());
    assert!(hint.contains("`console`"), "{hint}");
    let profile = Workspace::new(catalogue, "").profile("requires: [radio, gone]");
    assert_eq!(profile.outcome(), "E0416 gone; E0401 radio");
}

#[test]
fn exclusions() {
    let catalogue = "
        { component: app, layer: service, requires: [radio] }
        { component: quiet, layer: service, conflicts: [wave] }
        { component: wave, layer: driver, provides: [radio], conflicts: [quiet] }
        { component: lone, layer: service, conflicts: [lone-two, gone] }
        { component: lone-two, layer: service }";
    check(
        "declared by both, told once",
        catalogue,
        "services: [quiet]\ndrivers: [wave]",
        "E0408 wave",
    );
    check("with what was brought in", catalogue, "services: [app, quiet]", "E0408 wave");
    check("declared by one", catalogue, "services: [lone-two, lone]", "E0408 lone-two");
    check("with what is not in", catalogue, "services: [lone]", "lone<-");
    let causes = Workspace::new(catalogue, "services: [app, quiet]").resolve(|found, sources| {
        let problems = found.expect_err("a conflict");
        let causes = problems[0].related.iter().map(|label| sources.text(label.span).to_owned());
        causes.collect::<Vec<_>>()
    });
    assert_eq!(causes, ["app", "quiet", "radio"], "the lines of the product, and the requirement");
}

#[test]
fn ambiguity_and_owners() {
    let catalogue = "
        { component: app, layer: service, requires: [console] }
        { component: bpp, layer: service, requires: [console] }
        { component: uart, layer: driver, provides: [{ capability: console, share: exclusive }], requires: [hw.uart] }
        { component: other, layer: driver, provides: [debug], requires: [hw.uart] }
        { component: clocked, layer: driver, requires: [hw.clock] }
        { component: timed, layer: driver, requires: [hw.clock] }
        { component: usb, layer: driver, provides: [{ capability: console, share: mutex }] }";
    check("two providers", catalogue, "services: [app]\ndrivers: [uart, usb]", "E0409 console");
    check("two providers nobody asks", catalogue, "drivers: [uart, usb]", "uart<- usb<-");
    check(
        "an exclusive device for two",
        catalogue,
        "services: [app, bpp]\ndrivers: [uart]",
        "E0414 console",
    );
    check(
        "a shared device for two",
        catalogue,
        "services: [app, bpp]\ndrivers: [usb]",
        "app<- bpp<- usb<-,app,bpp",
    );
    check("hardware for two", catalogue, "drivers: [uart, other]", "E0414 hw.uart");
    check("hardware that is copied", catalogue, "drivers: [clocked, timed]", "clocked<- timed<-");
    check(
        "all at once",
        catalogue,
        "services: [app]\ndrivers: [uart, usb, other]",
        "E0409 console; E0414 hw.uart",
    );
}

#[test]
fn cycles() {
    let ring = |share: &str| {
        format!(
            "{{ component: app, layer: service, requires: [a] }}
             {{ component: one, layer: driver, provides: [{{ capability: a, share: {share} }}], requires: [b] }}
             {{ component: two, layer: driver, provides: [{{ capability: b, share: {share} }}], requires: [a] }}"
        )
    };
    check("each needs the other's device", &ring("mutex"), "services: [app]", "E0415 one");
    check("linking needs no order", &ring("link"), "services: [app]", "app<- one<app,two two<one");
    let own = "{ component: mux, layer: driver, provides: [{ capability: s, share: mutex }], requires: [s] }";
    check("a device that needs itself", own, "drivers: [mux]", "E0415 mux");
}

/// Whether a wish decides between providers is part of what is asked: with `keeper` listed, `store` goes
/// to it and two users meet; without, `store` goes nowhere, for fewer reasons.
#[test]
fn a_wish_that_decides() {
    let catalogue = "
        { component: app, layer: service, provides: [{ capability: store, share: mutex }], requires: [log, store] }
        { component: logger, layer: service, provides: [log], requires: [store] }
        { component: keeper, layer: service, provides: [{ capability: store, share: exclusive }] }";
    let workspace = Workspace::new(catalogue, "services: [app, keeper]");
    let workspace = workspace.profile("prefer: { store: [keeper] }");
    let loaded = workspace.load();
    let name = "p".parse().expect("a name");
    let product = effective(&loaded.catalogue, &name).expect("a product");
    let found = conflicts(&loaded.catalogue, &product);
    let texts = |conflict: &Conflict| -> Vec<String> {
        conflict.causes.iter().map(|cause| cause.text.clone()).collect()
    };
    let told: Vec<Vec<String>> = found.iter().map(texts).collect();
    assert_eq!(told, [["the product names `app`", "`app` needs `store`"]]);
}
