//! The results of actions: which blobs an action with a given key produced.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tarsia_model::Blake3;

use crate::{CacheError, Store};

/// The form of the records; a record of another form counts as absent.
const VERSION: u32 = 1;

/// What an action produced, by output name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionResult {
    /// Digest of each output.
    pub outputs: BTreeMap<String, Blake3>,
}

impl Store {
    fn action(&self, key: Blake3) -> PathBuf {
        let name = key.to_string();
        self.root().join("actions").join(&name[..2]).join(name)
    }

    /// Notes what the action with this key produced; its blobs must be in the store already.
    pub fn record(&self, key: Blake3, result: &ActionResult) -> Result<(), CacheError> {
        let body = encode(result);
        let record = format!("tarsia-action {VERSION} {}\n{body}", Blake3::of(body.as_bytes()));
        self.write(&self.action(key), record.as_bytes())
    }

    /// The digest of each output of the action with this key, all of which are in the store; whether
    /// they are whole shows when they are read. None when anything is missing.
    pub fn peek(&self, key: Blake3) -> Result<Option<BTreeMap<String, Blake3>>, CacheError> {
        let path = self.action(key);
        let Some(bytes) = self.read(&path)? else {
            return Ok(None);
        };
        let Some(result) = decode(&bytes) else {
            self.set_aside(&path)?;
            return Ok(None);
        };
        let present = result.outputs.values().all(|digest| self.has(*digest));
        Ok(present.then_some(result.outputs))
    }

    /// What the action with this key produced, with the verified bytes of every output; none when
    /// the action was never recorded or anything of it is missing or damaged.
    pub fn recall(&self, key: Blake3) -> Result<Option<BTreeMap<String, Vec<u8>>>, CacheError> {
        let path = self.action(key);
        let Some(bytes) = self.read(&path)? else {
            return Ok(None);
        };
        let Some(result) = decode(&bytes) else {
            self.set_aside(&path)?;
            return Ok(None);
        };
        let mut outputs = BTreeMap::new();
        for (name, digest) in result.outputs {
            let Some(bytes) = self.get(digest)? else {
                return Ok(None);
            };
            outputs.insert(name, bytes);
        }
        Ok(Some(outputs))
    }
}

fn encode(result: &ActionResult) -> String {
    result.outputs.iter().map(|(name, digest)| format!("{digest} {name}\n")).collect()
}

fn decode(bytes: &[u8]) -> Option<ActionResult> {
    let (head, body) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    let digest = head.strip_prefix(&format!("tarsia-action {VERSION} "))?;
    if digest.parse() != Ok(Blake3::of(body.as_bytes())) {
        return None;
    }
    let line = |line: &str| {
        let (digest, name) = line.split_once(' ')?;
        Some((name.to_owned(), digest.parse().ok()?))
    };
    Some(ActionResult { outputs: body.lines().map(line).collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recalls_all_or_nothing() -> Result<(), CacheError> {
        let folder = tempfile::tempdir()?;
        let store = Store::new(folder.path());
        let key = Blake3::of(b"key");
        let outputs = [("a", &b"1"[..]), ("b", b"2")]
            .into_iter()
            .map(|(name, bytes)| Ok((name.to_owned(), store.put(bytes)?)))
            .collect::<Result<BTreeMap<_, _>, CacheError>>()?;
        store.record(key, &ActionResult { outputs: outputs.clone() })?;
        let recalled = store.recall(key)?.expect("recorded");
        assert_eq!(recalled["b"], b"2");

        fs_err::write(store.action(key), b"tarsia-action 1 junk\n")?;
        assert!(store.recall(key)?.is_none(), "a torn record counts as absent");

        store.record(key, &ActionResult { outputs: outputs.clone() })?;
        let name = outputs["a"].to_string();
        fs_err::write(store.root().join("blobs").join(&name[..2]).join(&name), b"x")?;
        assert!(store.recall(key)?.is_none(), "a damaged output makes the whole result absent");
        Ok(())
    }
}
