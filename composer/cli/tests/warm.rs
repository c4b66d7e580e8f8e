//! What a run keeps for the next one changes how fast that is and nothing else: not what it says, not
//! while others run at the same time, and not when nothing can be kept.

mod support;

use support::catalogue::FIELD_SENSOR;
use support::workspace::Workspace;

const PRODUCT: &str = "products/field-sensor.yaml";

fn workspace() -> Workspace {
    Workspace::new().file(PRODUCT, FIELD_SENSOR)
}

#[test]
fn the_second_run_says_what_the_first_said() {
    let workspace = workspace();
    let first = workspace.run(&["check"]).to_string();
    assert!(workspace.at(".cache/tarsia/manifests").is_dir());
    assert_eq!(workspace.run(&["check"]).to_string(), first);
    let workspace = workspace.file(PRODUCT, FIELD_SENSOR.replace("cedar", "ceder"));
    let broken = workspace.run(&["check"]);
    assert!(broken.code == 2 && broken.stderr.contains("ceder"), "{broken}");
    let workspace = workspace.file(PRODUCT, FIELD_SENSOR);
    assert_eq!(workspace.run(&["check"]).to_string(), first);
}

#[test]
fn several_runs_at_once() {
    let workspace = workspace();
    let good = workspace.run(&["check"]).to_string();
    let other = FIELD_SENSOR.replace("cedar", "ceder");
    std::fs::write(workspace.at(PRODUCT), &other).expect("a file");
    let bad = workspace.run(&["check"]).to_string();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let said = workspace.run(&["check"]).to_string();
                    assert!(said == good || said == bad, "{said}");
                }
            });
        }
        for text in [FIELD_SENSOR, &other].into_iter().cycle().take(40) {
            // By a rename, as editors do: a run must not see half a file.
            std::fs::write(workspace.at("next"), text).expect("a file");
            std::fs::rename(workspace.at("next"), workspace.at(PRODUCT)).expect("a file");
        }
    });
    assert_eq!(workspace.run(&["check"]).to_string(), bad);
}

#[test]
fn nothing_can_be_kept() {
    let first = workspace().run(&["check"]).to_string();
    let workspace = workspace().file(".cache", "a file, not a folder");
    assert_eq!(workspace.run(&["check"]).to_string(), first);
    assert_eq!(workspace.run(&["check"]).to_string(), first);
}

#[test]
fn a_damaged_snapshot_is_replaced() {
    let workspace = workspace();
    let first = workspace.run(&["check"]).to_string();
    let folder = workspace.at(".cache/tarsia/manifests");
    let entries = std::process::Command::new("ls").arg(&folder).output().expect("a list");
    let name = String::from_utf8(entries.stdout).expect("one name");
    let file = folder.join(name.trim());
    let whole = std::fs::read(&file).expect("a snapshot");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("a file");
    assert_eq!(workspace.run(&["check"]).to_string(), first);
    assert_eq!(workspace.run(&["check"]).to_string(), first);
    assert!(std::fs::read(&file).expect("a snapshot").len() >= whole.len());
}
