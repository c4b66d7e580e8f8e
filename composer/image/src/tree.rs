//! What a file system is written from: a tree in memory, sorted by name, whose every owner, mode and
//! time was said by a manifest. Nothing in it was asked of the host, so no writer can leak the host.

use std::collections::BTreeMap;
use std::fmt;

use crate::content::Data;

/// Longest name of an entry in bytes (Linux `NAME_MAX`; also ext4, EROFS and squashfs).
pub const LONGEST_NAME: usize = 255;
/// Longest target of a symbolic link in bytes (Linux `PATH_MAX` without its NUL).
pub const LONGEST_TARGET: usize = 4_095;

/// An inode of a [`Tree`]; several names may lead to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InodeId(u32);

impl InodeId {
    /// Its place in [`Tree::inodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What belongs to an inode beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Permissions with set-user-ID, set-group-ID and sticky bit: the lower 12 bits of `st_mode`.
    pub mode: u16,
    /// User ID.
    pub owner: u32,
    /// Group ID.
    pub group: u32,
    /// Time of last change, in seconds since 1970.
    pub modified: u64,
    /// Extended attributes by full name (`security.capability`, `user.x`).
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Meta {
    /// Of root, at time 0.
    pub const fn root(mode: u16) -> Self {
        Self { mode, owner: 0, group: 0, modified: 0, attributes: BTreeMap::new() }
    }
}

/// What an inode is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder, by name.
    Folder(BTreeMap<Vec<u8>, InodeId>),
    /// A regular file.
    File(Data),
    /// A symbolic link, with its target.
    Symlink(Vec<u8>),
    /// A character device.
    Character {
        /// Number of its driver.
        major: u32,
        /// Number of the device.
        minor: u32,
    },
    /// A block device.
    Block {
        /// Number of its driver.
        major: u32,
        /// Number of the device.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// A file, folder, link or device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inode {
    /// Owner, mode, time, attributes.
    pub meta: Meta,
    /// What it is.
    pub kind: Kind,
    /// How many names lead to it; of a folder always 1 (the root has no name, and 1).
    pub names: u32,
}

/// Why something cannot be put into a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A path that no file system could hold.
    #[error("`{path}` is not a path inside an image: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something with that name is there.
    #[error("`{path}` is already there")]
    Taken {
        /// The path.
        path: String,
    },
    /// What should hold the entry is absent or no folder.
    #[error("`{path}` cannot be put into the image: `{parent}` is no folder there")]
    NoFolder {
        /// The path.
        path: String,
        /// The part of it that is no folder.
        parent: String,
    },
    /// Folders have one name.
    #[error("`{path}` cannot be a second name of a folder")]
    FolderLink {
        /// The path.
        path: String,
    },
    /// More inodes or names than 32 bits count.
    #[error("the image has more than 4,294,967,295 files")]
    TooMany,
    /// A symbolic link to nothing, or to more than [`LONGEST_TARGET`].
    #[error("the target of the symbolic link `{path}` has {bytes} bytes; 1 to 4,095 are possible")]
    Target {
        /// The link.
        path: String,
        /// Size of its target.
        bytes: usize,
    },
    /// Bits that are no permissions.
    #[error("the mode {mode:#o} of `{path}` has bits beyond 07777")]
    Mode {
        /// The path.
        path: String,
        /// The mode.
        mode: u16,
    },
}

/// A tree of files. Inode 0 is the root folder; each other has at least one name.
///
/// Two are equal when the same names lead to the same things, in whatever order they were added.
#[derive(Clone)]
pub struct Tree {
    inodes: Vec<Inode>,
}

impl Tree {
    /// A tree of one folder. `mode`'s lower 12 bits count.
    pub fn new(root: Meta) -> Self {
        Self { inodes: vec![Inode { meta: root, kind: Kind::Folder(BTreeMap::new()), names: 1 }] }
    }

    /// The root folder.
    pub const fn root(&self) -> InodeId {
        InodeId(0)
    }

    /// All inodes, in the order in which they were added; not an order to write anything in.
    pub fn inodes(&self) -> &[Inode] {
        &self.inodes
    }

    /// One inode.
    pub fn inode(&self, id: InodeId) -> &Inode {
        &self.inodes[id.index()]
    }

    /// The inode that a path (`usr/bin/init`, from the root, no leading `/`; empty for the root) names.
    pub fn find(&self, path: &[u8]) -> Option<InodeId> {
        parts(path).try_fold(self.root(), |at, name| match &self.inode(at).kind {
            Kind::Folder(entries) => entries.get(name).copied(),
            _ => None,
        })
    }

