//! Building after building: what an edit leads to is what a build from nothing gives, bit for bit;
//! whatever is killed, damaged or planted on the way. `TARSIA_CASES` asks for more of each.

#[path = "firmware/cases.rs"]
mod cases;
#[path = "firmware/documented.rs"]
mod documented;
#[expect(dead_code, reason = "other tests need the rest")]
#[path = "firmware/workspace.rs"]
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cases::cases;
use tarsia_manifest::walk::sorted_dir;
use workspace::{Workspace, remove, sources};

const PRODUCTS: [&str; 3] = ["soil-sensor", "greenhouse-node", WITH_C];
const WITH_C: &str = "soil-sensor-freertos";
const FILES: [&str; 5] =
    ["firmware.bin", "firmware.elf", "firmware.hex", "image.json", "size.json"];
const TELEMETRY: &str = "components/services/telemetry/src/lib.rs";
const LOG: &str = "components/services/log/src/lib.rs";
const C: &str = "components/kernels/freertos/src/layout.c";
const HEADER: &str = "components/kernels/freertos/include/FreeRTOSConfig.h";

static ONE: Mutex<()> = Mutex::new(());

/// The workspace that all tests here change, as it is in this repository; one at a time.
fn fresh() -> (Workspace, MutexGuard<'static, ()>) {
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let workspace = Workspace::open("incremental");
    renew(&workspace, &BTreeMap::new());
    (workspace, guard)
}

/// Puts the sources back, but for these.
fn renew(workspace: &Workspace, edits: &BTreeMap<String, String>) {
    for (path, bytes) in sources() {
        let text = String::from_utf8(bytes).expect("sources are text");
        workspace.write(&path, edits.get(&path).map_or(&text, |edit| edit));
    }
    remove(&workspace.root.join("components/services/log/build.rs"));
}

/// A random number below a limit, the same in every run (xorshift; Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        for (shift, left) in [(13, true), (7, false), (17, true)] {
            self.0 ^= if left { self.0 << shift } else { self.0 >> shift };
        }
        self.0 % limit
    }
}

/// A random state of the tree: each edit is one that people make.
fn edited(dice: &mut Dice) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = sources()
        .into_iter()
        .map(|(path, bytes)| (path, String::from_utf8(bytes).expect("sources are text")))
        .collect();
    let before = files.clone();
    for _ in 0..=dice.below(3) {
        let n = dice.below(1000);
        let mut edit = |path: &str, old: &str, new: String| {
            let text = files.get_mut(path).expect("a source");
            *text = text.replacen(old, &new, 1);
        };
        match dice.below(10) {
            // A source: code, then a comment only.
            0 => edit(TELEMETRY, "\"write to the console\"", format!("\"write {n}\"")),
            1 => edit(LOG, "//!", format!("//! {n}\n//!")),
            // A feature, a budget.
            2 => {
                let period = format!("period: {}s", n % 50 + 1);
                edit("products/soil-sensor.yaml", "period: 10s", period);
            }
            3 => edit("products/soil-sensor.yaml", "ram: 16KiB", "ram: 12KiB".to_owned()),
            // A component goes, one comes.
            4 => edit("products/soil-sensor.yaml", "telemetry, supervisor", "telemetry".to_owned()),
            5 => edit("products/greenhouse-node.yaml", "telemetry,", "telemetry, log,".to_owned()),
            // Another kernel.
            6 => edit("products/soil-sensor.yaml", "kernel: embassy", "kernel: lilos".to_owned()),
            // C: code, then a header.
            7 => edit(C, "_Static_assert", format!("const int layout_{n} = {n};\n_Static_assert")),
            8 => edit(HEADER, "0x20", format!("{:#x}", (n % 7 + 1) * 0x20)),
            // A file is renamed.
            _ => {
                let path = "components/services/supervisor/src/policy.rs";
                if let Some(text) = files.remove(path) {
                    files.insert(path.replace("policy", "rules"), text);
                    let lib = "components/services/supervisor/src/lib.rs";
                    let text = files.get_mut(lib).expect("a source");
                    *text = text.replace("mod policy;", "#[path = \"rules.rs\"]\nmod policy;");
                }
            }
        }
    }
    files.retain(|path, text| before.get(path) != Some(text));
    files
}

