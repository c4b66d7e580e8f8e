//! Which toolchain was found for a target, remembered with the content of everything that the finding
//! looked at: asking compilers who they are takes longer than all else of a build without changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tarsia_model::{Blake3, Diagnostic};

use crate::digests::Digests;
use crate::toolchain::Toolchain;
use crate::{Surroundings, remembered};

/// What was found for one question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    toolchain: Toolchain,
    /// The digest of each file that the answer depends on; none for one that was not there.
    files: Vec<(PathBuf, Option<Blake3>)>,
}

/// Finds the toolchain for a target, or recalls which it was.
///
/// # Errors
/// As [`Toolchain::find`].
pub fn find(
    surroundings: &Surroundings,
    digests: &Digests,
    target: &str,
    folder: &Path,
) -> Result<Toolchain, Diagnostic> {
    let place = folder.join("toolchains.json");
    let question = format!(
        "{target} {:?} {:?} {:?} {:?}",
        surroundings.path,
        surroundings.home,
        surroundings.rustup_home,
        surroundings.rustup_toolchain
    );
    let mut known: BTreeMap<String, Found> = remembered::read(&place).unwrap_or_default();
    let digest = |path: &Path| digests.file(path).ok();
    if let Some(found) = known.get(&question)
        && found.files.iter().all(|(path, known)| digest(path) == *known)
        && found.toolchain.core == found.toolchain.core_for(target)
    {
        return Ok(found.toolchain.clone());
    }
    let toolchain = Toolchain::find(surroundings, target)?;
    let files = depends_on(surroundings, &toolchain).into_iter();
    let files = files.map(|path| (path.clone(), digest(&path))).collect();
    known.insert(question, Found { toolchain: toolchain.clone(), files });
    remembered::write(&place, &known);
    Ok(toolchain)
}

/// Whatever changes when another toolchain would be found: the programs, and what rustup decides by.
fn depends_on(surroundings: &Surroundings, toolchain: &Toolchain) -> Vec<PathBuf> {
    let mut files = vec![toolchain.rustc.clone(), toolchain.cargo.clone()];
    files.extend(["rustc", "cargo", "ld.lld"].iter().filter_map(|name| surroundings.find(name)));
    files.extend(toolchain.linker.clone());
    let rustup = surroundings.rustup_home.as_ref().map(PathBuf::from);
    let rustup = rustup.unwrap_or_else(|| surroundings.home.join(".rustup"));
    files.push(rustup.join("settings.toml"));
    let here = &surroundings.here;
    files.extend(here.ancestors().flat_map(|folder| {
        ["rust-toolchain", "rust-toolchain.toml"].map(|name| folder.join(name))
    }));
    files
}
