//! Spoiled workspaces: the manifests of this repository and of the tests' own catalogue, changed at
//! random, are loaded and resolved, or refused with a reason. Never a panic, never long, never much
//! memory. `TARSIA_CASES` asks for more of them.
#![expect(clippy::disallowed_methods, reason = "measures time")]

#[path = "firmware/cases.rs"]
mod cases;
#[expect(dead_code, reason = "only the list of sources is needed here")]
#[path = "firmware/workspace.rs"]
mod firmware;
#[path = "mutations/mutate.rs"]
mod mutate;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use cases::cases;
use mutate::Files;
use support::catalogue;
use tarsia_manifest::{Memory, effective, load};
use tarsia_model::render;
use tarsia_resolve::{Tree, conflicts, resolve};

/// The longest that one case may take.
const LIMIT: Duration = Duration::from_secs(5);
/// What the command may have of address space, in KiB.
const MEMORY: u32 = 256 * 1024;

/// The manifests of this repository.
fn repository() -> Files {
    let manifest = |path: &str| path.ends_with(".yaml");
    firmware::sources().into_iter().filter(|(path, _)| manifest(path)).collect()
}

/// The manifests of the other tests.
fn small() -> Files {
    let text = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
    let mut files: Files = catalogue::FILES.iter().map(text).collect();
    let product = catalogue::FIELD_SENSOR.as_bytes().to_vec();
    files.insert("products/field-sensor.yaml".to_owned(), product);
    files.insert("tarsia.yaml".to_owned(), b"catalogues: [.]\n".to_vec());
    files
}

/// The workspace of a case.
fn spoiled(case: u64) -> Files {
    let mut files = if case.is_multiple_of(3) { repository() } else { small() };
    mutate::spoil(&mut files, case);
    files
}

/// Writes a workspace.
fn write(root: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
}

/// Does with a workspace all that needs no compiler.
fn answer(files: &Files) {
    let memory: Memory = files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
    let loaded = load(&memory);
    let mut found = loaded.diagnostics.clone();
    for name in loaded.catalogue.products.keys() {
        let product = match effective(&loaded.catalogue, name) {
            Ok(product) => product,
            Err(problems) => {
                found.extend(problems);
                continue;
            }
        };
        let refused = conflicts(&loaded.catalogue, &product);
        match resolve(&loaded.catalogue, product) {
            Ok(selection) => {
                assert!(refused.is_empty(), "{name}: resolved in spite of {refused:?}");
                assert_eq!(selection.order.len(), selection.components.len(), "{name}");
                assert!(!Tree::of(&selection).is_empty(), "{name}");
            }
            Err(problems) => {
                assert!(!problems.is_empty(), "{name}: refused without a reason");
                found.extend(problems);
            }
        }
    }
    let text = render::all(&found, &loaded.sources, false);
    assert_eq!(text.is_empty(), found.is_empty());
}

#[test]
fn spoiled_manifests_are_read_or_refused() {
    let mut wrong = Vec::new();
    for case in 0..cases(3_000) {
        let files = spoiled(case);
        let start = Instant::now();
        let survived = catch_unwind(AssertUnwindSafe(|| answer(&files))).is_ok();
        let took = start.elapsed();
        if !survived || took > LIMIT {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutations/{case}"));
            write(&folder, &files);
            let folder = folder.display();
            wrong.push(format!("case {case}: survived {survived}, took {took:?}: {folder}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs `tarsia check` with little memory, and for a short time.
fn check(root: &Path) -> Output {
    let seconds = LIMIT.as_secs();
    let limited = format!("ulimit -v {MEMORY}; exec timeout --signal=KILL {seconds} \"$0\" check");
    Command::new("/bin/sh")
        .args(["-c", &limited])
        .arg(env!("CARGO_BIN_EXE_tarsia"))
        .current_dir(root)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", root)
        .stdin(Stdio::null())
        .output()
        .expect("a shell")
}

#[test]
fn the_command_answers_with_little_memory() {
    let mut wrong = Vec::new();
    for case in 0..cases(60).min(6_000) {
        // Other cases than above.
        let (case, folder) = (u64::MAX - case, tempfile::tempdir().expect("a folder"));
        write(folder.path(), &spoiled(case));
        let Output { status, stderr, .. } = check(folder.path());
        let said = String::from_utf8_lossy(&stderr);
        let sound = match status.code() {
            Some(0) => true,
            Some(2) => !said.is_empty(),
            _ => false,
        };
        if !sound || said.contains("panicked") {
            wrong.push(format!("case {case}: {status}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
