//! How much a store holds.

use crate::files::Facts;
use crate::scan::Found;
use crate::store::Kind;
use crate::{CacheError, Store};

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Contents.
    pub blobs: Amount,
    /// Records of what actions produced.
    pub results: Amount,
    /// What was set aside.
    pub damaged: Amount,
    /// Files that are being written, and those that dead processes left.
    pub temporary: Amount,
    /// When the least recently used blob or result was used, in nanoseconds since 1970.
    pub oldest: Option<i64>,
}

/// Some files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

impl Amount {
    fn of<'f>(files: impl IntoIterator<Item = &'f Facts>) -> Self {
        let mut amount = Self::default();
        for facts in files {
            amount.count += 1;
            amount.bytes += facts.size;
        }
        amount
    }
}

impl Stats {
    /// All of it, in bytes.
    pub fn bytes(&self) -> u64 {
        [self.blobs, self.results, self.damaged, self.temporary].iter().map(|a| a.bytes).sum()
    }
}

impl Store {
    /// Counts what is there. Changes nothing and waits for nobody.
    pub fn stats(&self) -> Result<Stats, CacheError> {
        let [blobs, results] = [self.scan(Kind::Blob)?, self.scan(Kind::Result)?];
        let in_folder = |name| {
            let content = self.content(self.folder(name))?;
            Ok::<_, CacheError>(Amount::of(content.iter().map(|(_, facts)| facts)))
        };
        let each = |found: &Found| found.files.values().map(|facts| facts.used).min();
        Ok(Stats {
            blobs: Amount::of(blobs.files.values()),
            results: Amount::of(results.files.values()),
            damaged: in_folder("damaged")?,
            temporary: in_folder("tmp")?,
            oldest: each(&blobs).into_iter().chain(each(&results)).min(),
        })
    }
}
