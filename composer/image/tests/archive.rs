//! Archives that other programs wrote are read as those programs read them.

mod archives;
mod trees;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use archives::{Tar, policy, read, read_inside, sum};
use tarsia_image::archive::{Canonical, Policy};
use tarsia_image::content::Data;
use tarsia_image::tree::{InodeId, Kind, Meta, Tree};
use trees::{Holds, cases, extracted, installed, random};

/// What anybody may write into a folder.
const PLAIN: Holds = Holds {
    attributes: false,
    devices: false,
    hard_links: true,
    symlinks: true,
    largest_owner: 0,
    largest_file: 200_000,
};

/// Writes a tree into an empty folder of the machine.
fn materialise(tree: &Tree, folder: &Path) {
    let mut written: std::collections::BTreeMap<InodeId, std::path::PathBuf> = Default::default();
    for (path, id) in tree.walk().into_iter().skip(1) {
        let at = folder.join(OsStr::from_bytes(&path));
        let inode = tree.inode(id);
        if let Some(first) = written.get(&id) {
            std::fs::hard_link(first, &at).expect("a link");
            continue;
        }
        match &inode.kind {
            Kind::Folder(_) => std::fs::create_dir(&at).expect("a folder"),
            Kind::Symlink(target) => symlink(OsStr::from_bytes(target), &at).expect("a link"),
            Kind::File(data) => {
                std::fs::write(&at, data.bytes().expect("memory")).expect("a file");
                let mode = std::fs::Permissions::from_mode(u32::from(inode.meta.mode));
                let file = std::fs::File::open(&at).expect("a file");
                let time = SystemTime::UNIX_EPOCH + Duration::from_secs(inode.meta.modified);
                file.set_modified(time).expect("a time");
                file.set_permissions(mode).expect("a mode");
            }
            other => panic!("{other:?} cannot be written"),
        }
        written.insert(id, at);
    }
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Random folders, packed by GNU tar in each of its formats and compressions, and by dpkg.
#[test]
fn as_gnu_tar_and_dpkg_write_them() {
    if !["tar", "gzip", "xz", "zstd"].into_iter().all(installed) {
        return;
    }
    let packages = installed("dpkg-deb");
    for seed in 0..cases(12) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        std::fs::create_dir(&root).expect("a folder");
        materialise(&random(seed, PLAIN), &root);
        let expected = extracted(&root);
        let format = ["gnu", "posix", "oldgnu"][seed as usize % 3];
        let pack = ["--gzip", "--xz", "--zstd", "--null"][seed as usize % 4];
        let tar = run(Command::new("tar")
            .args(["--create", "--sort=name", pack, "--format", format, "-C"])
            .arg(&root)
            .arg("."));
        let policy = Policy { absolute_links: true, ..Policy::default() };
        let found = read(&tar, policy).unwrap_or_else(|error| panic!("{seed} {format}: {error}"));
        assert!(found == expected, "{seed} {format} {pack}:\n{found:?}\n{expected:?}");
        if packages && seed % 3 == 0 {
            let control = root.join("DEBIAN");
            std::fs::create_dir(&control).expect("a folder");
            let text = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n";
            std::fs::write(control.join("control"), text).expect("a file");
            let deb = folder.path().join("x.deb");
            let way = ["-Zxz", "-Zgzip", "-Znone"][seed as usize / 3 % 3];
            run(Command::new("dpkg-deb").args(["-z1", way, "--build"]).arg(&root).arg(&deb));
            let outer = std::fs::read(&deb).expect("a file");
            let found = read(&outer, policy).unwrap_or_else(|error| panic!("{seed}: {error}"));
            assert_eq!(found.walk().len(), expected.walk().len(), "{seed} {way}");
            for (path, id) in expected.walk().into_iter().skip(1) {
                let other = found.find(&path).unwrap_or_else(|| panic!("{seed}: no {path:?}"));
                let (ours, theirs) = (found.inode(other), expected.inode(id));
                match (&ours.kind, &theirs.kind) {
                    (Kind::Folder(_), Kind::Folder(_)) => {}
                    (one, two) => assert_eq!(one, two, "{seed}"),
                }
                assert_eq!(ours.meta.mode, theirs.meta.mode, "{seed}");
            }
        }
    }
}

