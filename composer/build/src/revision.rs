//! A workspace as it was in a revision: the files of the repository from git, all else, such as a
//! vendor's catalogue beside it, from the disk.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use tarsia_manifest::files::{Entry, EntryKind, Home, Mark, Stat};
use tarsia_manifest::{Disk, Files};
use tarsia_model::{Code, Diagnostic};

use crate::Surroundings;
use crate::git::{Contents, Object, ObjectKind, Repository};

/// How many links a path may lead through.
const MAX_LINKS: usize = 40;
/// The longest path that a link may lead along, in bytes.
const MAX_TARGET: usize = 4096;

/// A workspace as it was in a revision.
#[derive(Debug)]
pub struct GitTree {
    /// The repository's folder.
    top: PathBuf,
    /// The parts of the workspace's path from there.
    root: Vec<String>,
    objects: BTreeMap<String, Object>,
    contents: Mutex<Contents>,
    disk: Disk,
}

/// What stands at a path after links.
enum Place {
    /// In the repository: its path there, and the object of a file or none for a folder.
    Inside(String, Option<Object>),
    /// Elsewhere: its path on the disk.
    Outside(PathBuf),
}

impl GitTree {
    /// The workspace at `root` as it was in `revision`.
    ///
    /// # Errors
    /// Git is missing (E0601); the revision cannot be read (E0703).
    pub fn open(
        surroundings: &Surroundings,
        root: &Path,
        revision: &str,
    ) -> Result<Self, Diagnostic> {
        let repository = Repository::of(surroundings, root, revision)?;
        let commit = repository.commit(revision)?;
        let objects = repository.files(&commit, revision)?.into_iter().collect();
        let failed = |error: io::Error| {
            let message =
                format!("cannot read the revision `{}`: {error}", revision.escape_debug());
            Diagnostic::error(Code::BadRevision, message)
        };
        let root = root.canonicalize().map_err(failed)?;
        let contents = Mutex::new(repository.contents().map_err(failed)?);
        let disk = Disk::new(&root).map_err(failed)?;
        let inner = root.strip_prefix(&repository.top).unwrap_or(Path::new(""));
        let root = inner.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        Ok(Self { top: repository.top, root, objects, contents, disk })
    }

    /// Whether a path, as sources have it, is read from the revision rather than from the disk.
    pub fn holds(&self, path: &str) -> bool {
        matches!(self.walk(path), Ok((Place::Inside(..), _)))
    }

