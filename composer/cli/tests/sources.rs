//! Lock files follow the manifests, and what is locked can be had again: from the store, from where it came
//! from, or from a folder that was kept.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::workspace::{Run, Workspace};

const LOG: &str = "\
component: log
layer: service
summary: Writes log records to the console.
licence: MIT OR Apache-2.0
provides: [log]
requires: [console]
features:
  level: { type: enum, values: [error, warn, info, debug], default: info, summary: Least level written. }
sources:
";

const PRODUCT: &str = "\
product: leaf-logger
profile: mini
board: cedar
kernel: single
services: [log]
";

fn sha256(bytes: &[u8]) -> String {
    tarsia_model::Sha256::of(bytes).to_string()
}

/// A product with a file beside a manifest, and one that is served from a folder of the machine.
fn workspace(served: &Path) -> Workspace {
    std::fs::write(served.join("words.txt"), "served").expect("a file");
    let sources = format!(
        "  near: {{ prebuilt: near.txt, sha256: {} }}\n  other: {{ archive: \"file://{}/words.txt\", sha256: {} }}\n",
        sha256(b"near"),
        served.display(),
        sha256(b"served"),
    );
    Workspace::new()
        .file("products/leaf-logger.yaml", PRODUCT)
        .file("components/services/log/component.yaml", format!("{LOG}{sources}"))
        .file("components/services/log/near.txt", "near")
}

fn succeeded(run: Run) -> Run {
    assert_eq!(run.code, 0, "{run}");
    run
}

/// What is said, with the folder that things are served from by another name.
fn said(run: &Run, served: &Path) -> String {
    run.to_string().replace(&*served.to_string_lossy(), "[SERVED]")
}

#[test]
fn locks_follow_manifests() {
    let served = tempfile::tempdir().expect("a folder");
    let workspace = workspace(served.path());
    let lock = |args: &[&str]| workspace.run(&[&["lock"], args].concat());
    let show = |run: &Run| said(run, served.path());
    insta::assert_snapshot!("missing", show(&lock(&["--locked", "leaf-logger"])));
    assert!(!workspace.at("products/leaf-logger.lock").exists(), "nothing is written");
    insta::assert_snapshot!("first", show(&lock(&["leaf-logger"])));
    let text = workspace.read("products/leaf-logger.lock");
    insta::assert_snapshot!("file", text.replace(&*served.path().to_string_lossy(), "[SERVED]"));
    let program = lock(&["leaf-logger", "--locked", "--format", "json"]);
    insta::assert_snapshot!("json", show(&succeeded(program)));
    let again = succeeded(lock(&["--all"]));
    assert!(again.stdout.contains("up to date"), "{again}");
    assert_eq!(workspace.read("products/leaf-logger.lock"), text);
    assert_eq!(succeeded(workspace.run(&["check"])).stderr, "", "a lock file is no manifest");

    // One is changed, one is gone, one is new.
    let changed = format!(
        "{LOG}  near: {{ prebuilt: near.txt, sha256: {} }}\n  new: {{ prebuilt: near.txt, sha256: {0} }}\n",
        sha256(b"nearer"),
    );
    let workspace = workspace.file("components/services/log/component.yaml", changed);
    let lock = |args: &[&str]| workspace.run(&[&["lock"], args].concat());
    insta::assert_snapshot!("drift", show(&lock(&["--locked", "leaf-logger"])));
    let fetch = workspace.run(&["fetch", "leaf-logger"]);
    assert!(fetch.stderr.starts_with("error[E0801]"), "{fetch}");
    insta::assert_snapshot!("mismatch", show(&lock(&["leaf-logger"])));
    assert_eq!(workspace.read("products/leaf-logger.lock"), text, "all or nothing");
    let workspace = workspace.file("components/services/log/near.txt", "nearer");
    insta::assert_snapshot!("changed", show(&succeeded(workspace.run(&["lock", "--all"]))));

    // Without sources there is no lock file, and none is asked for.
    let workspace =
        workspace.file("components/services/log/component.yaml", LOG.replace("sources:\n", ""));
    assert_eq!(workspace.run(&["lock", "--locked", "leaf-logger"]).code, 1);
    insta::assert_snapshot!("removed", workspace.run(&["lock", "leaf-logger"]));
    assert!(!workspace.at("products/leaf-logger.lock").exists());
    succeeded(workspace.run(&["lock", "--locked", "leaf-logger"]));
}

