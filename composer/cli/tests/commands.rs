//! What the commands that only ask answer, for people and for programs: answers on the standard
//! output, all else on the standard error.

mod support;

use std::path::Path;

use serde_json::Value;
use support::catalogue::{FIELD_SENSOR, FIELD_SENSOR_TASKS, QUIET};
use support::workspace::{Run, Workspace, run};

fn workspace() -> Workspace {
    Workspace::new()
        .file("products/field-sensor.yaml", FIELD_SENSOR)
        .file("products/field-sensor-tasks.yaml", FIELD_SENSOR_TASKS)
        .file("products/quiet.yaml", QUIET)
}

fn succeeded(run: &Run) {
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.stderr, "", "{run}");
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

/// The answer for people, then the one for programs, of a command that succeeds.
fn both(workspace: &Workspace, args: &[&str]) -> String {
    let text = workspace.run(args);
    let program = workspace.run(&[args, &["--format", "json"]].concat());
    succeeded(&text);
    succeeded(&program);
    json(&program);
    format!("{text}\n===== --format json\n{program}")
}

#[test]
fn check() {
    let workspace = workspace();
    insta::assert_snapshot!(both(&workspace, &["check"]));
    let all = workspace.run(&["check", "--all"]);
    assert_eq!(all.stdout, workspace.run(&["check"]).stdout);
    succeeded(&all);
    let named = workspace.run(&["check", "field-sensor-tasks"]);
    succeeded(&named);
    insta::assert_snapshot!("check_one", named);
    let conflicting = workspace.run(&["check", "--all", "field-sensor"]);
    assert_eq!(conflicting.code, 2);
    insta::assert_snapshot!("check_all_and_one", conflicting);
    insta::assert_snapshot!("check_fragment", workspace.run(&["check", "quiet"]));
}

#[test]
fn check_of_nothing() {
    let run = Workspace::new().run(&["check"]);
    assert_eq!(run.code, 0, "{run}");
    insta::assert_snapshot!(run);
}

/// What is good is still said when something else is bad; a broken product does not concern others.
#[test]
fn check_with_errors() {
    let workspace = workspace().file(
        "products/other.yaml",
        FIELD_SENSOR.replace("product: field-sensor", "product: other").replace("cedar", "ceder"),
    );
    let all = workspace.run(&["check"]);
    assert_eq!(all.code, 2);
    insta::assert_snapshot!("check_some_good", all);
    succeeded(&workspace.run(&["check", "field-sensor"]));
    let several = workspace.run(&["check", "field-sensor", "other"]);
    assert_eq!(several.code, 2);
    let program = workspace.run(&["check", "--format", "json"]);
    assert_eq!(program.code, 2);
    assert_eq!(program.stderr, "", "the diagnostics are the answer");
    insta::assert_snapshot!("check_some_good_json", program.stdout);
    let answer = json(&program);
    let diagnostic = &answer["diagnostics"][0];
    assert_eq!(diagnostic["code"], "E0304");
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(
        diagnostic["location"],
        serde_json::json!({ "file": "products/other.yaml", "line": 5, "column": 8 })
    );
    assert!(diagnostic["message"].as_str().is_some_and(|message| message.contains("ceder")));
}

/// A warning does not fail, and does not hide the answer.
#[test]
fn check_with_a_warning() {
    let workspace =
        Workspace::new().file("products/field-sensor.yaml", FIELD_SENSOR.replace("128KiB", "1MiB"));
    let run = workspace.run(&["check"]);
    assert_eq!(run.code, 0);
    insta::assert_snapshot!(run);
}

