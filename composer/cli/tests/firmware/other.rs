//! A second workspace, as different from the first as one machine allows, for tests that compare bytes.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::workspace::{Workspace, remove, sources};

const OTHER: &str = "of another user/in a folder whose path is a good deal longer, with spaces";

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
pub fn other_workspace(folder: &Path) -> Workspace {
    let mut other = Workspace::open_at(&folder.join(OTHER));
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
    let link = folder.join("link");
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
pub fn difference(product: &str, file: &str, one: &[u8], two: &[u8]) -> Option<String> {
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
