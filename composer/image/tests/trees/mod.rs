//! Trees to write images from, and trees as another program extracted them.

#![allow(dead_code, reason = "each test of a writer uses its part")]
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "which tools there are, and how many cases"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use tarsia_image::content::Data;
use tarsia_image::tree::{InodeId, Kind, Meta, Tree};

/// How many random cases a test tries: `TARSIA_CASES`, or else `few`.
pub fn cases(few: u64) -> u64 {
    let asked = std::env::var("TARSIA_CASES").ok();
    asked.map_or(few, |count| count.parse().expect("TARSIA_CASES is a number"))
}

/// Whether a program can be started; says so on the terminal when a test has to do without it.
pub fn installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(Into::into);
    let found = std::env::split_paths(&paths).chain(sbin).any(|at| at.join(program).is_file());
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed on any machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x7461_7273_6961)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// What a format can hold; a random tree has nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Holds {
    pub attributes: bool,
    pub devices: bool,
    pub hard_links: bool,
    pub symlinks: bool,
    /// Largest owner and group.
    pub largest_owner: u32,
    /// Largest file, in bytes.
    pub largest_file: u64,
}

impl Holds {
    pub const ALL: Self = Self {
        attributes: true,
        devices: true,
        hard_links: true,
        symlinks: true,
        largest_owner: u32::MAX - 1,
        largest_file: 1 << 20,
    };
}

/// A random tree: deep and flat, long names, empty and sparse files, hard and symbolic links,
/// devices, attributes. The same for the same seed.
pub fn random(seed: u64, holds: Holds) -> Tree {
    let mut random = Random::new(seed);
    let mut tree = Tree::new(meta(&mut random, holds));
    let mut folders: Vec<Vec<u8>> = vec![Vec::new()];
    let mut files: Vec<InodeId> = Vec::new();
    let count = match random.below(12) {
        0 => 0,
        1..=7 => random.below(24),
        8..=10 => random.below(120),
        _ => random.below(900),
    };
    let deep = random.chance(4);
    for at in 0..count {
        let parent = match deep {
            true => folders[folders.len() - 1 - (random.below(2) as usize).min(folders.len() - 1)]
                .clone(),
            false => random.pick(&folders).clone(),
        };
        let mut path = parent;
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend(name(&mut random, at));
        // Programs that extract are bound to PATH_MAX.
        if path.len() > 3_000 {
            continue;
        }
        let about = meta(&mut random, holds);
        match random.below(12) {
            0..=2 => {
                tree.add(&path, about, Kind::Folder(BTreeMap::new())).expect("a folder");
                folders.push(path);
            }
            3 if holds.symlinks => {
                let length = *random.pick(&[1, 7, 40, 59, 60, 61, 200, 255, 1_000, 4_000]);
                let target = (0..length).map(|at| b"abc/.."[at % 6]).collect();
                let about = Meta { mode: 0o777, attributes: BTreeMap::new(), ..about };
                tree.add(&path, about, Kind::Symlink(target)).expect("a symlink");
            }
            4 if holds.hard_links && !files.is_empty() => {
                tree.link(&path, *random.pick(&files)).expect("a link");
            }
            5 if holds.devices => {
                let (major, minor) = (random.below(4_096) as u32, random.below(1 << 20) as u32);
                let kind = match random.below(4) {
                    0 => Kind::Character { major, minor },
                    1 => Kind::Block { major, minor },
                    2 => Kind::Fifo,
                    _ => Kind::Socket,
                };
                tree.add(&path, about, kind).expect("a device");
            }
            _ => {
                let data = Data::of(bytes(&mut random, holds.largest_file));
                files.push(tree.add(&path, about, Kind::File(data)).expect("a file"));
            }
        }
    }
    tree
}

fn name(random: &mut Random, at: u64) -> Vec<u8> {
    let own = format!("{at:x}");
    let more = match random.below(10) {
        0 => 255 - own.len(),
        1 => 100,
        _ => random.below(20) as usize,
    };
    let letters: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCXYZ0189._-+ ~#\xc3\xa4";
    let mut name: Vec<u8> = (0..more).map(|_| *random.pick(letters)).collect();
    name.extend(own.bytes());
    name
}

fn meta(random: &mut Random, holds: Holds) -> Meta {
    let id = |random: &mut Random| match random.below(4) {
        0 | 1 => 0,
        2 => random.below(1_000) as u32,
        _ => (random.next() as u32).min(holds.largest_owner),
    };
    let mut attributes = BTreeMap::new();
    if holds.attributes && random.chance(5) {
        for at in 0..1 + random.below(4) {
            let prefix = *random.pick(&["user.", "trusted.", "security."]);
            let length = *random.pick(&[0, 1, 5, 30, 200]);
            let value = (0..length).map(|_| random.next() as u8).collect();
            attributes.insert(format!("{prefix}test{at}").into_bytes(), value);
        }
        if random.chance(2) {
            // The same for many inodes, as labels are.
            attributes.insert(b"user.label".to_vec(), b"system_u:object_r:bin_t:s0".to_vec());
        }
    }
    Meta {
        mode: *random.pick(&[0o755, 0o644, 0o600, 0o4755, 0o2755, 0o1777, 0o500, 0o444]),
        owner: id(random),
        group: id(random),
        modified: *random.pick(&[0, 1, 1_700_000_000, 2_147_483_647]),
        attributes,
    }
}

