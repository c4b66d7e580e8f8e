//! Finds a Rust toolchain that can compile for a device: one with the target's standard library
//! installed (`rustup target add`), or one with the library's sources (Debian's `rust-web-src`),
//! from which `core` is then built.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tarsia_manifest::walk::sorted_dir;
use tarsia_model::{Blake3, Code, Diagnostic};

use crate::Surroundings;
use crate::digests::Digests;

/// Where the device's `core` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Core {
    /// Compiled already, beside the compiler.
    Installed,
    /// Compiled from the sources beside the compiler (`-Zbuild-std`).
    FromSource,
}

/// A compiler that can build for one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// The cargo to start.
    pub cargo: PathBuf,
    /// The compiler itself, not rustup's stand-in.
    pub rustc: PathBuf,
    /// Its installation folder.
    pub sysroot: PathBuf,
    /// The compiler's first line of `-vV`, such as `rustc 1.96.0 (…)`: its identity without a path.
    pub version: String,
    /// Where `core` comes from.
    pub core: Core,
    /// The linker, when the target's default (rustc's own lld) is not there.
    pub linker: Option<PathBuf>,
    /// The linker's version line, when `linker` is given.
    pub linker_version: Option<String>,
}

impl Toolchain {
    /// What two machines must share to get the same bytes, as one line.
    pub fn identity(&self) -> String {
        let core = match self.core {
            Core::Installed => "core installed",
            Core::FromSource => "core from source",
        };
        match &self.linker_version {
            Some(linker) => format!("{}, {core}, {linker}", self.version),
            None => format!("{}, {core}, own linker", self.version),
        }
    }

    /// Where the library for a target comes from now: `rustup target remove` takes an installed one away.
    pub(crate) fn core_for(&self, target: &str) -> Core {
        match self.sysroot.join("lib/rustlib").join(target).join("lib").is_dir() {
            true => Core::Installed,
            false => Core::FromSource,
        }
    }

    /// A digest over the content of what compiles: the compiler, its libraries, the target's library or
    /// the sources it is made from, and the linker. The same files give the same digest wherever
    /// they are.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn digest(&self, digests: &Digests, target: &str) -> io::Result<Blake3> {
        let library = self.sysroot.join("lib/rustlib");
        let mut files = vec![self.rustc.clone(), self.cargo.clone()];
        files.extend(self.linker.clone());
        files.extend(files_in(&self.sysroot.join("lib"))?);
        match self.core {
            Core::Installed => files.extend(files_in(&library.join(target).join("lib"))?),
            Core::FromSource if target.contains("-linux-") => {
                files.extend(files_below(&library.join("src/rust/library"))?);
            }
            Core::FromSource => {
                for part in SOURCES {
                    files.extend(files_below(&library.join("src/rust/library").join(part))?);
                }
            }
        }
        let digest = |path: &PathBuf| {
            let name = path.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
            Ok((name.to_vec(), digests.file(path)?))
        };
        let found = files.par_iter().map(digest).collect::<io::Result<Vec<_>>>()?;
        let mut all = Vec::new();
        for (name, digest) in found {
            all.extend((name.len() as u64).to_le_bytes());
            all.extend(name);
            all.extend(digest.0);
        }
        Ok(Blake3::of(&all))
    }

    /// Finds the first toolchain that can build for `target`: what the search path offers before
    /// the system's own, and that before versioned ones.
    pub fn find(surroundings: &Surroundings, target: &str) -> Result<Self, Diagnostic> {
        let mut tried = Vec::new();
        let on_path = surroundings.find("rustc");
        let system = Some(PathBuf::from("/usr/bin/rustc")).filter(|rustc| rustc.is_file());
        for rustc in on_path.into_iter().chain(system).chain(versioned()) {
            match inspect(surroundings, &rustc, target) {
                Ok(toolchain) => return Ok(toolchain),
                Err(reason) => tried.push(format!("{}: {reason}", rustc.display())),
            }
        }
        tried.dedup();
        let message = format!("cannot find a Rust toolchain for the target {target}");
        let mut diagnostic = Diagnostic::error(Code::ToolMissing, message);
        diagnostic.notes = tried;
        Err(diagnostic
            .hint(format!("with rustup: `rustup target add {target}`"))
            .hint("on Debian 12: `apt-get install rustc-web cargo-web rust-web-src lld`".to_owned())
            .hint(
                "on Ubuntu 24.04: `apt-get install rustc-1.91 cargo-1.91 rust-1.91-src lld`"
                    .to_owned(),
            )
            .hint("or run `bash .ci/bootstrap`, which tries both".to_owned()))
    }
}