/// The outputs of all products.
fn outputs(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for product in PRODUCTS {
        for file in FILES {
            let path = Path::new(product).join(file);
            found.insert(path.clone(), std::fs::read(root.join("out").join(path)).expect("built"));
        }
    }
    found
}

fn build(workspace: &Workspace) {
    let run = workspace.run(&[&["build"], &PRODUCTS[..]].concat());
    assert_eq!(run.code, Some(0), "{run}");
}

/// What a build from nothing makes of the sources of a workspace.
fn from_nothing(workspace: &Workspace) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["components", "products", "profiles"] {
        let mut copy = std::process::Command::new("cp");
        copy.arg("-r").arg(workspace.root.join(part)).arg(folder.path());
        assert!(copy.status().expect("cp starts").success());
    }
    let clean = Workspace {
        root: folder.path().to_owned(),
        store: folder.path().join("store"),
        through: Vec::new(),
        environment: Vec::new(),
    };
    build(&clean);
    outputs(&clean.root)
}

fn same(one: &BTreeMap<PathBuf, Vec<u8>>, two: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    let differing: Vec<_> = one.keys().filter(|path| one[*path] != two[*path]).collect();
    assert!(differing.is_empty(), "{what}: {differing:?} differ from a build from nothing");
}

#[test]
fn random_edits_give_what_a_build_from_nothing_gives() {
    let (workspace, _guard) = fresh();
    let mut dice = Dice(0x5eed_0fed);
    build(&workspace);
    for case in 0..cases(2) {
        // Several edits, one after the other, before all is compared.
        let mut last = BTreeMap::new();
        for _ in 0..3 {
            let removed: BTreeSet<String> = last.into_keys().collect();
            last = edited(&mut dice);
            for path in removed {
                remove(&workspace.root.join(path));
            }
            let renamed = "components/services/supervisor/src/rules.rs";
            renew(&workspace, &last);
            if let Some(text) = last.get(renamed) {
                workspace.write(renamed, text);
                remove(&workspace.root.join(renamed.replace("rules", "policy")));
            }
            build(&workspace);
        }
        let edits: Vec<&String> = last.keys().collect();
        let what = format!("case {case}, {edits:?}");
        same(&outputs(&workspace.root), &from_nothing(&workspace), &what);
        for path in last.keys() {
            remove(&workspace.root.join(path));
        }
    }
}

