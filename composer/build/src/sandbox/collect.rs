//! Takes the outputs that a job declared out of the folder it wrote to. What lies there was put there by
//! a program that is not trusted: nothing is reached through a symlink, nothing is looked at by one name
//! and read by another, and only regular files of one name pass.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;

/// An output that a job declared, by its path in the output folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One file.
    File(PathBuf),
    /// All files in a folder and the folders below. Empty folders are no output.
    Folder(PathBuf),
}

/// How much may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files together.
    pub total: u64,
    /// Names looked at: files, folders and what was not declared.
    pub names: usize,
}

/// Folders within folders, beyond which nothing is looked at.
const DEPTH: usize = 64;

/// How an output is opened. Without `NONBLOCK`, a fifo would hold us.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY);

/// Why outputs are not taken. All of them are refused then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A declared path is not relative and plain, or stands in another.
    #[error("{} cannot be an output: {why}", path.display())]
    Declared {
        /// The path as declared.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A declared output is not there.
    #[error("the output {} is missing", path.display())]
    Missing {
        /// Its path in the folder.
        path: PathBuf,
    },
    /// An output is neither a regular file nor, where one is expected, a folder.
    #[error("the output {} is a {kind}", path.display())]
    Kind {
        /// Its path in the folder.
        path: PathBuf,
        /// What it is, such as `symlink` or `fifo`.
        kind: &'static str,
    },
    /// An output has further names, through which it could still be changed.
    #[error("the output {} has {names} names (hard links)", path.display())]
    HardLink {
        /// Its path in the folder.
        path: PathBuf,
        /// How many names it has.
        names: u64,
    },
    /// An output has the set-uid, set-gid or sticky bit.
    #[error("the output {} has the mode {mode:o}", path.display())]
    Mode {
        /// Its path in the folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// An output, or all of them, are larger than allowed.
    #[error("the output {} brings the size to {size} bytes, {most} are allowed", path.display())]
    Size {
        /// The path in the folder of the one at which it was noticed.
        path: PathBuf,
        /// Bytes found.
        size: u64,
        /// Bytes allowed.
        most: u64,
    },
    /// There are more names, or deeper folders, than allowed.
    #[error("the output folder has too much in it, noticed at {}", path.display())]
    Many {
        /// The path in the folder at which it was noticed.
        path: PathBuf,
    },
    /// An output is no longer what it was a moment ago.
    #[error("the output {} changed while it was taken", path.display())]
    Changed {
        /// Its path in the folder.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {operation} the output {}: {error}", path.display())]
    System {
        /// What was tried.
        operation: &'static str,
        /// The path in the folder; empty for the folder itself.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// The outputs of a job, all of them sound when they were looked at.
#[derive(Debug)]
pub struct Collected {
    folder: OwnedFd,
    /// The declared files, in the order of their paths.
    pub files: Vec<Taken>,
    /// What lies there and was not declared, in the order of paths; of a folder only its own path.
    pub extra: Vec<PathBuf>,
}

/// A file that may be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its path in the folder.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Whether its owner may execute it.
    pub executable: bool,
    identity: (u64, u64),
}

/// Looks at what a job left in `folder` and gives the outputs that it declared; nothing is read yet. The
/// job must have ended.
pub fn collect(folder: &Path, wanted: &[Wanted], bounds: Bounds) -> Result<Collected, Refusal> {
    check(wanted)?;
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = open(folder, flags, Mode::empty()).map_err(system("open", Path::new("")))?;
    let mut walk =
        Walk { wanted, bounds, names: 0, total: 0, files: Vec::new(), extra: Vec::new() };
    walk.folder(folder.as_fd(), Path::new(""), wanted.iter().any(Wanted::is_all), 0)?;
    for wanted in wanted {
        let (Wanted::File(path) | Wanted::Folder(path)) = wanted;
        let is_there = match wanted {
            Wanted::File(path) => walk.files.iter().any(|file| file.path == *path),
            // An empty one is there too; that it is a folder was seen by the walk.
            Wanted::Folder(_) if wanted.is_all() => true,
            Wanted::Folder(path) => open_beneath(&folder, path, flags).is_ok(),
        };
        if !is_there {
            return Err(Refusal::Missing { path: path.clone() });
        }
    }
    walk.files.sort_by(|a, b| a.path.cmp(&b.path));
    walk.extra.sort();
    Ok(Collected { folder, files: walk.files, extra: walk.extra })
}

/// Opens one output among much else: a regular file below `folder`, reached through no symlink. It may
/// have several names, as what cargo makes has: a job has no folder to give one of them to that is
/// not its own. The job must have ended.
pub fn open_output(folder: &Path, path: &Path) -> Result<File, Refusal> {
    check(&[Wanted::File(path.to_owned())])?;
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = open(folder, flags, Mode::empty()).map_err(system("open", Path::new("")))?;
    let file = open_beneath(&folder, path, READ).map_err(|error| match error {
        Errno::NOENT => Refusal::Missing { path: path.to_owned() },
        Errno::LOOP | Errno::NOTDIR => Refusal::Kind { path: path.to_owned(), kind: "symlink" },
        error => system("open", path)(error),
    })?;
    let found = fstat(&file).map_err(system("look at", path))?;
    plain(path, &found)?;
    Ok(file.into())
}

impl Collected {
    /// Opens one of the files for reading, and makes sure that it is the one that was looked at.
    pub fn open(&self, taken: &Taken) -> Result<File, Refusal> {
        let path = &taken.path;
        let file = open_beneath(&self.folder, path, READ).map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR | Errno::NOENT | Errno::NXIO => {
                Refusal::Changed { path: path.clone() }
            }
            error => system("open", path)(error),
        })?;
        let found = fstat(&file).map_err(system("look at", path))?;
        let found = sound(path.clone(), &found)?;
        if found != *taken {
            return Err(Refusal::Changed { path: path.clone() });
        }
        Ok(file.into())
    }
}

impl Wanted {
    /// Whether this is the whole folder.
    fn is_all(&self) -> bool {
        matches!(self, Self::Folder(path) if path.as_os_str().is_empty())
    }
}

struct Walk<'a> {
    wanted: &'a [Wanted],
    bounds: Bounds,
    names: usize,
    total: u64,
    files: Vec<Taken>,
    extra: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Looks at one folder; `all` when everything in it was declared.
    fn folder(
        &mut self,
        at: BorrowedFd<'_>,
        path: &Path,
        all: bool,
        depth: usize,
    ) -> Result<(), Refusal> {
        if depth > DEPTH {
            return Err(Refusal::Many { path: path.to_owned() });
        }
        for name in self.names_in(at, path)? {
            let path = path.join(&name);
            let is_file = all || self.wanted.contains(&Wanted::File(path.clone()));
            let is_folder = all || self.wanted.contains(&Wanted::Folder(path.clone()));
            let leads_on = self.wanted.iter().any(|wanted| {
                let (Wanted::File(other) | Wanted::Folder(other)) = wanted;
                other.starts_with(&path) && *other != path
            });
            if !(is_file || is_folder || leads_on) {
                self.extra.push(path);
                continue;
            }
            let found =
                statat(at, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(system("look at", &path))?;
            match FileType::from_raw_mode(found.st_mode) {
                FileType::Directory if is_folder || leads_on => {
                    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let below =
                        openat(at, &name, flags, Mode::empty()).map_err(|error| match error {
                            Errno::LOOP | Errno::NOTDIR => Refusal::Changed { path: path.clone() },
                            error => system("open", &path)(error),
                        })?;
                    self.folder(below.as_fd(), &path, is_folder, depth + 1)?;
                }
                FileType::RegularFile if is_file => {
                    let taken = sound(path, &found)?;
                    self.count(&taken)?;
                    self.files.push(taken);
                }
                other => return Err(Refusal::Kind { path, kind: kind(other) }),
            }
        }
        Ok(())
    }

    fn names_in(&mut self, at: BorrowedFd<'_>, path: &Path) -> Result<BTreeSet<OsString>, Refusal> {
        let mut names = BTreeSet::new();
        for entry in Dir::read_from(at).map_err(system("list", path))? {
            let entry = entry.map_err(system("list", path))?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            names.insert(OsString::from_vec(name.to_vec()));
            self.names += 1;
            if self.names > self.bounds.names {
                return Err(Refusal::Many { path: path.to_owned() });
            }
        }
        Ok(names)
    }

    fn count(&mut self, taken: &Taken) -> Result<(), Refusal> {
        self.total = self.total.saturating_add(taken.size);
        let sizes = [(taken.size, self.bounds.file), (self.total, self.bounds.total)];
        match sizes.into_iter().find(|(size, most)| size > most) {
            None => Ok(()),
            Some((size, most)) => Err(Refusal::Size { path: taken.path.clone(), size, most }),
        }
    }
}

/// The permission bits of a regular file without special ones, or what else it is.
fn plain(path: &Path, found: &Stat) -> Result<u32, Refusal> {
    let file_type = FileType::from_raw_mode(found.st_mode);
    if file_type != FileType::RegularFile {
        return Err(Refusal::Kind { path: path.to_owned(), kind: kind(file_type) });
    }
    let mode = found.st_mode & 0o7777;
    if mode & 0o7000 != 0 {
        return Err(Refusal::Mode { path: path.to_owned(), mode });
    }
    Ok(mode)
}

/// What may be taken of a file, or why not.
fn sound(path: PathBuf, found: &Stat) -> Result<Taken, Refusal> {
    let mode = plain(&path, found)?;
    #[expect(clippy::useless_conversion, reason = "the width differs between architectures")]
    let names = u64::from(found.st_nlink);
    if names != 1 {
        return Err(Refusal::HardLink { path, names });
    }
    Ok(Taken {
        path,
        size: u64::try_from(found.st_size).unwrap_or(0),
        executable: mode & 0o100 != 0,
        identity: (found.st_dev, found.st_ino),
    })
}

fn kind(file_type: FileType) -> &'static str {
    match file_type {
        FileType::RegularFile => "file",
        FileType::Directory => "folder",
        FileType::Symlink => "symlink",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character device",
        FileType::BlockDevice => "block device",
        FileType::Unknown => "thing of an unknown kind",
    }
}

