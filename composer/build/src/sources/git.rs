//! Commits of git repositories: exactly one is fetched, into a repository of its own without files, and becomes a
//! canonical archive. Nothing is checked out: no hook, filter or attribute of the repository has a say.

use std::path::Path;

use fs_err as fs;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use tarsia_image::archive::{Canonical, Limits};
use tarsia_manifest::walk::sorted_entries;

use super::{SourceError, address, program};
use crate::Surroundings;
use crate::git::Repository;

/// The largest single file of a commit, in bytes: it is held in memory.
const LARGEST_FILE: usize = 1 << 30;

/// Fetches a commit and writes it as a canonical archive; `scratch` is an empty folder.
pub(super) fn fetch(
    surroundings: &Surroundings,
    address: &str,
    revision: &str,
    scratch: &Path,
    to: &Path,
) -> Result<(), SourceError> {
    let Some(git) = surroundings.find("git") else {
        let hint = "on Debian and Ubuntu: `apt-get install git`";
        return Err(SourceError::Missing { program: "git", hint });
    };
    let folder = scratch.join("repository");
    fs::create_dir(&folder).map_err(SourceError::io("make a repository"))?;
    let repository = Repository::bare(surroundings, &git, &folder);
    let run = |mut command: std::process::Command, args: &[&str]| {
        command.args(args);
        let watch = || packs_within(&folder, address::LARGEST);
        program::run(command, "git", &watch).map_err(|error| match error {
            SourceError::Failed { program, said } => {
                SourceError::Failed { program, said: complaint(&said) }
            }
            other => other,
        })
    };
    run(repository.command(), &["init", "--quiet", "--bare", "--template=", "."])?;
    let mut fetching = repository.command();
    fetching
        .envs(surroundings.network.iter().map(|(name, value)| (name, value)))
        // For ssh, which knows its keys by it; git is told not to read anything there.
        .env("HOME", &surroundings.home)
        .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:file")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        .env("GIT_SSH_VARIANT", "ssh")
        .env_remove("GIT_NO_LAZY_FETCH")
        .args(["-c", "protocol.version=2", "-c", "transfer.fsckObjects=true"])
        .args(["-c", "fetch.recurseSubmodules=false", "-c", "credential.helper="])
        .args(["-c", "http.followRedirects=initial", "-c", "http.lowSpeedLimit=1"])
        .args(["-c", "http.lowSpeedTime=120", "-c", "gc.auto=0", "-c", "maintenance.auto=false"]);
    let wanted = [
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--no-write-fetch-head",
        "--",
        address,
        revision,
    ];
    run(fetching, &wanted)?;
    let listed = run(repository.command(), &["ls-tree", "-r", "-z", "--full-tree", revision])?;
    export(&repository, &listed, to)
}

/// Writes the files of a listing as a canonical archive.
fn export(repository: &Repository, listed: &[u8], to: &Path) -> Result<(), SourceError> {
    let mut files: Vec<File<'_>> = Vec::new();
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let malformed =
            || SourceError::Failed { program: "git", said: "a listing that is none".to_owned() };
        let file = parse(line).ok_or_else(malformed)?;
        let path = || String::from_utf8_lossy(file.path).escape_debug().to_string();
        match file.mode {
            b"100644" | b"100664" | b"100755" | b"120000" => files.push(file),
            b"160000" => return Err(SourceError::Submodule { path: path() }),
            _ => return Err(SourceError::Special { path: path() }),
        }
    }
    files.sort_by_key(|file| file.path);
    let failed = || SourceError::io("keep what git has");
    let mut contents = repository.contents().map_err(failed())?;
    let writer = io::BufWriter::new(fs::File::create(to).map_err(failed())?);
    let mut archive = Canonical::new(writer);
    let (limit, mut total) = (Limits::default().bytes, 0);
    for File { mode, id, path } in files {
        let bytes = contents.read(id, LARGEST_FILE + 1).map_err(failed())?;
        total += bytes.len() as u64;
        if bytes.len() > LARGEST_FILE || total > limit {
            let limit = if total > limit { limit } else { LARGEST_FILE as u64 };
            return Err(SourceError::TooLarge { limit });
        }
        let path = Path::new(OsStr::from_bytes(path));
        let added = if mode == b"120000" {
            archive.symlink(path, Path::new(OsStr::from_bytes(&bytes)))
        } else {
            archive.file(path, mode == b"100755", bytes.len() as u64, bytes.as_slice())
        };
        added.map_err(failed())?;
    }
    let writer = archive.finish().map_err(failed())?;
    writer.into_inner().map_err(|error| failed()(error.into_error()))?;
    Ok(())
}

/// A file of a commit, as git lists it.
struct File<'l> {
    mode: &'l [u8],
    id: &'l str,
    path: &'l [u8],
}

/// Reads `MODE SP TYPE SP ID TAB PATH` (git-ls-tree(1), "Output format").
fn parse(line: &[u8]) -> Option<File<'_>> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let mut facts = line[..tab].split(|byte| *byte == b' ');
    let (mode, _, id) = (facts.next()?, facts.next()?, facts.next()?);
    let id = std::str::from_utf8(id).ok()?;
    Some(File { mode, id, path: &line[tab + 1..] })
}

/// Whether what git has fetched so far is within a limit.
fn packs_within(folder: &Path, limit: u64) -> Result<(), SourceError> {
    let packs = folder.join("objects/pack");
    let names = sorted_entries(&packs).unwrap_or_default();
    let sizes = names
        .iter()
        .map(|(name, _)| packs.join(name).symlink_metadata().map_or(0, |data| data.len()));
    if sizes.sum::<u64>() > limit { Err(SourceError::TooLarge { limit }) } else { Ok(()) }
}

/// The line of a complaint that says why.
fn complaint(said: &str) -> String {
    let fatal =
        said.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    let line = fatal.or_else(|| said.lines().last()).unwrap_or("nothing");
    line.trim_start_matches("fatal: ").trim_start_matches("error: ").trim().to_owned()
}