    /// Adds an inode with its first name. A new folder is empty, whatever `kind` says of its entries.
    ///
    /// # Errors
    /// When the path, mode or link target cannot be, the path is taken, or its parent is no folder.
    pub fn add(&mut self, path: &[u8], meta: Meta, kind: Kind) -> Result<InodeId, TreeError> {
        if meta.mode > 0o7777 {
            return Err(TreeError::Mode { path: shown(path), mode: meta.mode });
        }
        if let Kind::Symlink(target) = &kind
            && (target.is_empty() || target.len() > LONGEST_TARGET)
        {
            return Err(TreeError::Target { path: shown(path), bytes: target.len() });
        }
        let id = InodeId(u32::try_from(self.inodes.len()).map_err(|_| TreeError::TooMany)?);
        self.name(path, id)?;
        let kind = match kind {
            Kind::Folder(_) => Kind::Folder(BTreeMap::new()),
            other => other,
        };
        self.inodes.push(Inode { meta, kind, names: 1 });
        Ok(id)
    }

    /// Gives an inode another name (a hard link).
    ///
    /// # Errors
    /// As [`Tree::add`]; and when it is a folder.
    pub fn link(&mut self, path: &[u8], id: InodeId) -> Result<(), TreeError> {
        if matches!(self.inode(id).kind, Kind::Folder(_)) {
            return Err(TreeError::FolderLink { path: shown(path) });
        }
        let names = self.inode(id).names.checked_add(1).ok_or(TreeError::TooMany)?;
        self.name(path, id)?;
        self.inodes[id.index()].names = names;
        Ok(())
    }

    /// Adds the folders above a path that are not there yet, each with `meta`.
    ///
    /// # Errors
    /// As [`Tree::add`].
    pub fn folders_above(&mut self, path: &[u8], meta: &Meta) -> Result<(), TreeError> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in ends {
            if self.find(&path[..end]).is_none() {
                self.add(&path[..end], meta.clone(), Kind::Folder(BTreeMap::new()))?;
            }
        }
        Ok(())
    }

    /// Every name with its path: folders before what is in them, names of a folder by their bytes. The
    /// root comes first, with an empty path.
    pub fn walk(&self) -> Vec<(Vec<u8>, InodeId)> {
        let mut found = Vec::with_capacity(self.inodes.len());
        let mut open = vec![(Vec::new(), self.root())];
        while let Some((path, id)) = open.pop() {
            if let Kind::Folder(entries) = &self.inode(id).kind {
                open.extend(entries.iter().rev().map(|(name, inner)| {
                    let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
                    ([&path, slash, name].concat(), *inner)
                }));
            }
            found.push((path, id));
        }
        found
    }

    fn name(&mut self, path: &[u8], id: InodeId) -> Result<(), TreeError> {
        let bad = |why| TreeError::Path { path: shown(path), why };
        if path.is_empty() {
            return Err(TreeError::Taken { path: "/".to_owned() });
        }
        for name in path.split(|byte| *byte == b'/') {
            match name {
                [] => return Err(bad("it has an empty part")),
                b"." | b".." => return Err(bad("it has a part `.` or `..`")),
                name if name.contains(&0) => return Err(bad("it has a NUL byte")),
                name if name.len() > LONGEST_NAME => {
                    return Err(bad("a part of it is longer than 255 bytes"));
                }
                _ => {}
            }
        }
        let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&path[..0], path),
        };
        let no_folder = || TreeError::NoFolder { path: shown(path), parent: shown(parent) };
        let folder = self.find(parent).ok_or_else(no_folder)?;
        match &mut self.inodes[folder.index()].kind {
            Kind::Folder(entries) if entries.contains_key(name) => {
                Err(TreeError::Taken { path: shown(path) })
            }
            Kind::Folder(entries) => {
                entries.insert(name.to_vec(), id);
                Ok(())
            }
            _ => Err(no_folder()),
        }
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.walk(), other.walk());
        let mut pairs = BTreeMap::new();
        ours.len() == theirs.len()
            && self.inodes.len() == other.inodes.len()
            && ours.iter().zip(&theirs).all(|((path, id), (other_path, other_id))| {
                let (one, two) = (self.inode(*id), other.inode(*other_id));
                let same = match (&one.kind, &two.kind) {
                    (Kind::Folder(_), Kind::Folder(_)) => true,
                    (one, two) => one == two,
                };
                path == other_path
                    && pairs.insert(*id, *other_id).is_none_or(|paired| paired == *other_id)
                    && same
                    && one.meta == two.meta
                    && one.names == two.names
            })
    }
}

impl Eq for Tree {}

/// Shows paths with what they lead to, one a line.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, id) in self.walk() {
            let Inode { meta, kind, names } = self.inode(id);
            write!(
                f,
                "/{} #{} {:#o} {}:{}",
                shown(&path),
                id.0,
                meta.mode,
                meta.owner,
                meta.group
            )?;
            write!(f, " at {} names {names} ", meta.modified)?;
            match kind {
                Kind::Folder(entries) => write!(f, "folder of {}", entries.len())?,
                Kind::File(data) => write!(f, "{} bytes {}", data.size(), data.digest())?,
                other => write!(f, "{other:?}")?,
            }
            for (name, value) in &meta.attributes {
                write!(f, " {}={}", name.escape_ascii(), value.escape_ascii())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|_| !path.is_empty())
}

/// A path as text for a message.
fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).escape_debug().to_string()
}
