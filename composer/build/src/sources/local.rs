//! Files and folders that stand beside a manifest.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_image::archive::Canonical;
use tarsia_manifest::walk::sorted_entries;

use super::{SourceError, address};
use crate::own::{self, NotOwn};

/// Where a path of a manifest leads, without links.
///
/// # Errors
/// That it is not there, or leads out of the component's folder.
pub(super) fn place(folder: &Path, path: &str) -> Result<PathBuf, SourceError> {
    own::place(folder, path).map_err(|problem| match problem {
        NotOwn::Unreadable(error) => {
            SourceError::io(format!("find `{path}` in the component's folder"))(error)
        }
        NotOwn::Outside => SourceError::Special { path: path.to_owned() },
    })
}

/// Copies a file, or writes a folder as a canonical archive.
pub(super) fn fetch(folder: &Path, path: &str, to: &Path) -> Result<(), SourceError> {
    let place = place(folder, path)?;
    if !place.is_dir() {
        return address::copy(&place, address::LARGEST, to);
    }
    let failed = || SourceError::io(format!("read `{path}`"));
    let mut found = Vec::new();
    below(&place, Path::new(""), &mut found)?;
    found.sort_by(|one, two| {
        one.as_os_str().as_encoded_bytes().cmp(two.as_os_str().as_encoded_bytes())
    });
    let writer = io::BufWriter::new(fs::File::create(to).map_err(failed())?);
    let mut archive = Canonical::new(writer);
    for inner in found {
        let at = place.join(&inner);
        let data = at.symlink_metadata().map_err(failed())?;
        let added = if data.is_symlink() {
            fs::read_link(&at).and_then(|target| archive.symlink(&inner, &target))
        } else {
            let executable = data.permissions().mode() & 0o111 != 0;
            fs::File::open(&at).and_then(|file| archive.file(&inner, executable, data.len(), file))
        };
        added.map_err(failed())?;
    }
    let writer = archive.finish().map_err(failed())?;
    writer.into_inner().map_err(|error| failed()(error.into_error()))?;
    Ok(())
}

/// The paths of all files and links below a folder.
fn below(top: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    let failed = SourceError::io(format!("read the folder `{}`", folder.display()));
    for (name, kind) in sorted_entries(&top.join(folder)).map_err(failed)? {
        let path = folder.join(name);
        if kind.is_dir() {
            below(top, &path, found)?;
        } else if kind.is_file() || kind.is_symlink() {
            found.push(path);
        } else {
            return Err(SourceError::Special { path: path.display().to_string() });
        }
    }
    Ok(())
}
