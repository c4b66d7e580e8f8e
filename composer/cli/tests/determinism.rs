//! What is said depends on the manifests alone: not on how many threads read them, not on the seeds
//! of hash tables, which are others in each process, and not on the order in which a folder names its
//! files.

#[expect(dead_code, reason = "only the list of sources is needed here")]
#[path = "firmware/workspace.rs"]
mod firmware;
mod support;

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Questions about products, with the exit code of the answer.
const QUESTIONS: [(i32, &[&str]); 12] = [
    (2, &["check"]),
    (0, &["tree", "soil-sensor", "--format", "json"]),
    (0, &["tree", "greenhouse-node", "--invert"]),
    (0, &["show", "weather-display", "--origin"]),
    (0, &["why", "soil-sensor", "console"]),
    (0, &["why-not", "soil-sensor", "supervisor"]),
    (0, &["graph", "riscv-sensor", "--format", "svg"]),
    (2, &["matrix", "--format", "json"]),
    (0, &["diff", "soil-sensor", "greenhouse-node"]),
    (0, &["what-if", "soil-sensor", "kernel=freertos"]),
    (2, &["check", "every-mistake"]),
    (2, &["check", "two-conflicts"]),
];

/// Products with several mistakes, so that several places have something to say at once.
const BROKEN: [(&str, &str); 2] = [
    (
        "products/every-mistake.yaml",
        "product: every-mistake\nprofile: mini\nboard: lm3s6965evb\nkernel: rtic\n\
         drivers: [nothing, uart]\nservices: [gone]\nfeatures: { a.b: 1, supervisor.x: 2 }\n\
         prefer: { console: [supervisor] }\nwithout: [nobody]\n",
    ),
    (
        "products/two-conflicts.yaml",
        "product: two-conflicts\nextends: soil-sensor\nwithout: [pl011-uart, lm3s-adc]\n",
    ),
];

/// Writes the manifests of this repository, in an order.
fn workspace(backwards: bool) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files: Vec<(String, Vec<u8>)> = firmware::sources().into_iter().collect();
    files.extend(BROKEN.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    if backwards {
        files.reverse();
    }
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
    folder
}

fn ask(root: &Path, question: &[&str], threads: &str, cache: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tarsia"))
        .args(["--cache-dir", cache])
        .args(question)
        .current_dir(root)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", root)
        .env("RAYON_NUM_THREADS", threads)
        .output()
        .expect("the command starts")
}

#[test]
fn answers_are_the_same_whatever_the_surroundings() {
    let folders = [workspace(false), workspace(true)];
    for (code, question) in QUESTIONS {
        let mut first = None;
        for (folder, threads, cache) in [
            (0, "1", "one"),
            (0, "2", "two"),
            (0, "2", "two"),
            (0, "7", "seven"),
            (1, "3", "three"),
            (1, "3", "three"),
        ] {
            let root = folders[folder].path();
            let Output { status, stdout, stderr } = ask(root, question, threads, cache);
            // Each folder has a name of its own.
            let plain = |text: Vec<u8>| {
                let text = String::from_utf8(text).expect("UTF-8");
                text.replace(root.to_str().expect("UTF-8"), "/src")
            };
            let said = (status.code(), plain(stdout), plain(stderr));
            assert_eq!(said.0, Some(code), "{question:?}: {}", said.2);
            let first = first.get_or_insert_with(|| said.clone());
            assert!(said == *first, "{question:?} with {threads} threads:\n{}{}", said.1, said.2);
        }
    }
}
