//! Small answers that are remembered from run to run as JSON, with all that they depend on, so that whoever
//! asks can see whether they still hold. What cannot be read or kept is found out anew.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tarsia_cache::Memo;

/// What a file remembers; none when it holds nothing of this form.
pub fn read<T: DeserializeOwned>(place: &Path) -> Option<T> {
    serde_json::from_slice(&Memo::new(place).read()?).ok()
}

/// Remembers something. Where that is not possible, the next run finds it out anew.
pub fn write<T: Serialize>(place: &Path, value: &T) {
    if let Ok(text) = serde_json::to_vec_pretty(value) {
        let _ = Memo::new(place).write(&text);
    }
}
