//! Outputs that a job left to fool whoever takes them. Each row makes one folder and says what is taken or
//! why it is refused; a file outside must never be what is read.

#![expect(clippy::unwrap_used, reason = "a folder that cannot be made fails the test")]

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use tarsia_build::sandbox::{Bounds, Collected, Refusal, Wanted, collect, open_output};

const BOUNDS: Bounds = Bounds { file: 1000, total: 3000, names: 100 };

fn file(path: &str) -> Wanted {
    Wanted::File(path.into())
}

fn folder(path: &str) -> Wanted {
    Wanted::Folder(path.into())
}

fn write(folder: &Path, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn perl(script: &str, folder: &Path) -> bool {
    Command::new("perl").args(["-e", script]).current_dir(folder).status().unwrap().success()
}

fn words(result: &Result<Collected, Refusal>) -> String {
    match result {
        Ok(found) => {
            let mut words: Vec<String> = found
                .files
                .iter()
                .map(|taken| {
                    let mut text = String::new();
                    found.open(taken).unwrap().read_to_string(&mut text).unwrap();
                    assert_eq!(text.len() as u64, taken.size);
                    let mark = if taken.executable { "*" } else { "" };
                    format!("{}{mark}={text}", taken.path.display())
                })
                .collect();
            words.extend(found.extra.iter().map(|path| format!("extra {}", path.display())));
            words.join(", ")
        }
        Err(refusal) => refusal.to_string(),
    }
}

type Change = (&'static str, fn(&Path));
type Row = (&'static str, fn(&Path), Vec<Wanted>, &'static str);

fn rows() -> Vec<Row> {
    vec![
        ("a file", |at| drop(write(at, "a", "1")), vec![file("a")], "a=1"),
        (
            "an executable",
            |at| set_mode(&write(at, "bin/a", "1"), 0o755),
            vec![file("bin/a")],
            "bin/a*=1",
        ),
        (
            "a folder",
            |at| {
                write(at, "d/b", "2");
                write(at, "d/a/c", "3");
                fs::create_dir(at.join("d/empty")).unwrap();
            },
            vec![folder("d")],
            "d/a/c=3, d/b=2",
        ),
        (
            "everything",
            |at| {
                write(at, "b", "2");
                write(at, "d/a", "3");
            },
            vec![folder("")],
            "b=2, d/a=3",
        ),
        ("an empty folder", |at| fs::create_dir(at.join("d")).unwrap(), vec![folder("d")], ""),
        (
            "what was not declared",
            |at| {
                write(at, "a", "1");
                write(at, "d/wanted", "2");
                write(at, "d/other", "3");
                write(at, "e/x", "4");
                symlink("/etc/passwd", at.join("link")).unwrap();
            },
            vec![file("a"), file("d/wanted")],
            "a=1, d/wanted=2, extra d/other, extra e, extra link",
        ),
        ("nothing", |_| {}, vec![file("a")], "the output a is missing"),
        ("no folder", |_| {}, vec![folder("d/e")], "the output d/e is missing"),
        (
            "a folder for a file",
            |at| fs::create_dir(at.join("a")).unwrap(),
            vec![file("a")],
            "the output a is a folder",
        ),
        (
            "a file for a folder",
            |at| drop(write(at, "d", "")),
            vec![folder("d")],
            "the output d is a file",
        ),
        (
            "a file for a folder on the way",
            |at| drop(write(at, "d", "")),
            vec![file("d/a")],
            "the output d is a file",
        ),
        (
            "a symlink to a file outside",
            |at| symlink("/etc/passwd", at.join("a")).unwrap(),
            vec![file("a")],
            "the output a is a symlink",
        ),
        (
            "a symlink to another output",
            |at| {
                write(at, "b", "1");
                symlink("b", at.join("a")).unwrap();
            },
            vec![file("a"), file("b")],
            "the output a is a symlink",
        ),
        (
            "a symlink to nowhere",
            |at| symlink("none", at.join("a")).unwrap(),
            vec![file("a")],
            "the output a is a symlink",
        ),
        (
            "a symlink for a folder",
            |at| symlink("/etc", at.join("d")).unwrap(),
            vec![folder("d")],
            "the output d is a symlink",
        ),
        (
            "a symlink on the way",
            |at| symlink("/etc", at.join("d")).unwrap(),
            vec![file("d/passwd")],
            "the output d is a symlink",
        ),
        (
            "a symlink deep in a folder",
            |at| {
                write(at, "d/e/b", "");
                symlink("/etc/passwd", at.join("d/e/a")).unwrap();
            },
            vec![folder("d")],
            "the output d/e/a is a symlink",
        ),
        (
            "a hard link",
            |at| fs::hard_link(write(at, "b", ""), at.join("a")).unwrap(),
            vec![file("a")],
            "the output a has 2 names (hard links)",
        ),
        (
            "a hard link in a folder",
            |at| {
                let other = write(at, "d/x", "");
                fs::hard_link(write(at, "b", ""), other.with_file_name("a")).unwrap();
            },
            vec![folder("d")],
            "the output d/a has 2 names (hard links)",
        ),
        (
            "a fifo",
            |at| assert!(perl("use POSIX; mkfifo('a', 0600) or die", at)),
            vec![file("a")],
            "the output a is a fifo",
        ),
        (
            "a socket",
            |at| drop(UnixListener::bind(at.join("a")).unwrap()),
            vec![file("a")],
            "the output a is a socket",
        ),
        (
            "a set-uid file",
            |at| set_mode(&write(at, "a", ""), 0o4755),
            vec![file("a")],
            "the output a has the mode 4755",
        ),
        (
            "a set-gid file",
            |at| set_mode(&write(at, "a", ""), 0o2755),
            vec![file("a")],
            "the output a has the mode 2755",
        ),
        (
            "a large file",
            |at| drop(write(at, "a", [b'x'; 1001])),
            vec![file("a")],
            "the output a brings the size to 1001 bytes, 1000 are allowed",
        ),
        (
            "a file that is large without content",
            |at| fs::File::create(at.join("a")).unwrap().set_len(1 << 40).unwrap(),
            vec![file("a")],
            "the output a brings the size to 1099511627776 bytes, 1000 are allowed",
        ),
        (
            "large files together",
            |at| (0..4).for_each(|n| drop(write(at, &format!("d/{n}"), [b'x'; 900]))),
            vec![folder("d")],
            "the output d/3 brings the size to 3600 bytes, 3000 are allowed",
        ),
        (
            "many files",
            |at| (0..101).for_each(|n| drop(write(at, &format!("d/{n}"), ""))),
            vec![folder("d")],
            "the output folder has too much in it, noticed at d",
        ),
        (
            "deep folders",
            |at| fs::create_dir_all(at.join("d/".repeat(80))).unwrap(),
            vec![folder("d")],
            "the output folder has too much in it, noticed at d/d/d/",
        ),
        (
            "a path outside",
            |_| {},
            vec![file("../a")],
            "../a cannot be an output: it is not a plain path",
        ),
        ("an absolute path", |_| {}, vec![file("/a")], "/a cannot be an output"),
        ("a roundabout path", |_| {}, vec![file("d/./a")], "d/./a cannot be an output"),
        ("a file of no name", |_| {}, vec![file("")], " cannot be an output"),
        (
            "an output twice",
            |_| {},
            vec![file("a"), file("a")],
            "a cannot be an output: it is declared twice",
        ),
        (
            "an output in an output",
            |_| {},
            vec![folder("d"), file("d/a")],
            "d/a cannot be an output",
        ),
    ]
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn only_plain_files_that_were_declared_are_taken() {
    let mut wrong = Vec::new();
    for (name, make, wanted, expected) in rows() {
        let at = tempfile::tempdir().unwrap();
        make(at.path());
        let found = words(&collect(at.path(), &wanted, BOUNDS));
        if !found.starts_with(expected) || expected.is_empty() != found.is_empty() {
            wrong.push(format!("{name}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_device_is_refused() {
    let at = tempfile::tempdir().unwrap();
    let node = format!("exit(syscall({}, -100, $n = 'a', 020600, 0x103) != 0)", libc::SYS_mknodat);
    if !perl(&node, at.path()) {
        println!("SKIPPED: only root makes devices");
        return;
    }
    let found = words(&collect(at.path(), &[file("a")], BOUNDS));
    assert_eq!(found, "the output a is a character device");
}

#[test]
fn the_output_folder_itself_is_no_symlink() {
    let at = tempfile::tempdir().unwrap();
    symlink("/etc", at.path().join("out")).unwrap();
    let refusal = collect(&at.path().join("out"), &[file("passwd")], BOUNDS).unwrap_err();
    assert!(matches!(refusal, Refusal::System { operation: "open", .. }), "{refusal}");
}

#[test]
fn what_changes_between_the_look_and_the_reading_is_refused() {
    let changes: [Change; 6] = [
        ("other bytes", |at| drop(write(at, "d/a", "other"))),
        ("another file", |at| {
            write(at, "new", "1");
            fs::rename(at.join("new"), at.join("d/a")).unwrap();
        }),
        ("a symlink", |at| {
            fs::remove_file(at.join("d/a")).unwrap();
            symlink("/etc/passwd", at.join("d/a")).unwrap();
        }),
        ("a fifo", |at| {
            fs::remove_file(at.join("d/a")).unwrap();
            assert!(perl("use POSIX; mkfifo('d/a', 0600) or die", at));
        }),
        ("nothing", |at| fs::remove_file(at.join("d/a")).unwrap()),
        ("a folder that is a symlink", |at| {
            fs::rename(at.join("d"), at.join("old")).unwrap();
            symlink("old", at.join("d")).unwrap();
        }),
    ];
    for (name, change) in changes {
        let at = tempfile::tempdir().unwrap();
        write(at.path(), "d/a", "1");
        let found = collect(at.path(), &[file("d/a")], BOUNDS).unwrap();
        change(at.path());
        let opened = found.open(&found.files[0]);
        assert!(
            matches!(opened, Err(Refusal::Changed { .. } | Refusal::Kind { .. })),
            "{name}: {opened:?}"
        );
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the number of cases comes from the environment")]
fn a_folder_swapped_for_a_symlink_again_and_again_never_leads_outside() {
    let at = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "a", "outside");
    write(at.path(), "real/a", "inside");
    symlink(outside.path(), at.path().join("fake")).unwrap();
    let over = AtomicBool::new(false);
    let (mut taken, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let path = |name: &str| at.path().join(name);
            while !over.load(Ordering::Relaxed) {
                for one in ["real", "fake"] {
                    fs::rename(path(one), path("d")).unwrap();
                    std::thread::yield_now();
                    fs::rename(path("d"), path(one)).unwrap();
                }
            }
        });
        let tries = std::env::var("TARSIA_CASES").ok().and_then(|cases| cases.parse().ok());
        for _ in 0..tries.unwrap_or(5000) {
            let Ok(found) = collect(at.path(), &[file("d/a")], BOUNDS) else {
                refused += 1;
                continue;
            };
            match found.open(&found.files[0]) {
                Ok(mut file) => {
                    let mut text = String::new();
                    file.read_to_string(&mut text).unwrap();
                    assert_eq!(text, "inside");
                    taken += 1;
                }
                Err(_) => refused += 1,
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("{taken} taken, {refused} refused");
    assert!(taken > 0 && refused > 0, "the race was not tried: {taken} taken, {refused} refused");
}

/// One output among much else: what cargo makes has several names, all in its own folder.
#[test]
fn one_output_is_opened_through_no_link() {
    let host = tempfile::tempdir().unwrap();
    let at = host.path().join("target");
    write(host.path(), "secret", "host");
    write(&at, "inner/program", "elf");
    fs::hard_link(at.join("inner/program"), at.join("name")).unwrap();
    symlink("../secret", at.join("link")).unwrap();
    symlink("/etc/passwd", at.join("absolute")).unwrap();
    symlink("inner", at.join("folder")).unwrap();
    assert!(perl("use POSIX; mkfifo('fifo', 0600) or die", &at));
    fs::set_permissions(write(&at, "set-uid", ""), fs::Permissions::from_mode(0o4755)).unwrap();
    let open = |path: &str| open_output(&at, Path::new(path));
    for path in ["inner/program", "name"] {
        let mut text = String::new();
        open(path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "elf", "{path}");
    }
    for (path, why) in [
        ("link", "the output link is a symlink"),
        ("absolute", "the output absolute is a symlink"),
        ("folder/program", "the output folder/program is a symlink"),
        ("inner", "the output inner is a folder"),
        ("fifo", "the output fifo is a fifo"),
        ("set-uid", "the output set-uid has the mode 4755"),
        ("none", "the output none is missing"),
        ("../secret", "../secret cannot be an output: it is not a plain path in the folder"),
        ("/etc/passwd", "/etc/passwd cannot be an output: it is not a plain path in the folder"),
    ] {
        assert_eq!(open(path).unwrap_err().to_string(), why);
    }
}