#[test]
fn builds_that_are_killed_leave_nothing_wrong() {
    let (workspace, _guard) = fresh();
    let mut dice = Dice(0xdead_beef);
    for case in 0..cases(8) {
        let period = format!("period: {}s", case % 50 + 2);
        let product = sources().into_iter().find(|(path, _)| path.ends_with("soil-sensor.yaml"));
        let text = String::from_utf8(product.expect("a product").1).expect("text");
        workspace.write("products/soil-sensor.yaml", &text.replace("period: 10s", &period));
        let mut command = workspace.tarsia(&[&["build"], &PRODUCTS[..]].concat());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tarsia starts");
        std::thread::sleep(Duration::from_millis(dice.below(2500)));
        // SIGKILL: nothing can be put in order.
        child.kill().expect("killed");
        child.wait().expect("waited for");
    }
    build(&workspace);
    let verified = workspace.run(&["cache", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified}");
    same(&outputs(&workspace.root), &from_nothing(&workspace), "after kills");
    let again = workspace.run(&["build", PRODUCTS[0]]);
    assert!(again.stdout.trim_end().ends_with("up to date") && again.stderr.is_empty(), "{again}");
}

#[test]
fn a_damaged_store_costs_time_and_no_bytes() {
    let (workspace, _guard) = fresh();
    build(&workspace);
    let before = outputs(&workspace.root);
    let mut blobs = Vec::new();
    files_below(&workspace.store.join("blobs"), &mut blobs);
    assert!(!blobs.is_empty());
    for path in &blobs {
        let mut bytes = std::fs::read(path).expect("a blob");
        let Some(middle) = bytes.len().checked_sub(1).map(|last| last / 2) else { continue };
        bytes[middle] ^= 4;
        std::fs::write(path, bytes).expect("written");
    }
    for product in PRODUCTS {
        remove(&workspace.root.join("out").join(product));
    }
    build(&workspace);
    same(&outputs(&workspace.root), &before, "after damage");
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in sorted_dir(folder).unwrap_or_default() {
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// Gives the service `log` a build script whose word gets into the firmware.
fn plant(workspace: &Workspace, script: &str) {
    let text =
        format!("fn main() {{\n    println!(\"cargo:rustc-env=PLANTED={{}}\", {script});\n}}\n");
    workspace.write("components/services/log/build.rs", &text);
    let log = sources().into_iter().find(|(path, _)| path == LOG).expect("a source").1;
    let log = String::from_utf8(log).expect("text");
    let used = "\n#[used]\npub static PLANTED: &str = env!(\"PLANTED\");\n";
    workspace.write(LOG, &(log + used));
}

#[test]
fn what_is_not_declared_is_caught() {
    let (workspace, _guard) = fresh();
    let works = workspace.run(&["shell", "soil-sensor", "--", "true"]);
    if works.stderr.contains("E0601") {
        eprintln!("skipped: {}", works.stderr);
        return;
    }
    assert_eq!(works.code, Some(0), "{works}");
    let secret = workspace.root.join("products/soil-sensor.yaml");
    let outside = format!("std::fs::read_to_string({:?}).expect(\"undeclared\")", secret);
    plant(&workspace, &outside);
    let refused = workspace.run(&["build", "soil-sensor"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("undeclared"), "{refused}");

    let plants = [
        ("the clock", "std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos()"),
        (
            "a random number",
            "{ use std::io::Read; let mut b = [0; 8]; \
            std::fs::File::open(\"/dev/urandom\").unwrap().read_exact(&mut b).unwrap(); u64::from_le_bytes(b) }",
        ),
        (
            "the host name",
            "String::from_utf8(std::process::Command::new(\"uname\").arg(\"-n\")\
            .output().unwrap().stdout).unwrap().trim()",
        ),
        ("how many jobs there are", "std::env::var(\"NUM_JOBS\").unwrap()"),
    ];
    for (what, script) in plants {
        plant(&workspace, script);
        let run = workspace.run(&["build", "soil-sensor", "-j2", "--check-determinism"]);
        let told = ["E0610", "`soil-sensor/firmware`", "firmware.elf", "offset"];
        assert!(run.code == Some(1), "{what}: {run}");
        assert!(told.iter().all(|word| run.stderr.contains(word)), "{what}: {run}");
    }
    renew(&workspace, &BTreeMap::new());
    let run = workspace.run(&["build", "soil-sensor", "-j2", "--check-determinism"]);
    assert_eq!(run.code, Some(0), "nothing is planted: {run}");
}

/// Breaks the service `telemetry`.
fn break_telemetry(workspace: &Workspace) {
    workspace.write(TELEMETRY, &telemetry(workspace).replacen("fn ", "fn fn ", 1));
}

#[test]
fn a_failure_keeps_all_that_was_said() {
    const LOG: &str = "out/.device/logs/soil-sensor/firmware.log";
    let (workspace, _guard) = fresh();
    let log = || std::fs::read_to_string(workspace.root.join(LOG)).expect("a log");
    break_telemetry(&workspace);
    for _ in 0..2 {
        let run = workspace.run(&["build", "soil-sensor"]);
        assert_eq!(run.code, Some(1), "{run}");
        assert!(run.stderr.contains(&format!("full log: {LOG}\n")), "{run}");
        let log = log();
        let command = log.lines().next().expect("a line");
        assert!(command.contains("cargo build --manifest-path "), "{log}");
        assert!(command.contains("/products/soil-sensor/Cargo.toml --release"), "{log}");
        assert_eq!(
            log.matches("\nerror: could not compile `tarsia-telemetry`").count(),
            1,
            "{log}"
        );
        // More than the message has.
        assert!(log.contains("Compiling tarsia-telemetry"), "{log}");
        assert!(!run.stderr.contains("Compiling tarsia-telemetry"), "{run}");
    }
    renew(&workspace, &BTreeMap::new());
    workspace.write(TELEMETRY, &(telemetry(&workspace) + "// Not in the store.\n"));
    workspace.build("soil-sensor");
    assert!(!log().contains("error"), "{}", log());
    let run = workspace.run(&["build", "soil-sensor", "--confined"]);
    let works = workspace.run(&["shell", "soil-sensor", "--", "true"]).code == Some(0);
    assert_eq!(run.code, Some(i32::from(!works)), "{run}");
}

fn telemetry(workspace: &Workspace) -> String {
    std::fs::read_to_string(workspace.root.join(TELEMETRY)).expect("a source")
}

/// Builds on a terminal, where something is typed as soon as something runs.
fn on_a_terminal(workspace: &Workspace, typed: &[u8]) -> Option<(String, Option<i32>)> {
    use std::io::{Read as _, Write as _};

    let words = |word: &OsStr| format!("'{}'", word.to_str().expect("UTF-8"));
    let command = workspace.tarsia(&["build", "soil-sensor"]);
    let line: Vec<String> =
        [command.get_program()].into_iter().chain(command.get_args()).map(words).collect();
    // Bounded: `timeout` ends both.
    let mut script = std::process::Command::new("timeout");
    script.args(["--foreground", "300", "script", "-qec", &line.join(" "), "/dev/null"]);
    script.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().ok()?;
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    let mut keyboard = child.stdin.take();
    while let Ok(read @ 1..) = child.stdout.as_mut().expect("a pipe").read(&mut buffer) {
        said.extend_from_slice(&buffer[..read]);
        if String::from_utf8_lossy(&said).contains("] 1 running")
            && let Some(mut keyboard) = keyboard.take_if(|_| !typed.is_empty())
        {
            keyboard.write_all(typed).expect("typed");
        }
    }
    drop(keyboard);
    let code = child.wait().expect("ended").code();
    Some((String::from_utf8_lossy(&said).into_owned(), code)).filter(|_| code != Some(127))
}

#[test]
fn a_terminal_shows_what_runs_and_a_pipe_does_not() {
    let (workspace, _guard) = fresh();
    let edit = |what: &str| workspace.write(TELEMETRY, &(telemetry(&workspace) + what));
    edit("// One.\n");
    let Some((said, code)) = on_a_terminal(&workspace, b"") else {
        eprintln!("skipped: `script` or `timeout` is not installed");
        return;
    };
    let shown = said.escape_debug();
    assert_eq!(code, Some(0), "{shown}");
    assert!(said.contains("    Building [0/3] 1 running"), "{shown}");
    assert!(said.contains("\n             soil-sensor/firmware 0 s"), "{shown}");
    // The board is taken away before the answer, and nothing comes after it.
    let (_, answer) = said.rsplit_once("\u{1b}[J").expect("a board");
    assert!(answer.trim_start().starts_with("soil-sensor: "), "{shown}");
    edit("// Two.\n");
    let (said, code) = on_a_terminal(&workspace, b"\x03").expect("as before");
    let shown = said.escape_debug();
    assert_ne!(code, Some(0), "{shown}");
    let (_, rest) = said.rsplit_once("\u{1b}[J").expect("a board");
    assert!(rest.contains("the build was ended") && !rest.contains(" running"), "{shown}");

    let run = workspace.build("soil-sensor");
    assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains(" running"), "{run}");
}

/// The steps that were carried out, as `--why` tells.
fn carried_out(run: &workspace::Run) -> Vec<&str> {
    assert_eq!(run.code, Some(0), "{run}");
    let lines = run.stderr.lines().filter_map(|line| line.trim_start().strip_prefix("Why "));
    let mut steps: Vec<&str> = lines
        .filter_map(|line| line.split(' ').next()?.strip_prefix(WITH_C)?.strip_prefix('/'))
        .collect();
    steps.sort_unstable();
    steps
}

#[test]
fn an_edit_of_c_compiles_what_it_must() {
    const LAYOUT: &str = "cc/freertos/src/layout.c";
    let (workspace, _guard) = fresh();
    workspace.build(WITH_C);
    let read = |path: &str| std::fs::read_to_string(workspace.root.join(path)).expect("a source");
    let (file, header) = (read(C), read(HEADER));
    // Not among what the store has from an earlier run.
    let unique = format!("/* {} */\n", std::process::id());
    let build = || workspace.run(&["build", WITH_C, "--why"]);

    workspace.write(C, &(file.clone() + &unique));
    let run = build();
    assert_eq!(carried_out(&run), [LAYOUT], "the object comes out as it was: {run}");
    let told = format!("Why {WITH_C}/{LAYOUT} ");
    let line = run.stderr.lines().find(|line| line.contains(&told)).expect("a reason");
    assert!(line.contains("input kernels/freertos/src/layout.c was "), "{line}");

    let code = format!("{file}int layout_{}( void ) {{ return 7; }}\n", std::process::id());
    workspace.write(C, &code);
    let run = build();
    // Nobody calls it: what is linked comes out as it was.
    assert_eq!(carried_out(&run), ["archive/freertos", LAYOUT, "firmware"], "{run}");

    workspace.write(C, &file);
    workspace.write(HEADER, &(header.clone() + &unique));
    let run = build();
    let steps = carried_out(&run);
    assert!(steps.len() == 4 && steps.iter().all(|step| step.starts_with("cc/")), "{run}");
    workspace.write(HEADER, &header);

    // Beside the file, and not declared.
    workspace.write(C, &format!("#include \"waker.rs\"\n{file}"));
    let run = build();
    let told = [
        "cannot compile src/layout.c of `freertos`",
        "kernels/freertos/src/layout.c:1:10: fatal error: waker.rs: No such file",
        "full log: out/.device/logs/soil-sensor-freertos/cc/freertos/src/layout.c.log",
    ];
    assert_eq!(run.code, Some(1), "{run}");
    assert!(told.iter().all(|word| run.stderr.contains(word)), "{run}");
}

#[test]
fn a_shell_opens_where_c_is_compiled() {
    let (workspace, _guard) = fresh();
    let shell = |words: &[&str]| workspace.run(&[&["shell", WITH_C, "freertos"], words].concat());
    let run = shell(&["--file", "src/layout.c", "--", "find", "/tarsia", "-type", "f"]);
    if run.stderr.contains("E0601") {
        eprintln!("skipped: {}", run.stderr);
        return;
    }
    let mut seen: Vec<&str> = run.stdout.lines().collect();
    seen.sort_unstable();
    let staged = ["include/FreeRTOSConfig.h", "include/stdlib.h", "include/string.h"];
    let shared = ["shared/idle_stack_words.inc", "shared/task_words.inc", "src/layout.c"];
    let all = staged.iter().chain(&shared).map(|file| format!("/tarsia/kernels/freertos/{file}"));
    assert_eq!(seen, all.collect::<Vec<_>>(), "{run}");
    assert!(run.stderr.contains("arm-none-eabi-gcc -Os"), "{run}");

    // The firmware's own is opened after what it reads was made, and has no C.
    let library = "../../products/soil-sensor-freertos/c/libtarsia-c-freertos.a";
    let run = shell(&["--", "ls", "src", library]);
    assert!(run.code == Some(0) && run.stdout.contains(library), "{run}");
    assert!(run.stdout.contains("waker.rs") && !run.stdout.contains("layout.c"), "{run}");

    let run = shell(&["--file", "list.c"]);
    let told = ["compiles no C of the name `list.c`", "freertos-next/FreeRTOS-Kernel/list.c"];
    assert!(told.iter().all(|word| run.stderr.contains(word)), "{run}");
}

#[test]
fn every_input_of_a_key_is_documented() {
    let (workspace, _guard) = fresh();
    let products = ["soil-sensor", "soil-sensor-freertos"];
    let run = workspace.run(&[&["build"], &products[..]].concat());
    assert_eq!(run.code, Some(0), "{run}");
    documented::holds(&workspace, &["building.md"]);
}
