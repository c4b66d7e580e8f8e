//! The same bytes: builds of every product in two folders, the second as differently as one machine
//! allows, are compared byte by byte; and what was built once is not built again.

#[path = "firmware/workspace.rs"]
mod workspace;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use workspace::{Workspace, products, remove, sources};

const FILES: [&str; 6] =
    ["firmware.bin", "firmware.hex", "firmware.uf2", "firmware.elf", "image.json", "size.json"];
const OTHER: &str = "of another user/in a folder whose path is a good deal longer, with spaces";

/// The copy that these tests change; one at a time.
static CHANGED: Mutex<()> = Mutex::new(());

fn changing() -> (Workspace, MutexGuard<'static, ()>) {
    let guard = CHANGED.lock().unwrap_or_else(PoisonError::into_inner);
    (Workspace::open("shared"), guard)
}

/// Says what was left out, past the test harness, which keeps what passing tests print.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "note: {text}");
}

fn works(program: &[&str]) -> bool {
    let status = Command::new(program[0]).args(&program[1..]).output();
    status.is_ok_and(|output| output.status.success())
}

/// The second workspace: files made in reverse order, with times of their own, and commands started
/// by another user with another umask, locale, time zone, cargo home and number of jobs.
fn other_workspace() -> Workspace {
    let mut other = Workspace::open(OTHER);
    let mut files = sources();
    files.reverse();
    for folder in ["components", "products", "profiles"] {
        remove(&other.root.join(folder));
    }
    for (index, (path, bytes)) in files.iter().enumerate() {
        other.write(path, std::str::from_utf8(bytes).expect("sources are text"));
        let file = File::options().append(true).open(other.root.join(path)).expect("a file");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + index as u64);
        file.set_modified(time).expect("a time");
    }

    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    other.through = words(&["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    let user = ["unshare", "--user", "--map-user=1234", "--map-group=1234"];
    if works(&[&user[..], &["true"]].concat()) {
        other.through.extend(words(&user));
    } else {
        note("not as another user: this machine allows no user namespaces");
    }
    if works(&["faketime", "2001-02-03 04:05:06", "true"]) {
        other.through.extend(words(&["faketime", "2001-02-03 04:05:06"]));
    } else {
        note("not with another clock: faketime is not installed");
    }
    let home = cargo_home(&other.root);
    // A link leads to the workspace, as in a home folder that was moved.
    let link = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware/link");
    remove(&link);
    std::os::unix::fs::symlink(&other.root, &link).expect("a link");
    other.root = link;
    let settings = [
        ("LANG", "et_EE.UTF-8"),
        ("LC_ALL", "et_EE.UTF-8"),
        ("TZ", "Pacific/Kiritimati"),
        ("USER", "somebody"),
        ("LOGNAME", "somebody"),
        ("HOSTNAME", "elsewhere"),
        ("CARGO_BUILD_JOBS", "1"),
        ("RUSTFLAGS", "-Copt-level=0"),
        ("SOURCE_DATE_EPOCH", "981173106"),
        ("CARGO_HOME", home.to_str().expect("UTF-8")),
    ];
    other.environment = settings.map(|(name, value)| (name, value.to_owned())).into();
    other
}

/// A cargo home with this user's fetched crates, so that they are not fetched again. Links would be
/// the same folders for a compiler; so these are folders of their own, of the same files.
#[expect(clippy::disallowed_methods, reason = "cargo's own variables")]
fn cargo_home(root: &Path) -> PathBuf {
    let own = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let own = own.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let home = root.join("cargo home");
    if !home.exists() {
        std::fs::create_dir_all(home.join("registry")).expect("a folder");
        let own = own.expect("a home");
        for (part, how) in [("src", "-al"), ("cache", "-al"), ("index", "-a")] {
            let copy = |how| {
                let mut cp = Command::new("cp");
                cp.arg(how).arg(own.join("registry").join(part)).arg(home.join("registry"));
                cp.output().is_ok_and(|output| output.status.success())
            };
            // Between file systems there are no such links.
            assert!(copy(how) || copy("-a"), "copy cargo's {part}");
        }
        // Where cargo gets crates from is part of where it puts them.
        let _ = std::fs::copy(own.join("config.toml"), home.join("config.toml"));
    }
    home
}

/// Where two outputs first differ.
fn difference(product: &str, file: &str, one: &[u8], two: &[u8]) -> Option<String> {
    if one == two {
        return None;
    }
    let pairs = one.iter().zip(two);
    let offset = pairs.clone().position(|(a, b)| a != b).unwrap_or(one.len().min(two.len()));
    let count = pairs.filter(|(a, b)| a != b).count();
    let around = |bytes: &[u8]| {
        let from = offset.saturating_sub(16);
        bytes[from..bytes.len().min(offset + 48)].escape_ascii().to_string()
    };
    Some(format!(
        "{product}/{file} differs from offset {offset:#x} ({count} bytes; sizes {} and {}):\n  {}\n  {}",
        one.len(),
        two.len(),
        around(one),
        around(two),
    ))
}

fn outputs(workspace: &Workspace, product: &str) -> Vec<(&'static str, Vec<u8>)> {
    let read = |file| (file, std::fs::read(workspace.output(product, file)).expect(file));
    FILES.into_iter().map(read).collect()
}

#[test]
fn every_product_has_the_same_bytes_in_another_folder_for_another_user() {
    let _guard = CHANGED.lock().unwrap_or_else(PoisonError::into_inner);
    let (one, mut other) = (Workspace::open("shared"), other_workspace());
    let all = other.through.clone();
    let single = [&all[..], &["taskset".into(), "-c".into(), "0".into()]].concat();
    let mut differences = Vec::new();
    for (index, product) in products().iter().enumerate() {
        // Every other one on a single processor; all of them would take twice the time.
        other.through = if index % 2 == 1 { single.clone() } else { all.clone() };
        one.build(product);
        other.build(product);
        let pairs = outputs(&one, product).into_iter().zip(outputs(&other, product));
        differences
            .extend(pairs.filter_map(|((file, a), (_, b))| difference(product, file, &a, &b)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// When each output and each of cargo's files for the device was written last.
fn times(workspace: &Workspace, product: &str) -> Vec<(PathBuf, SystemTime)> {
    let mut found = Vec::new();
    written(&workspace.root.join("out/.device"), &mut found);
    written(&workspace.root.join("out").join(product), &mut found);
    found.sort();
    assert!(found.len() > 100, "cargo's files and the outputs");
    found
}

#[expect(clippy::disallowed_methods, reason = "sorted by the caller")]
fn written(folder: &Path, found: &mut Vec<(PathBuf, SystemTime)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let about = path.symlink_metadata().expect("a file");
        if about.is_dir() {
            written(&path, found);
        } else {
            found.push((path, about.modified().expect("a time")));
        }
    }
}

#[test]
fn the_second_build_does_nothing() {
    let (workspace, _guard) = changing();
    let product = "soil-sensor";
    workspace.build(product);
    let before = times(&workspace, product);
    let again = workspace.build(product);
    assert!(again.stdout.trim_end().ends_with("up to date"), "{again}");
    assert_eq!(again.stderr, "", "nothing is said about compiling");
    assert_eq!(times(&workspace, product), before, "nothing is written");

    for (path, _) in sources() {
        let file = File::options().append(true).open(workspace.root.join(path)).expect("a file");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000))
            .expect("a time");
    }
    let touched = workspace.build(product);
    assert!(touched.stdout.trim_end().ends_with("up to date"), "{touched}");
    assert_eq!(touched.stderr, "", "a later time is no change");
    assert_eq!(times(&workspace, product), before, "nothing is written");
}

#[test]
fn deleted_outputs_come_back_from_the_store_without_compiling() {
    let (workspace, _guard) = changing();
    let product = "soil-sensor-lilos";
    workspace.build(product);
    let before = outputs(&workspace, product);
    remove(&workspace.root.join("out").join(product));
    let restored = workspace.build(product);
    assert!(restored.stdout.contains("wrote "), "{restored}");
    assert_eq!(restored.stderr, "", "nothing is said about compiling");
    assert!(outputs(&workspace, product) == before, "other bytes than before");
}

#[test]
fn an_edit_changes_the_bytes_and_taking_it_back_gives_the_first_ones() {
    let (workspace, _guard) = changing();
    let (product, path) = ("soil-sensor", "components/services/telemetry/src/senml.rs");
    workspace.build(product);
    let before = outputs(&workspace, product);
    let source = std::fs::read_to_string(workspace.root.join(path)).expect("a source");
    let edited = source.replace("\"not ready\"", "\"not yet ready\"");
    assert_ne!(edited, source, "there is something to edit in {path}");

    workspace.write(path, &edited);
    let run = workspace.run(&["build", product]);
    let after = std::fs::read(workspace.output(product, "firmware.bin")).expect("an image");
    workspace.write(path, &source);
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.stdout.contains("firmware.bin"), "{run}");
    assert!(after.windows(13).any(|text| text == b"not yet ready"), "the edit is in the image");

    let back = workspace.build(product);
    assert_eq!(back.stderr, "", "the first result is still in the store");
    let pairs = before.iter().zip(outputs(&workspace, product));
    let differences: Vec<_> =
        pairs.filter_map(|((file, a), (_, b))| difference(product, file, a, &b)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
