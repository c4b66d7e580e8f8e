//! What shows a product as a whole, or beside others, where several files extend each other.

mod support;

use serde_json::Value;
use support::workspace::{Run, Workspace};

const BASE: &str = "\
fragment: base
profile: mini
board: cedar
kernel: single
drivers: [leaf-probe, light-sleep]
services: [readings, uplink]
requires: [console]
prefer: { console: [uart], timer: [tick] }
features:
  readings.period: 30s
  readings.retries: 0x5
budget: { flash: 192KiB, ram: 24KiB, components: { log: { flash: 8KiB } } }
";

const FRUGAL: &str = "\
fragment: frugal
extends: base
without: [uplink, light-sleep]
prefer:
  console:
    - uart
features:
  readings.period: 1min
  log.level: error
";

const CHATTY: &str = "\
fragment: chatty
extends: base
services: [keeper]
features: { log.level: debug }
";

/// What its parents disagree about, it decides.
const ORCHARD: &str = "\
product: orchard
summary: \"Trees: how they are.\"
version: 1.10
extends: [frugal, chatty]
without: [uplink]
features:
  log.level: warn
  readings.period: 5min
budget: { flash: 128KiB }
";

const ORCHARD_TASKS: &str = "\
product: orchard-tasks
extends: orchard
kernel: tasks
features: { leaf-probe.channel: 2 }
";

/// It leaves its parents' disagreement as it is.
const UNDECIDED: &str = "product: undecided\nextends: [frugal, chatty]\n";

/// No component for its class provides what it wants.
const ASTRAY: &str = "\
product: astray
extends: chatty
without: [uplink, light-sleep]
requires: [network]
features: { readings.period: 2s }
";

