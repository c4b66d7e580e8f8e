//! The digests of everything that builds read, remembered with what the file system says of each file:
//! as long as that is the same, a file is not read again. So looking at what is known costs one `stat`
//! per file, and what is in an image is decided by content alone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fs_err as fs;
use rayon::prelude::*;
use tarsia_cache::Memo;
use tarsia_manifest::Mark;
use tarsia_manifest::pack::{Packer, Unpacker};
use tarsia_model::{Blake3, Diagnostic, SourceId};

use crate::content::digest_of;
use crate::tree::{File, Folder, Tree, is_unchanged, read_folder};

/// The form of the memory; what is of another form counts as nothing.
const FORM: &[u8] = b"tarsia-digests-1";

/// What is known of files and folders, and what is found out about them.
#[derive(Debug)]
pub struct Digests {
    memo: Memo,
    /// The time when looking began, by the file system's clock; what is younger is not remembered.
    start: i64,
    old: BTreeMap<PathBuf, Arc<Tree>>,
    old_files: BTreeMap<PathBuf, (Mark, Blake3)>,
    trees: Mutex<BTreeMap<PathBuf, Arc<Tree>>>,
    files: Mutex<BTreeMap<PathBuf, (Mark, Blake3)>>,
}

impl Digests {
    /// What a memo remembers.
    pub fn open(memo: Memo) -> Self {
        let start = memo.now().unwrap_or(i64::MIN);
        let remembered = memo.read().and_then(|bytes| read(&bytes)).unwrap_or_default();
        Self {
            memo,
            start,
            old: remembered.0,
            old_files: remembered.1,
            trees: Mutex::default(),
            files: Mutex::default(),
        }
    }

    /// A folder with everything below it. Build folders and hidden files are not sources; a link is
    /// refused, because what it names is not part of the folder.
    ///
    /// # Errors
    /// What cannot be read, named by `what` and its path in the folder.
    pub fn tree(&self, folder: &Path, what: &str) -> Result<Arc<Tree>, Diagnostic> {
        if let Some(known) = lock(&self.trees).get(folder) {
            return Ok(Arc::clone(known));
        }
        let tree = self.look(folder, what)?;
        lock(&self.trees).insert(folder.to_owned(), Arc::clone(&tree));
        Ok(tree)
    }

    /// Looks at a folder again: whether it still is as it was, but for files whose names end in one of
    /// these.
    ///
    /// # Errors
    /// As [`Digests::tree`].
    pub fn is_current(
        &self,
        folder: &Path,
        tree: &Tree,
        without: &[&str],
    ) -> Result<bool, Diagnostic> {
        let now = self.look(folder, "an input")?;
        let digest = if without.is_empty() { now.digest } else { now.without(without).digest };
        Ok(digest == tree.digest)
    }

