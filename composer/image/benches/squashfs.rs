//! What composing squashfs costs beside `mksquashfs` with the same codec, level and size of blocks, and
//! what composing it again costs when one file changed. Folders to compose and names of codecs may be
//! given as arguments. `cargo bench -p tarsia-image --bench squashfs`; figures are medians of three, taken
//! in turns.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "measures, and reads folders of the host"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use tarsia_image::codec::Codec;
use tarsia_image::content::{Content, Data, Packed, Unkept};
use tarsia_image::extent::Extents;
use tarsia_image::squashfs::{Options, write};
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;

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
/// How many ticks of /proc/self/stat are a second (`USER_HZ`).
const TICKS: f64 = 100.0;

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
    let files = tree.inodes().iter().filter_map(|inode| match &inode.kind {
        Kind::File(data) => Some(data.size()),
        _ => None,
    });
    let bytes: u64 = files.sum();
    println!("{} inodes, {:.1} MB", tree.inodes().len(), bytes as f64 / 1e6);
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
    let [own, other] = times.map(median);
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
    let all = kept.0.lock().expect("unharmed").len();
    let path = place.join("changed");
    for large in [false, true] {
        let (name, changed) = changed(tree, large);
        let pieces = Kept(Mutex::new(kept.0.lock().expect("unharmed").clone()));
        let again = timed(|| drop(compose(&changed, &options, &pieces, &path)));
        let new = pieces.0.lock().expect("unharmed").len() - all;
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

/// The tree with another content of one file of the middle: a small one, or the largest.
fn changed(tree: &Tree, large: bool) -> (String, Tree) {
    let mut files: Vec<_> = tree
        .walk()
        .into_iter()
        .filter_map(|(path, id)| match &tree.inode(id).kind {
            Kind::File(data) => Some((path, id, data.clone())),
            _ => None,
        })
        .collect();
    if large {
        files.sort_by_key(|(_, _, data)| data.size());
    } else {
        files.retain(|(_, _, data)| (2_000..20_000).contains(&data.size()));
    }
    let at = if large { files.len() - 1 } else { files.len() / 2 };
    let (path, id, data) = files.swap_remove(at);
    let mut bytes = data.bytes().expect("a content");
    bytes.extend(b"one line more\n");
    let mut other = Tree::new(tree.inode(tree.root()).meta.clone());
    let mut ids = BTreeMap::new();
    for (path, at) in tree.walk().split_off(1) {
        if let Some(known) = ids.get(&at) {
            other.link(&path, *known).expect("a link");
            continue;
        }
        let inode = tree.inode(at);
        let new = at == id;
        let kind = if new { Kind::File(Data::of(bytes.clone())) } else { inode.kind.clone() };
        ids.insert(at, other.add(&path, inode.meta.clone(), kind).expect("an entry"));
    }
    (format!("{} ({} bytes)", String::from_utf8_lossy(&path), bytes.len()), other)
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
            let digest = Blake3::of(&fs::read(&host).expect("a file"));
            Kind::File(Data::new(HostFile { path: host, size: stat.size(), digest }))
        };
        let is_file = !stat.is_dir();
        let id = tree.add(&path, meta, kind).expect("an entry");
        if is_file && stat.nlink() > 1 {
            known.insert((stat.dev(), stat.ino()), id);
        }
    }
    tree
}

#[derive(Debug)]
struct HostFile {
    path: PathBuf,
    size: u64,
    digest: Blake3,
}

impl Content for HostFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        File::open(&self.path)?.read_exact_at(buffer, offset)
    }
}

#[derive(Default)]
struct Kept(Mutex<BTreeMap<Blake3, Vec<u8>>>);

impl Packed for Kept {
    fn get(&self, key: Blake3) -> Option<Vec<u8>> {
        self.0.lock().expect("unharmed").get(&key).cloned()
    }

    fn put(&self, key: Blake3, bytes: &[u8]) {
        self.0.lock().expect("unharmed").insert(key, bytes.to_vec());
    }
}

/// Seconds by the clock and of the processor (of this process and of those it started).
#[derive(Clone, Copy)]
struct Time {
    wall: f64,
    processor: f64,
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} s ({:.2} s of the processor)", self.wall, self.processor)
    }
}

fn timed(work: impl FnOnce()) -> Time {
    let (start, before) = (Instant::now(), processor());
    work();
    Time { wall: start.elapsed().as_secs_f64(), processor: processor() - before }
}

fn median(mut times: Vec<Time>) -> Time {
    times.sort_by(|one, other| one.wall.total_cmp(&other.wall));
    let wall = times[times.len() / 2].wall;
    times.sort_by(|one, other| one.processor.total_cmp(&other.processor));
    Time { wall, processor: times[times.len() / 2].processor }
}

/// Fields 14 to 17 of proc(5): user and system, own and of children that ended.
fn processor() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(") ").next().expect("fields");
    let ticks = fields.split(' ').skip(11).take(4);
    ticks.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
}
