//! Collection: removes what was not used for the longest time, and nothing that is in use.
//!
//! It looks at everything without a lock, decides, and removes in batches, each while nobody else is in
//! the store. Before something is removed it is looked at again: whoever used it since has touched it,
//! and what living leases have used is in their notes. A result goes before its blobs, and is off the
//! disk before they go.

use std::collections::{BTreeMap, BTreeSet};

use tarsia_model::Blake3;

use crate::encoding::{Record, decode};
use crate::error::if_there;
use crate::files::{Facts, Lock};
use crate::lease::Use;
use crate::scan::Found;
use crate::store::{Alone, Kind, SHARDS};
use crate::{CacheError, Store};

/// How many files are removed while others wait.
const BATCH: usize = 64;

/// A file from the future, by more than this, in nanoseconds, was used when the clock was wrong.
const FUTURE: i64 = 60_000_000_000;

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Bytes of blobs and results before.
    pub before: u64,
    /// Bytes of blobs and results after.
    pub after: u64,
    /// Results that were removed.
    pub results: u64,
    /// Blobs that were removed.
    pub blobs: u64,
    /// Files of dead processes and of an older form of the store, and what had been set aside, that
    /// were removed.
    pub leftovers: u64,
}

/// Something that may go.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    what: Use,
    facts: Facts,
}

impl Store {
    /// Removes what was not used for the longest time when the store holds more than so many bytes,
    /// until it holds at most nine tenths of that. What a living lease has used stays, and the
    /// results with the keys in `keep`, each with its blobs; so it may hold more afterwards.
    pub fn gc(&self, limit: u64, keep: &BTreeSet<Blake3>) -> Result<Collected, CacheError> {
        self.collect(keep, |total| (total > limit).then_some(limit / 10 * 9 + limit % 10 * 9 / 10))
    }

    /// Collects when the store holds more than its limit.
    pub fn tidy(&self) -> Result<Collected, CacheError> {
        self.gc(self.limits.size, &BTreeSet::new())
    }

    /// Collects down to the goal that is set for the bytes there are.
    pub(crate) fn collect(
        &self,
        keep: &BTreeSet<Blake3>,
        goal: impl FnOnce(u64) -> Option<u64>,
    ) -> Result<Collected, CacheError> {
        self.prepare()?;
        let lock = self.folder("collecting");
        // One at a time. Whoever waited looks at everything anew.
        let _one = self.disk.lock(&lock, Lock::Exclusive)?;
        self.disk.touch(&lock)?;
        let start = self.disk.facts(&lock)?.used;
        let mut collected = Collected::default();
        let mut kept = {
            let alone = self.enter_alone()?;
            collected.leftovers = self.sweep(&alone)? + self.sweep_older(&alone)?;
            self.leased(&alone)?
        };
        kept.extend(keep.iter().map(|key| (Kind::Result, *key)));
        // Blobs first: a result that comes after them names none that could be seen as unused.
        let [blobs, results] = [self.scan(Kind::Blob)?, self.scan(Kind::Result)?];
        collected.before = blobs.bytes() + results.bytes();
        collected.after = collected.before;
        if let Some(goal) = goal(collected.before) {
            let named = self.named(&results)?;
            let order = self.order(&blobs, &results, &named, &mut kept, start)?;
            let excess = collected.before.saturating_sub(goal);
            self.remove(&first(order, excess), &named, &mut kept, &mut collected)?;
        }
        Ok(collected)
    }

    /// Removes what dead processes left, and what was set aside.
    fn sweep(&self, _: &Alone) -> Result<u64, CacheError> {
        let mut removed = 0;
        for (folder, holdable) in [("tmp", true), ("damaged", false)] {
            for (path, facts) in self.content(self.folder(folder))? {
                if facts.folder || holdable && if_there(self.disk.held(&path))? != Some(false) {
                    continue;
                }
                removed += u64::from(if_there(self.disk.remove(&path))?.is_some());
            }
        }
        Ok(removed)
    }

    /// Removes what earlier versions of Tarsia kept: results in `actions`, and both kinds in folders of
    /// two digits. Nothing reads them any more.
    fn sweep_older(&self, _: &Alone) -> Result<u64, CacheError> {
        let mut removed = 0;
        for parent in [self.folder("actions"), self.folder(Kind::Blob.folder())] {
            for (shard, facts) in self.content(parent.clone())? {
                let name = shard.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let digits = name.len() == 2 && name.bytes().all(|digit| digit.is_ascii_hexdigit());
                if !(digits && facts.folder) {
                    continue;
                }
                for (path, facts) in self.content(shard.clone())? {
                    let name = path.file_name().and_then(|name| name.to_str());
                    let own = name.is_some_and(|name| name.parse::<Blake3>().is_ok());
                    if own && !facts.folder {
                        removed += u64::from(if_there(self.disk.remove(&path))?.is_some());
                    }
                }
                if_there(self.disk.remove_folder(&shard))?;
            }
            if parent.ends_with("actions") {
                if_there(self.disk.remove_folder(&parent))?;
            }
        }
        Ok(removed)
    }