    /// Goes along a path as the file system would; also says whether a link was followed.
    fn walk(&self, path: &str) -> io::Result<(Place, bool)> {
        let mut here = self.root.clone();
        let mut links = 0;
        let mut ahead: VecDeque<String> = VecDeque::new();
        if let Some(outside) = self.enter(path, &mut here, &mut ahead) {
            return Ok((Place::Outside(outside), false));
        }
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                if here.pop().is_none() {
                    return Ok((Place::Outside(self.beyond("..", &ahead)), links > 0));
                }
                continue;
            }
            here.push(part);
            let path = here.join("/");
            let Some(object) = self.objects.get(&path) else {
                if self.is_folder(&path) {
                    continue;
                }
                return Err(io::ErrorKind::NotFound.into());
            };
            match object.kind {
                ObjectKind::Submodule => {
                    return Ok((Place::Outside(self.beyond(&path, &ahead)), links > 0));
                }
                ObjectKind::File if ahead.is_empty() => {
                    return Ok((Place::Inside(path, Some(object.clone())), links > 0));
                }
                ObjectKind::File => return Err(io::ErrorKind::NotADirectory.into()),
                ObjectKind::Link => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(io::Error::other("too many links"));
                    }
                    here.pop();
                    let target = self.content(object, MAX_TARGET)?;
                    let target = String::from_utf8_lossy(&target).into_owned();
                    if let Some(outside) = self.enter(&target, &mut here, &mut ahead) {
                        return Ok((Place::Outside(outside), true));
                    }
                }
            }
        }
        Ok((Place::Inside(here.join("/"), None), links > 0))
    }

    /// Puts the parts of a path before those ahead; where it leads when that is not in the repository.
    fn enter(
        &self,
        path: &str,
        here: &mut Vec<String>,
        ahead: &mut VecDeque<String>,
    ) -> Option<PathBuf> {
        let mut path = Path::new(path);
        if path.is_absolute() {
            let Ok(inner) = path.strip_prefix(&self.top) else {
                let rest = ahead.iter().fold(path.to_owned(), |path, part| path.join(part));
                return Some(rest);
            };
            here.clear();
            path = inner;
        }
        for part in path.components().rev() {
            match part {
                Component::ParentDir => ahead.push_front("..".to_owned()),
                Component::Normal(name) => ahead.push_front(name.to_string_lossy().into_owned()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        None
    }

    fn beyond(&self, path: &str, ahead: &VecDeque<String>) -> PathBuf {
        ahead.iter().fold(self.top.join(path), |path, part| path.join(part))
    }

    fn is_folder(&self, path: &str) -> bool {
        let inner = format!("{path}/");
        let next = self.objects.range(inner.clone()..).next();
        next.is_some_and(|(path, _)| path.starts_with(&inner))
    }

    fn content(&self, object: &Object, limit: usize) -> io::Result<Vec<u8>> {
        // A reader that failed in the middle of an answer would give wrong contents afterwards.
        let contents = self.contents.lock().map_err(|_| io::ErrorKind::BrokenPipe);
        contents?.read(&object.id, limit)
    }

    /// Names in a folder of the repository, with the object of each or none for a folder.
    fn inside(&self, folder: &str) -> Vec<(String, Option<&Object>)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut found = Vec::new();
        let mut from = prefix.clone();
        while let Some((path, object)) = self.objects.range(from..).next() {
            let Some(inner) = path.strip_prefix(&prefix) else {
                break;
            };
            match inner.split_once('/') {
                Some((name, _)) => {
                    found.push((name.to_owned(), None));
                    // `0` follows `/`: the next path that is not in this folder.
                    from = format!("{prefix}{name}0");
                }
                None => {
                    found.push((inner.to_owned(), Some(object)));
                    from = format!("{path}\0");
                }
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }

    /// What stands at a path, for a catalogue whose true place is `home`.
    fn kind(&self, path: &str, home: &Home) -> io::Result<EntryKind> {
        let (place, linked) = match self.walk(path) {
            Ok(found) => found,
            // A link that leads nowhere is still a link.
            Err(_) if self.is_link(path) => return Ok(EntryKind::Other),
            Err(error) => return Err(error),
        };
        Ok(match place {
            Place::Inside(real, _) if !self.top.join(&real).starts_with(&home.0) => {
                EntryKind::Outside
            }
            Place::Inside(_, Some(_)) => EntryKind::File,
            Place::Inside(_, None) => EntryKind::Folder,
            Place::Outside(_) if linked && home.0.starts_with(&self.top) => EntryKind::Outside,
            Place::Outside(path) => return self.disk.stat(text(&path)?, home).map(|s| s.kind),
        })
    }

    /// Whether the last part of a path is a link; the folder it is in is looked for after links.
    fn is_link(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Ok((Place::Inside(folder, None), _)) = self.walk(folder) else {
            return false;
        };
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        self.objects.get(&path).is_some_and(|object| object.kind == ObjectKind::Link)
    }
}

fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::ErrorKind::InvalidFilename.into())
}

impl Files for GitTree {
    fn home(&self, folder: &str) -> io::Result<Home> {
        match self.walk(folder)?.0 {
            Place::Inside(real, None) => Ok(Home(self.top.join(real))),
            Place::Inside(_, Some(_)) => Err(io::ErrorKind::NotADirectory.into()),
            Place::Outside(path) => self.disk.home(text(&path)?),
        }
    }

    fn list(&self, folder: &str, home: &Home) -> io::Result<Vec<Entry>> {
        let real = match self.walk(folder)?.0 {
            Place::Inside(real, None) => real,
            Place::Inside(_, Some(_)) => return Err(io::ErrorKind::NotADirectory.into()),
            Place::Outside(path) => return self.disk.list(text(&path)?, home),
        };
        let entry = |(name, object): (String, Option<&Object>)| {
            let kind = match object.map(|object| object.kind) {
                None | Some(ObjectKind::Submodule) => EntryKind::Folder,
                Some(ObjectKind::File) => EntryKind::File,
                Some(ObjectKind::Link) => {
                    self.kind(&format!("{folder}/{name}"), home).unwrap_or(EntryKind::Other)
                }
            };
            let linked = object.is_some_and(|object| object.kind == ObjectKind::Link);
            Entry { name, kind, linked }
        };
        Ok(self.inside(&real).into_iter().map(entry).collect())
    }

    /// A revision never changes: there is nothing to mark.
    fn stat(&self, path: &str, home: &Home) -> io::Result<Stat> {
        self.kind(path, home).map(|kind| Stat { kind, mark: Mark::default() })
    }

    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        match self.walk(path)?.0 {
            Place::Inside(_, Some(object)) => self.content(&object, limit),
            Place::Inside(_, None) => Err(io::ErrorKind::IsADirectory.into()),
            Place::Outside(path) => self.disk.read(text(&path)?, limit),
        }
    }
}