    /// The digest of a file's content.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn file(&self, path: &Path) -> io::Result<Blake3> {
        let mark = Mark::of(&fs::metadata(path)?);
        let seen = lock(&self.files).get(path).copied();
        let known = seen.or_else(|| self.old_files.get(path).copied());
        let digest = match known {
            Some((old, digest)) if old == mark => digest,
            _ => digest_of(path)?,
        };
        lock(&self.files).insert(path.to_owned(), (mark, digest));
        Ok(digest)
    }

    /// Looks at everything again from now on: something changed meanwhile.
    pub fn forget(&self) {
        lock(&self.trees).clear();
        lock(&self.files).clear();
    }

    /// Keeps what was found out, for the next run; that is slower where it cannot be kept.
    pub fn keep(self) {
        let trees = self.trees.into_inner().unwrap_or_else(PoisonError::into_inner);
        let files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        let same = |(path, tree): (&PathBuf, &Arc<Tree>)| {
            self.old.get(path).is_some_and(|old| Arc::ptr_eq(old, tree) || old == tree)
        };
        let nothing_new = trees.iter().all(same)
            && files.iter().all(|(path, known)| self.old_files.get(path) == Some(known));
        if nothing_new {
            return;
        }
        let (mut all, mut all_files) = (self.old, self.old_files);
        all.extend(trees);
        all_files.extend(files.into_iter().filter(|(_, (mark, _))| mark.is_settled(self.start)));
        let bytes = write(&all, &all_files, self.start);
        let _ = self.memo.write(&bytes);
    }

    fn look(&self, folder: &Path, what: &str) -> Result<Arc<Tree>, Diagnostic> {
        let known = self.old.get(folder);
        if let Some(known) = known
            && known.folders.par_iter().all(|one| is_unchanged(folder, one))
        {
            return Ok(Arc::clone(known));
        }
        let before: BTreeMap<&str, &Folder> = known
            .iter()
            .flat_map(|tree| &tree.folders)
            .map(|folder| (folder.path.as_str(), folder))
            .collect();
        let mut found = Vec::new();
        let mut level = vec![String::new()];
        while !level.is_empty() {
            let folders: Vec<Folder> = level
                .par_iter()
                .map(|path| read_folder(folder, path, before.get(path.as_str()).copied(), what))
                .collect::<Result<_, _>>()?;
            let inner = folders.iter().flat_map(|folder| {
                folder.folders.iter().map(|name| match folder.path.as_str() {
                    "" => name.clone(),
                    path => format!("{path}/{name}"),
                })
            });
            level = inner.collect();
            found.extend(folders);
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Arc::new(Tree::new(found)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Mark of what is not to be believed next time: it equals no mark of a file.
const UNSETTLED: Mark = Mark { size: u64::MAX, modified: 0, changed: 0, inode: 0 };

fn put_mark(packer: &mut Packer, mark: Mark, start: i64) {
    let mark = if mark.is_settled(start) { mark } else { UNSETTLED };
    packer.number(mark.size);
    packer.number(mark.modified.cast_unsigned());
    packer.number(mark.changed.cast_unsigned());
    packer.number(mark.inode);
}

fn take_mark(unpacker: &mut Unpacker<'_>) -> Option<Mark> {
    Some(Mark {
        size: unpacker.number()?,
        modified: unpacker.number()?.cast_signed(),
        changed: unpacker.number()?.cast_signed(),
        inode: unpacker.number()?,
    })
}

type Known = (BTreeMap<PathBuf, Arc<Tree>>, BTreeMap<PathBuf, (Mark, Blake3)>);

fn write(
    trees: &BTreeMap<PathBuf, Arc<Tree>>,
    files: &BTreeMap<PathBuf, (Mark, Blake3)>,
    start: i64,
) -> Vec<u8> {
    let mut packer = Packer::default();
    packer.number(trees.len() as u64);
    for (path, tree) in trees {
        packer.block(path.as_os_str().as_encoded_bytes());
        packer.bytes.extend(tree.digest.0);
        packer.number(tree.folders.len() as u64);
        for folder in &tree.folders {
            packer.block(folder.path.as_bytes());
            put_mark(&mut packer, folder.mark, start);
            packer.number(folder.folders.len() as u64);
            for name in &folder.folders {
                packer.block(name.as_bytes());
            }
            packer.number(folder.files.len() as u64);
            for file in &folder.files {
                packer.block(file.name.as_bytes());
                packer.bytes.push(u8::from(file.executable));
                packer.bytes.extend(file.digest.0);
                put_mark(&mut packer, file.mark, start);
            }
        }
    }
    packer.number(files.len() as u64);
    for (path, (mark, digest)) in files {
        packer.block(path.as_os_str().as_encoded_bytes());
        put_mark(&mut packer, *mark, start);
        packer.bytes.extend(digest.0);
    }
    let mut bytes = FORM.to_vec();
    bytes.extend(Blake3::of(&packer.bytes).0);
    bytes.extend(packer.bytes);
    bytes
}

/// What [`write`] wrote; none for anything else.
fn read(bytes: &[u8]) -> Option<Known> {
    let (digest, body) = bytes.strip_prefix(FORM)?.split_at_checked(32)?;
    if Blake3::of(body).0 != digest {
        return None;
    }
    let mut unpacker = Unpacker::new(body, SourceId(0));
    let path =
        |unpacker: &mut Unpacker<'_>| Some(PathBuf::from(OsStr::from_bytes(unpacker.block()?)));
    let digest = |unpacker: &mut Unpacker<'_>| Some(Blake3(unpacker.take(32)?.try_into().ok()?));
    let mut trees = BTreeMap::new();
    for _ in 0..unpacker.count()? {
        let place = path(&mut unpacker)?;
        let whole = digest(&mut unpacker)?;
        let mut folders = Vec::new();
        for _ in 0..unpacker.count()? {
            let path = unpacker.text()?.to_owned();
            let mark = take_mark(&mut unpacker)?;
            let mut inner = Vec::new();
            for _ in 0..unpacker.count()? {
                inner.push(unpacker.text()?.to_owned());
            }
            let count = unpacker.count()?;
            let mut files = Vec::with_capacity(count);
            for _ in 0..count {
                let name = unpacker.text()?.to_owned();
                let executable = unpacker.byte()? == 1;
                let digest = digest(&mut unpacker)?;
                files.push(File { name, executable, digest, mark: take_mark(&mut unpacker)? });
            }
            folders.push(Folder { path, files, folders: inner, mark });
        }
        trees.insert(place, Arc::new(Tree { folders, digest: whole }));
    }
    let mut files = BTreeMap::new();
    for _ in 0..unpacker.count()? {
        let place = path(&mut unpacker)?;
        let mark = take_mark(&mut unpacker)?;
        files.insert(place, (mark, digest(&mut unpacker)?));
    }
    unpacker.is_done().then_some((trees, files))
}
