//! The results of actions: which blobs an action with a given key produced.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_model::Blake3;

use crate::encoding::{Record, check_name, decode, encode};
use crate::error::if_there;
use crate::lease::Use;
use crate::store::Kind;
use crate::{CacheError, Store};

/// A file that an action produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// Digest of its content.
    pub digest: Blake3,
    /// Size in bytes.
    pub size: u64,
    /// Whether it may be executed.
    pub executable: bool,
}

impl Output {
    /// A file with these bytes that may not be executed.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Blake3::of(bytes), size: bytes.len() as u64, executable: false }
    }
}

/// What an action produced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionResult {
    /// Its outputs by name: relative paths, with `/` between their parts.
    pub outputs: BTreeMap<String, Output>,
    /// What the action said, as a blob.
    pub log: Option<Blake3>,
    /// Whatever its owner wants to know again. The store does not read it.
    pub notes: String,
}

impl ActionResult {
    /// The blobs it needs, with their sizes where it states them.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = (Blake3, Option<u64>)> {
        let outputs = self.outputs.values().map(|output| (output.digest, Some(output.size)));
        outputs.chain(self.log.map(|log| (log, None)))
    }
}

impl Store {
    /// Notes what the action with this key produced, in place of what was noted before. When this
    /// returns, result and blobs stay even if the machine stops.
    ///
    /// # Errors
    /// [`CacheError::Missing`] when a blob is not in the store; [`CacheError::Name`]; those of the
    /// file system. Then what was noted before holds.
    pub fn record(&self, key: Blake3, result: &ActionResult) -> Result<(), CacheError> {
        result.outputs.keys().try_for_each(|name| check_name(name))?;
        let record = encode(key, result);
        self.persist(|| {
            self.make_room(record.len() as u64)?;
            let mut file = self.temporary()?;
            file.write(record.as_bytes())?;
            file.sync()?;
            let shared = self.enter()?;
            self.note(&shared, &uses(key, result))?;
            let mut shards = BTreeSet::new();
            for (digest, size) in result.blobs() {
                let place = self.place(Kind::Blob, digest);
                let found = if_there(self.disk.facts(&place))?;
                if found.is_none_or(|facts| size.is_some_and(|size| size != facts.size)) {
                    return Err(CacheError::Missing { key, blob: digest });
                }
                // A collection that looked before sees that it is used again.
                self.disk.touch(&place)?;
                shards.extend(place.parent().map(ToOwned::to_owned));
            }
            // Also for blobs that others put there: they may have been killed before syncing.
            shards.iter().try_for_each(|shard| self.disk.sync_folder(shard))?;
            let place = self.place(Kind::Result, key);
            file.publish(&place)?;
            place.parent().map_or(Ok(()), |shard| self.disk.sync_folder(shard))
        })
    }

    /// What the action with this key produced; none when it was never recorded, its record is
    /// damaged, or a blob is absent or has another size. The blobs' content is verified when it is
    /// got or delivered.
    pub fn recall(&self, key: Blake3) -> Result<Option<ActionResult>, CacheError> {
        let place = self.place(Kind::Result, key);
        let shared = self.enter()?;
        let Some(mut file) = if_there(self.disk.open(&place))? else {
            return Ok(None);
        };
        match decode(key, &file.read_all(0)?) {
            Record::Sound(result) if self.is_complete(&result)? => {
                self.note(&shared, &uses(key, &result))?;
                self.disk.touch(&place)?;
                Ok(Some(result))
            }
            Record::Sound(_) | Record::Other => Ok(None),
            Record::Damaged => {
                drop(shared);
                self.set_aside(Kind::Result, key)?;
                Ok(None)
            }
        }
    }

    /// Whether every blob of a result is there, in its size.
    pub(crate) fn is_complete(&self, result: &ActionResult) -> Result<bool, CacheError> {
        for (digest, size) in result.blobs() {
            let found = if_there(self.disk.facts(&self.place(Kind::Blob, digest)))?;
            if found.is_none_or(|facts| size.is_some_and(|size| size != facts.size)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The result and its blobs.
fn uses(key: Blake3, result: &ActionResult) -> Vec<Use> {
    let blobs = result.blobs().map(|(digest, _)| (Kind::Blob, digest));
    [(Kind::Result, key)].into_iter().chain(blobs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recalls_all_or_nothing() -> Result<(), CacheError> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path());
        let key = Blake3::of(b"key");
        let outputs = [("a", &b"1"[..]), ("b", b"2")]
            .into_iter()
            .map(|(name, bytes)| {
                store.put(bytes)?;
                Ok((name.to_owned(), Output::of(bytes)))
            })
            .collect::<Result<BTreeMap<_, _>, CacheError>>()?;
        let result = ActionResult { outputs, log: None, notes: "n".into() };
        store.record(key, &result)?;
        assert_eq!(store.recall(key)?.as_ref(), Some(&result));
        let get = |name: &str| store.get(result.outputs[name].digest);
        assert_eq!(get("b")?.as_deref(), Some(&b"2"[..]));

        let record = store.place(Kind::Result, key);
        fs_err::write(&record, b"tarsia-result 2 junk\n").expect("written");
        assert!(store.recall(key)?.is_none(), "a torn record counts as absent");
        assert!(!record.exists(), "and is set aside");

        store.record(key, &result)?;
        let blob = store.place(Kind::Blob, result.outputs["a"].digest);
        fs_err::write(&blob, b"x").expect("written");
        assert!(store.recall(key)?.is_some(), "of the same size");
        assert!(get("a")?.is_none(), "a damaged output is never delivered");
        assert!(store.recall(key)?.is_none(), "and makes the whole result absent");
        assert!(matches!(store.record(key, &result), Err(CacheError::Missing { .. })));
        store.put(b"1")?;
        assert!(store.recall(key)?.is_some(), "until it is put again");
        Ok(())
    }
}
