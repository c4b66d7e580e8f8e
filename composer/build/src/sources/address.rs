//! Files from addresses: through `curl`, which knows the machine's certificates and proxies, or from the
//! file system.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::{SourceError, program};
use crate::Surroundings;

/// The largest file that is fetched while nothing says how large it is, in bytes.
pub(super) const LARGEST: u64 = 8 << 30;

/// Fetches a file; it may have at most so many bytes.
pub(super) fn fetch(
    surroundings: &Surroundings,
    address: &str,
    limit: u64,
    to: &Path,
) -> Result<(), SourceError> {
    if let Some(path) = address.strip_prefix("file://") {
        return copy(Path::new(path), limit, to);
    }
    let Some(curl) = surroundings.find("curl") else {
        let hint = "on Debian and Ubuntu: `apt-get install curl`";
        return Err(SourceError::Missing { program: "curl", hint });
    };
    let mut command = surroundings.command(&curl);
    command.envs(surroundings.network.iter().map(|(name, value)| (name, value)));
    // First, so that no file of the user's settings is read.
    command.arg("--disable");
    command.args(["--silent", "--show-error", "--fail", "--location", "--globoff"]);
    command.args(["--connect-timeout", "60", "--speed-limit", "1", "--speed-time", "120"]);
    command.args(["--max-redirs", "10", "--retry", "3", "--retry-delay", "1"]);
    command.arg("--max-time").arg(program::LONGEST.to_string());
    command.arg("--max-filesize").arg(limit.to_string());
    // A secure address leads to secure ones only; none leads to files of this machine.
    let protocols = if address.starts_with("https:") { "=https" } else { "=http,https" };
    command.args(["--proto", protocols, "--proto-redir", protocols]);
    command.arg("--output").arg(to).arg("--url").arg(address);
    let watch = || size_within(to, limit);
    program::run(command, "curl", &watch).map_err(|error| match error {
        SourceError::Failed { program, said } => {
            let said = said.strip_prefix("curl: ").unwrap_or(&said);
            let last = said.lines().last().unwrap_or("nothing").to_owned();
            // curl(1), EXIT CODES: 63, "Maximum file size exceeded".
            if last.contains("(63)") {
                SourceError::TooLarge { limit }
            } else {
                SourceError::Failed { program, said: last }
            }
        }
        other => other,
    })?;
    size_within(to, limit)
}

/// Whether a file that may not be there yet is within a limit.
pub(super) fn size_within(path: &Path, limit: u64) -> Result<(), SourceError> {
    let size = path.symlink_metadata().map_or(0, |data| data.len());
    if size > limit { Err(SourceError::TooLarge { limit }) } else { Ok(()) }
}

/// Copies a file of the machine.
pub(super) fn copy(from: &Path, limit: u64, to: &Path) -> Result<(), SourceError> {
    let from: PathBuf = from.into();
    let failed = || SourceError::io("copy the file");
    let file = fs::File::open(&from).map_err(failed())?;
    let is_file = file.metadata().is_ok_and(|data| data.is_file());
    if !is_file {
        return Err(SourceError::Special { path: from.display().to_string() });
    }
    let mut target = fs::File::create(to).map_err(failed())?;
    let mut limited = std::io::Read::take(file, limit.saturating_add(1));
    let copied = std::io::copy(&mut limited, &mut target).map_err(failed())?;
    if copied > limit { Err(SourceError::TooLarge { limit }) } else { Ok(()) }
}
