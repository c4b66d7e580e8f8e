//! What the command says to bad input: for each kind, one diagnostic with a stable code, its place,
//! the source line and a repair; exit code 2; never a panic.

mod support;

use support::catalogue::{FIELD_SENSOR, FIELD_SENSOR_TASKS};
use support::workspace::{Run, Workspace};

/// The product of these tests with one line replaced.
fn with(old: &str, new: &str) -> String {
    assert_eq!(FIELD_SENSOR.matches(old).count(), 1, "{old:?} stands once");
    FIELD_SENSOR.replace(old, new)
}

/// The workspace with this product.
fn product(text: impl AsRef<[u8]>) -> Workspace {
    Workspace::new().file("products/field-sensor.yaml", text)
}

/// The workspace with the good product and another component in it.
fn component(path: &str, text: &str) -> Workspace {
    product(FIELD_SENSOR).file(path, text)
}

/// What holds for every refusal.
fn refused(run: &Run) {
    let all = run.to_string();
    assert_eq!(run.code, 2, "{all}");
    assert_eq!(run.stdout, "", "{all}");
    for word in ["panicked", "backtrace", "[WORKSPACE]"] {
        assert!(!all.contains(word), "{word}: {all}");
    }
    let controls = |c: char| c.is_control() && c != '\n';
    assert!(!all.contains(controls), "{all:?}");
    assert!(run.stderr.lines().all(|line| line.trim_end() == line), "{all:?}");
}

/// The codes of the errors that were reported.
fn codes(run: &Run) -> Vec<&str> {
    let errors = run.stderr.lines().filter_map(|line| line.strip_prefix("error["));
    errors.filter_map(|line| line.split_once(']').map(|(code, _)| code)).collect()
}

/// `check` reports one error with this code, at a line and column of this file.
fn one_error(name: &str, workspace: &Workspace, code: &str, file: &str) {
    let run = workspace.run(&["check"]);
    refused(&run);
    assert_eq!(codes(&run), [code], "{run}");
    let place = run.stderr.lines().find_map(|line| line.trim_start().strip_prefix("--> "));
    let place = place.and_then(|place| place.strip_prefix(file)).unwrap_or_else(|| panic!("{run}"));
    let numbers: Vec<u32> =
        place.split(':').skip(1).map(|n| n.parse().expect("a number")).collect();
    assert!(numbers.len() == 2 && numbers.iter().all(|n| *n > 0), "{run}");
    insta::assert_snapshot!(name, run.stderr);
}

/// `check` reports one error with this code about a file as a whole.
fn one_error_without_place(name: &str, workspace: &Workspace, code: &str) {
    let run = workspace.run(&["check"]);
    refused(&run);
    assert_eq!(codes(&run), [code], "{run}");
    insta::assert_snapshot!(name, run.stderr);
}

const PRODUCT: &str = "products/field-sensor.yaml";

#[test]
fn keys_and_values() {
    let bad = |name: &str, code: &str, old: &str, new: &str| {
        one_error(name, &product(with(old, new)), code, PRODUCT);
    };
    bad("unknown_key", "E0201", "services:", "servces:");
    bad("unknown_key_far", "E0201", "version: 1.0.0", "colour: green");
    bad("duplicate_key", "E0202", "version: 1.0.0", "board: juniper");
    bad("wrong_type", "E0204", "services: [readings, keeper]", "services: readings");
    bad("wrong_type_mapping", "E0204", "board: cedar", "board: { name: cedar }");
    bad("nothing_written", "E0204", "board: cedar", "board:");
    bad("malformed_size", "E0206", "128KiB", "128KB");
    bad("malformed_size_fraction", "E0206", "128KiB", "0.5MiB");
    bad("bad_name", "E0205", "kernel: single", "kernel: Single Kernel");
    bad("missing_name", "E0203", "product: field-sensor\n", "");
    bad("other_name", "E0208", "product: field-sensor", "product: field");
    bad("listed_twice", "E0210", "[readings, keeper]", "[readings, keeper, readings]");
}