    /// The blobs of each result.
    fn named(&self, results: &Found) -> Result<BTreeMap<Blake3, Vec<Blake3>>, CacheError> {
        let mut named = BTreeMap::new();
        for (key, facts) in &results.files {
            if let Some(mut file) = if_there(self.disk.open(&self.place(Kind::Result, *key)))?
                && let Record::Sound(result) = decode(*key, &file.read_all(facts.size)?)
            {
                named.insert(*key, result.blobs().map(|(digest, _)| digest).collect());
            }
        }
        Ok(named)
    }

    /// What may go, the least recently used first, results before their blobs. Adds the blobs of
    /// what is kept to what is kept.
    fn order(
        &self,
        blobs: &Found,
        results: &Found,
        named: &BTreeMap<Blake3, Vec<Blake3>>,
        kept: &mut BTreeSet<Use>,
        start: i64,
    ) -> Result<Vec<Candidate>, CacheError> {
        let mut used: BTreeMap<Use, (i64, Facts)> = BTreeMap::new();
        let files = [(Kind::Blob, blobs), (Kind::Result, results)];
        for (kind, (name, facts)) in
            files.into_iter().flat_map(|(kind, found)| found.files.iter().map(move |f| (kind, f)))
        {
            if facts.used > start.saturating_add(FUTURE) {
                if_there(self.disk.touch(&self.place(kind, *name)))?;
            }
            used.insert((kind, *name), (facts.used, *facts));
        }
        for (key, blobs) in named {
            let Some((time, _)) = used.get(&(Kind::Result, *key)).copied() else {
                continue;
            };
            let stays = kept.contains(&(Kind::Result, *key));
            for blob in blobs.iter().map(|blob| (Kind::Blob, *blob)) {
                // A blob was used when a result that names it was.
                if let Some((used, _)) = used.get_mut(&blob) {
                    *used = time.max(*used);
                }
                if stays {
                    kept.insert(blob);
                }
            }
        }
        // What is as young as the look itself could be used again without getting another time.
        let goes = |(what, (used, _)): &(Use, (i64, Facts))| *used < start && !kept.contains(what);
        let mut order: Vec<_> = used.into_iter().filter(goes).collect();
        order.sort_by_key(|(what, (used, _))| (*used, *what));
        Ok(order.into_iter().map(|(what, (_, facts))| Candidate { what, facts }).collect())
    }

    fn remove(
        &self,
        order: &[Candidate],
        named: &BTreeMap<Blake3, Vec<Blake3>>,
        kept: &mut BTreeSet<Use>,
        collected: &mut Collected,
    ) -> Result<(), CacheError> {
        for (index, batch) in order.chunks(BATCH).enumerate() {
            let alone = self.enter_alone()?;
            kept.extend(self.leased(&alone)?);
            if index == 0 {
                // An earlier collection may have been killed between removing a result and this.
                self.sync_results(SHARDS)?;
            }
            let (results, blobs): (Vec<&Candidate>, Vec<&Candidate>) =
                batch.iter().partition(|candidate| candidate.what.0 == Kind::Result);
            let mut shards = BTreeSet::new();
            for candidate in results {
                let (_, key) = candidate.what;
                if self.remove_unused(&alone, candidate, kept)? {
                    collected.results += 1;
                    collected.after -= candidate.facts.size;
                    shards.insert(key.to_string()[..1].to_owned());
                } else {
                    let blobs = named.get(&key).into_iter().flatten();
                    kept.extend(blobs.map(|blob| (Kind::Blob, *blob)));
                }
            }
            self.sync_results(&shards)?;
            for candidate in blobs {
                if self.remove_unused(&alone, candidate, kept)? {
                    collected.blobs += 1;
                    collected.after -= candidate.facts.size;
                }
            }
        }
        Ok(())
    }

    fn sync_results(
        &self,
        shards: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), CacheError> {
        let mut shards = shards.into_iter();
        shards
            .try_for_each(|shard| self.disk.sync_folder(&self.shard(Kind::Result, shard.as_ref())))
    }

    fn remove_unused(
        &self,
        _: &Alone,
        candidate: &Candidate,
        kept: &BTreeSet<Use>,
    ) -> Result<bool, CacheError> {
        let (kind, name) = candidate.what;
        let place = self.place(kind, name);
        if kept.contains(&candidate.what)
            || if_there(self.disk.facts(&place))?.is_some_and(|facts| facts != candidate.facts)
        {
            return Ok(false);
        }
        Ok(if_there(self.disk.remove(&place))?.is_some())
    }
}

/// As many from the front as have so many bytes together.
fn first(mut order: Vec<Candidate>, bytes: u64) -> Vec<Candidate> {
    let mut sum = 0;
    let enough = order.iter().position(|candidate| {
        let before = sum;
        sum += candidate.facts.size;
        before >= bytes
    });
    order.truncate(enough.unwrap_or(order.len()));
    order
}
