//! What `tarsia cache` answers, of a store that the test fills, spoils and collects.

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::workspace::Workspace;
use tarsia_cache::{ActionResult, Output, Store};
use tarsia_model::Blake3;

/// A folder that is no workspace with a store of two results in it.
fn filled() -> (Workspace, Store) {
    let workspace = Workspace::empty();
    let store = Store::new(workspace.at("store"));
    for (number, content) in [[1u8; 3_000], [2; 3_000]].into_iter().enumerate() {
        store.put(&content).expect("put");
        let outputs = [("firmware.elf".to_owned(), Output::of(&content))].into();
        let result = ActionResult { outputs, ..ActionResult::default() };
        store.record(Blake3::of(&[number as u8]), &result).expect("recorded");
    }
    (workspace, store)
}

fn cache(workspace: &Workspace, args: &[&str]) -> support::workspace::Run {
    workspace.run(&[&["cache"], args, &["--cache-dir", "store"]].concat())
}

fn program(workspace: &Workspace, args: &[&str]) -> Value {
    let run = cache(workspace, &[args, &["--format", "json"]].concat());
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

fn blob(store: &Store, content: &[u8]) -> PathBuf {
    let name = Blake3::of(content).to_string();
    store.root().join("blobs").join(&name[..1]).join(name)
}

#[test]
fn stats() {
    let (workspace, _) = filled();
    let run = cache(&workspace, &["stats"]);
    // Now is when the test runs.
    let (text, oldest) = run.stdout.split_once("oldest use").expect("the last line");
    insta::assert_snapshot!(text);
    assert!(oldest.trim().ends_with(" UTC") && oldest.trim().starts_with("20"), "{run}");
    let value = program(&workspace, &["stats"]);
    assert_eq!(value["blobs"]["count"], 2);
    assert_eq!(value["blobs"]["bytes"], 6_000);
    assert!(value["oldest_use"].as_i64().is_some_and(|time| time > 1_700_000_000), "{value}");
    assert_eq!(program(&Workspace::empty(), &["stats"])["oldest_use"], Value::Null);
}

#[test]
fn path() {
    let workspace = Workspace::empty();
    assert_eq!(cache(&workspace, &["path"]).stdout, "store\n");
    assert_eq!(program(&workspace, &["path"])["path"], "store");
    assert!(!Path::new(&workspace.at("store")).exists(), "asking makes nothing");
}

#[test]
fn verify() {
    let (workspace, store) = filled();
    let sound = cache(&workspace, &["verify"]);
    assert_eq!(sound.code, 0, "{sound}");
    std::fs::write(blob(&store, &[1; 3_000]), [3; 3_000]).expect("spoilt");
    let found = cache(&workspace, &["verify"]);
    assert_eq!(found.code, 1, "{found}");
    insta::assert_snapshot!(format!("{}\n{}", sound.stdout, found.stdout));
    let again = program(&workspace, &["verify"]);
    assert_eq!((&again["sound"], &again["blobs"]["count"]), (&true.into(), &1.into()), "{again}");
}

#[test]
fn gc() {
    let (workspace, store) = filled();
    let nothing = cache(&workspace, &["gc"]);
    assert_eq!(nothing.code, 0, "{nothing}");
    // What was used in the moment a collection starts stays, and clocks of file systems are coarse.
    std::thread::sleep(std::time::Duration::from_millis(50));
    let lease = store.lease().expect("a lease");
    assert!(lease.get(Blake3::of(&[1; 3_000])).expect("readable").is_some());
    let some = cache(&workspace, &["gc", "--max-size", "1KiB"]);
    assert_eq!(some.code, 0, "{some}");
    insta::assert_snapshot!(format!("{}\n{}", nothing.stdout, some.stdout));
    drop(lease);
    let rest = program(&workspace, &["gc", "--max-size", "0"]);
    assert_eq!((&rest["blobs"], &rest["after"]), (&1.into(), &0.into()), "{rest}");
    let wrong = cache(&workspace, &["gc", "--max-size", "5G"]);
    assert_eq!(wrong.code, 2, "{wrong}");
    insta::assert_snapshot!("gc_of_no_size", wrong.stderr);
}

/// A store that cannot be there is an error with a name.
#[test]
fn no_folder() {
    let workspace = Workspace::empty().file("store", "a file");
    let run = cache(&workspace, &["verify"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run}");
    insta::assert_snapshot!(run.stderr);
}
