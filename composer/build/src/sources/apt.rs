//! Packages through the system's own apt: its lists of archives and its keys are read, everything else, its
//! state and its cache too, is in a folder of ours, one per architecture. Nothing of the system changes, no
//! script runs, and no privileges are needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use regex::Regex;
use rustix::fs::{FlockOperation, flock};
use tarsia_model::Sha256;

use super::indexes::{self, Index, Package};
use super::{SourceError, address, program};
use crate::Surroundings;

/// Of the system's settings, those that say how to reach archives and which there are. All others are left
/// out, first of all `APT::Update::Post-Invoke`, which runs programs.
const KEPT: &[&str] = &[
    "Acquire::http",
    "Acquire::https",
    "Acquire::ftp",
    "Acquire::Retries",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::Max-ValidTime",
    "Dir::Etc::sourcelist",
    "Dir::Etc::sourceparts",
    "Dir::Etc::trusted",
    "Dir::Etc::trustedparts",
    "Dir::Etc::netrc",
    "Dir::Etc::netrcparts",
    "Dir::Etc::preferences",
    "Dir::Etc::preferencesparts",
];

/// Apt with a folder of its own. Other processes wait until it is dropped.
#[derive(Debug)]
pub(super) struct Apt<'a> {
    surroundings: &'a Surroundings,
    folder: PathBuf,
    arch: String,
    options: Vec<String>,
    /// Where `apt-helper` is.
    helper: PathBuf,
    _lock: fs::File,
}

/// A package with who vouches for it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) package: Package,
    pub(super) index: Index,
}

impl<'a> Apt<'a> {
    /// Opens the folder for an architecture, `all` being the machine's own.
    pub(super) fn open(
        surroundings: &'a Surroundings,
        folder: &Path,
        arch: &str,
    ) -> Result<Self, SourceError> {
        let folder = folder.join(arch);
        let made = SourceError::io("make a folder for apt");
        ["state/lists/partial", "cache/archives/partial"]
            .iter()
            .try_for_each(|inner| fs::create_dir_all(folder.join(inner)))
            .map_err(made)?;
        let lock = fs::File::create(folder.join("lock"));
        let lock = lock.map_err(SourceError::io("open apt's lock"))?;
        flock(lock.file(), FlockOperation::LockExclusive)
            .map_err(|error| SourceError::io("wait for apt's lock")(error.into()))?;
        // No package is installed in this system of ours.
        let written = || {
            fs::write(folder.join("status"), "")?;
            fs::write(
                folder.join("apt.conf"),
                "Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n",
            )
        };
        written().map_err(SourceError::io("write settings for apt"))?;
        let mut apt = Self {
            surroundings,
            folder,
            arch: arch.to_owned(),
            options: Vec::new(),
            helper: PathBuf::new(),
            _lock: lock,
        };
        apt.configure()?;
        Ok(apt)
    }

    /// Brings the indexes up to date; their signatures are checked.
    pub(super) fn update(&self) -> Result<(), SourceError> {
        let mut command = self.command("apt-get")?;
        command.args(["-o", "APT::Update::Error-Mode=any", "-q", "update"]);
        self.run(command, &|| Ok(())).map(|_| ())
    }

    /// The newest version of a package that the system would install.
    pub(super) fn newest(&self, name: &str) -> Result<Found, SourceError> {
        let mut command = self.command("apt-cache")?;
        command.args(["policy", name]);
        let answer = self.run(command, &|| Ok(()))?;
        let missing =
            || SourceError::NoPackage { package: name.to_owned(), arch: self.arch.clone() };
        let version = indexes::candidate(&answer).ok_or_else(missing)?;
        self.version(name, version)
    }

    /// The package that the newest version of another depends on, which has to be one.
    pub(super) fn followed(&self, name: &str) -> Result<(String, Found), SourceError> {
        let depends = self.newest(name)?.package.depends;
        let (package, version) = indexes::only_dependency(&depends).ok_or_else(|| {
            SourceError::NotFollowed { package: name.to_owned(), depends: depends.clone() }
        })?;
        let found = match version {
            Some(version) => self.version(package, version)?,
            None => self.newest(package)?,
        };
        Ok((package.to_owned(), found))
    }

