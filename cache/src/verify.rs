//! Reads everything a store holds and removes what is wrong with it.

use crate::encoding::{Record, decode};
use crate::error::if_there;
use crate::stats::Amount;
use crate::store::Kind;
use crate::{CacheError, Store};

/// What a verification found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Blobs that were read.
    pub blobs: Amount,
    /// Records that were read.
    pub results: Amount,
    /// Blobs whose content was not what their name says. They were set aside.
    pub damaged_blobs: u64,
    /// Records that were damaged. They were set aside.
    pub damaged_results: u64,
    /// Sound records that named a blob which is not there. They were removed.
    pub dangling: u64,
    /// Files among the blobs and records that are neither. They were set aside.
    pub strangers: u64,
}

impl Verified {
    /// Whether nothing was wrong.
    pub const fn is_sound(&self) -> bool {
        self.damaged_blobs == 0
            && self.damaged_results == 0
            && self.dangling == 0
            && self.strangers == 0
    }
}

impl Store {
    /// Reads every blob and record, sets aside what is damaged, and removes the results that cannot
    /// be recalled. Others may use the store meanwhile.
    pub fn verify(&self) -> Result<Verified, CacheError> {
        let mut verified = Verified::default();
        self.prepare()?;
        let blobs = self.scan(Kind::Blob)?;
        for name in blobs.files.keys().copied() {
            // What vanished meanwhile is not there.
            let Some(mut file) = if_there(self.disk.open(&self.place(Kind::Blob, name)))? else {
                continue;
            };
            let (found, size) = file.measure()?;
            verified.blobs.count += 1;
            verified.blobs.bytes += size;
            if found != name && self.set_aside(Kind::Blob, name)? {
                verified.damaged_blobs += 1;
            }
        }
        let results = self.scan(Kind::Result)?;
        for (name, facts) in &results.files {
            let Some(mut file) = if_there(self.disk.open(&self.place(Kind::Result, *name)))? else {
                continue;
            };
            verified.results.count += 1;
            verified.results.bytes += facts.size;
            match decode(*name, &file.read_all(facts.size)?) {
                Record::Sound(result) => {
                    if !self.is_complete(&result)? && self.remove_dangling(*name)? {
                        verified.dangling += 1;
                    }
                }
                Record::Other => {}
                Record::Damaged => {
                    verified.damaged_results += u64::from(self.set_aside(Kind::Result, *name)?);
                }
            }
        }
        for path in blobs.strangers.into_iter().chain(results.strangers) {
            let _alone = self.enter_alone()?;
            let to = self.folder("damaged").join(path.file_name().unwrap_or_default());
            verified.strangers += u64::from(if_there(self.disk.rename(&path, &to))?.is_some());
        }
        Ok(verified)
    }

    fn remove_dangling(&self, name: tarsia_model::Blake3) -> Result<bool, CacheError> {
        // Its blob may have been put again, or the record replaced.
        let _alone = self.enter_alone()?;
        let place = self.place(Kind::Result, name);
        let Some(mut file) = if_there(self.disk.open(&place))? else {
            return Ok(false);
        };
        match decode(name, &file.read_all(0)?) {
            Record::Sound(result) if !self.is_complete(&result)? => {
                self.disk.remove(&place).map(|()| true)
            }
            _ => Ok(false),
        }
    }
}
