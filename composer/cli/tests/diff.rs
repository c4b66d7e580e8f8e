//! What differs between a product and another, or itself in another state, with real repositories.

mod support;

use std::process::Command;

use serde_json::Value;
use support::catalogue::FIELD_SENSOR;
use support::workspace::{Run, Workspace};

/// Another console, which nobody has unless it is preferred.
const SEMIHOST: &str = "\
component: semihost
layer: driver
summary: Console through the debugger.
licence: MIT OR Apache-2.0
only-if-named: true
provides: [{ capability: console, share: mutex }]
features:
  channel: { type: int, max: 7, default: 1, summary: Channel of the debugger. }
budget: { flash: 512, ram: 16 }
";

/// The field sensor after a year.
const LATER: &str = "\
product: field-sensor
summary: Moisture of a leaf, sent every minute.
version: 1.1.0
profile: mini
board: cedar
kernel: tasks
drivers: [leaf-probe, semihost]
services: [readings]
prefer: { console: [semihost] }
features:
  readings.period: 1min
  readings.retries: 3
budget: { flash: 96KiB, ram: 16KiB, components: { readings: { flash: 4KiB } } }
";

fn git(workspace: &Workspace, args: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(workspace.at(""))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git");
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn commit(workspace: &Workspace, tag: &str) {
    git(workspace, &["add", "--all"]);
    git(workspace, &["commit", "--quiet", "--no-verify", "--message", tag]);
    git(workspace, &["tag", tag]);
}

/// A repository with the field sensor as it was (`v1.0`) and as it is (`v1.1`).
fn repository() -> Workspace {
    let workspace = Workspace::new().file("products/field-sensor.yaml", FIELD_SENSOR);
    git(&workspace, &["init", "--quiet"]);
    commit(&workspace, "v1.0");
    let uart = workspace.read("components/drivers/uart/component.yaml");
    let readings = workspace.read("components/services/readings/component.yaml");
    let workspace = workspace
        .file("products/field-sensor.yaml", LATER)
        .file("components/drivers/semihost/component.yaml", SEMIHOST)
        .file("components/drivers/uart/component.yaml", uart.replace("115200", "9600"))
        .file(
            "components/services/readings/component.yaml",
            format!("# Sends.\n{readings}budget: {{ flash: 3KiB }}\n"),
        );
    commit(&workspace, "v1.1");
    workspace
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

fn same(run: &Run) {
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "no difference\n", ""));
}

#[test]
fn between_revisions() {
    let workspace = repository();
    let run = workspace.run(&["diff", "v1.0:field-sensor", "v1.1:field-sensor"]);
    insta::assert_snapshot!("revisions", run);
    let program = workspace.run(&["diff", "v1.0:field-sensor", "field-sensor", "--format", "json"]);
    insta::assert_snapshot!("revisions_json", program);
    // With a revision only, it is compared with what is there now.
    let now = workspace.run(&["diff", "v1.0:field-sensor"]).stdout;
    let unmarked = run.stdout.replace("v1.1:", "");
    assert_eq!(now, unmarked);
    let back = workspace.run(&["diff", "field-sensor", "HEAD~1:field-sensor"]);
    insta::assert_snapshot!("revisions_back", back);
    let code = workspace.run(&["diff", "v1.0:field-sensor", "--exit-code"]);
    assert_eq!((code.code, code.stdout), (1, now));
}

/// What is written otherwise and comes to the same is no difference.
#[test]
fn order_and_form_do_not_matter() {
    let workspace = repository();
    same(&workspace.run(&["diff", "field-sensor"]));
    let otherwise = "\
# The same in another order.
product: \"field-sensor\"
budget:
  components: { readings: { flash: 4096 } }
  ram: 0x4000
  flash: 98304
services:
  - readings
kernel: tasks
board: cedar
profile: mini
version: 1.1.0
drivers: [semihost, leaf-probe]
prefer: { console: [semihost] }
features: { readings.period: 60s }
";
    let workspace = workspace.file("products/field-sensor.yaml", otherwise);
    same(&workspace.run(&["diff", "field-sensor"]));
    same(&workspace.run(&["diff", "field-sensor", "--exit-code"]));
    let program = workspace.run(&["diff", "field-sensor", "--format", "json"]);
    assert_eq!(json(&program)["differs"], false, "{program}");

    let split = "product: field-sensor\nextends: later\n";
    let later = LATER.replace("product: field-sensor", "fragment: later");
    let workspace =
        workspace.file("products/field-sensor.yaml", split).file("products/later.yaml", later);
    same(&workspace.run(&["diff", "field-sensor"]));
}