#[test]
fn components_and_features() {
    let bad = |name: &str, code: &str, old: &str, new: &str| {
        one_error(name, &product(with(old, new)), code, PRODUCT);
    };
    bad("unknown_component", "E0304", "leaf-probe", "leave-probe");
    bad("unknown_component_far", "E0304", "leaf-probe", "bluetooth");
    bad("unknown_board", "E0304", "board: cedar", "board: ceder");
    bad("unknown_kernel", "E0304", "kernel: single", "kernel: singel");
    bad("unknown_profile", "E0303", "profile: mini", "profile: mimi");
    bad("wrong_layer", "E0305", "[readings, keeper]", "[readings, leaf-probe]");
    bad("unknown_feature", "E0410", "readings.period", "readings.perod");
    bad("unknown_feature_far", "E0410", "readings.period", "readings.colour");
    bad("feature_of_nothing", "E0304", "readings.period", "reading.period");
    bad("feature_of_something_absent", "E0413", "readings.period: 10s", "sockets.period: 10s");
    bad("feature_without_component", "E0205", "readings.period", "period");
    bad("out_of_range", "E0412", "readings.period: 10s", "readings.retries: 11");
    bad("duration_out_of_range", "E0412", "readings.period: 10s", "readings.period: 10ms");
    bad("feature_of_wrong_type", "E0411", "readings.period: 10s", "readings.period: often");
    bad("not_a_choice", "E0412", "readings.period: 10s", "log.level: warning");
}

#[test]
fn composition() {
    let bad = |name: &str, code: &str, old: &str, new: &str, file: &str| {
        one_error(name, &product(with(old, new)), code, file);
    };
    let uplink = "components/services/uplink/component.yaml";
    let sleep = "components/drivers/light-sleep/component.yaml";
    bad("nobody_provides", "E0401", "[readings, keeper]", "[readings, uplink]", uplink);
    bad("no_kernel", "E0402", "kernel: single\n", "", PRODUCT);
    bad("no_board", "E0404", "board: cedar\n", "", PRODUCT);
    bad("no_profile", "E0405", "profile: mini\n", "", PRODUCT);
    bad("two_kernels", "E0403", "kernel: single", "kernel: [single, tasks]", PRODUCT);
    bad("kernel_as_service", "E0403", "[readings, keeper]", "[readings, tasks]", PRODUCT);
    bad("conflict", "E0408", "[leaf-probe]", "[leaf-probe, light-sleep]", sleep);
    let riscv = with("board: cedar", "board: juniper")
        .replace("single", "tasks")
        .replace("drivers: [leaf-probe]\n", "")
        .replace("readings, ", "")
        .replace("features:\n  readings.period: 10s\n", "");
    one_error("architecture_mismatch", &product(riscv), "E0406", PRODUCT);
    bad("class_mismatch", "E0407", "profile: mini", "profile: small", PRODUCT);
}

#[test]
fn inheritance() {
    let cycle = Workspace::new()
        .file("products/field-sensor.yaml", with("profile: mini", "extends: winter\nprofile: mini"))
        .file("products/winter.yaml", "fragment: winter\nextends: summer\n")
        .file("products/summer.yaml", "fragment: summer\nextends: field-sensor\n");
    one_error("extends_cycle", &cycle, "E0307", "products/summer.yaml");

    let itself = product(with("profile: mini", "extends: field-sensor\nprofile: mini"));
    one_error("extends_itself", &itself, "E0307", PRODUCT);

    let disagree = Workspace::new()
        .file("products/field-sensor.yaml", with("kernel: single", "extends: [often, rarely]"))
        .file("products/often.yaml", "fragment: often\nkernel: single\n")
        .file("products/rarely.yaml", "fragment: rarely\nkernel: tasks\n");
    one_error("undecided_disagreement", &disagree, "E0308", PRODUCT);

    let unknown = product(with("profile: mini", "extends: field-senser\nprofile: mini"));
    one_error("extends_unknown", &unknown, "E0306", PRODUCT);
}