/// Opens a path one name at a time, so that no symlink on the way is followed. `openat2` would do it
/// at once, but is refused by some containers.
fn open_beneath(folder: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let on_the_way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at: Option<OwnedFd> = None;
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        let flags = if names.peek().is_some() { on_the_way } else { flags };
        let from = at.as_ref().unwrap_or(folder);
        at = Some(openat(from, name.as_os_str(), flags, Mode::empty())?);
    }
    at.ok_or(Errno::INVAL)
}

/// Every path is relative and plain, and none is declared twice, as itself or as part of a folder.
fn check(wanted: &[Wanted]) -> Result<(), Refusal> {
    for (index, one) in wanted.iter().enumerate() {
        let (Wanted::File(path) | Wanted::Folder(path)) = one;
        let declared = |why| Err(Refusal::Declared { path: path.clone(), why });
        let normal: PathBuf = path.components().collect();
        if !path.components().all(|part| matches!(part, Component::Normal(_)))
            || normal.as_os_str() != path.as_os_str()
            || (path.as_os_str().is_empty() && !one.is_all())
        {
            return declared("it is not a plain path in the folder");
        }
        for (at, other) in wanted.iter().enumerate() {
            let within = match other {
                Wanted::File(other) => path.starts_with(other),
                Wanted::Folder(other) => path.starts_with(other),
            };
            if at != index && within {
                return declared("it is declared twice, or lies in another output");
            }
        }
    }
    Ok(())
}

fn system(operation: &'static str, path: &Path) -> impl FnOnce(Errno) -> Refusal {
    let path = path.to_owned();
    move |error| Refusal::System { operation, path, error: error.into() }
}