/// The parts of the library's sources that are compiled for a device without an operating system.
const SOURCES: [&str; 4] = ["core", "alloc", "compiler-builtins", "backtrace"];

/// The files of a folder, in order of name; none when there is no such folder. Links count as what
/// they lead to.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    Ok(sorted_dir(folder)?.into_iter().filter(|path| path.is_file()).collect())
}

/// The files of a folder and of those below it, in order; links to folders are not followed.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = files_in(folder)?;
    let inner = if folder.is_dir() { sorted_dir(folder)? } else { Vec::new() };
    for path in inner {
        if path.symlink_metadata()?.is_dir() {
            files.extend(files_below(&path)?);
        }
    }
    Ok(files)
}

/// Ubuntu's versioned compilers (package `rustc-1.91` installs to `/usr/lib/rust-1.91`), newest first.
#[expect(clippy::disallowed_methods, reason = "sorted below")]
fn versioned() -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir("/usr/lib") else {
        return Vec::new();
    };
    let minor = |name: &str| name.strip_prefix("rust-1.")?.parse::<u32>().ok();
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            Some((minor(entry.file_name().to_str()?)?, entry.path().join("bin/rustc")))
        })
        .filter(|(_, rustc)| rustc.is_file())
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, rustc)| rustc).collect()
}

fn inspect(surroundings: &Surroundings, rustc: &Path, target: &str) -> Result<Toolchain, String> {
    let sysroot = PathBuf::from(first_line(surroundings, rustc, &["--print", "sysroot"])?);
    let own = sysroot.join("bin/rustc");
    let rustc = if own.is_file() { own } else { rustc.to_owned() };
    let verbose = output(surroundings, &rustc, &["-vV"])?;
    let version = verbose.lines().next().unwrap_or_default().to_owned();
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let library = sysroot.join("lib/rustlib");
    let core = if library.join(target).join("lib").is_dir() {
        Core::Installed
    } else if library.join("src/rust/library/core/Cargo.toml").is_file() {
        Core::FromSource
    } else {
        return Err(format!(
            "{version} has neither the library for {target} nor the library's sources"
        ));
    };
    let own_linker = library.join(host).join("bin/rust-lld").is_file();
    let linker = if own_linker {
        None
    } else {
        let found = surroundings.find("ld.lld");
        Some(
            found
                .ok_or_else(|| format!("{version} has no linker of its own and lld is missing"))?,
        )
    };
    let linker_version =
        linker.as_ref().map(|lld| first_line(surroundings, lld, &["--version"])).transpose()?;
    let beside = sysroot.join("bin/cargo");
    let cargo = if beside.is_file() {
        beside
    } else {
        surroundings.find("cargo").ok_or_else(|| format!("{version} comes without cargo"))?
    };
    Ok(Toolchain { cargo, rustc, sysroot, version, core, linker, linker_version })
}

fn output(surroundings: &Surroundings, program: &Path, args: &[&str]) -> Result<String, String> {
    let out = surroundings
        .command(program)
        .args(args)
        .output()
        .map_err(|error| format!("could not be started: {error}"))?;
    if !out.status.success() {
        let stderr = String::from_utf8_lossy(&out.stderr);
        return Err(format!("`{}` failed: {}", args.join(" "), stderr.trim()));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

fn first_line(
    surroundings: &Surroundings,
    program: &Path,
    args: &[&str],
) -> Result<String, String> {
    Ok(output(surroundings, program, args)?.lines().next().unwrap_or_default().trim().to_owned())
}