fn workspace() -> Workspace {
    Workspace::new()
        .file("products/base.yaml", BASE)
        .file("products/frugal.yaml", FRUGAL)
        .file("products/chatty.yaml", CHATTY)
        .file("products/orchard.yaml", ORCHARD)
        .file("products/orchard-tasks.yaml", ORCHARD_TASKS)
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

#[test]
fn show() {
    let workspace = workspace().file("products/astray.yaml", ASTRAY);
    insta::assert_snapshot!("show", workspace.run(&["show", "orchard"]));
    insta::assert_snapshot!("show_origin", workspace.run(&["show", "orchard-tasks", "--origin"]));
    insta::assert_snapshot!("show_fragment", workspace.run(&["show", "frugal", "--origin"]));
    let program = workspace.run(&["show", "orchard", "--format", "json"]);
    insta::assert_snapshot!("show_json", program);
    // Whoever reads the answer need not know the option.
    let same = workspace.run(&["show", "orchard", "--format", "json", "--origin"]);
    assert_eq!(program.stdout, same.stdout);
    let yaml = workspace.run(&["show", "orchard", "--format", "yaml"]).stdout;
    assert!(yaml.contains("readings.period:\n    value: 300000\n    set: true\n"), "{yaml}");

    let astray = workspace.run(&["show", "astray", "--origin"]);
    assert_eq!(astray.code, 2);
    insta::assert_snapshot!("show_unresolved", astray);
    let astray = workspace.run(&["show", "astray", "--format", "json"]);
    assert_eq!((astray.code, astray.stderr.as_str()), (2, ""));
    let answer = json(&astray);
    assert_eq!(answer["diagnostics"][0]["code"], "E0401", "{astray}");
    assert_eq!(answer["features"]["readings.period"]["value"], "2s");
    assert!(answer.get("components").is_none() && answer.get("limits").is_none());
}

#[test]
fn show_of_no_product() {
    let workspace = workspace().file("products/undecided.yaml", UNDECIDED);
    for name in ["undecided", "orchad"] {
        let run = workspace.run(&["show", name]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        insta::assert_snapshot!(format!("show_{name}"), run);
    }
}

/// What is shown is a manifest: of a product that comes to the same, and extends nothing.
#[test]
fn what_is_shown_is_a_manifest() {
    for name in ["orchard", "orchard-tasks"] {
        for option in [&[][..], &["--origin"]] {
            let workspace = workspace();
            let shown = workspace.run(&[&["show", name], option].concat());
            assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{shown}");
            let flat = shown.stdout.replace(&format!("product: {name}"), "product: flat");
            let workspace = workspace.file("products/flat.yaml", flat);
            let [before, after] = [name, "flat"]
                .map(|name| json(&workspace.run(&["show", name, "--format", "json"])));
            let values = |answer: &Value| {
                let features = answer["features"].as_object().expect("features").iter();
                features.map(|(path, one)| (path.clone(), one["value"].clone())).collect::<Vec<_>>()
            };
            assert_eq!(values(&before), values(&after));
            for key in ["version", "summary", "profile", "board", "kernel"] {
                assert_eq!(before[key]["value"], after[key]["value"], "{key}");
            }
            let [before, after] =
                [name, "flat"].map(|name| workspace.run(&["tree", name]).stdout.replace(name, ""));
            assert_eq!(before, after);
        }
    }
}

#[test]
fn matrix() {
    let workspace = workspace().file(
        "products/bench.yaml",
        "product: bench\nprofile: mini\nboard: cedar\nkernel: tasks\nservices: [log]\n",
    );
    insta::assert_snapshot!("matrix", workspace.run(&["matrix"]));
    insta::assert_snapshot!("matrix_differing", workspace.run(&["matrix", "--differing"]));
    insta::assert_snapshot!("matrix_csv", workspace.run(&["matrix", "--csv", "--differing"]));
    insta::assert_snapshot!(
        "matrix_json",
        workspace.run(&["matrix", "--format", "json", "--differing", "bench", "orchard"])
    );
    let capabilities = workspace.run(&["matrix", "--capabilities", "bench", "orchard"]).stdout;
    assert!(capabilities.contains("console") && !capabilities.contains("uart.baud"));
    let features = workspace.run(&["matrix", "--features", "bench", "orchard"]).stdout;
    assert!(!features.contains("console") && features.contains("uart.baud"));
    let alone = workspace.run(&["matrix", "--differing", "bench"]).stdout;
    assert_eq!(alone, "  bench\n");
    let both = workspace.run(&["matrix", "--csv", "--format", "json"]);
    assert_eq!(both.code, 2, "{both}");
}

/// Products that cannot be resolved are marked, and why is told once.
#[test]
fn matrix_with_errors() {
    let workspace = workspace()
        .file("products/astray.yaml", ASTRAY)
        .file("products/astray-too.yaml", "product: astray-too\nextends: astray\n")
        .file("products/broken.yaml", "product: broken\nkernel: [\n");
    let run = workspace.run(&["matrix"]);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!("matrix_with_errors", run);
    let program = workspace.run(&["matrix", "--format", "json"]);
    assert_eq!((program.code, program.stderr.as_str()), (2, ""));
    let answer = json(&program);
    assert_eq!(answer["products"][2]["code"], "E0105", "{program}");
    assert!(answer["rows"][0]["cells"].get("broken").is_none());
    assert_eq!(answer["diagnostics"].as_array().map(Vec::len), Some(2), "{program}");
}

/// Twenty products do not fit beside each other, but below each other they do.
#[test]
fn matrix_of_many() {
    let workspace = (1..=20).fold(workspace(), |workspace, number| {
        workspace.file(
            format!("products/orchard-row-{number:02}.yaml"),
            format!(
                "product: orchard-row-{number:02}\nextends: orchard\nfeatures: {{ readings.retries: {} }}\n",
                number % 7
            ),
        )
    });
    let run = workspace.run(&["matrix", "--differing"]);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 120), "{run}");
    insta::assert_snapshot!("matrix_of_many", run);
}
