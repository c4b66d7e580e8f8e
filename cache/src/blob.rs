//! The blobs: immutable files named by the BLAKE3 digest of their content.

use std::path::Path;

use tarsia_model::Blake3;

use crate::action::Output;
use crate::disk::Reader;
use crate::error::if_there;
use crate::files::Facts;
use crate::store::Kind;
use crate::{CacheError, Store};

impl Store {
    /// Keeps bytes and gives their digest. A damaged blob of the same digest is replaced.
    ///
    /// # Errors
    /// Those of the file system; [`CacheError::NoRoom`]. Then nothing was kept.
    pub fn put(&self, bytes: &[u8]) -> Result<Blake3, CacheError> {
        let digest = Blake3::of(bytes);
        self.persist(|| {
            if self.has(digest)? {
                return Ok(digest);
            }
            self.make_room(bytes.len() as u64)?;
            let mut file = self.temporary()?;
            file.write(bytes)?;
            file.sync()?;
            let shared = self.enter()?;
            self.note(&shared, &[(Kind::Blob, digest)])?;
            file.publish(&self.place(Kind::Blob, digest))?;
            Ok(digest)
        })
    }

    /// Keeps the content of a file, read in pieces, and says what it was at the time.
    ///
    /// # Errors
    /// As for [`Store::put`].
    pub fn put_file(&self, path: &Path) -> Result<Output, CacheError> {
        self.persist(|| {
            let executable = self.disk.facts(path)?.executable;
            let (digest, size) = self.disk.open(path)?.measure()?;
            if self.has(digest)? {
                return Ok(Output { digest, size, executable });
            }
            self.make_room(size)?;
            let mut file = self.temporary()?;
            // It may have changed since: what counts is what is copied.
            let (digest, size) = self.disk.open(path)?.each(|piece| file.write(piece))?;
            file.sync()?;
            let shared = self.enter()?;
            self.note(&shared, &[(Kind::Blob, digest)])?;
            file.publish(&self.place(Kind::Blob, digest))?;
            Ok(Output { digest, size, executable })
        })
    }

    /// The bytes with this digest, verified; none when they are absent or were damaged.
    pub fn get(&self, digest: Blake3) -> Result<Option<Vec<u8>>, CacheError> {
        let Some((mut file, facts)) = self.use_blob(digest)? else {
            return Ok(None);
        };
        let bytes = file.read_all(facts.size)?;
        if Blake3::of(&bytes) == digest {
            return Ok(Some(bytes));
        }
        self.set_aside(Kind::Blob, digest)?;
        Ok(None)
    }

    /// Copies the blob to a file, which appears whole and verified, replacing what is there, or not
    /// at all; says whether it did. The folder must exist.
    pub fn deliver(&self, digest: Blake3, to: &Path, executable: bool) -> Result<bool, CacheError> {
        let Some((mut blob, _)) = self.use_blob(digest)? else {
            return Ok(false);
        };
        let folder = to.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        // Not after the destination: with more in front, its name might be too long.
        let mut file = self.disk.create_in(folder, ".tarsia-")?;
        let (found, _) = blob.each(|piece| file.write(piece))?;
        if found != digest {
            self.set_aside(Kind::Blob, digest)?;
            return Ok(false);
        }
        if executable {
            file.make_executable()?;
        }
        file.sync()?;
        file.publish(to)?;
        self.disk.sync_folder(folder)?;
        Ok(true)
    }

    /// Whether the blob is there and sound; reads all of it.
    pub(crate) fn has(&self, digest: Blake3) -> Result<bool, CacheError> {
        let Some((mut file, _)) = self.use_blob(digest)? else {
            return Ok(false);
        };
        if file.measure()?.0 == digest {
            return Ok(true);
        }
        self.set_aside(Kind::Blob, digest)?;
        Ok(false)
    }

    /// Opens a blob and notes that it is used. What was opened can be read without a lock.
    fn use_blob(&self, digest: Blake3) -> Result<Option<(Reader, Facts)>, CacheError> {
        let place = self.place(Kind::Blob, digest);
        let shared = self.enter()?;
        let Some(facts) = if_there(self.disk.facts(&place))? else {
            return Ok(None);
        };
        self.note(&shared, &[(Kind::Blob, digest)])?;
        self.disk.touch(&place)?;
        Ok(Some((self.disk.open(&place)?, facts)))
    }
}