fn bytes(random: &mut Random, largest: u64) -> Vec<u8> {
    let edges = [0, 1, 511, 512, 513, 4_095, 4_096, 4_097, 8_192, 65_536, 131_072, 131_073];
    let size = match random.below(20) {
        0..=8 => *random.pick(&edges),
        9..=17 => random.below(20_000),
        18 => random.below(300_000),
        _ => random.below(1 << 20),
    };
    let size = size.min(largest) as usize;
    match random.below(6) {
        // Sparse: zeros with a little in them.
        0 => {
            let mut bytes = vec![0; size];
            for _ in 0..3.min(size) {
                let at = random.below(size as u64) as usize;
                bytes[at] = random.next() as u8;
            }
            bytes
        }
        // Nothing to compress.
        1 => (0..size).map(|_| random.next() as u8).collect(),
        // Text-like: words that come again.
        _ => {
            let words: Vec<Vec<u8>> = (0..40)
                .map(|_| (0..2 + random.below(9)).map(|_| b'a' + random.below(26) as u8).collect())
                .collect();
            let mut bytes = Vec::with_capacity(size + 16);
            while bytes.len() < size {
                bytes.extend(random.pick(&words));
                bytes.push(b' ');
            }
            bytes.truncate(size);
            bytes
        }
    }
}

/// A tree of 100,000 small files in folders of a thousand.
pub fn many_files() -> Tree {
    let mut tree = Tree::new(Meta::root(0o755));
    for folder in 0..100 {
        let path = format!("folder-{folder:03}");
        tree.add(path.as_bytes(), Meta::root(0o755), Kind::Folder(BTreeMap::new())).expect("new");
        for file in 0..1_000 {
            let data = Data::of(format!("{folder} {file}\n"));
            let path = format!("{path}/file-{file:04}");
            tree.add(path.as_bytes(), Meta::root(0o644), Kind::File(data)).expect("new");
        }
    }
    tree
}

/// What a program extracted below `folder`, with owners, times and devices as the disk has them.
/// `attributes` are asked for with `getfattr` when that is installed and `attributes` is set.
pub fn extracted(folder: &Path) -> Tree {
    let mut tree = Tree::new(host_meta(folder));
    let mut known = BTreeMap::new();
    below(&mut tree, folder, b"", &mut known);
    tree
}

fn below(tree: &mut Tree, folder: &Path, path: &[u8], known: &mut BTreeMap<u64, InodeId>) {
    let mut names: Vec<_> = folder
        .read_dir()
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_vec())
        .collect();
    names.sort();
    for name in names {
        let host = folder.join(OsStr::from_bytes(&name));
        let inner = if path.is_empty() { name } else { [path, b"/", &name].concat() };
        let stat = host.symlink_metadata().expect("metadata");
        if let Some(id) = known.get(&stat.ino()) {
            tree.link(&inner, *id).expect("a hard link");
            continue;
        }
        let (major, minor) = (rustix::fs::major(stat.rdev()), rustix::fs::minor(stat.rdev()));
        let kind = stat.file_type();
        let kind = match () {
            () if kind.is_dir() => Kind::Folder(BTreeMap::new()),
            () if kind.is_symlink() => {
                Kind::Symlink(host.read_link().expect("a link").into_os_string().into_vec())
            }
            () if kind.is_char_device() => Kind::Character { major, minor },
            () if kind.is_block_device() => Kind::Block { major, minor },
            () if kind.is_fifo() => Kind::Fifo,
            () if kind.is_socket() => Kind::Socket,
            () => Kind::File(Data::of(std::fs::read(&host).expect("a file"))),
        };
        let is_folder = matches!(kind, Kind::Folder(_));
        let id = tree.add(&inner, host_meta(&host), kind).expect("an entry");
        if is_folder {
            below(tree, &host, &inner, known);
        } else if stat.nlink() > 1 {
            known.insert(stat.ino(), id);
        }
    }
}

fn host_meta(path: &Path) -> Meta {
    let stat = path.symlink_metadata().expect("metadata");
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap_or(0);
    let attributes = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let attributes = attributes
        .filter_map(|name| {
            let mut value = vec![0; 1 << 16];
            let length = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value).ok()?;
            value.truncate(length);
            Some((name.to_vec(), value))
        })
        .collect();
    Meta {
        mode: (stat.mode() & 0o7777) as u16,
        owner: stat.uid(),
        group: stat.gid(),
        modified: u64::try_from(stat.mtime()).expect("not before 1970"),
        attributes,
    }
}

/// Whether owners and devices can be extracted; says so on the terminal when they cannot.
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: extracting owners and devices needs root");
    }
    root
}