#[test]
fn bad_lock_files() {
    let served = tempfile::tempdir().expect("a folder");
    let workspace = workspace(served.path());
    succeeded(workspace.run(&["lock", "leaf-logger"]));
    let good = workspace.read("products/leaf-logger.lock");
    let mut text = String::new();
    let digest = sha256(b"near");
    for (what, bad) in [
        ("of another product", good.replace("product: leaf-logger", "product: twig-logger")),
        ("a conflict", good.replace("sources:\n", "<<<<<<< HEAD\nsources:\n")),
        ("an unknown key", good.replace("  size:", "  mirror: x\n  size:")),
        ("empty", String::new()),
        ("a digest that is none", good.replace(&digest, "none")),
    ] {
        std::fs::write(workspace.at("products/leaf-logger.lock"), bad).expect("a file");
        let run = workspace.run(&["lock", "leaf-logger"]);
        assert_ne!(run.code, 0, "{what}");
        text += &format!("--- {what}\n{run}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn update_asks_for_what_is_there() {
    let served = tempfile::tempdir().expect("a folder");
    let workspace = workspace(served.path());
    succeeded(workspace.run(&["lock", "leaf-logger"]));
    let same = succeeded(workspace.run(&["update", "leaf-logger"]));
    assert!(same.stdout.contains("up to date"), "{same}");
    succeeded(workspace.run(&["update", "leaf-logger", "log"]));
    insta::assert_snapshot!(workspace.run(&["update", "leaf-logger", "lag"]));
}

#[test]
fn vendored_sources_are_the_same() {
    let served = tempfile::tempdir().expect("a folder");
    let workspace = workspace(served.path());
    let early = workspace.run(&["vendor", "kept", "leaf-logger"]);
    assert!(early.stderr.starts_with("error[E0801]"), "{early}");
    succeeded(workspace.run(&["lock", "leaf-logger"]));
    let text = workspace.read("products/leaf-logger.lock");
    let vendored = succeeded(workspace.run(&["vendor", "kept", "leaf-logger"]));
    assert!(vendored.stdout.starts_with("kept: 2 external sources of 10 bytes"), "{vendored}");
    let index: Value = serde_json::from_str(&workspace.read("kept/index.json")).expect("JSON");
    let sources = index["sources"].as_array().expect("a list");
    assert_eq!(sources.len(), 2);
    for source in sources {
        let bytes =
            std::fs::read(workspace.at("kept").join(source["file"].as_str().expect("a path")));
        assert_eq!(sha256(&bytes.expect("a file")), source["sha256"].as_str().expect("a digest"));
        assert!(text.contains(source["blake3"].as_str().expect("a digest")));
    }
    for path in [
        "README.md",
        "workspace/products/leaf-logger.lock",
        "workspace/components/services/log/near.txt",
    ] {
        assert!(workspace.at("kept").join(path).is_file(), "{path}");
    }
    let twice = workspace.run(&["vendor", "kept", "leaf-logger"]);
    assert!(twice.stderr.starts_with("error[E0702]"), "{twice}");

    // The server is gone, and the store is another.
    std::fs::remove_file(served.path().join("words.txt")).expect("a file");
    let other = ["--cache-dir", "other"];
    let fetch =
        |more: &[&str]| workspace.run(&[&["fetch", "leaf-logger"], &other[..], more].concat());
    let alone = fetch(&[]);
    assert!(alone.stderr.contains("error[E0802]"), "{alone}");
    let from = succeeded(fetch(&["--from", "kept"]));
    assert_eq!(
        from.stdout, "leaf-logger: fetched 1 of 2\n",
        "the other stands beside the manifest\n{from}"
    );
    assert_eq!(succeeded(fetch(&[])).stdout, "leaf-logger: all 2 in the store already\n");
    assert_eq!(workspace.read("products/leaf-logger.lock"), text);
    succeeded(workspace.run(&["lock", "--locked", "leaf-logger", "--cache-dir", "other"]));
    let again =
        succeeded(workspace.run(&["vendor", "again", "leaf-logger", "--cache-dir", "other"]));
    assert!(again.stdout.contains("2 external sources"), "{again}");
    assert_eq!(workspace.read("again/index.json"), workspace.read("kept/index.json"));

    let nowhere = fetch(&["--from", "products"]);
    assert!(nowhere.stderr.starts_with("error[E0701]"), "{nowhere}");
    // What was kept badly is not taken.
    let file = workspace.at("kept/sources").join(sha256(b"served"));
    std::fs::write(file, "severd").expect("a file");
    let bad = workspace.run(&["fetch", "leaf-logger", "--cache-dir", "third", "--from", "kept"]);
    assert!(bad.stderr.contains("error[E0803]"), "{bad}");
}

/// Whatever is in a folder beside a manifest is in its digest: a workspace without some of it would be of no use.
#[test]
fn vendored_workspaces_have_all_of_a_prebuilt_folder() {
    let component =
        |digest: &str| format!("{LOG}  files: {{ prebuilt: files, sha256: {digest} }}\n");
    let at = |path: &str| format!("components/services/log/{path}");
    let workspace = Workspace::new()
        .file("products/leaf-logger.yaml", PRODUCT)
        .file(at("component.yaml"), component(&"0".repeat(64)))
        .file(at("files/a"), "a")
        .file(at("files/.hidden"), "hidden")
        .file(at("files/Cargo.toml"), "")
        .file(at("files/target/x"), "x")
        .file(at("files/.git/config"), "config")
        .link(&at("files/b"), "a")
        .link(&at("files/nowhere"), "none")
        // What tools keep for themselves.
        .file(at("Cargo.toml"), "")
        .file(at("target/x"), "x")
        .file(at(".git/config"), "config")
        .file(at(".tarsia-x"), "x")
        .file(at("src/.keep"), "")
        .file(at("src/target/x"), "x");
    let refused = workspace.run(&["lock", "leaf-logger"]);
    let digest = refused.stderr.split([' ', ',']).find(|word| word.len() == 64);
    let digest = digest.unwrap_or_else(|| panic!("no digest: {refused}"));
    let workspace = workspace.file(at("component.yaml"), component(digest));
    succeeded(workspace.run(&["lock", "leaf-logger"]));
    // Also where the folder that is being written is among what is copied.
    succeeded(workspace.run(&["vendor", "products/kept", "leaf-logger"]));
    let kept = workspace.at("products/kept/workspace");
    let there = |path: &str| kept.join(at(path)).symlink_metadata().is_ok();
    for path in ["files/nowhere", "files/.git/config", "src/.keep", "src/target/x"] {
        assert!(there(path), "{path}");
    }
    assert_eq!(std::fs::read_link(kept.join(at("files/b"))).expect("a link"), Path::new("a"));
    for path in ["target", ".git", ".tarsia-x"] {
        assert!(!there(path), "{path}");
    }
    let run = |args: &[&str]| {
        let all = [args, &["leaf-logger", "--cache-dir", "../other"]].concat();
        workspace.run_in("products/kept/workspace", &all)
    };
    succeeded(run(&["lock", "--locked"]));
    let alone = succeeded(run(&["fetch"]));
    assert_eq!(alone.stdout, "leaf-logger: fetched 1 of 1\n", "{alone}");

    // What was vendored is taken even where the folder is not what it was.
    std::fs::remove_file(kept.join(at("files/a"))).expect("a file");
    assert!(run(&["fetch"]).stderr.contains("error[E0803]"));
    let from = succeeded(run(&["fetch", "--from", ".."]));
    assert_eq!(from.stdout, "leaf-logger: all 1 in the store already\n", "{from}");
}

/// A build tells of all lock files what is wrong, and handles one that nothing needs any more as `lock` does.
#[test]
fn builds_follow_lock_files() {
    let served = tempfile::tempdir().expect("a folder");
    let workspace = workspace(served.path())
        .file("products/twig-logger.yaml", PRODUCT.replace("leaf-logger", "twig-logger"));
    let both = ["leaf-logger", "twig-logger"];
    let build = |args: &[&str]| workspace.run(&[&["build"], &both[..], args].concat());
    let missing = build(&["--locked"]);
    assert_eq!(missing.stderr.matches("error[E0801]").count(), 2, "{missing}");
    for product in both {
        assert!(missing.stderr.contains(&format!("`products/{product}.lock`")), "{missing}");
        assert!(!workspace.at(format!("products/{product}.lock")).exists());
    }
    succeeded(workspace.run(&["lock", "--all"]));
    std::fs::write(
        workspace.at("components/services/log/component.yaml"),
        LOG.replace("sources:\n", ""),
    )
    .expect("a file");
    let gone = build(&["--locked"]);
    assert_eq!(gone.stderr.matches("error[E0801]").count(), 2, "{gone}");
    // What else there is to say about the build counts for nothing here.
    let removed = build(&[]);
    for product in both {
        let line = format!("Locked products/{product}.lock");
        assert!(removed.stderr.contains(&line), "{removed}");
        assert!(!workspace.at(format!("products/{product}.lock")).exists(), "{removed}");
    }
    assert!(!build(&["--locked"]).stderr.contains("E0801"));
}

/// Ten processes at once want the same: all succeed, and agree.
#[test]
fn many_at_once() {
    let served = tempfile::tempdir().expect("a folder");
    let workspace = workspace(served.path());
    let start = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tarsia"))
            .args(args)
            .current_dir(workspace.at(""))
            .env_clear()
            .env("HOME", workspace.at(""))
            .output()
            .expect("the command starts")
    };
    std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..10).map(|_| scope.spawn(|| start(&["lock", "leaf-logger"]))).collect();
        for one in running {
            let output = one.join().expect("no panic");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    });
    succeeded(workspace.run(&["lock", "--locked", "leaf-logger"]));
    let names: Vec<_> = workspace.at("products").read_dir().expect("a folder").collect();
    assert_eq!(names.len(), 3, "no temporary file is left: {names:?}");
}
