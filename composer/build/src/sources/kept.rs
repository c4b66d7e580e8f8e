//! Sources that stay unpacked from build to build. Whatever is made from one goes into a store that other workspaces
//! use as well, under a key that has the source's digest: so a folder that was edited, or of which something is lost,
//! must not be taken for that source. Beside each is a seal: a digest over what the file system said of everything in
//! it when it was complete. Looking at it costs one `lstat` per file, where reading them would take as long as
//! unpacking them again.

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use fs_err as fs;
use rayon::prelude::*;
use tarsia_manifest::Mark;
use tarsia_manifest::pack::Packer;
use tarsia_manifest::walk::sorted_entries;
use tarsia_model::{Blake3, Code, Diagnostic};

/// The folder of an unpacked source. While this is there, no other build replaces it.
#[derive(Debug)]
pub struct Unpacked {
    folder: PathBuf,
    _guard: fs::File,
}

impl Deref for Unpacked {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.folder
    }
}

impl AsRef<Path> for Unpacked {
    fn as_ref(&self) -> &Path {
        &self.folder
    }
}

/// How often a folder that is changed while it is looked at is unpacked.
const TRIES: usize = 3;

/// The folder `place`, as it was when `unpack` had made it; that is called when there is none, and, after `say`, when
/// it is not as it was any more.
///
/// # Errors
/// Those of unpacking and writing; that something changes it all the time.
pub(super) fn kept(
    place: &Path,
    say: impl Fn(),
    unpack: impl Fn() -> Result<(), Diagnostic>,
) -> Result<Unpacked, Diagnostic> {
    let seal = place.with_extension("seal");
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let guard = fs::File::create(place.with_extension("lock")).map_err(failed)?;
    for _ in 0..TRIES {
        // Many use it at once. After unpacking, this gives up what kept the others away.
        guard.file().lock_shared().map_err(failed)?;
        if is_sealed(place, &seal) {
            let folder = fs::canonicalize(place).map_err(failed)?;
            return Ok(Unpacked { folder, _guard: guard });
        }
        // One unpacks, and not under the hands of those who still use it.
        guard.file().unlock().map_err(failed)?;
        guard.file().lock().map_err(failed)?;
        if is_sealed(place, &seal) {
            continue;
        }
        if place.symlink_metadata().is_ok() {
            say();
        }
        // The seal goes first: half a folder must not have one.
        remove(&seal).and_then(|()| remove(place)).map_err(failed)?;
        unpack()?;
        let digest = look(place).map_err(failed)?;
        fs::write(&seal, digest.to_string()).map_err(failed)?;
    }
    Err(failed(io::Error::other(format!("`{}` is changed all the time", place.display()))))
}

fn failed(error: io::Error) -> Diagnostic {
    Diagnostic::error(Code::OutputFailed, format!("cannot unpack a source: {error}"))
}

fn is_sealed(place: &Path, seal: &Path) -> bool {
    // Without a seal, there is no need to look.
    let Ok(sealed) = fs::read_to_string(seal) else { return false };
    look(place).is_ok_and(|digest| digest.to_string() == sealed)
}

fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    }
}

/// A digest over the names and marks of everything in a folder, and of the folder's own mark.
fn look(top: &Path) -> io::Result<Blake3> {
    let mut hasher = blake3::Hasher::new();
    let mut own = Packer::default();
    put(&mut own, top)?;
    hasher.update(&own.bytes);
    let mut level = vec![top.to_owned()];
    while !level.is_empty() {
        let entries = |folder: &PathBuf| -> io::Result<_> {
            let (mut packer, mut folders) = (Packer::default(), Vec::new());
            let found = sorted_entries(folder)?;
            packer.number(found.len() as u64);
            for (name, kind) in found {
                let path = folder.join(&name);
                packer.block(name.as_encoded_bytes());
                put(&mut packer, &path)?;
                if kind.is_dir() {
                    folders.push(path);
                }
            }
            Ok((packer.bytes, folders))
        };
        let found: Vec<_> = level.par_iter().map(entries).collect::<io::Result<_>>()?;
        level.clear();
        for (bytes, folders) in found {
            hasher.update(&bytes);
            level.extend(folders);
        }
    }
    Ok(Blake3(*hasher.finalize().as_bytes()))
}

fn put(packer: &mut Packer, path: &Path) -> io::Result<()> {
    let Mark { size, modified, changed, inode } = Mark::of(&path.symlink_metadata()?);
    packer.number(size);
    packer.number(modified.cast_unsigned());
    packer.number(changed.cast_unsigned());
    packer.number(inode);
    Ok(())
}