#[test]
fn between_products_and_files() {
    let workspace = repository().file(
        "products/slow.yaml",
        "product: slow\nextends: field-sensor\nfeatures: { readings.period: 1h }\n",
    );
    insta::assert_snapshot!("products", workspace.run(&["diff", "field-sensor", "slow"]));

    let elsewhere = Workspace::empty().file("draft.yaml", LATER.replace("96KiB", "80KiB"));
    let draft = elsewhere.at("draft.yaml");
    let draft = draft.to_str().expect("a path");
    let run = workspace.run(&["diff", draft]);
    assert_eq!(run.code, 0, "{run}");
    let said = "+++ DRAFT\nlimits:\n  flash by the product: 96KiB → 80KiB\n";
    let shown = run.stdout.replace(draft, "DRAFT");
    assert!(shown.ends_with(said), "{run}");
    assert_eq!(
        workspace.run(&["diff", "field-sensor", draft]).stdout.lines().skip(1).collect::<Vec<_>>(),
        run.stdout.lines().skip(1).collect::<Vec<_>>()
    );
    // It stands in for the product of its name, which others extend; the path is the caller's.
    let workspace = workspace
        .file("drafts/slow.yaml", "product: slow\nextends: field-sensor\n")
        .file("drafts/bad.yaml", "product: slow\nextends: feld-sensor\n")
        .file("drafts/broken.yaml", "product: slow\nkernel: [\n");
    let run = workspace.run_in("products", &["diff", "slow", "../drafts/slow.yaml"]);
    assert!(run.stdout.contains("readings.period: 1h → 1min  (products/slow.yaml"), "{run}");
    let all = ["bad", "broken", "absent"].map(|name| {
        let run = workspace.run(&["diff", "slow", &format!("drafts/{name}.yaml")]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run}");
        run.stderr
    });
    insta::assert_snapshot!("bad_files", all.join("\n"));
}

