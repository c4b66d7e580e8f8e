//! What the agent is asked, by files in its folder, and what it answers there.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tarsia_process::replace;

/// A request that stands as a file of this name in the agent's folder; the file's content does not
/// matter, and the agent removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `switch`: to the other slot at the next start.
    Switch,
    /// `install`: an update. The agent cannot.
    Install,
}

/// What the agent says of itself: `/run/update/state.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The entry that runs.
    pub running: Option<String>,
    /// The other entry.
    pub other: Option<String>,
    /// The running entry is marked as good.
    pub good: bool,
    /// What came of the last request.
    pub last: Option<String>,
}

impl Request {
    const ALL: [(Self, &str); 2] = [(Self::Switch, "switch"), (Self::Install, "install")];

    /// The next request, which is then no longer there.
    ///
    /// # Errors
    /// A request cannot be removed; to carry it out would be to do so again and again.
    pub fn take(folder: &Path) -> io::Result<Option<Self>> {
        for (request, name) in Self::ALL {
            match fs::remove_file(folder.join(name)) {
                Ok(()) => return Ok(Some(request)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl Report {
    /// The agent's folder; the product gives it to this process.
    pub const FOLDER: &str = "/run/update";

    /// Writes it into `folder`.
    ///
    /// # Errors
    /// What the file system reports, with the path.
    pub(crate) fn publish(&self, folder: &Path) -> io::Result<()> {
        replace(&folder.join("state.json"), &serde_json::to_string(self)?)
    }
}