#[test]
fn paths() {
    let kernel = "components/kernels/round/component.yaml";
    let text = |path: &str| {
        format!(
            "component: round\nlayer: kernel\nsummary: Round robin.\nlicence: MIT\nkernel:\n  template: {path}\n"
        )
    };
    one_error("path_out", &component(kernel, &text("../../x")), "E0108", kernel);
    one_error("path_absolute", &component(kernel, &text("/etc/passwd")), "E0108", kernel);
    let krate = "components/services/far/component.yaml";
    let far = "component: far\nlayer: service\nsummary: Far away.\nlicence: MIT\ncrate: { path: ../../../far }\n";
    one_error("path_of_crate", &component(krate, far), "E0108", krate);

    let elsewhere = Workspace::empty().file("p.yaml", "fragment: linked\n").folder("drivers");
    let file = product(FIELD_SENSOR).link("products/linked.yaml", elsewhere.at("p.yaml"));
    one_error_without_place("link_out", &file, "E0108");
    let folder = product(FIELD_SENSOR).link("components/more", elsewhere.at("drivers"));
    one_error_without_place("link_of_folder_out", &folder, "E0108");
    let manifest = product(FIELD_SENSOR)
        .link("components/drivers/linked/component.yaml", elsewhere.at("p.yaml"));
    one_error_without_place("link_of_component_out", &manifest, "E0108");
    // What is read only when it is needed is refused then.
    let template = product(FIELD_SENSOR)
        .file("components/Cargo.toml", "[workspace]\n")
        .link("components/libraries/runtime/memory.x.j2", elsewhere.at("p.yaml"));
    let run = template.run(&["build", "field-sensor"]);
    refused(&run);
    assert_eq!(codes(&run), ["E0108"], "{run}");
    insta::assert_snapshot!("link_of_template_out", run.stderr);
    let root = product(FIELD_SENSOR).link("profiles", elsewhere.at("drivers"));
    let run = root.run(&["check"]);
    refused(&run);
    insta::assert_snapshot!("link_of_root_out", run.stderr);
}

#[test]
fn yaml() {
    let deep = format!("product: field-sensor\nservices: {}\n", "[".repeat(200));
    one_error("deep_nesting", &product(deep), "E0106", PRODUCT);
    let mut bomb = "product: field-sensor\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb += &format!("a{n}: &a{n} [{aliases}]\n");
    }
    one_error("yaml_bomb", &product(bomb), "E0107", PRODUCT);
    one_error("unclosed", &product(with("[leaf-probe]", "[leaf-probe")), "E0105", PRODUCT);
    one_error("tab", &product(with("  readings.period", "\treadings.period")), "E0105", PRODUCT);
}

#[test]
fn bytes() {
    let latin1 = [FIELD_SENSOR.as_bytes(), b"# caf\xe9\n"].concat();
    one_error("not_utf8", &product(latin1), "E0102", PRODUCT);
    let utf16: Vec<u8> = FIELD_SENSOR.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = product([b"\xff\xfe".as_slice(), &utf16].concat());
    one_error("utf16", &utf16, "E0102", PRODUCT);
    let marked = product(format!("\u{feff}{FIELD_SENSOR}"));
    one_error("byte_order_mark", &marked, "E0103", PRODUCT);
    one_error("empty_file", &product(""), "E0104", PRODUCT);
    one_error("only_comments", &product("# to do\n"), "E0104", PRODUCT);
    one_error("nul", &product(with("1.0.0", "\"1\0\"")), "E0105", PRODUCT);
    let escape = product(with("cedar", "\"\\e[2Jcedar\""));
    one_error("escape_sequence", &escape, "E0205", PRODUCT);
}

#[test]
fn unreadable_files() {
    let good = || product(FIELD_SENSOR);
    one_error_without_place("a_folder", &good().folder("products/x.yaml"), "E0101");
    one_error_without_place("dangling_link", &good().link("products/x.yaml", "gone"), "E0101");
    one_error_without_place("looping_link", &good().link("products/x.yaml", "x.yaml"), "E0101");
    one_error_without_place(
        "manifest_as_folder",
        &good().folder("components/drivers/x/component.yaml"),
        "E0101",
    );
    let broken = good().link("components/drivers/x", "gone");
    one_error_without_place("dangling_link_to_component", &broken, "E0101");
    one_error_without_place("yml", &good().file("products/x.yml", ""), "E0205");
}

#[test]
fn names_of_files() {
    let named =
        |name: &str| product(FIELD_SENSOR).file(format!("products/{name}.yaml"), "product: x\n");
    one_error_without_place("file_with_newline", &named("a\nerror[E0000]: b"), "E0205");
    one_error_without_place("file_with_dash", &named("-rf"), "E0205");
    one_error_without_place("file_with_controls", &named("a\u{1b}[2Jb\u{7}"), "E0205");
    one_error_without_place("file_with_override", &named("a\u{202e}b"), "E0205");
    one_error_without_place("file_in_capitals", &named("Field"), "E0205");
    let folder = component("components/drivers/-x/component.yaml", "component: x\n");
    one_error_without_place("folder_with_dash", &folder, "E0205");
    let bytes: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"products/a\xff.yaml");
    let foreign = product(FIELD_SENSOR).file(bytes, "product: x\n");
    one_error_without_place("file_not_utf8", &foreign, "E0205");
}

