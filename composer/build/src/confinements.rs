//! How this machine confines programs, remembered: trying bubblewrap takes longer than all else of a
//! build without changes. That it does not work is tried anew each time.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tarsia_model::Blake3;

use crate::digests::Digests;
use crate::sandbox::Confinement;
use crate::{Surroundings, remembered};

/// What was tried, where it worked.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    program: Blake3,
    /// The kernel, who tried, and what the kernel lets them do.
    machine: String,
    version: String,
}

/// Finds out, or recalls, how programs are confined.
pub fn find(surroundings: &Surroundings, digests: &Digests, folder: &Path) -> Confinement {
    let place = folder.join("confinement.json");
    let program = surroundings.find("bwrap");
    let digest = program.as_ref().and_then(|program| digests.file(program).ok());
    let machine = machine();
    let known: Option<Tried> = remembered::read(&place);
    if let (Some(program), Some(digest), Some(known)) = (program, digest, known)
        && (known.program, &known.machine) == (digest, &machine)
    {
        return Confinement::Bubblewrap { program, version: known.version };
    }
    let found = Confinement::probe(surroundings);
    if let (Confinement::Bubblewrap { version, .. }, Some(program)) = (&found, digest) {
        remembered::write(&place, &Tried { program, machine, version: version.clone() });
    }
    found
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let settings = [
        "/proc/version",
        "/proc/sys/user/max_user_namespaces",
        "/proc/sys/kernel/unprivileged_userns_clone",
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    ];
    let settings = settings.map(read).join(" ");
    format!("{} {settings}", rustix::process::geteuid().as_raw())
}
