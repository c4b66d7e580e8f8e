//! The checked-in schemas and reference page are those of the code, and the manifests of this
//! repository follow them.

use std::path::{Path, PathBuf};

use tarsia_manifest::{Disk, load, reference, schemas};
use tarsia_model::render;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn check(path: &str, fresh: &str) {
    let file = repository().join(path);
    #[expect(clippy::disallowed_methods, reason = "the switch of a test")]
    if std::env::var_os("TARSIA_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, fresh).expect("a file that can be written");
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        stored == fresh,
        "{path} is stale; run `TARSIA_BLESS=1 cargo test -p tarsia-manifest --test generated`"
    );
}

#[test]
fn schemas_are_fresh() {
    for (name, text) in schemas() {
        check(&format!("docs/schemas/{name}"), &text);
    }
}

#[test]
fn reference_page_is_fresh() {
    check("docs/reference/manifests.md", &reference::page());
}

#[test]
fn manifests_of_this_repository_are_valid() {
    let loaded = load(&Disk::new(repository()).expect("this repository"));
    assert!(loaded.sources.len() > 1, "the repository has manifests");
    let found = render::all(&loaded.diagnostics, &loaded.sources, false);
    assert!(loaded.diagnostics.is_empty(), "{found}");
}
