//! What a builder gets of a source that was fetched: a tree, a folder, or the bytes as they are.

use std::io::BufReader;
use std::path::Path;

use fs_err as fs;
use tarsia_cache::Store;
use tarsia_image::archive::{ArchiveError, Policy, Sink, TreeSink, unpack, unpack_inside};
use tarsia_image::content::Data;
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_manifest::{LockedSource, SourceKind};
use tarsia_model::Diagnostic;

use super::folder::FolderSink;
use super::spool::Spool;
use super::{SourceError, Wanted, local};

/// Writes the bytes of a source to a file, which appears whole or not at all: a package, an archive, a file; of a
/// commit or folder, its canonical archive.
///
/// # Errors
/// That the store does not have it, or has it damaged; those of writing.
pub fn bytes(
    store: &Store,
    wanted: &Wanted<'_>,
    locked: &LockedSource,
    to: &Path,
) -> Result<(), Diagnostic> {
    delivered(store, locked, to).map_err(|error| error.of(wanted))
}

/// The files of a source as a part of an image: of a package, with owners and modes. A prebuilt file of which nothing
/// is unpacked becomes a tree of that file. `scratch` is a folder with room for what is unpacked, of which nothing stays.
///
/// # Errors
/// As [`bytes`]; and why its archive is refused.
pub fn tree(
    store: &Store,
    wanted: &Wanted<'_>,
    locked: &LockedSource,
    scratch: &Path,
) -> Result<Tree, Diagnostic> {
    let make = || -> Result<Tree, SourceError> {
        if let Some(name) = plain_file(wanted)? {
            let content = scratched(store, locked, scratch, |path| {
                fs::read(path).map_err(SourceError::io("read a file"))
            })?;
            let mut tree = Tree::new(Meta::root(0o755));
            let kind = Kind::File(Data::of(content));
            let added = tree.add(name.as_bytes(), Meta::root(0o644), kind);
            added.map_err(ArchiveError::from)?;
            return Ok(tree);
        }
        let spool = Spool::new(scratch).map_err(SourceError::io("make a temporary file"))?;
        let mut sink = TreeSink::new(spool);
        let policy = Policy { absolute_links: true, ..policy(wanted) };
        scratched(store, locked, scratch, |path| read(wanted, path, policy, &mut sink))?;
        Ok(sink.finish()?)
    };
    make().map_err(|error| error.of(wanted))
}

/// Unpacks a source into a folder, which must not be there and appears only when it is complete. It has files,
/// folders and links that stay inside; no owners, no devices. A prebuilt file of which nothing is unpacked becomes a
/// folder of that file.
///
/// # Errors
/// As [`tree`], those of writing, and that the folder is there.
pub fn folder(
    store: &Store,
    wanted: &Wanted<'_>,
    locked: &LockedSource,
    to: &Path,
) -> Result<(), Diagnostic> {
    let make = || -> Result<(), SourceError> {
        let failed = || SourceError::io(format!("make the folder `{}`", to.display()));
        let parent = to.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed())?;
        if to.symlink_metadata().is_ok() {
            return Err(failed()(std::io::ErrorKind::AlreadyExists.into()));
        }
        // In the same folder, so that it can be renamed; gone by itself unless it is.
        let hidden = tempfile::Builder::new().prefix(".tarsia-").tempdir_in(parent);
        let hidden = hidden.map_err(failed())?;
        let root = hidden.path().join("root");
        fs::create_dir(&root).map_err(failed())?;
        if let Some(name) = plain_file(wanted)? {
            delivered(store, locked, &root.join(name))?;
        } else {
            let mut sink = FolderSink::new(&root);
            scratched(store, locked, hidden.path(), |path| {
                read(wanted, path, policy(wanted), &mut sink)
            })?;
            sink.finish().map_err(failed())?;
        }
        fs::rename(&root, to).map_err(failed())
    };
    make().map_err(|error| error.of(wanted))
}

fn policy(wanted: &Wanted<'_>) -> Policy {
    let source = wanted.source;
    // A folder beside the manifest has names that differ by case where its file system tells them apart.
    let as_it_is = source.kind() == SourceKind::Prebuilt && source.unpack.is_none();
    Policy { strip: source.strip(), twins: source.allows_twins() || as_it_is, ..Policy::default() }
}

/// The name of a prebuilt file that is taken as it is; none for what is unpacked.
pub(super) fn plain_file(wanted: &Wanted<'_>) -> Result<Option<String>, SourceError> {
    match &wanted.source.prebuilt {
        Some(path) if wanted.source.unpack.is_none() => {
            let is_folder = local::place(&wanted.folder, path.as_str())?.is_dir();
            let name = path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
            Ok((!is_folder).then_some(name))
        }
        _ => Ok(None),
    }
}

fn read(
    wanted: &Wanted<'_>,
    path: &Path,
    policy: Policy,
    sink: &mut dyn Sink,
) -> Result<(), SourceError> {
    let file = fs::File::open(path).map_err(SourceError::io("open an archive"))?;
    let mut file = BufReader::with_capacity(1 << 17, file);
    match &wanted.source.unpack {
        Some(inner) => unpack_inside(&mut file, inner.as_str().as_bytes(), policy, sink)?,
        None => unpack(&mut file, policy, sink)?,
    }
    Ok(())
}

/// Does something with the verified bytes of a source, in a file that is gone afterwards.
fn scratched<T>(
    store: &Store,
    locked: &LockedSource,
    scratch: &Path,
    work: impl FnOnce(&Path) -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    let folder = tempfile::Builder::new().prefix(".tarsia-").tempdir_in(scratch);
    let folder = folder.map_err(SourceError::io("make a temporary folder"))?;
    let file = folder.path().join("source");
    delivered(store, locked, &file)?;
    work(&file)
}

fn delivered(store: &Store, locked: &LockedSource, to: &Path) -> Result<(), SourceError> {
    // What is delivered was held against the digest.
    let there = store.deliver(locked.blake3.value, to, false)?;
    if there { Ok(()) } else { Err(SourceError::NotFetched) }
}
