//! Reading a generated workspace from disk: knowing nothing, and knowing an earlier load; and decoding
//! its components. `cargo bench -p tarsia-manifest`; figures are in docs/performance.md.

#[path = "../../resolve/examples/catalogue/generator.rs"]
mod generator;

use divan::{Bencher, black_box};
use generator::Catalogue;
use tarsia_manifest::{Clock, Disk, Loaded, load, reload};

const COUNTS: [usize; 2] = [1_000, 10_000];
const LATE: Clock<'static> = &|| Some(i64::MAX);

fn main() {
    divan::main();
}

/// A workspace of `count` components in a folder that is removed at the end.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in Catalogue::of(count).workspace() {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Self { folder }
    }

    fn disk(&self) -> Disk {
        Disk::new(self.folder.path()).expect("a workspace")
    }

    /// The file that a command would keep.
    fn keep(&self) -> std::path::PathBuf {
        let path = self.folder.path().join("snapshot");
        let snapshot = reload(&self.disk(), None, b"bench", LATE).snapshot.expect("a snapshot");
        std::fs::write(&path, snapshot).expect("a file");
        path
    }
}

fn sound(loaded: Loaded) -> Loaded {
    assert!(loaded.diagnostics.is_empty(), "the workspace is sound");
    loaded
}

#[divan::bench(args = COUNTS, sample_count = 10)]
fn cold(bencher: Bencher<'_, '_>, count: usize) {
    let place = Place::new(count);
    bencher.bench_local(|| sound(load(&place.disk())));
}

#[divan::bench(args = COUNTS, sample_count = 50)]
fn warm(bencher: Bencher<'_, '_>, count: usize) {
    let place = Place::new(count);
    let path = place.keep();
    bencher.bench_local(|| {
        let snapshot = std::fs::read(&path).expect("a snapshot");
        let reloaded = reload(&place.disk(), Some(snapshot), b"bench", LATE);
        assert!(reloaded.snapshot.is_none(), "nothing changed");
        sound(reloaded.loaded)
    });
}

#[divan::bench(args = COUNTS, sample_count = 10)]
fn warm_then_every_component(bencher: Bencher<'_, '_>, count: usize) {
    let place = Place::new(count);
    let path = place.keep();
    bencher
        .with_inputs(|| {
            let snapshot = std::fs::read(&path).expect("a snapshot");
            reload(&place.disk(), Some(snapshot), b"bench", LATE).loaded
        })
        .bench_local_values(|loaded| {
            black_box(loaded.catalogue.components.iter().count());
            loaded
        });
}