/// What is written here is what GNU tar and this reader read; and it depends on nothing else.
#[test]
fn canonical_archives() {
    let long = format!("{}/{}", "d".repeat(180), "f".repeat(120));
    let far = "t/".repeat(80);
    let entries = [("a", "A", false), ("b/run", "#!", true), (long.as_str(), "long", false)];
    let write = || {
        let mut archive = Canonical::new(Vec::new());
        for (path, text, executable) in entries {
            let size = text.len() as u64;
            archive.file(Path::new(path), executable, size, text.as_bytes()).expect("memory");
        }
        archive.symlink(Path::new("z/link"), Path::new("../a")).expect("memory");
        archive.symlink(Path::new("zz"), Path::new(&far)).expect("memory");
        archive.finish().expect("memory")
    };
    let bytes = write();
    assert_eq!(bytes, write());
    // It is part of digests in lock files: it stays the same for ever.
    let digest = tarsia_model::Sha256::of(&bytes).to_string();
    assert_eq!(digest, "633566e863121429378f29ca711cd7db8ef8b99b24134ee00be809df5fdefe47");
    let tree = read(&bytes, Policy::default()).expect("taken");
    for (path, text, executable) in entries {
        let inode = tree.inode(tree.find(path.as_bytes()).expect("there"));
        let mode = if executable { 0o755 } else { 0o644 };
        assert_eq!((&inode.kind, &inode.meta), (&Kind::File(Data::of(text)), &Meta::root(mode)));
    }
    let mut short = Canonical::new(Vec::new());
    short.file(Path::new("a"), false, 3, &b"ab"[..]).expect_err("it ended early");
    for path in ["../a", "/a"] {
        let mut archive = Canonical::new(Vec::new());
        archive.file(Path::new(path), false, 0, &b""[..]).expect_err("it leads out");
    }

    if installed("tar") {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, root) = (folder.path().join("x.tar"), folder.path().join("root"));
        std::fs::write(&file, &bytes).expect("a file");
        std::fs::create_dir(&root).expect("a folder");
        run(Command::new("tar").arg("-xf").arg(&file).arg("-C").arg(&root));
        let theirs = extracted(&root);
        let names = |tree: &Tree| tree.walk().into_iter().map(|(path, _)| path).collect::<Vec<_>>();
        assert_eq!(names(&theirs), names(&tree));
    }
}

/// An archive in a package, as kernels' sources come, with both in other compressions.
#[test]
fn an_archive_in_a_package() {
    if !["tar", "dpkg-deb"].into_iter().all(installed) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    for path in ["src/linux", "deb/usr/src", "deb/DEBIAN"] {
        std::fs::create_dir_all(at(path)).expect("a folder");
    }
    std::fs::write(at("src/linux/Makefile"), "all:\n").expect("a file");
    let control = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n";
    std::fs::write(at("deb/DEBIAN/control"), control).expect("a file");
    let (inner, src) = (at("deb/usr/src/linux.tar.xz"), at("src"));
    run(Command::new("tar").arg("-cJf").arg(&inner).arg("-C").arg(&src).arg("linux"));
    run(Command::new("dpkg-deb").arg("-Zxz").arg("--build").arg(at("deb")).arg(at("x.deb")));
    let deb = std::fs::read(at("x.deb")).expect("a file");
    let policy = Policy { strip: 1, ..Policy::default() };
    let tree = read_inside(&deb, "usr/src/linux.tar.xz", policy).expect("taken");
    assert!(tree.find(b"Makefile").is_some());
    let absent = read_inside(&deb, "usr/src/other.tar.xz", policy).expect_err("not there");
    assert_eq!(absent.to_string(), "there is no file `usr/src/other.tar.xz` in it");
}

/// Cargo packs crates so; GNU tar reads them.
#[test]
fn empty_owners_are_root() {
    let mut bytes = Tar::default().file("a", b"x").end();
    bytes[108..124].fill(0);
    sum(&mut bytes[..512]);
    let tree = read(&bytes, policy()).expect("an archive");
    let meta = &tree.inode(tree.find(b"a").expect("a file")).meta;
    assert_eq!((meta.owner, meta.group), (0, 0));
    bytes[108] = b'x';
    sum(&mut bytes[..512]);
    let refused = read(&bytes, policy()).expect_err("no number");
    assert!(refused.to_string().contains("no number"), "{refused}");
}
