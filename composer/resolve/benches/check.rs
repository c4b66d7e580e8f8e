//! What `tarsia check` does, over generated catalogues: reading from memory and from disk, and
//! resolving every product. `cargo bench -p tarsia-resolve`; figures are in docs/performance.md.

#[path = "../examples/catalogue/generator.rs"]
mod generator;

use divan::{Bencher, black_box};
use generator::Catalogue;
use tarsia_manifest::{Disk, Files, Loaded, Memory, effective, load};
use tarsia_resolve::resolve;

const COUNTS: [usize; 2] = [100, 1_000];

fn main() {
    divan::main();
}

fn memory(count: usize) -> Memory {
    Catalogue::of(count).workspace().into_iter().collect()
}

/// Resolves every product; how many components were selected in all.
fn resolve_all(loaded: &Loaded) -> usize {
    let products = loaded.catalogue.products.keys().map(|name| {
        let product = effective(&loaded.catalogue, name).expect("a product");
        resolve(&loaded.catalogue, product).expect("a selection").components.len()
    });
    products.sum()
}

fn check(files: &impl Files) -> usize {
    let loaded = load(files);
    assert!(loaded.diagnostics.is_empty(), "the catalogue is sound");
    resolve_all(&loaded)
}

#[divan::bench(args = COUNTS, sample_count = 20)]
fn read_from_memory(bencher: Bencher<'_, '_>, count: usize) {
    let files = memory(count);
    bencher.bench(|| load(black_box(&files)));
}

#[divan::bench(args = COUNTS, sample_count = 20)]
fn resolve_every_product(bencher: Bencher<'_, '_>, count: usize) {
    let loaded = load(&memory(count));
    bencher.bench(|| resolve_all(black_box(&loaded)));
}

#[divan::bench(args = COUNTS, sample_count = 20)]
fn check_from_memory(bencher: Bencher<'_, '_>, count: usize) {
    let files = memory(count);
    bencher.bench(|| check(black_box(&files)));
}

#[divan::bench(args = COUNTS, sample_count = 20)]
fn check_from_disk(bencher: Bencher<'_, '_>, count: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in Catalogue::of(count).workspace() {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let disk = Disk::new(folder.path()).expect("a workspace");
    bencher.bench(|| check(black_box(&disk)));
}