    /// A version of a package.
    fn version(&self, name: &str, version: &str) -> Result<Found, SourceError> {
        let missing =
            || SourceError::NoPackage { package: name.to_owned(), arch: self.arch.clone() };
        for index in self.indexes()? {
            let Ok(text) = indexes::open(&index.file) else {
                // Of an archive without packages for this architecture there is no file.
                continue;
            };
            if let Some(package) = indexes::find(text, name, version, self.native())? {
                if !index.trusted {
                    return Err(SourceError::Untrusted { package: name.to_owned() });
                }
                return Ok(Found { package, index });
            }
        }
        Err(missing())
    }

    /// Fetches a file of a pool that has this digest: from the archive that published it, and from the others
    /// that this system knows, wherever it still is.
    pub(super) fn fetch(
        &self,
        (origin, suite): (&str, &str),
        file: &str,
        (size, sha256): (u64, Sha256),
        to: &Path,
    ) -> Result<(), SourceError> {
        let mut indexes = self.indexes()?;
        if indexes.is_empty() {
            // Before the first update, apt does not tell which archives there are.
            self.update()?;
            indexes = self.indexes()?;
        }
        indexes.sort_by_key(|index| (index.origin != origin, index.suite != suite));
        let mut bases: Vec<&str> = Vec::new();
        for index in &indexes {
            if !bases.contains(&index.base.as_str()) && !index.base.is_empty() {
                bases.push(&index.base);
            }
        }
        let mut failed = SourceError::Failed {
            program: "apt",
            said: "the system has no archives of packages".to_owned(),
        };
        for base in bases {
            let mut command = self.prepared(&self.helper);
            let slash = if base.ends_with('/') { "" } else { "/" };
            command.arg("download-file").arg(format!("{base}{slash}{}", escaped(file)));
            command.arg(to).arg(format!("SHA256:{sha256}"));
            match self.run(command, &|| address::size_within(to, size)) {
                Ok(_) => return Ok(()),
                Err(error) => failed = error,
            }
            let _ = fs::remove_file(to);
        }
        Err(failed)
    }

    fn indexes(&self) -> Result<Vec<Index>, SourceError> {
        let mut command = self.command("apt-get")?;
        command.args(["indextargets", "Created-By: Packages"]);
        Ok(indexes::indexes(&self.run(command, &|| Ok(()))?))
    }

    /// The architecture whose packages are asked for.
    fn native(&self) -> &str {
        &self.arch
    }

    fn configure(&mut self) -> Result<(), SourceError> {
        let mut command = self.surroundings.command(&self.program("apt-config")?);
        command.arg("dump");
        let dump = program::run(command, "apt-config", &|| Ok(()))?;
        let dump = String::from_utf8_lossy(&dump).into_owned();
        let settings = dump.lines().filter_map(|line| {
            let (key, value) = line.strip_suffix("\";")?.split_once(" \"")?;
            Some((key, value))
        });
        let mut options = Vec::new();
        let mut machine = "";
        for (key, value) in settings {
            match key {
                "APT::Architecture" => machine = value,
                "Dir::Bin::methods" => {
                    let beside = Path::new(value).parent().map(|bin| bin.join("apt-helper"));
                    self.helper = beside.unwrap_or_default();
                }
                key if !value.is_empty() && is_kept(key) => options.push(format!("{key}={value}")),
                _ => {}
            }
        }
        if self.arch == "all" {
            machine.clone_into(&mut self.arch);
        }
        let at = |inner: &str| self.folder.join(inner).display().to_string();
        options.extend([
            format!("Dir::State={}", at("state")),
            "Dir::State::lists=lists".to_owned(),
            format!("Dir::State::status={}", at("status")),
            format!("Dir::Cache={}", at("cache")),
            format!("Dir::Log={}", at("log")),
            format!("APT::Architecture={}", self.arch),
            format!("APT::Architectures={}", self.arch),
            // The other user that apt changes to as root cannot enter a user's cache folder.
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::GzipIndexes=false".to_owned(),
            "Acquire::AllowInsecureRepositories=false".to_owned(),
            "Acquire::AllowWeakRepositories=false".to_owned(),
            "Acquire::AllowDowngradeToInsecureRepositories=false".to_owned(),
            "APT::Get::AllowUnauthenticated=false".to_owned(),
            "APT::Get::Assume-Yes=false".to_owned(),
        ]);
        self.options = options;
        Ok(())
    }

