//! What a store holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tarsia_model::Blake3;

use crate::error::if_there;
use crate::files::Facts;
use crate::store::{Kind, SHARDS};
use crate::{CacheError, Store};

/// What was found in the folders of blobs or results. Others may be at work meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By name.
    pub(crate) files: BTreeMap<Blake3, Facts>,
    /// What has no business there.
    pub(crate) strangers: Vec<PathBuf>,
}

impl Found {
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|facts| facts.size).sum()
    }
}

impl Store {
    pub(crate) fn scan(&self, kind: Kind) -> Result<Found, CacheError> {
        let mut found = Found::default();
        for shard in SHARDS {
            let folder = self.shard(kind, shard);
            for (path, facts) in self.content(folder)? {
                let name = path.file_name().and_then(|name| name.to_str());
                let name = name.filter(|name| name.starts_with(shard) && !facts.folder);
                match name.and_then(|name| name.parse().ok()) {
                    Some(name) => {
                        found.files.insert(name, facts);
                    }
                    None => found.strangers.push(path),
                }
            }
        }
        Ok(found)
    }

    /// The files of a folder; none when it is not there.
    pub(crate) fn content(&self, folder: PathBuf) -> Result<Vec<(PathBuf, Facts)>, CacheError> {
        let mut content = Vec::new();
        for name in if_there(self.disk.list(&folder))?.unwrap_or_default() {
            let path = folder.join(name);
            // What vanished meanwhile is not there.
            if let Some(facts) = if_there(self.disk.facts(&path))? {
                content.push((path, facts));
            }
        }
        Ok(content)
    }
}
