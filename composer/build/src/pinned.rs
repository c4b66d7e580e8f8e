//! Crates from the registry as sources of C. Which one is meant is decided by the device workspace's lock file
//! alone: name, version and checksum. Where its bytes come from makes no difference then: cargo's own folder of
//! what it fetched, a folder that `tarsia vendor` wrote, or the network.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Deserialize;
use tarsia_image::archive::{ArchiveError, Entry, EntryKind, Policy, Sink, unpack};
use tarsia_manifest::walk::sorted_dir;
use tarsia_model::{Code, Diagnostic, Sha256};

use crate::builders::places::VENDORED;
use crate::{Surroundings, process};

/// The content of files, by path.
pub type Contents = BTreeMap<String, Vec<u8>>;

/// A crate that a lock file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    name: String,
    version: String,
    /// Of the packed crate.
    checksum: Sha256,
}

/// What a vendored crate says of itself (The Cargo Book, "Source Replacement": directory sources).
#[derive(Deserialize)]
struct Checksums {
    files: BTreeMap<String, Sha256>,
    package: Option<Sha256>,
}

impl Pinned {
    /// The crate of this name.
    ///
    /// # Errors
    /// None, several of this name, and one that does not come from a registry; in words.
    pub fn find(lock: &[u8], name: &str) -> Result<Self, String> {
        let text = String::from_utf8_lossy(lock);
        let table = text.parse::<toml::Table>().map_err(|error| error.message().to_owned())?;
        let packages = table.get("package").and_then(toml::Value::as_array);
        let text = |package: &toml::Value, key| Some(package.get(key)?.as_str()?.to_owned());
        let of_name = |package: &&toml::Value| text(package, "name").as_deref() == Some(name);
        let found: Vec<&toml::Value> = packages.into_iter().flatten().filter(of_name).collect();
        let [package] = found.as_slice() else {
            return Err(format!("it has {} crates of that name, not one", found.len()));
        };
        let checksum = text(package, "checksum").and_then(|checksum| checksum.parse().ok());
        let (Some(version), Some(checksum)) = (text(package, "version"), checksum) else {
            return Err("there it does not come from a registry".to_owned());
        };
        Ok(Self { name: name.to_owned(), version, checksum })
    }

    /// What it is: its version, and the digest of all that is in it.
    pub fn identity(&self) -> String {
        format!("{} sha256 {}", self.version, self.checksum)
    }