#[test]
fn what_cannot_be_compared() {
    let workspace = repository();
    let failing = |args: &[&str]| {
        let run = workspace.run(&[&["diff"], args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run}");
        format!("$ tarsia diff {}\n{}\n", args.join(" "), run.stderr)
    };
    let mut said = failing(&["v0.9:field-sensor", "field-sensor"]);
    said += &failing(&["v0.9:field-sensor", "v0.9:field-sensor"]);
    said += &failing(&["--", "--upload-pack=x:field-sensor"]);
    said += &failing(&["HEAD:field-senser", "field-sensor"]);
    said += &failing(&["v1.0:products/field-sensor.yaml", "field-sensor"]);
    said += &failing(&[":field-sensor"]);
    let broken = LATER.replace("tasks", "task");
    let workspace = repository().file("products/field-sensor.yaml", broken);
    commit(&workspace, "broken");
    let workspace =
        workspace.file("products/field-sensor.yaml", LATER.replace("leaf-probe", "leaf-prob"));
    let both = workspace.run(&["diff", "field-sensor"]);
    assert_eq!((both.code, both.stdout.as_str()), (2, ""), "{both}");
    said += &format!("$ tarsia diff field-sensor\n{}", both.stderr);
    insta::assert_snapshot!("failing", said);
    let program = workspace.run(&["diff", "field-sensor", "--format", "json"]);
    assert_eq!((program.code, program.stderr.as_str()), (2, ""));
    let diagnostics = &json(&program)["diagnostics"];
    assert_eq!(diagnostics[0]["location"]["file"], "HEAD:products/field-sensor.yaml");
    assert_eq!(diagnostics[1]["location"]["file"], "products/field-sensor.yaml");

    let alone = Workspace::new().file("products/field-sensor.yaml", FIELD_SENSOR);
    let run = alone.run(&["diff", "field-sensor"]);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!("no_repository", run.stderr);
    git(&alone, &["init", "--quiet"]);
    insta::assert_snapshot!("no_commit", alone.run(&["diff", "field-sensor"]).stderr);

    let without_git = Command::new(env!("CARGO_BIN_EXE_tarsia"))
        .args(["diff", "field-sensor"])
        .current_dir(alone.at(""))
        .env_clear()
        .env("PATH", "/nonexistent")
        .output()
        .expect("the command starts");
    assert_eq!(without_git.status.code(), Some(1));
    insta::assert_snapshot!("no_git", String::from_utf8_lossy(&without_git.stderr));
}

/// Neither the user's settings nor those of the repository make a difference, and nothing is executed.
#[test]
fn settings_of_git_do_not_matter() {
    let workspace = repository();
    let expected = workspace.run(&["diff", "v1.0:field-sensor"]).stdout;
    let trap = workspace.at("trap");
    let script = format!("#!/bin/sh\ntouch '{}'\n", trap.display());
    let workspace = workspace.file("trap.sh", script).file(".gitconfig", "[[ nonsense\n");
    let mut mode = std::fs::metadata(workspace.at("trap.sh")).expect("a file").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(workspace.at("trap.sh"), mode).expect("a file");
    let script = workspace.at("trap.sh");
    let script = script.to_str().expect("a path");
    for key in ["core.fsmonitor", "core.sshCommand", "core.pager", "diff.external"] {
        git(&workspace, &["config", key, script]);
    }
    git(&workspace, &["config", "core.quotePath", "true"]);
    git(&workspace, &["config", "alias.ls-tree", &format!("!{script}")]);
    assert_eq!(workspace.run(&["diff", "v1.0:field-sensor"]).stdout, expected);
    assert!(!trap.exists());
}

/// The workspace need not be all of the repository, and catalogues may be in it, beside it, or links.
#[test]
fn catalogues_in_and_beside_the_repository() {
    let vendor = Workspace::empty().file(
        "components/drivers/semihost/component.yaml",
        SEMIHOST.replace("only-if-named: true\n", ""),
    );
    let outer = Workspace::empty().file(
        "shared/components/services/log/component.yaml",
        support::catalogue::FILES
            .iter()
            .find(|(path, _)| path.contains("/log/"))
            .map(|(_, text)| *text)
            .expect("the log"),
    );
    let inner = support::catalogue::FILES.iter().filter(|(path, _)| !path.contains("/log/"));
    let outer =
        inner.fold(outer, |outer, (path, text)| outer.file(format!("firmware/{path}"), text));
    let later = LATER.replace("drivers: [leaf-probe, semihost]", "drivers: [leaf-probe]");
    let catalogues = format!("catalogues: [., ../shared, {}]\n", vendor.at("").display());
    let outer = outer
        .file("firmware/tarsia.yaml", catalogues)
        .file("firmware/products/field-sensor.yaml", &later)
        .file("firmware/products/real.yaml", later.replace("field-sensor", "real"))
        .link("firmware/components/libraries/sockets/component.yaml", "../real.yaml")
        .file(
            "firmware/components/libraries/real.yaml",
            "component: sockets\nlayer: library\nsummary: Links.\nlicence: MIT\nprovides: [log]\n",
        );
    git(&outer, &["init", "--quiet"]);
    commit(&outer, "v1");
    let log = outer.read("shared/components/services/log/component.yaml");
    let outer = outer
        .file(
            "shared/components/services/log/component.yaml",
            log.replace("default: info", "default: warn"),
        )
        .file("firmware/products/field-sensor.yaml", later.replace("1min", "2min"));
    let vendor = vendor.file("components/drivers/semihost/component.yaml", SEMIHOST);
    let run = outer.run_in("firmware", &["diff", "field-sensor"]);
    insta::assert_snapshot!(
        "catalogues",
        run.to_string().replace(&*vendor.at("").to_string_lossy(), "[VENDOR]/")
    );
    // A link out of the catalogue is refused there as it is here.
    let outer = outer
        .link("firmware/products/linked.yaml", "../../other.yaml")
        .link("firmware/products/nowhere.yaml", "nowhere")
        .file("other.yaml", "product: linked\n");
    commit(&outer, "v2");
    let [there, here] = ["HEAD:field-sensor", "field-sensor"].map(|before| {
        let run = outer.run_in("firmware", &["diff", before, "HEAD~1:field-sensor"]);
        assert_eq!(run.code, 2, "{run}");
        run.stderr.replace(" = note: in the revision `HEAD`\n", "")
    });
    assert_eq!(there, here);
    assert!(there.contains("E0108") && there.contains("E0101"), "{there}");
}
