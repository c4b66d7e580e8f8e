//! Writes a product's outputs so that a file under its final name is always whole and always of the
//! last successful build.

use std::fs::TryLockError;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_manifest::walk::sorted_entries;
use tarsia_model::{Code, Diagnostic};
use tempfile::NamedTempFile;

/// One output file.
#[derive(Clone, Debug)]
pub struct OutputFile {
    /// File name in the product's output folder.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Code::OutputFailed, format!("cannot {what} {}: {error}", path.display()))
}

/// Writes all files into `folder`: first beside their final names, then renamed together. Files
/// that already have these bytes are left alone. Gives the names that changed.
pub fn write(folder: &Path, files: &[OutputFile]) -> Result<Vec<String>, Diagnostic> {
    fs::create_dir_all(folder).map_err(|error| failed("create", folder, &error))?;
    let mut ready = Vec::new();
    sweep(folder).map_err(|error| failed("tidy", folder, &error))?;
    for file in files {
        let path = folder.join(&file.name);
        if fs::read(&path).is_ok_and(|old| old == file.bytes) {
            continue;
        }
        let new = beside(folder, &file.bytes).map_err(|error| failed("write", &path, &error))?;
        ready.push((new, path, &file.name));
    }
    let mut changed = Vec::new();
    for (new, path, name) in ready {
        new.persist(&path).map_err(|error| failed("write", &path, &error.error))?;
        changed.push(name.clone());
    }
    Ok(changed)
}

/// How the names of files begin that do not have their final names yet; as [`tarsia_cache::Store`] names them.
const UNFINISHED: &str = ".tarsia-";

/// A new file, held by this process until it has its final name.
fn beside(folder: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    loop {
        let mut new = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)?;
        new.as_file().lock_shared()?;
        // Another build may have removed it before it was held.
        if new.as_file().metadata()?.nlink() == 0 {
            continue;
        }
        new.write_all(bytes)?;
        new.as_file().sync_all()?;
        return Ok(new);
    }
}

/// Removes what builds that were killed left unfinished: what nobody holds.
fn sweep(folder: &Path) -> std::io::Result<()> {
    for (name, kind) in sorted_entries(folder)? {
        if !kind.is_file() || !name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            continue;
        }
        let path = folder.join(name);
        let remove = || {
            // Held while it is removed: whoever made it sees that it is gone.
            let file = fs::File::open(&path)?;
            match file.file().try_lock() {
                Ok(()) => fs::remove_file(&path),
                Err(TryLockError::WouldBlock) => Ok(()),
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        match remove() {
            // Finished, or removed by another build, meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            ended => ended?,
        }
    }
    Ok(())
}

/// Removes outputs of an earlier build that no longer stand for the product: an image that is
/// over its budget must not be found where a good one was.
pub fn remove(folder: &Path, names: &[&str]) -> Result<(), Diagnostic> {
    for name in names {
        let path: PathBuf = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("remove", &path, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_write_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [("a", b"1"), ("b", b"2")]
            .map(|(name, bytes)| OutputFile { name: name.into(), bytes: bytes.to_vec() });
        assert_eq!(write(folder.path(), &files), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(write(folder.path(), &files), Ok(Vec::new()));
        remove(folder.path(), &["a", "absent"]).expect("removed");
        assert_eq!(write(folder.path(), &files), Ok(vec!["a".to_owned()]));
        let left: Vec<_> = fs::metadata(folder.path().join("b")).into_iter().collect();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn what_a_killed_build_left_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in [".tarsia-1-2", ".tarsia-held", ".new-mine", "tarsia-1"] {
            std::fs::write(at(name), "x").expect("written");
        }
        std::fs::create_dir(at(".tarsia-folder")).expect("a folder");
        let held = std::fs::File::open(at(".tarsia-held")).expect("opened");
        held.lock_shared().expect("held");
        write(folder.path(), &[]).expect("written");
        let left = || sorted_entries(folder.path()).expect("listed").into_iter().map(|one| one.0);
        let mine = [".new-mine", ".tarsia-folder", ".tarsia-held", "tarsia-1"];
        assert!(left().eq(mine), "{:?}", left().collect::<Vec<_>>());
        drop(held);

        // Builds of one product at once, each sweeping while the others write.
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let write = move |round: u8, folder: &Path| {
                    let bytes = vec![thread ^ round; 3];
                    write(folder, &[OutputFile { name: "out".into(), bytes }]).expect("written");
                };
                let folder = folder.path();
                scope.spawn(move || (0..25).for_each(|round| write(round, folder)));
            }
        });
        write(folder.path(), &[]).expect("written");
        let left: Vec<_> = left().filter(|name| name != "out").collect();
        assert_eq!(left, [".new-mine", ".tarsia-folder", "tarsia-1"]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_a_diagnostic() {
        let files = [OutputFile { name: "a".into(), bytes: Vec::new() }];
        let error = write(Path::new("/proc/nowhere"), &files).expect_err("proc is read-only");
        assert_eq!(error.code, Code::OutputFailed);
    }
}
