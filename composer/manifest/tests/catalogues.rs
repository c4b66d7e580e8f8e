//! Several catalogues in one workspace: what `tarsia.yaml` says, whose manifest a name stands for,
//! and what is wrong with a name in two of them.

mod common;

use common::{COMPONENT, cases, loaded, shown};
use tarsia_manifest::{Disk, Loaded, load};

const VENDOR: &str = "component: probe\nlayer: service\nsummary: Theirs.\nlicence: MIT\n";
const OURS: &str = "components/drivers/probe/component.yaml";
const THEIRS: &str = "../tarsia/components/services/probe/component.yaml";

/// A workspace with this `catalogues`, in which two catalogues have a `probe`.
fn contested(catalogues: &str) -> Loaded {
    let workspace = format!("catalogues: {catalogues}\n");
    loaded(&[
        ("tarsia.yaml", &workspace),
        (OURS, COMPONENT),
        (THEIRS, VENDOR),
        ("../tarsia/products/p.yaml", "product: p\n"),
        ("../tarsia/profiles/mini.yaml", "profile: mini\nsummary: Small.\n"),
        (
            "vendor/acme/components/drivers/other/component.yaml",
            &COMPONENT.replace("probe", "other"),
        ),
    ])
}

#[test]
fn manifests_of_all_catalogues_are_in_one() {
    let loaded = contested("[vendor/acme, { path: ../tarsia/ }]");
    assert!(loaded.diagnostics.is_empty(), "{}", shown(&loaded));
    let catalogue = &loaded.catalogue;
    assert_eq!(catalogue.components.folder("probe"), Some("../tarsia/components/services/probe"));
    assert_eq!(catalogue.components.folder("other"), Some("vendor/acme/components/drivers/other"));
    assert!(catalogue.products.contains_key("p") && catalogue.profiles.contains_key("mini"));
    assert_eq!(catalogue.prefixes, ["vendor/acme/", "../tarsia/"]);
    assert_eq!(catalogue.inside("../tarsia/products/p.yaml"), "products/p.yaml");
    let paths: Vec<&str> = (0..loaded.sources.len() as u32)
        .map(|id| loaded.sources.get(tarsia_model::SourceId(id)).path)
        .collect();
    assert_eq!(
        paths,
        [
            "tarsia.yaml",
            "vendor/acme/components/drivers/other/component.yaml",
            THEIRS,
            "../tarsia/products/p.yaml",
            "../tarsia/profiles/mini.yaml"
        ]
    );
}

#[test]
fn the_one_that_overrides_holds() {
    for (catalogues, folder) in [
        ("[{ path: ., override: [probe] }, ../tarsia]", "components/drivers/probe"),
        ("[., { path: ../tarsia, override: [probe] }]", "../tarsia/components/services/probe"),
    ] {
        let loaded = contested(catalogues);
        assert!(loaded.diagnostics.is_empty(), "{}", shown(&loaded));
        assert_eq!(loaded.catalogue.components.folder("probe"), Some(folder));
        assert_eq!(loaded.catalogue.components.len(), 1);
    }
}

#[test]
fn complaints() {
    let broken = |text: &str| shown(&loaded(&[("tarsia.yaml", text), (OURS, COMPONENT)]));
    let profile = "profile: mini\nsummary: Small.\n";
    let text = cases([
        ("a name in two catalogues", shown(&contested("[., ../tarsia]"))),
        (
            "both override",
            shown(&contested(
                "\n  - { path: ., override: [probe] }\n  - { path: ../tarsia, override: [probe] }",
            )),
        ),
        (
            "nothing to override",
            shown(&contested("[{ path: ., override: [probe, other] }, vendor/acme]")),
        ),
        (
            "a profile in two catalogues",
            shown(&loaded(&[
                ("tarsia.yaml", "catalogues: [., x]\n"),
                ("profiles/mini.yaml", profile),
                ("x/profiles/mini.yaml", "profile: [\n"),
            ])),
        ),
        ("no such folder", broken("catalogues:\n  - .\n  - { path: ../gone }\n")),
        ("listed twice", broken("catalogues: [., .]\n")),
        ("no catalogue", broken("catalogues: []\n")),
        ("unknown key", broken("catalogs: [.]\n")),
        ("no path", broken("catalogues: [{ override: [probe] }]\n")),
        ("a bad path", broken("catalogues: ['..\\x', '']\n")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn without_its_catalogues_a_workspace_knows_that_names_are_missing() {
    assert!(contested("[., ../gone]").catalogue.broken.workspace);
    let empty = contested("[]");
    assert!(empty.catalogue.broken.workspace && empty.catalogue.components.is_empty());
    assert!(!contested("[.]").catalogue.broken.workspace);
}

#[cfg(unix)]
#[test]
fn links_stay_in_their_catalogue() {
    use std::os::unix::fs::symlink;

    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    let write = |path: &str, text: &str| {
        std::fs::create_dir_all(at(path).parent().expect("a folder")).expect("a folder");
        std::fs::write(at(path), text).expect("a file");
    };
    write("main/tarsia.yaml", "catalogues:\n  - .\n  - ../vendor\n  - alias\n");
    write("main/products/p.yaml", "product: p\n");
    write("vendor/products/own.yaml", "product: own\n");
    symlink("../vendor", at("main/alias")).expect("a link");
    symlink("own.yaml", at("vendor/products/inner.yaml")).expect("a link");
    symlink("../../main/products/p.yaml", at("vendor/products/out.yaml")).expect("a link");
    let loaded = load(&Disk::new(at("main")).expect("a workspace"));
    assert!(loaded.catalogue.products.contains_key("own"));
    insta::assert_snapshot!(shown(&loaded));
}