    fn program(&self, name: &'static str) -> Result<PathBuf, SourceError> {
        let hint = "packages come through apt, on Debian and what descends from it; elsewhere, use \
                    `tarsia fetch --from DIR` with what `tarsia vendor` wrote";
        self.surroundings.find(name).ok_or(SourceError::Missing { program: name, hint })
    }

    fn command(&self, name: &'static str) -> Result<Command, SourceError> {
        Ok(self.prepared(&self.program(name)?))
    }

    fn prepared(&self, program: &Path) -> Command {
        let mut command = self.surroundings.command(program);
        command.envs(self.surroundings.network.iter().map(|(name, value)| (name, value)));
        command.env("APT_CONFIG", self.folder.join("apt.conf")).env("LC_ALL", "C");
        command.env_remove("SOURCE_DATE_EPOCH");
        for option in &self.options {
            command.args(["-o", option]);
        }
        command
    }

    fn run(
        &self,
        command: Command,
        watch: &dyn Fn() -> Result<(), SourceError>,
    ) -> Result<String, SourceError> {
        match program::run(command, "apt", watch) {
            Ok(answer) => Ok(String::from_utf8_lossy(&answer).into_owned()),
            Err(SourceError::Failed { program, said }) => {
                Err(SourceError::Failed { program, said: without_machines(&said) })
            }
            Err(other) => Err(other),
        }
    }
}

fn is_kept(key: &str) -> bool {
    KEPT.iter().any(|kept| {
        key.strip_prefix(kept).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

/// What apt fetches is part of an address: what has a meaning there is escaped (RFC 3986, section 2.1).
fn escaped(file: &str) -> String {
    let mut text = String::new();
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~+:".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The last complaint, without addresses and names of machines: mirrors differ between people.
fn without_machines(said: &str) -> String {
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("E: ")).collect();
    let said = errors.first().copied().or_else(|| said.lines().last()).unwrap_or("nothing");
    let said = said.strip_prefix("E: ").unwrap_or(said);
    // Addresses; what stands in quotes or brackets and looks like a machine's name or number.
    let machines = [
        r"[a-z+]+://[^\s'\x22]+",
        r"\[IP: [^\]]*\]",
        r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b",
        r"\b([a-z0-9-]+\.)+(org|com|net|de|io|edu|local|internal|lan)\b(:\d+)?",
    ];
    let mut text = said.to_owned();
    for pattern in machines {
        if let Ok(pattern) = Regex::new(pattern) {
            text = pattern.replace_all(&text, "MIRROR").into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_no_machine() {
        let said = "W: something\nE: Failed to fetch http://deb.example.org/debian/pool/x.deb  404  Not Found [IP: 192.0.2.7 80]\nE: more";
        let text = without_machines(said);
        assert_eq!(text, "Failed to fetch MIRROR  404  Not Found MIRROR");
        let said = "E: Could not resolve 'proxy.example.com' (192.0.2.7:3128)";
        assert_eq!(without_machines(said), "Could not resolve 'MIRROR' (MIRROR)");
    }

    #[test]
    fn few_settings_of_the_system_are_kept() {
        for key in ["Acquire::http::Proxy", "Acquire::https::Verify-Peer", "Dir::Etc::sourceparts"]
        {
            assert!(is_kept(key), "{key}");
        }
        for key in [
            "APT::Update::Post-Invoke::",
            "DPkg::Post-Invoke::",
            "Acquire::AllowInsecureRepositories",
            "Acquire::httpx",
            "Dir::Etc::parts",
            "Dir::State",
        ] {
            assert!(!is_kept(key), "{key}");
        }
    }

    #[test]
    fn files_become_parts_of_addresses() {
        assert_eq!(escaped("pool/g++_1%3a2~x.deb"), "pool/g++_1%253a2~x.deb");
    }
}
