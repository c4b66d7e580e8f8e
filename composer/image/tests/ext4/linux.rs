//! What independent programs make of an image.

#![expect(clippy::print_stderr, reason = "says what was left out")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tarsia_image::content::{Content, Data};
use tarsia_image::ext4::{Journal, Options, ReadError, Size, read, write};
use tarsia_image::tree::{Inode, InodeId, Kind, Meta, Tree};
use tarsia_model::Blake3;
use tempfile::TempDir;

use crate::trees::{Holds, Random, cases, extracted, installed, random};
use crate::{any_options, options, smallest};

/// An image in a file of its own folder.
pub struct Image {
    _folder: TempDir,
    pub path: PathBuf,
}

impl Image {
    pub fn new(tree: &Tree, options: &Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        let mut file = File::create(&path).expect("a file");
        let extents = write(tree, options, &mut file).expect("an image");
        assert_eq!(file.metadata().expect("metadata").len(), extents.size());
        Self { _folder: folder, path }
    }

    /// `e2fsck` has nothing to say.
    pub fn check(&self) {
        if !installed("e2fsck") {
            return;
        }
        let output = run("e2fsck", &["-fn"], &self.path);
        let text = String::from_utf8_lossy(&output.stdout);
        // Some of what it would mend it counts as mended, and is content.
        let usual = |line: &str| line.starts_with("Pass ") || line.contains(" files (");
        let said = String::from_utf8_lossy(&output.stderr);
        let quiet = text.lines().all(usual) && said.lines().count() == 1;
        assert!(output.status.success() && quiet, "{text}{said}");
    }

    /// Its copy, as a loop device may still be busy with what was just unmounted.
    fn copied(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        fs::copy(&self.path, &path).expect("copied");
        Self { _folder: folder, path }
    }

    /// What the reader makes of it.
    pub fn back(&self) -> Result<Tree, ReadError> {
        let file = File::open(&self.path).expect("it");
        let size = file.metadata().expect("metadata").len();
        Ok(read(&Data::new(OnDisk { file, size }))?.tree)
    }

    /// Mounts it. `None`, said on the terminal, where nothing can be mounted.
    pub fn mount(&self, how: &str) -> Option<Mounted> {
        let folder = tempfile::tempdir().expect("a folder");
        let image = self.path.to_str().expect("UTF-8");
        let output = run("mount", &["-t", "ext4", "-o", how, image], folder.path());
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            assert!(!may_mount(), "only the image of mke2fs is mounted: {why}");
            eprintln!("skipped: mounting is not possible here: {why}");
            return None;
        }
        Some(Mounted(folder))
    }
}

/// A file on disk, which nobody asks for its digest.
#[derive(Debug)]
struct OnDisk {
    file: File,
    size: u64,
}

impl Content for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        Blake3([0; 32])
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

/// A mounted image; it is unmounted when this goes.
pub struct Mounted(TempDir);

impl Mounted {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let output = run("umount", &[], self.0.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn run(program: &str, arguments: &[&str], last: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).arg(last).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    command.output().expect("it is installed")
}

/// Whether an image that `mke2fs` made can be mounted.
fn may_mount() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let image = folder.path().join("image");
    File::create(&image).and_then(|file| file.set_len(16 << 20)).expect("a file");
    run("mke2fs", &["-q", "-t", "ext4"], &image);
    let at = folder.path().join("at");
    fs::create_dir(&at).expect("a folder");
    let image = image.to_str().expect("UTF-8");
    let mounted = run("mount", &["-o", "loop,ro", image], &at).status.success();
    if mounted {
        run("umount", &[], &at);
    }
    mounted
}

/// As Linux shows it: with `lost+found`, and without what it does not let programs see.
fn as_mounted(tree: &Tree) -> Tree {
    let visible = |inode: &Inode| {
        let mut meta = inode.meta.clone();
        if !matches!(inode.kind, Kind::Folder(_) | Kind::File(_)) {
            meta.attributes.retain(|name, _| !name.starts_with(b"user."));
        }
        meta
    };
    let mut shown = Tree::new(tree.inode(tree.root()).meta.clone());
    let mut ids: BTreeMap<InodeId, InodeId> = BTreeMap::new();
    for (path, id) in tree.walk().split_off(1) {
        if let Some(known) = ids.get(&id) {
            shown.link(&path, *known).expect("a link");
            continue;
        }
        let inode = tree.inode(id);
        let new = shown.add(&path, visible(inode), inode.kind.clone()).expect("an entry");
        ids.insert(id, new);
    }
    if tree.find(b"lost+found").is_none() {
        let meta = Meta { modified: 1_700_000_000, ..Meta::root(0o700) };
        shown.add(b"lost+found", meta, Kind::Folder(BTreeMap::new())).expect("new");
    }
    shown
}

