//! The same bytes: builds of every product in two folders, the second as differently as one machine
//! allows, are compared byte by byte; and what was built once is not built again.

#[path = "firmware/other.rs"]
mod other;
#[path = "firmware/workspace.rs"]
mod workspace;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use other::{difference, other_workspace};
use workspace::{Workspace, kept, products, remove, sources};

const FILES: [&str; 6] =
    ["firmware.bin", "firmware.hex", "firmware.uf2", "firmware.elf", "image.json", "size.json"];

/// The copy that these tests change; one at a time.
static CHANGED: Mutex<()> = Mutex::new(());

fn changing() -> (Workspace, MutexGuard<'static, ()>) {
    let guard = CHANGED.lock().unwrap_or_else(PoisonError::into_inner);
    (Workspace::open("shared"), guard)
}

fn outputs(workspace: &Workspace, product: &str) -> Vec<(&'static str, Vec<u8>)> {
    let read = |file| (file, std::fs::read(workspace.output(product, file)).expect(file));
    FILES.into_iter().map(read).collect()
}

#[test]
fn every_product_has_the_same_bytes_in_another_folder_for_another_user() {
    let _guard = CHANGED.lock().unwrap_or_else(PoisonError::into_inner);
    let (one, mut other) = (Workspace::open("shared"), other_workspace(&kept().join("second")));
    let all = other.through.clone();
    let single = [&all[..], &["taskset".into(), "-c".into(), "0".into()]].concat();
    let mut differences = Vec::new();
    for (index, product) in products().iter().enumerate() {
        // Every other one on a single processor; all of them would take twice the time.
        other.through = if index % 2 == 1 { single.clone() } else { all.clone() };
        one.build(product);
        other.build(product);
        let pairs = outputs(&one, product).into_iter().zip(outputs(&other, product));
        differences
            .extend(pairs.filter_map(|((file, a), (_, b))| difference(product, file, &a, &b)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// When each output and each of cargo's files for the device was written last.
fn times(workspace: &Workspace, product: &str) -> Vec<(PathBuf, SystemTime)> {
    let mut found = Vec::new();
    written(&workspace.root.join("out/.device"), &mut found);
    written(&workspace.root.join("out").join(product), &mut found);
    found.sort();
    assert!(found.len() > 100, "cargo's files and the outputs");
    found
}

#[expect(clippy::disallowed_methods, reason = "sorted by the caller")]
fn written(folder: &Path, found: &mut Vec<(PathBuf, SystemTime)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let about = path.symlink_metadata().expect("a file");
        if about.is_dir() {
            written(&path, found);
        } else {
            found.push((path, about.modified().expect("a time")));
        }
    }
}

#[test]
fn the_second_build_does_nothing() {
    let (workspace, _guard) = changing();
    let product = "soil-sensor";
    workspace.build(product);
    let before = times(&workspace, product);
    let again = workspace.build(product);
    assert!(again.stdout.trim_end().ends_with("up to date"), "{again}");
    assert_eq!(again.stderr, "", "nothing is said about compiling");
    assert_eq!(times(&workspace, product), before, "nothing is written");

    for (path, _) in sources() {
        let file = File::options().append(true).open(workspace.root.join(path)).expect("a file");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000))
            .expect("a time");
    }
    let touched = workspace.build(product);
    assert!(touched.stdout.trim_end().ends_with("up to date"), "{touched}");
    assert_eq!(touched.stderr, "", "a later time is no change");
    assert_eq!(times(&workspace, product), before, "nothing is written");
}

#[test]
fn deleted_outputs_come_back_from_the_store_without_compiling() {
    let (workspace, _guard) = changing();
    let product = "soil-sensor-lilos";
    workspace.build(product);
    let before = outputs(&workspace, product);
    remove(&workspace.root.join("out").join(product));
    let restored = workspace.build(product);
    assert!(restored.stdout.contains("wrote "), "{restored}");
    assert_eq!(restored.stderr, "", "nothing is said about compiling");
    assert!(outputs(&workspace, product) == before, "other bytes than before");
}

#[test]
fn an_edit_changes_the_bytes_and_taking_it_back_gives_the_first_ones() {
    let (workspace, _guard) = changing();
    let (product, path) = ("soil-sensor", "components/services/telemetry/src/senml.rs");
    workspace.build(product);
    let before = outputs(&workspace, product);
    let source = std::fs::read_to_string(workspace.root.join(path)).expect("a source");
    let edited = source.replace("\"not ready\"", "\"not yet ready\"");
    assert_ne!(edited, source, "there is something to edit in {path}");

    workspace.write(path, &edited);
    let run = workspace.run(&["build", product]);
    let after = std::fs::read(workspace.output(product, "firmware.bin")).expect("an image");
    workspace.write(path, &source);
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.stdout.contains("firmware.bin"), "{run}");
    assert!(after.windows(13).any(|text| text == b"not yet ready"), "the edit is in the image");

    let back = workspace.build(product);
    assert_eq!(back.stderr, "", "the first result is still in the store");
    let pairs = before.iter().zip(outputs(&workspace, product));
    let differences: Vec<_> =
        pairs.filter_map(|((file, a), (_, b))| difference(product, file, a, &b)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
