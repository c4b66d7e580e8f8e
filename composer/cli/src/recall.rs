//! Loads a workspace's manifests with the help of what the last run found. A cache folder that cannot
//! be read or written to costs time and nothing else.

use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use tarsia_cache::Memo;
use tarsia_manifest::{Disk, Loaded, load, reload};
use tarsia_model::Blake3;

/// The manifests of the workspace at `root`.
pub fn load_through(root: &Path, cache: &Path) -> io::Result<Loaded> {
    let disk = Disk::new(root)?;
    let Some(tool) = identity() else {
        return Ok(load(&disk));
    };
    let place = Blake3::of(root.canonicalize()?.as_os_str().as_encoded_bytes());
    let memo = Memo::new(cache.join("manifests").join(place.to_string()));
    let reloaded = reload(&disk, memo.read(), &tool, &|| memo.now());
    if let Some(snapshot) = reloaded.snapshot {
        // The next run is slower without it; that is no reason to fail this one.
        let _ = memo.write(&snapshot);
    }
    Ok(reloaded.loaded)
}

/// What tells this program from every other version of it: what another one wrote may mean something
/// else. None when the program cannot be found, and then nothing is kept.
fn identity() -> Option<Vec<u8>> {
    let program = std::env::current_exe().ok()?.metadata().ok()?;
    let modified = program.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let version = env!("CARGO_PKG_VERSION");
    Some(format!("{version} {} {}", program.len(), modified.as_nanos()).into_bytes())
}
