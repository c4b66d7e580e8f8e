//! What composing squashfs costs beside `mksquashfs` with the same codec, level and size of blocks, and
//! what composing it again costs when one file changed. Folders to compose and names of codecs may be
//! given as arguments. `cargo bench -p tarsia-image --bench squashfs`; figures are medians of three, taken
//! in turns.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "measures, and reads folders of the host"
)]

#[expect(dead_code, reason = "other measurements need the rest")]
mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::sample::{Kept, OnDisk, changed, files};
use support::time::{median, timed};
use tarsia_image::codec::Codec;
use tarsia_image::content::{Data, Packed, Unkept};
use tarsia_image::extent::Extents;
use tarsia_image::squashfs::{Options, write};
use tarsia_image::tree::{Kind, Meta, Tree};

/// What is composed when nothing else is asked for: about 200 MB of programs, libraries, scripts and texts.
const FOLDERS: [&str; 9] = [
    "/usr/lib/file",
    "/usr/lib/git-core",
    "/usr/lib/postgresql",
    "/usr/lib/python3.11",
    "/usr/lib/systemd",
    "/usr/share/i18n",
    "/usr/share/perl",
    "/usr/share/vim",
    "/usr/share/zoneinfo",
];
const RUNS: usize = 3;
/// Where files are never synced, when there is such a place.
const MEMORY: &str = "/dev/shm";

fn main() {
    let all =
        [Codec::None, Codec::Zstd { level: 15 }, Codec::Gzip { level: 9 }, Codec::Xz { level: 6 }];
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let named = |name: &str| all.into_iter().find(|codec| codec.name() == name);
    let mut codecs: Vec<Codec> = asked.iter().filter_map(|name| named(name)).collect();
    if codecs.is_empty() {
        codecs.extend(all);
    }
    let mut folders: Vec<PathBuf> =
        asked.iter().filter(|name| named(name).is_none()).map(PathBuf::from).collect();
    if folders.is_empty() {
        folders = FOLDERS.iter().map(PathBuf::from).filter(|folder| folder.is_dir()).collect();
    }
    let mut tree = None;
    let loading = timed(|| tree = Some(load(&folders)));
    let tree = tree.expect("a tree");
    let (count, bytes) = files(&tree);
    println!("{count} files, {:.1} MB", bytes as f64 / 1e6);
    println!("walk and digests: {loading}");
    let memory = Path::new(MEMORY);
    let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let place = place.expect("a temporary folder");
    for codec in codecs {
        compare(&tree, &folders, codec, place.path());
    }
}

fn compare(tree: &Tree, folders: &[PathBuf], codec: Codec, place: &Path) {
    let (ours, theirs) = (place.join("ours"), place.join("theirs"));
    let options = Options::new(codec);
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..RUNS {
        times[0].push(timed(|| drop(compose(tree, &options, &Unkept, &ours))));
        times[1].push(timed(|| mksquashfs(folders, codec, &theirs)));
    }
    let [own, other] = times.map(|times| median(&times));
    let size = |path: &Path| path.metadata().expect("an image").size() as f64;
    println!("{}: {own}; mksquashfs {other}", codec.version());
    println!(
        "  time {:.2}, processor {:.2}, size {:.4} ({:.1} MB) of mksquashfs's",
        own.wall / other.wall,
        own.processor / other.processor,
        size(&ours) / size(&theirs),
        size(&ours) / 1e6
    );

    let kept = Kept::default();
    let first = timed(|| drop(compose(tree, &options, &kept, &ours)));
    let all = kept.count();
    let path = place.join("changed");
    for large in [false, true] {
        let (name, changed) = changed(tree, large);
        let pieces = kept.copied();
        let again = timed(|| drop(compose(&changed, &options, &pieces, &path)));
        let new = pieces.count() - all;
        println!(
            "  again after {name} changed: {again}; {:.3} of {first}; {new} of {all} pieces packed",
            again.wall / first.wall,
        );
    }
}

fn compose(tree: &Tree, options: &Options, packed: &dyn Packed, path: &Path) -> Extents {
    let mut out = File::create(path).expect("a file");
    write(tree, options, packed, &mut out).expect("an image")
}

fn mksquashfs(folders: &[PathBuf], codec: Codec, path: &Path) {
    let _ = fs::remove_file(path);
    let level = codec.level().to_string();
    let more: &[&str] = match codec {
        Codec::None => &["-noI", "-noD", "-noF", "-noX"],
        Codec::Gzip { .. } => &["-comp", "gzip", "-Xcompression-level", &level],
        Codec::Xz { .. } => &["-comp", "xz"],
        Codec::Zstd { .. } => &["-comp", "zstd", "-Xcompression-level", &level],
    };
    let mut command = Command::new("mksquashfs");
    command.args(folders).arg(path).args(["-no-progress", "-quiet", "-b", "131072"]).args(more);
    assert!(command.status().expect("mksquashfs").success());
}

/// The folders as `mksquashfs` takes them, by their last names.
fn load(folders: &[PathBuf]) -> Tree {
    let mut tree = Tree::new(Meta::root(0o755));
    let mut known = BTreeMap::new();
    let mut open: Vec<(Vec<u8>, PathBuf)> = folders
        .iter()
        .map(|folder| (folder.file_name().expect("a name").as_bytes().to_vec(), folder.clone()))
        .collect();
    while let Some((path, host)) = open.pop() {
        let stat = host.symlink_metadata().expect("metadata");
        if let Some(id) = known.get(&(stat.dev(), stat.ino())) {
            tree.link(&path, *id).expect("a link");
            continue;
        }
        let meta = Meta {
            mode: (stat.mode() & 0o7777) as u16,
            owner: stat.uid(),
            group: stat.gid(),
            modified: stat.mtime() as u64,
            attributes: BTreeMap::new(),
        };
        let kind = if stat.is_dir() {
            for entry in host.read_dir().expect("a folder") {
                let entry = entry.expect("an entry");
                let inner = [&path, b"/".as_slice(), entry.file_name().as_bytes()].concat();
                open.push((inner, entry.path()));
            }
            Kind::Folder(BTreeMap::new())
        } else if stat.is_symlink() {
            let target = host.read_link().expect("a target");
            Kind::Symlink(target.into_os_string().as_bytes().to_vec())
        } else {
            Kind::File(Data::new(OnDisk::new(&host)))
        };
        let is_file = !stat.is_dir();
        let id = tree.add(&path, meta, kind).expect("an entry");
        if is_file && stat.nlink() > 1 {
            known.insert((stat.dev(), stat.ino()), id);
        }
    }
    tree
}
