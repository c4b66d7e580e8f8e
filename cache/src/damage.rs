//! What is damaged leaves its place and counts as absent. It is kept in `damaged`, for whoever wants
//! to know what damaged it, until the next collection.

use tarsia_model::Blake3;

use crate::encoding::{Record, decode};
use crate::error::if_there;
use crate::store::{Alone, Kind};
use crate::{CacheError, Store};

impl Store {
    /// Moves a blob or a result that was found damaged out of the way; says whether it did.
    pub(crate) fn set_aside(&self, kind: Kind, name: Blake3) -> Result<bool, CacheError> {
        self.persist(|| {
            // Another process may have replaced it by a sound one since.
            let alone = self.enter_alone()?;
            if self.is_sound(&alone, kind, name)? != Some(false) {
                return Ok(false);
            }
            let to = self.folder("damaged").join(format!("{}-{name}", kind.folder()));
            self.disk.rename(&self.place(kind, name), &to)?;
            Ok(true)
        })
    }

    fn is_sound(&self, _: &Alone, kind: Kind, name: Blake3) -> Result<Option<bool>, CacheError> {
        let Some(mut file) = if_there(self.disk.open(&self.place(kind, name)))? else {
            return Ok(None);
        };
        Ok(Some(match kind {
            Kind::Blob => file.measure()?.0 == name,
            Kind::Result => !matches!(decode(name, &file.read_all(0)?), Record::Damaged),
        }))
    }
}
