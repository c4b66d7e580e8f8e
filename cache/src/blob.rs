//! The blobs: immutable files named by the BLAKE3 digest of their content.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_model::Blake3;

use crate::CacheError;

/// A store in one folder, shared by any number of processes: files appear whole, by rename, and are
/// never changed afterwards.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// A store in `root`; folders are made when something is first put there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn blob(&self, digest: Blake3) -> PathBuf {
        let name = digest.to_string();
        self.root.join("blobs").join(&name[..2]).join(name)
    }

    /// Keeps bytes and gives their digest.
    pub fn put(&self, bytes: &[u8]) -> Result<Blake3, CacheError> {
        let digest = Blake3::of(bytes);
        if self.get(digest)?.is_none() {
            self.write(&self.blob(digest), bytes)?;
        }
        Ok(digest)
    }

    /// The bytes with this digest, verified; none when they are absent or were damaged.
    pub fn get(&self, digest: Blake3) -> Result<Option<Vec<u8>>, CacheError> {
        let path = self.blob(digest);
        let Some(bytes) = self.read(&path)? else {
            return Ok(None);
        };
        if Blake3::of(&bytes) == digest {
            return Ok(Some(bytes));
        }
        self.set_aside(&path)?;
        Ok(None)
    }

    /// Whether there is a blob with this digest; whether it is whole shows when it is read.
    pub fn has(&self, digest: Blake3) -> bool {
        self.blob(digest).is_file()
    }

    pub(crate) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, CacheError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a file that appears whole or not at all, even when the machine stops half-way.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Moves a damaged file out of the way, kept for whoever wants to know what damaged it.
    pub(crate) fn set_aside(&self, path: &Path) -> Result<(), CacheError> {
        let folder = self.root.join("damaged");
        fs::create_dir_all(&folder)?;
        if let Some(name) = path.file_name() {
            match fs::rename(path, folder.join(name)) {
                // Another process set it aside first.
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_put() -> Result<(), CacheError> {
        let folder = tempfile::tempdir()?;
        let store = Store::new(folder.path());
        let digest = store.put(b"hello")?;
        assert_eq!(store.put(b"hello")?, digest);
        assert_eq!(store.get(digest)?.as_deref(), Some(b"hello".as_slice()));
        assert_eq!(store.get(Blake3::of(b"other"))?, None);
        Ok(())
    }

    #[test]
    fn a_damaged_blob_is_never_delivered() -> Result<(), CacheError> {
        let folder = tempfile::tempdir()?;
        let store = Store::new(folder.path());
        let digest = store.put(b"hello world")?;
        for damage in [&b"hello"[..], b"", b"hello worle"] {
            fs::write(store.blob(digest), damage)?;
            assert_eq!(store.get(digest)?, None);
            assert_eq!(store.put(b"hello world")?, digest);
            assert!(store.get(digest)?.is_some());
        }
        Ok(())
    }
}
