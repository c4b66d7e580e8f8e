//! How much of the disk the store may take.

use std::collections::BTreeSet;

use crate::files::Space;
use crate::{CacheError, Store};

/// How much of the disk the store may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that the store may hold; above it, [`Store::tidy`] collects.
    pub size: u64,
    /// Of the file system, in hundredths, what a put leaves free.
    pub reserve_percent: u64,
    /// Bytes that a put leaves free at least.
    pub reserve_bytes: u64,
}

impl Default for Limits {
    /// 20 GiB; 3 % and at least 1 GiB stay free.
    fn default() -> Self {
        Self { size: 20 << 30, reserve_percent: 3, reserve_bytes: 1 << 30 }
    }
}

impl Limits {
    /// Bytes that are to stay free on a file system.
    pub fn reserve(&self, space: Space) -> u64 {
        (space.total / 100).saturating_mul(self.reserve_percent).max(self.reserve_bytes)
    }
}

impl Store {
    /// Collects when so many bytes more would go below the reserve.
    ///
    /// # Errors
    /// [`CacheError::NoRoom`] when that does not help.
    pub(crate) fn make_room(&self, needed: u64) -> Result<(), CacheError> {
        self.prepare()?;
        let short = |space: Space| {
            let wanted = needed.saturating_add(self.limits.reserve(space));
            wanted.saturating_sub(space.free)
        };
        let missing = short(self.disk.space(self.root())?);
        if missing == 0 {
            return Ok(());
        }
        self.collect(&BTreeSet::new(), |total| Some(total.saturating_sub(missing)))?;
        let space = self.disk.space(self.root())?;
        if short(space) == 0 {
            return Ok(());
        }
        Err(CacheError::NoRoom {
            path: self.root().to_owned(),
            needed,
            free: space.free,
            reserve: self.limits.reserve(space),
        })
    }
}