/// `e2fsck` has nothing to say, and Linux shows the tree that was written.
pub fn judged(tree: &Tree, options: &Options, what: &str) {
    let image = Image::new(tree, options);
    image.check();
    if let Some(mounted) = image.mount("loop,ro") {
        let (found, expected) = (extracted(mounted.path()), as_mounted(tree));
        assert!(found == expected, "{what}\n{found:?}\n{expected:?}");
    }
}

#[test]
fn large_folders_are_found_through() {
    let mut tree = Tree::new(Meta::root(0o755));
    let mut random = Random::new(5);
    for (folder, count, length) in [("long", 8_000, 240), ("short", 9_000, 4), ("mixed", 300, 90)] {
        tree.add(folder.as_bytes(), Meta::root(0o755), Kind::Folder(BTreeMap::new())).expect("new");
        for at in 0..count {
            let filling = String::from_utf8(vec![b'a' + (at % 26) as u8; length]).expect("ASCII");
            let mut path = format!("{folder}/{at}{filling}").into_bytes();
            // The hash takes bytes above 127 as signed.
            path.push(0x80 | random.next() as u8);
            tree.add(&path, Meta::root(0o600), Kind::Fifo).expect("new");
        }
    }
    // Linux goes through the index for each name that it is asked for.
    judged(&tree, &smallest(), "large folders");
}

/// A device fills its data partition, power permitting; afterwards all is in order.
#[test]
fn linux_writes_to_what_was_written() {
    for seed in 0..cases(4).min(50) {
        let mut tree = random(seed, Holds::ALL);
        tree.add(b"mine", Meta::root(0o755), Kind::Folder(BTreeMap::new())).expect("new");
        for at in 0..700 {
            let path = format!("mine/a file with quite a long name, number {at}");
            tree.add(path.as_bytes(), Meta::root(0o644), Kind::Fifo).expect("new");
        }
        let journal = if seed % 2 == 0 { Journal::Fitting } else { Journal::None };
        let image = Image::new(&tree, &options(Size::Smallest { free: 16 << 20 }, journal));
        let Some(mounted) = image.mount("loop,rw") else { return };
        let mine = mounted.path().join("mine");
        for at in 0..900 {
            // Into blocks that are full: the index has to grow.
            let name = format!("another file with quite a long name, number {at}");
            fs::write(mine.join(&name), name.repeat(at % 90)).expect("written");
            if at < 700 && at % 3 == 0 {
                fs::remove_file(mine.join(format!("a file with quite a long name, number {at}")))
                    .expect("removed");
            }
        }
        let at = mine.join("another file with quite a long name, number 7");
        let value = vec![7; 2_000];
        rustix::fs::setxattr(&at, "user.new", &value, rustix::fs::XattrFlags::empty())
            .expect("an attribute");
        fs::rename(&mine, mounted.path().join("lost+found/mine")).expect("moved");
        drop(mounted);
        let image = image.copied();
        image.check();
        let mounted = image.mount("loop,ro").expect("as before");
        let count = mounted.path().join("lost+found/mine").read_dir().expect("it").count();
        assert_eq!(count, 700 - 234 + 900);
    }
}

#[test]
fn what_is_grown_stays_what_it_was() {
    if !installed("resize2fs") {
        return;
    }
    for seed in 0..cases(3).min(50) {
        let tree = random(seed, Holds::ALL);
        let options = any_options(seed);
        let image = Image::new(&tree, &options);
        let size = image.path.metadata().expect("metadata").len();
        let file = File::options().write(true).open(&image.path).expect("it");
        file.set_len(size.next_multiple_of(4_096) + (300 << 20)).expect("larger");
        let output = run("resize2fs", &["-f"], &image.path);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        image.check();
        if let Some(mounted) = image.mount("loop,ro") {
            assert!(extracted(mounted.path()) == as_mounted(&tree), "{seed}");
        }
    }
}

/// Names that are text; `rdump` writes no others back.
#[test]
fn debugfs_finds_the_same_files() {
    if !installed("debugfs") {
        return;
    }
    let tree = random(3, Holds { devices: false, ..Holds::ALL });
    let image = Image::new(&tree, &smallest());
    for (path, id) in tree.walk() {
        let Kind::File(data) = &tree.inode(id).kind else { continue };
        if path.iter().any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'/') {
            continue;
        }
        let path = Path::new(OsStr::from_bytes(&path)).display().to_string();
        let output = run("debugfs", &["-R", &format!("cat /{path}")], &image.path);
        assert!(output.stdout == data.bytes().expect("memory"), "{path}");
    }
}
