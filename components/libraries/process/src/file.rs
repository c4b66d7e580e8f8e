//! Small files that others read while they are renewed.

use std::fs;
use std::io;
use std::path::Path;

/// Puts `text` in place of the file, so that who reads it sees the old or the new, never a part.
/// Nothing is synced: such files live in memory.
///
/// # Errors
/// What the file system reports, with the path.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut fresh = path.to_path_buf();
    fresh.add_extension("new");
    fs::write(&fresh, text)
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_takes_the_place_of_the_old() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.json");
        for text in ["a longer text", "short"] {
            replace(&path, text).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
        #[expect(clippy::disallowed_methods, reason = "they are only counted")]
        let names = fs::read_dir(folder.path()).expect("listed").count();
        assert_eq!(names, 1, "nothing is left over");
        let error = replace(&folder.path().join("no/such"), "").expect_err("no folder");
        assert!(error.to_string().contains("no/such"), "{error}");
    }
}
