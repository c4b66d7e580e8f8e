//! Writes a product's outputs so that a file under its final name is always whole and always of the
//! last successful build.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_model::{Code, Diagnostic};

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
    for file in files {
        let path = folder.join(&file.name);
        if fs::read(&path).is_ok_and(|old| old == file.bytes) {
            continue;
        }
        let new = || -> std::io::Result<tempfile::NamedTempFile> {
            let mut new = tempfile::Builder::new()
                .prefix(".new-")
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
                .tempfile_in(folder)?;
            new.write_all(&file.bytes)?;
            new.as_file().sync_all()?;
            Ok(new)
        };
        ready.push((new().map_err(|error| failed("write", &path, &error))?, path, &file.name));
    }
    let mut changed = Vec::new();
    for (new, path, name) in ready {
        new.persist(&path).map_err(|error| failed("write", &path, &error.error))?;
        changed.push(name.clone());
    }
    Ok(changed)
}

/// Removes outputs of an earlier build that no longer stand for the product: an image that is
/// over its budget must not be found where a good one was.
pub fn remove(folder: &Path, names: &[&str]) -> Result<(), Diagnostic> {
    for name in names {
        let path: PathBuf = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
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
    fn a_folder_that_cannot_be_written_is_a_diagnostic() {
        let files = [OutputFile { name: "a".into(), bytes: Vec::new() }];
        let error = write(Path::new("/proc/nowhere"), &files).expect_err("proc is read-only");
        assert_eq!(error.code, Code::OutputFailed);
    }
}