    /// The folder that cargo unpacks it to: `freertos-next-0.12.0`.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// The content of its files that `wanted` says yes to, held against the checksum. When it is nowhere, cargo
    /// fetches it, once; `scratch` is a folder for that.
    ///
    /// # Errors
    /// That it cannot be had, or is not what the lock file says.
    pub fn read(
        &self,
        surroundings: &Surroundings,
        (cargo, lock): (&Path, &[u8]),
        scratch: &Path,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Contents, Diagnostic> {
        let home = &surroundings.cargo_home;
        if let Some(found) = self.packed(home, wanted)? {
            return Ok(found);
        }
        if let Some(found) = self.vendored(home, wanted)? {
            return Ok(found);
        }
        self.fetch(surroundings, cargo, lock, scratch)?;
        self.packed(home, wanted)?.ok_or_else(|| {
            self.failed(&format!("cargo brought none with the checksum {}", self.checksum))
        })
    }

    /// From what cargo fetched. One of that name with other content is another registry's.
    fn packed(
        &self,
        cargo_home: &Path,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Contents>, Diagnostic> {
        let registries = sorted_dir(&cargo_home.join("registry/cache")).unwrap_or_default();
        for registry in registries {
            let Ok(bytes) = fs::read(registry.join(format!("{}.crate", self.folder()))) else {
                continue;
            };
            if Sha256::of(&bytes) != self.checksum {
                continue;
            }
            let policy = Policy { strip: 1, ..Policy::default() };
            let mut sink = Wanted { is: wanted, found: Contents::new() };
            unpack(&mut bytes.as_slice(), policy, &mut sink).map_err(|e| self.failed(&e))?;
            return Ok(Some(sink.found));
        }
        Ok(None)
    }

    /// From a folder of vendored crates, whose files are each held against their own digests.
    fn vendored(
        &self,
        cargo_home: &Path,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Contents>, Diagnostic> {
        let folder = cargo_home.join(VENDORED).join(self.folder());
        let Ok(text) = fs::read(folder.join(".cargo-checksum.json")) else { return Ok(None) };
        let sums: Checksums = serde_json::from_slice(&text).map_err(|error| self.failed(&error))?;
        if sums.package != Some(self.checksum) {
            return Ok(None);
        }
        let mut found = Contents::new();
        for (path, digest) in sums.files.iter().filter(|(path, _)| wanted(path)) {
            let plain = Path::new(path).components();
            if !plain.clone().all(|part| matches!(part, std::path::Component::Normal(_))) {
                return Err(self.failed(&format!("`{path}` leads out of it")));
            }
            let bytes = fs::read(folder.join(plain.collect::<PathBuf>()));
            let bytes = bytes.map_err(|error| self.failed(&error))?;
            if Sha256::of(&bytes) != *digest {
                return Err(self.failed(&format!("`{path}` was changed after it was vendored")));
            }
            found.insert(path.clone(), bytes);
        }
        Ok(Some(found))
    }

    /// Has cargo fetch it, with the versions of the lock file for all that it depends on. No code of it runs.
    fn fetch(
        &self,
        surroundings: &Surroundings,
        cargo: &Path,
        lock: &[u8],
        scratch: &Path,
    ) -> Result<(), Diagnostic> {
        let Self { name, version, .. } = self;
        let manifest = format!(
            "[package]\nname = \"fetched\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{name} = {{ version = \"={version}\", default-features = false }}\n"
        );
        let folder = scratch.join("fetched");
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(folder.join("src"))?;
            fs::write(folder.join("Cargo.toml"), manifest)?;
            fs::write(folder.join("Cargo.lock"), lock)?;
            fs::write(folder.join("src/lib.rs"), "")
        };
        write().map_err(|error| self.failed(&error))?;
        let mut command = surroundings.command(cargo);
        command.arg("fetch").arg("--manifest-path").arg(folder.join("Cargo.toml"));
        command.current_dir(&folder);
        command.envs(surroundings.network.iter().map(|(name, value)| (name, value)));
        process::finish(command, "cargo fetch").map(drop).map_err(|diagnostic| {
            diagnostic.hint("the first build needs the network to fetch crates".to_owned())
        })
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> Diagnostic {
        let message = format!("cannot read the crate {}: {error}", self.folder());
        Diagnostic::error(Code::ActionFailed, message)
    }
}

struct Wanted<'a> {
    is: &'a dyn Fn(&str) -> bool,
    found: Contents,
}

impl Sink for Wanted<'_> {
    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ArchiveError> {
        // Names that are no text can be in no manifest.
        if let (EntryKind::File(_), Ok(path)) = (&entry.kind, std::str::from_utf8(&entry.path))
            && (self.is)(path)
        {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            self.found.insert(path.to_owned(), bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tarsia_image::archive::Canonical;

    use super::*;

    /// A packed crate with a file to take and one to leave.
    fn packed() -> Vec<u8> {
        let mut tar = Canonical::new(Vec::new());
        for (path, text) in [("c-1.2.0/src/a.c", "int a;\n"), ("c-1.2.0/src/a.rs", "fn a() {}\n")] {
            let bytes = text.as_bytes();
            tar.file(Path::new(path), false, bytes.len() as u64, bytes).expect("added");
        }
        let tar = tar.finish().expect("written");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&tar).expect("packed");
        packer.finish().expect("packed")
    }

    fn lock(checksum: &Sha256) -> String {
        let entry = |name: &str, version: &str, rest: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}\n")
        };
        let from = format!("source = \"registry+x\"\nchecksum = \"{checksum}\"\n");
        entry("c", "1.2.0", &from)
            + &entry("own", "0.1.0", "")
            + &entry("two", "1.0.0", &from)
            + &entry("two", "2.0.0", &from)
    }

    fn read(pinned: &Pinned, cargo_home: &Path) -> Result<Contents, Diagnostic> {
        let mut surroundings = Surroundings::read();
        surroundings.cargo_home = cargo_home.to_owned();
        let scratch = tempfile::tempdir().expect("a folder");
        let cargo = (Path::new("/bin/false"), &b"version = 4\n"[..]);
        pinned.read(&surroundings, cargo, scratch.path(), &|path| path.ends_with(".c"))
    }

    #[test]
    fn only_what_the_lock_file_says_is_taken() {
        let home = tempfile::tempdir().expect("a folder");
        let bytes = packed();
        let lock = lock(&Sha256::of(&bytes));
        let pinned = Pinned::find(lock.as_bytes(), "c").expect("one");
        assert_eq!(pinned.identity(), format!("1.2.0 sha256 {}", Sha256::of(&bytes)));
        for (name, why) in [("own", "registry"), ("two", "2 crates"), ("none", "0 crates")] {
            let refused = Pinned::find(lock.as_bytes(), name).expect_err(name);
            assert!(refused.contains(why), "{name}: {refused}");
        }
        let expected = Contents::from([("src/a.c".to_owned(), b"int a;\n".to_vec())]);

        let refused = read(&pinned, home.path()).expect_err("it is nowhere");
        assert!(refused.message.contains("cargo fetch"), "{}", refused.message);
        // Two registries: another crate of that name, then this one.
        for (registry, bytes) in [("one", b"other".to_vec()), ("two", bytes)] {
            let folder = home.path().join("registry/cache").join(registry);
            fs::create_dir_all(&folder).expect("made");
            fs::write(folder.join("c-1.2.0.crate"), bytes).expect("written");
        }
        assert_eq!(read(&pinned, home.path()), Ok(expected.clone()));

        let vendored = tempfile::tempdir().expect("a folder");
        let folder = vendored.path().join("vendor/c-1.2.0");
        fs::create_dir_all(folder.join("src")).expect("made");
        fs::write(folder.join("src/a.c"), "int a;\n").expect("written");
        let sums = |path: &str| {
            let digest = Sha256::of(b"int a;\n");
            let package = pinned.checksum;
            let text =
                format!("{{\"files\":{{\"{path}\":\"{digest}\"}},\"package\":\"{package}\"}}");
            fs::write(folder.join(".cargo-checksum.json"), text).expect("written");
        };
        sums("src/a.c");
        assert_eq!(read(&pinned, vendored.path()), Ok(expected));
        fs::write(folder.join("src/a.c"), "int b;\n").expect("written");
        let refused = read(&pinned, vendored.path()).expect_err("it was changed");
        assert!(refused.message.contains("`src/a.c` was changed"), "{}", refused.message);
        sums("../a.c");
        let refused = read(&pinned, vendored.path()).expect_err("outside");
        assert!(refused.message.contains("leads out"), "{}", refused.message);
    }
}
