//! What an EROFS image of about 200 MB costs beside `mkfs.erofs`, where that is installed: compressed
//! with LZ4 as `-zlz4hc`, uncompressed, and composed again after one file changed, when the compressed
//! pieces of the others were kept. Files are this machine's, in the page cache.
//! `cargo bench -p tarsia-image --bench erofs`; the medians of three runs, in turns. The time that the
//! processors worked is there for busy machines.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program that measures")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use tarsia_image::content::{Content, Data, Packed, Unkept};
use tarsia_image::erofs::{self, Compression, Options};
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;

/// Bytes taken from each of these folders.
const TAKEN: u64 = 100 << 20;
const FOLDERS: [&str; 2] = ["/usr/lib", "/usr/share"];
/// Files beyond this are left out: one of them would decide everything.
const LARGEST: u64 = 30 << 20;
const RUNS: usize = 3;

#[derive(Debug)]
struct OnDisk {
    path: PathBuf,
    size: u64,
    digest: Blake3,
}

impl Content for OnDisk {
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
        self.0.lock().expect("no panic").get(&key).cloned()
    }

    fn put(&self, key: Blake3, bytes: &[u8]) {
        self.0.lock().expect("no panic").insert(key, bytes.to_vec());
    }
}

/// Copies files and links below `from` until `left` bytes are used up.
fn copy(from: &Path, to: &Path, left: &mut u64) {
    let mut names: Vec<_> =
        from.read_dir().into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    std::fs::create_dir_all(to).expect("made");
    for name in names {
        let (from, to) = (from.join(&name), to.join(&name));
        let Ok(about) = from.symlink_metadata() else { continue };
        if about.is_dir() {
            copy(&from, &to, left);
        } else if about.is_symlink() {
            let target = from.read_link().expect("a link");
            std::os::unix::fs::symlink(target, to).expect("made");
        } else if about.len() < LARGEST.min(*left) && std::fs::copy(&from, &to).is_ok() {
            *left -= about.len();
        }
    }
}

fn add(tree: &mut Tree, folder: &Path, path: &str, changed: Option<&str>) {
    for entry in folder.read_dir().expect("a folder").flatten() {
        let host = entry.path();
        let name = entry.file_name().into_string().expect("UTF-8");
        let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
        let about = host.symlink_metadata().expect("metadata");
        let meta = Meta::root((about.permissions().mode() & 0o7777) as u16);
        if about.is_dir() {
            tree.add(inner.as_bytes(), meta, Kind::Folder(BTreeMap::new())).expect("new");
            add(tree, &host, &inner, changed);
            continue;
        }
        let kind = if about.is_symlink() {
            let target = host.read_link().expect("a link").into_os_string();
            Kind::Symlink(target.into_encoded_bytes())
        } else {
            let mut bytes = std::fs::read(&host).expect("read");
            if changed == Some(inner.as_str()) {
                bytes[0] ^= 1;
                Kind::File(Data::of(bytes))
            } else {
                let digest = Blake3::of(&bytes);
                Kind::File(Data::new(OnDisk { path: host, size: about.len(), digest }))
            }
        };
        tree.add(inner.as_bytes(), meta, kind).expect("new");
    }
}

/// What is measured, by name.
type Case<'a> = (&'a str, Box<dyn Fn() + 'a>);

