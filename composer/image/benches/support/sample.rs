//! Trees to compose, of files that are opened when they are read, and a store in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tarsia_image::content::{Content, Data, Packed};
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::Blake3;
use tempfile::TempDir;

/// Bytes of files that are taken, in equal parts from these folders.
const BYTES: u64 = 200 << 20;
const FROM: [&str; 2] = ["/usr/lib", "/usr/share"];
/// Files beyond this are left out: one of them would decide everything.
const LARGEST: u64 = 30 << 20;

/// A tree, and a folder with the same files for other tools.
pub struct Sample {
    pub tree: Tree,
    pub folder: TempDir,
}

impl Sample {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tree = Tree::new(Meta::root(0o755));
        for from in FROM.map(Path::new) {
            let name = from.file_name().expect("a name");
            let to = folder.path().join(name);
            std::fs::create_dir(&to).expect("a folder");
            let kind = Kind::Folder(BTreeMap::new());
            tree.add(name.as_bytes(), Meta::root(0o755), kind).expect("new");
            take(&mut tree, from, &to, name.as_bytes(), &mut (BYTES / 2));
        }
        Self { tree, folder }
    }
}

/// Takes files until there are enough.
fn take(tree: &mut Tree, from: &Path, to: &Path, path: &[u8], left: &mut u64) {
    let mut names: Vec<_> = from.read_dir().into_iter().flatten().flatten().collect();
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
        } else if about.is_file()
            && about.len() <= LARGEST.min(*left)
            && std::fs::copy(&host, &to).is_ok()
        {
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

/// Regular files of a tree: how many, and their bytes.
pub fn files(tree: &Tree) -> (usize, u64) {
    let sizes = tree.inodes().iter().filter_map(|inode| match &inode.kind {
        Kind::File(data) => Some(data.size()),
        _ => None,
    });
    sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
}

/// The tree with another content of one file of the middle: a small one, or the largest. And what it is.
pub fn changed(tree: &Tree, large: bool) -> (String, Tree) {
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

/// A file that is opened when it is read.
#[derive(Debug)]
pub struct OnDisk {
    path: PathBuf,
    size: u64,
    digest: Blake3,
}

impl OnDisk {
    pub fn new(path: &Path) -> Self {
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

/// What was packed, in memory.
#[derive(Default)]
pub struct Kept(Mutex<BTreeMap<Blake3, Vec<u8>>>);

impl Kept {
    pub fn count(&self) -> usize {
        self.0.lock().expect("unharmed").len()
    }

    /// The same, to be added to alone.
    pub fn copied(&self) -> Self {
        Self(Mutex::new(self.0.lock().expect("unharmed").clone()))
    }
}

impl Packed for Kept {
    fn get(&self, key: Blake3) -> Option<Vec<u8>> {
        self.0.lock().expect("unharmed").get(&key).cloned()
    }

    fn put(&self, key: Blake3, bytes: &[u8]) {
        self.0.lock().expect("unharmed").insert(key, bytes.to_vec());
    }
}