#[test]
fn tree() {
    let workspace = workspace();
    insta::assert_snapshot!(both(&workspace, &["tree", "field-sensor"]));
    let unknown = workspace.run(&["tree", "field-senser"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
    insta::assert_snapshot!("tree_unknown", unknown.stderr);
    let program = workspace.run(&["tree", "field-senser", "--format", "json"]);
    assert_eq!((program.code, program.stderr.as_str()), (2, ""));
    insta::assert_snapshot!("tree_unknown_json", program.stdout);
}

#[test]
fn graph() {
    let workspace = workspace();
    let drawn = workspace.run(&["graph", "field-sensor"]);
    succeeded(&drawn);
    insta::assert_snapshot!("graph_svg", drawn.stdout);
    assert_eq!(workspace.run(&["graph", "field-sensor", "--format", "svg"]).stdout, drawn.stdout);
    let dot = workspace.run(&["graph", "field-sensor", "--format", "dot"]);
    succeeded(&dot);
    insta::assert_snapshot!("graph_dot", dot.stdout);
    let data = workspace.run(&["graph", "field-sensor", "--format", "json"]);
    succeeded(&data);
    insta::assert_snapshot!("graph_json", data.stdout);
    let before = workspace.run(&["--format", "json", "graph", "field-sensor"]);
    assert_eq!(before.stdout, data.stdout);
    let yaml = workspace.run(&["graph", "field-sensor", "--format", "yaml"]);
    succeeded(&yaml);
    let yaml: Value = serde_yaml::from_str(&yaml.stdout).expect("YAML");
    assert_eq!(yaml, json(&data));
}

/// `--format` takes what a command can give, and says so otherwise.
#[test]
fn graph_refused() {
    let workspace = workspace();
    let mut text = String::new();
    for args in [
        &["graph", "field-senser"][..],
        &["graph", "field-senser", "--format", "dot"],
        &["graph", "field-senser", "--format", "json"],
        &["graph", "field-sensor", "--format", "text"],
        &["--format", "text", "graph", "field-sensor"],
        &["tree", "field-sensor", "--format", "svg"],
    ] {
        let run = workspace.run(args);
        assert_eq!(run.code, 2, "{run}");
        text += &format!("$ tarsia {}\n{run}\n", args.join(" "));
    }
    insta::assert_snapshot!(text);
}

/// A file is written whole or not at all.
#[test]
fn graph_into_a_file() {
    let workspace = workspace().folder("pictures").file("pictures/old.svg", "old");
    let drawn = workspace.run(&["graph", "field-sensor"]).stdout;
    for file in ["new.svg", "pictures/new.svg", "pictures/old.svg"] {
        let run = workspace.run(&["graph", "field-sensor", "--out", file]);
        succeeded(&run);
        assert_eq!(run.stdout, "");
        assert_eq!(workspace.read(file), drawn);
    }
    let below = workspace.run_in("pictures", &["graph", "field-sensor", "--out", "old.svg"]);
    succeeded(&below);
    for (file, product, code) in
        [("gone/x.svg", "field-sensor", 1), ("pictures", "field-sensor", 1), ("x.svg", "x", 2)]
    {
        let run = workspace.run(&["graph", product, "--out", file]);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{run}");
    }
    assert!(!workspace.at("x.svg").exists());
    for folder in ["", "pictures"] {
        let entries = workspace.at(folder).read_dir().expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let left: Vec<_> =
            names.filter(|name| name.to_string_lossy().starts_with(".new")).collect();
        assert_eq!(left, [""; 0], "in {folder:?}");
    }
}

#[test]
fn list() {
    let workspace = workspace();
    for kind in ["products", "components", "boards", "kernels", "profiles"] {
        insta::assert_snapshot!(format!("list_{kind}"), both(&workspace, &["list", kind]));
    }
    let unknown = workspace.run(&["list", "board"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
    insta::assert_snapshot!("list_unknown", unknown.stderr);
}

/// A file with errors is missing from a list, and the list says so.
#[test]
fn list_with_errors() {
    let workspace = workspace().file("profiles/small.yaml", "profile: small\n");
    insta::assert_snapshot!(workspace.run(&["list", "profiles"]));
}

#[test]
fn help() {
    let workspace = Workspace::empty();
    let commands: &[&[&str]] = &[
        &[],
        &["check"],
        &["build"],
        &["run"],
        &["shell"],
        &["size"],
        &["tree"],
        &["graph"],
        &["show"],
        &["diff"],
        &["matrix"],
        &["why"],
        &["why-not"],
        &["what-if"],
        &["lock"],
        &["update"],
        &["fetch"],
        &["vendor"],
        &["list"],
        &["explain"],
        &["cache"],
        &["cache", "stats"],
        &["cache", "verify"],
        &["cache", "gc"],
        &["cache", "path"],
        &["new"],
        &["new", "product"],
        &["new", "component"],
        &["completions"],
        &["man"],
    ];
    let mut text = String::new();
    for command in commands {
        let run = workspace.run(&[*command, &["--help"]].concat());
        succeeded(&run);
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "{run}");
        text += &format!("$ tarsia {} --help\n{}\n", command.join(" "), run.stdout);
    }
    insta::assert_snapshot!(text);
    // The snapshot above has every command there is.
    let listed = workspace.run(&["--help"]).stdout;
    let names = listed.lines().skip_while(|line| *line != "Commands:").skip(1);
    // What a command does may go on in the next line, further in.
    let named = |line: &'_ str| -> Option<String> {
        let line = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    for name in names.take_while(|line| !line.is_empty()).filter_map(named) {
        assert!(
            name == "help" || commands.iter().any(|c| c.first() == Some(&name.as_str())),
            "{name}"
        );
    }
}

#[test]
fn nothing_and_nonsense() {
    let workspace = Workspace::empty();
    let nothing = workspace.run::<&str>(&[]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (2, ""));
    let version = workspace.run(&["--version"]);
    succeeded(&version);
    assert_eq!(version.stdout, format!("tarsia {}\n", env!("CARGO_PKG_VERSION")));
    insta::assert_snapshot!(workspace.run(&["biuld", "x"]));
    insta::assert_snapshot!("bad_format", workspace.run(&["check", "--format", "yaml"]));
}

#[test]
fn completions() {
    let workspace = Workspace::empty();
    for (shell, start) in [("bash", "_tarsia() {"), ("zsh", "#compdef tarsia"), ("fish", "#")] {
        let run = workspace.run(&["completions", shell]);
        succeeded(&run);
        assert!(run.stdout.starts_with(start), "{run}");
        assert!(run.stdout.contains("cache-dir"), "{run}");
    }
}

#[test]
fn man() {
    let workspace = Workspace::empty();
    let run = workspace.run(&["man", "pages/man1"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.stderr, "", "{run}");
    for command in [
        "",
        "-check",
        "-build",
        "-run",
        "-size",
        "-tree",
        "-graph",
        "-show",
        "-diff",
        "-matrix",
        "-why",
        "-why-not",
        "-what-if",
        "-list",
        "-explain",
        "-new",
        "-new-product",
        "-new-component",
        "-completions",
        "-man",
    ] {
        let page = workspace.read(&format!("pages/man1/tarsia{command}.1"));
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{command}: {page}");
    }
    insta::assert_snapshot!("man", run);
    let blocked = workspace.file("taken", "").run(&["man", "taken/man1"]);
    assert_eq!(blocked.code, 1);
    insta::assert_snapshot!("man_blocked", blocked);
}

#[test]
fn new_product() {
    let workspace = workspace();
    let made = workspace.run(&["new", "product", "hill-sensor"]);
    succeeded(&made);
    assert_eq!(made.stdout, "products/hill-sensor.yaml\n");
    insta::assert_snapshot!("new_product", workspace.read("products/hill-sensor.yaml"));
    succeeded(&workspace.run(&["check", "hill-sensor"]));

    let chosen = &["new", "product", "river", "--board", "juniper", "--format", "json"];
    let program = workspace.run(chosen);
    succeeded(&program);
    assert_eq!(json(&program), serde_json::json!({ "created": ["products/river.yaml"] }));
    assert!(workspace.read("products/river.yaml").contains("board: juniper\n"));
    succeeded(&workspace.run(&["check", "--all"]));

    let other_class = workspace.run(&["new", "product", "gate", "--board", "oak"]);
    succeeded(&other_class);
    assert!(workspace.read("products/gate.yaml").contains("profile: small\n"));
    succeeded(&workspace.run(&["check", "gate"]));

    for (name, args) in [
        ("new_product_again", &["new", "product", "hill-sensor"][..]),
        ("new_product_with_bad_name", &["new", "product", "../x"]),
        ("new_product_with_unknown_board", &["new", "product", "y", "--board", "ceder"]),
        ("new_product_with_unknown_kernel", &["new", "product", "y", "--kernel", "zephyr"]),
        (
            "new_product_that_cannot_be",
            &["new", "product", "y", "--board", "juniper", "--kernel", "tasks"],
        ),
    ] {
        let run = workspace.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run}");
        assert!(!workspace.at("products/y.yaml").exists());
        insta::assert_snapshot!(name, run.stderr);
    }
}

#[test]
fn new_component() {
    let workspace = workspace();
    for layer in ["service", "driver", "library"] {
        let name = format!("my-{layer}");
        let run = workspace.run(&["new", "component", &name, "--layer", layer]);
        succeeded(&run);
        insta::assert_snapshot!(format!("new_{layer}"), run.stdout);
        for path in run.stdout.lines() {
            assert!(workspace.at(path).is_file(), "{path}");
        }
    }
    succeeded(&workspace.run(&["check"]));
    let workspace = workspace.file(
        "products/mine.yaml",
        "product: mine\nextends: field-sensor\ndrivers: [my-driver]\nservices: [my-service]\n",
    );
    succeeded(&workspace.run(&["check", "mine"]));

    for (name, component) in
        [("again", "my-service"), ("bad_name", "My Service"), ("option", "--x")]
    {
        let run = workspace.run(&["new", "component", component]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run}");
        insta::assert_snapshot!(format!("new_component_{name}"), run.stderr);
    }
}

#[test]
fn the_workspace_is_found() {
    let workspace = workspace();
    let top = workspace.run(&["list", "products"]);
    let below = workspace.run_in("components/drivers/uart", &["list", "products"]);
    succeeded(&below);
    assert_eq!(below.stdout, top.stdout);
    let outside = Workspace::empty();
    let root = workspace.at("");
    let root = root.to_str().expect("a path");
    for args in [["-C", root, "list", "products"], ["list", "products", "--workspace", root]] {
        let named = outside.run(&args);
        succeeded(&named);
        assert_eq!(named.stdout, top.stdout);
    }
    // New files go where the workspace is, not where the user is.
    succeeded(&workspace.run_in("components", &["new", "product", "from-below"]));
    assert!(workspace.at("products/from-below.yaml").is_file());
}

#[test]
fn no_workspace() {
    let nowhere = Workspace::empty();
    for (name, args) in [
        ("no_workspace", &["check"][..]),
        ("no_workspace_named", &["-C", "gone", "check"]),
        ("no_workspace_json", &["check", "--format", "json"]),
    ] {
        let run = nowhere.run(args);
        assert_eq!(run.code, 2);
        insta::assert_snapshot!(name, run);
    }
}

/// Colours only where they are wanted, and then also for what is not a terminal.
#[test]
fn colours() {
    let workspace = workspace().file("products/x.yaml", "product: x\n");
    let escapes = |args: &[&str]| workspace.run(args).stderr.contains("\u{1b}[");
    assert!(!escapes(&["check"]));
    assert!(escapes(&["check", "--color", "always"]));
    assert!(!escapes(&["check", "--color", "never"]));
}

/// The manifests of this repository are without fault, and `check` names every product.
#[test]
fn this_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cache = tempfile::tempdir().expect("a temporary folder");
    let cache = cache.path().to_str().expect("a name in UTF-8");
    let checked = run(&root, &root, &["check", "--cache-dir", cache]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked}");
    let mut products = 0;
    for entry in root.join("products").read_dir().expect("products") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).expect("a product");
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            let listed = checked.stdout.lines().any(|line| line.split(':').next() == Some(name));
            assert_eq!(listed, !text.contains("\nfragment:"), "{name}: {checked}");
            products += 1;
        }
    }
    assert!(products >= 5, "{products} products");
}