/// Seconds that this program and those it waited for have worked (proc(5), `/proc/pid/stat`, fields 14
/// to 17, in hundredths).
fn worked() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(4).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Seconds that passed, and seconds of work.
fn seconds(work: impl FnOnce()) -> [f64; 2] {
    let (start, before) = (Instant::now(), worked());
    work();
    [start.elapsed().as_secs_f64(), worked() - before]
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root");
    for from in FOLDERS {
        copy(Path::new(from), &root.join(from.trim_start_matches('/')), &mut TAKEN.clone());
    }
    let mut tree = Tree::new(Meta::root(0o755));
    add(&mut tree, &root, "", None);
    let walk = tree.walk();
    let files = walk.iter().filter_map(|(path, id)| match &tree.inode(*id).kind {
        Kind::File(data) => Some((data.size(), path)),
        _ => None,
    });
    let files: Vec<_> = files.collect();
    let bytes: u64 = files.iter().map(|(size, _)| size).sum();
    println!("{} files, {:.1} MiB", files.len(), bytes as f64 / 1_048_576.0);
    // A file of middling size changes.
    let (_, changed) = files.iter().find(|(size, _)| *size > 500_000).expect("there is one");
    let mut later = Tree::new(Meta::root(0o755));
    add(&mut later, &root, "", Some(std::str::from_utf8(changed).expect("UTF-8")));

    let image = folder.path().join("image");
    let compose = |tree: &Tree, compression: Option<Compression>, kept: &dyn Packed| {
        let uuid = *b"0123456789abcdef";
        let options = Options { uuid, name: Vec::new(), built: 0, nanoseconds: 0, compression };
        let mut out = File::create(&image).expect("made");
        erofs::write(tree, &options, kept, &mut out).expect("written");
    };
    let mkfs = |arguments: &[&str]| {
        let _ = std::fs::remove_file(&image);
        let mut command = Command::new("mkfs.erofs");
        command
            .args(arguments)
            .args(["-T0", "--all-root", "-x-1", "--quiet"])
            .arg(&image)
            .arg(&root);
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.is_ok_and(|done| done.success()), "mkfs.erofs {arguments:?}");
    };
    let plain = Compression { tails: false, ..Compression::DEFAULT };
    let large = Compression { cluster: 65_536, ..Compression::DEFAULT };
    let kept = Kept::default();
    let mut cases: Vec<Case<'_>> = vec![
        ("uncompressed", Box::new(|| compose(&tree, None, &Unkept))),
        ("lz4hc 9, 4 KiB", Box::new(|| compose(&tree, Some(Compression::DEFAULT), &Unkept))),
        ("lz4hc 9, 4 KiB, no tails", Box::new(|| compose(&tree, Some(plain), &Unkept))),
        ("lz4hc 9, 64 KiB", Box::new(|| compose(&tree, Some(large), &Unkept))),
        ("lz4hc 9, 4 KiB, keeping pieces", {
            Box::new(|| {
                kept.0.lock().expect("no panic").clear();
                compose(&tree, Some(Compression::DEFAULT), &kept);
            })
        }),
        ("  then one file changed", {
            Box::new(|| compose(&later, Some(Compression::DEFAULT), &kept))
        }),
    ];
    if Command::new("mkfs.erofs").arg("--help").output().is_ok() {
        cases.insert(1, ("  mkfs.erofs", Box::new(|| mkfs(&[]))));
        cases.insert(3, ("  mkfs.erofs -zlz4hc", Box::new(|| mkfs(&["-zlz4hc"]))));
        let large = ["-zlz4hc", "-C65536"];
        cases.insert(6, ("  mkfs.erofs -zlz4hc -C65536", Box::new(move || mkfs(&large))));
    } else {
        println!("mkfs.erofs is not installed");
    }
    let mut times = vec![Vec::new(); cases.len()];
    let mut sizes = vec![0; cases.len()];
    for run in 1..=RUNS {
        for (at, (_, work)) in cases.iter().enumerate() {
            times[at].push(seconds(work));
            sizes[at] = image.metadata().expect("it").len();
        }
        println!("after {run} of {RUNS} runs{:>20}{:>10}{:>12}", "wall", "work", "image");
        for (((name, _), times), size) in cases.iter().zip(&times).zip(&sizes) {
            let median = |of: usize| {
                let mut times: Vec<f64> = times.iter().map(|time| time[of]).collect();
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            };
            let size = *size as f64 / 1_048_576.0;
            println!("{name:34}{:8.3} s{:8.2} s{size:8.1} MiB", median(0), median(1));
        }
    }
}