#[test]
fn names_on_the_command_line() {
    let workspace = product(FIELD_SENSOR);
    let mut text = String::new();
    for name in [
        "field\nsensor",
        "../x",
        "",
        "Field",
        "\u{1b}[2J",
        "field-senser",
        "/etc/passwd",
        "products/field-sensor.yaml",
    ] {
        for command in ["check", "tree", "size", "build", "run"] {
            let run = workspace.run(&[command, name]);
            refused(&run);
            assert_eq!(codes(&run).len(), 1, "{command} {name:?}: {run}");
            if command == "check" {
                text += &format!("=== {name:?}\n{}\n", run.stderr);
            }
        }
    }
    for name in ["-x", "--x"] {
        let run = workspace.run(&["check", name]);
        refused(&run);
        text += &format!("=== {name:?}\n{}\n", run.stderr);
    }
    let after_dashes = workspace.run(&["check", "--", "-x"]);
    refused(&after_dashes);
    text += &format!("=== -- -x\n{}\n", after_dashes.stderr);
    insta::assert_snapshot!(text);
}

/// A name that is not even text is refused where arguments are read.
#[test]
fn bytes_on_the_command_line() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = std::ffi::OsStr::from_bytes(b"field-\xff");
    let run = product(FIELD_SENSOR).run(&["check".as_ref(), name]);
    refused(&run);
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn several_errors_at_once() {
    let text = with("services: [readings, keeper]", "servces: [readings]")
        .replace("128KiB", "128KB")
        .replace("board: cedar", "board: [cedar]");
    let run = product(text).run(&["check"]);
    refused(&run);
    assert_eq!(codes(&run), ["E0204", "E0201", "E0206"], "{run}");
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn several_mistakes_of_one_product() {
    let text = with("leaf-probe", "leave-probe")
        .replace("readings.period: 10s", "readings.retries: 99\n  keeper.pause: 1s")
        .replace("keeper]", "uplink, keeper]");
    let run = product(text).run(&["check"]);
    refused(&run);
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn errors_in_two_files() {
    let workspace = product(with("128KiB", "128KB")).file(
        "components/services/keeper/component.yaml",
        "component: keeper\nlayer: servce\nsummary: Restarts.\nlicence: MIT\n",
    );
    let run = workspace.run(&["check"]);
    refused(&run);
    assert_eq!(codes(&run), ["E0207", "E0206"], "{run}");
    insta::assert_snapshot!(run.stderr);
}

/// A broken file is reported once, not again by all that uses it.
#[test]
fn consequences() {
    let keeper = "component: keeper\nlayer: service\nsummary: Restarts.\nlicense: MIT\n";
    let named = product(with("readings.period", "keeper.pause"))
        .file("products/field-sensor-tasks.yaml", FIELD_SENSOR_TASKS)
        .file("components/services/keeper/component.yaml", keeper);
    let run = named.run(&["check"]);
    refused(&run);
    insta::assert_snapshot!("broken_component_that_is_named", run.stderr);

    let uart =
        "component: uart\nlayer: driver\nsummary: Console.\nlicence: MIT\nprovides: console\n";
    let provider = component("components/drivers/uart/component.yaml", uart);
    one_error("broken_provider", &provider, "E0204", "components/drivers/uart/component.yaml");

    let cedar =
        component("components/boards/cedar/component.yaml", "component: cedar\nlayer: board\n");
    let run = cedar.run(&["check"]);
    refused(&run);
    insta::assert_snapshot!("broken_board", run.stderr);

    let profile = component("profiles/mini.yaml", "profile: mini\nsummary: Small.\nram: 8KiB\n");
    one_error("broken_profile", &profile, "E0204", "profiles/mini.yaml");

    let parent = product(with("128KiB", "128KB"))
        .file("products/field-sensor-tasks.yaml", FIELD_SENSOR_TASKS);
    one_error("broken_parent", &parent, "E0206", PRODUCT);
    let run = parent.run(&["tree", "field-sensor-tasks"]);
    refused(&run);
    assert_eq!(codes(&run), ["E0206"], "{run}");

    let two = product(with("leaf-probe", "leave-probe"))
        .file("products/field-sensor-tasks.yaml", FIELD_SENSOR_TASKS);
    one_error("mistake_of_a_parent", &two, "E0304", PRODUCT);
}
