//! An ext4 image of about 200 MB of programs and libraries, beside `mke2fs -d` where it is installed. The page
//! cache is warm. `cargo bench -p tarsia-image --bench ext4`; figures are in docs/decisions/0009-ext4.md.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use divan::Bencher;
use tarsia_image::content::{Content, Data};
use tarsia_image::ext4::{self, Journal, Options, Size};
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;
use tempfile::TempDir;

/// Bytes of files that are taken, from which folders.
const BYTES: u64 = 200 << 20;
const FROM: [&str; 2] = ["/usr/lib", "/usr/share"];
/// Size of the image, in bytes.
const IMAGE: u64 = 320 << 20;

static SAMPLE: LazyLock<Sample> = LazyLock::new(Sample::new);

fn main() {
    divan::main();
}

/// The tree, and a folder with the same files for `mke2fs`.
struct Sample {
    tree: Tree,
    folder: TempDir,
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tree = Tree::new(Meta::root(0o755));
        let mut left = BYTES / 2;
        for from in FROM {
            let name = Path::new(from).file_name().expect("a name").as_bytes().to_vec();
            tree.add(&name, Meta::root(0o755), Kind::Folder(BTreeMap::new())).expect("new");
            let to = folder.path().join(Path::new(from).file_name().expect("a name"));
            std::fs::create_dir(&to).expect("a folder");
            take(&mut tree, Path::new(from), &to, &name, &mut left);
            left += BYTES / 2;
        }
        Self { tree, folder }
    }
}

/// Takes files until there are enough.
fn take(tree: &mut Tree, from: &Path, to: &Path, path: &[u8], left: &mut u64) {
    let mut names: Vec<_> = from.read_dir().expect("readable").flatten().collect();
    names.sort_by_key(std::fs::DirEntry::file_name);
    for entry in names {
        let (host, name) = (entry.path(), entry.file_name());
        let (path, to) = ([path, b"/", name.as_bytes()].concat(), to.join(&name));
        let Ok(about) = host.symlink_metadata() else { continue };
        let kind = if about.is_dir() {
            std::fs::create_dir(&to).expect("a folder");
            Kind::Folder(BTreeMap::new())
        } else if about.is_symlink() {
            let target = host.read_link().expect("a link");
            std::os::unix::fs::symlink(&target, &to).expect("a link");
            Kind::Symlink(target.as_os_str().as_bytes().to_vec())
        } else if about.is_file() && about.len() <= *left && std::fs::copy(&host, &to).is_ok() {
            *left -= about.len();
            Kind::File(Data::new(OnDisk::new(&to)))
        } else {
            continue;
        };
        let is_folder = matches!(kind, Kind::Folder(_));
        let mode = (about.permissions().mode() & 0o7777) as u16;
        tree.add(&path, Meta::root(mode), kind).expect("new");
        if is_folder {
            take(tree, &host, &to, &path, left);
        }
    }
}

/// A file that is opened when it is read.
#[derive(Debug)]
struct OnDisk {
    path: PathBuf,
    size: u64,
    digest: Blake3,
}

impl OnDisk {
    fn new(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("a file");
        Self { path: path.to_owned(), size: bytes.len() as u64, digest: Blake3::of(&bytes) }
    }
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

fn options(size: Size) -> Options {
    Options {
        uuid: [7; 16],
        hash_seed: [9; 16],
        label: b"bench".to_vec(),
        made: 1_700_000_000,
        size,
        inodes: None,
        journal: Journal::Fitting,
    }
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn tarsia(bencher: Bencher<'_, '_>) {
    let tree = &SAMPLE.tree;
    let folder = tempfile::tempdir().expect("a folder");
    bencher.bench_local(|| {
        let mut out = File::create(folder.path().join("image")).expect("a file");
        ext4::write(tree, &options(Size::Exactly(IMAGE)), &mut out).expect("an image")
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn mke2fs(bencher: Bencher<'_, '_>) {
    let from = SAMPLE.folder.path();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    bencher.bench_local(|| {
        let _ = std::fs::remove_file(&path);
        let status = Command::new("/usr/sbin/mke2fs")
            .args(["-q", "-t", "ext4", "-E", "lazy_itable_init=0", "-d"])
            .args([from, &path])
            .arg("320M")
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "mke2fs is needed");
    });
}

/// Reading an image back, with the digests of all files.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn read(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    let mut out = File::create(&path).expect("a file");
    let size = Size::Smallest { free: 0 };
    ext4::write(&SAMPLE.tree, &options(size), &mut out).expect("an image");
    let image = Data::new(OnDisk::new(&path));
    bencher.bench_local(|| ext4::read(&image).expect("own image"));
}
