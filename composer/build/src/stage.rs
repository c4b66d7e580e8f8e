//! The staging workspace: a copy of exactly the crates a firmware is made of, in a layout that is
//! the same on every machine. Cargo derives symbol names from paths inside its workspace, so the
//! same layout is what makes the same bytes; and nothing that was not selected can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;
use rayon::prelude::*;
use tarsia_manifest::walk::sorted_dir;
use tarsia_model::{Blake3, Code, Diagnostic};

use crate::crates::COMPONENT_PREFIX;

/// Where crates are read from.
#[derive(Clone, Debug)]
pub struct Crates<'a> {
    /// The device workspace.
    pub workspace: &'a Path,
    /// Where the crates stand that are not in it, by their folders in the staging workspace.
    pub elsewhere: &'a BTreeMap<String, PathBuf>,
    /// The folders of the crates that the device workspace names, by crate.
    pub members: BTreeMap<String, String>,
}

impl Crates<'_> {
    /// Where the crate is that is staged in this folder.
    fn origin(&self, folder: &str) -> PathBuf {
        self.elsewhere.get(folder).cloned().unwrap_or_else(|| self.workspace.join(folder))
    }

    /// The folder in which a crate of a component is staged; none for a crate from the registry.
    fn folder(&self, name: &str) -> Option<&str> {
        let component = |folder: &&String| {
            let end = folder.rsplit_once('/').map(|(_, end)| end);
            end.is_some() && end == name.strip_prefix(COMPONENT_PREFIX)
        };
        self.members.get(name).or_else(|| self.elsewhere.keys().find(component)).map(String::as_str)
    }
}

/// Everything a firmware is compiled from, by path in the staging workspace (`/` separated).
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: BTreeMap<String, Vec<u8>>,
    folders: BTreeSet<String>,
}

impl Sources {
    /// Adds a generated file.
    pub fn add(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into());
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Every path with the digest of its content, in order of path.
    pub fn digests(&self) -> Vec<(&str, Blake3)> {
        let files: Vec<_> = self.files.iter().collect();
        files.par_iter().map(|(path, bytes)| (path.as_str(), Blake3::of(bytes))).collect()
    }

    /// Reads the crate that is staged in `folder` and, after it, the crates of other components that
    /// its manifest names.
    pub fn add_crate(&mut self, crates: &Crates<'_>, folder: &str) -> Result<(), Diagnostic> {
        if !self.folders.insert(folder.to_owned()) {
            return Ok(());
        }
        let mut found = Vec::new();
        walk(&crates.origin(folder), folder, &mut found)?;
        for (path, bytes) in found {
            self.files.insert(path, bytes);
        }
        let manifest_path = format!("{folder}/Cargo.toml");
        let named = self.get(&manifest_path).map(dependencies).unwrap_or_default();
        for Dependency { name, path } in named {
            let by_path = path.and_then(|path| joined(folder, &path));
            let by_path =
                by_path.filter(|folder| crates.origin(folder).join("Cargo.toml").is_file());
            if let Some(folder) = by_path.as_deref().or_else(|| crates.folder(&name)) {
                self.add_crate(crates, folder)?;
            }
        }
        Ok(())
    }

    /// Makes `root` hold exactly these files in every folder they are in; files with the right
    /// content are not touched, so that cargo sees only real changes.
    pub fn write(&self, root: &Path) -> Result<(), Diagnostic> {
        let failed = |error: std::io::Error| {
            Diagnostic::error(Code::OutputFailed, format!("cannot stage the sources: {error}"))
        };
        for folder in &self.folders {
            let mut present = Vec::new();
            let path = root.join(folder);
            if path.is_dir() {
                walk(&path, folder, &mut present)?;
            }
            for (path, _) in present {
                if !self.files.contains_key(&path) {
                    fs::remove_file(root.join(path)).map_err(failed)?;
                }
            }
        }
        for (path, bytes) in &self.files {
            let path = root.join(path);
            if fs::read(&path).is_ok_and(|old| old == *bytes) {
                continue;
            }
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(failed)?;
            }
            fs::write(&path, bytes).map_err(failed)?;
        }
        Ok(())
    }
}

/// A folder of the staging workspace by a path from another; none when it leads out, or into what is
/// not a folder of a component.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (parts.len() == 2).then(|| parts.join("/"))
}

/// A crate that a Cargo manifest names.
struct Dependency {
    name: String,
    /// Where it stands, when the manifest says so by itself.
    path: Option<String>,
}

/// The crates a Cargo manifest names in any of its dependency tables.
fn dependencies(manifest: &[u8]) -> Vec<Dependency> {
    let text = String::from_utf8_lossy(manifest);
    let Ok(table) = text.parse::<toml::Table>() else {
        return Vec::new();
    };
    // Cargo reads the manifests of a workspace whole, development dependencies too.
    let tables = ["dependencies", "build-dependencies", "dev-dependencies"];
    let entries = |table: &toml::Table| -> Vec<Dependency> {
        let path = |value: &toml::Value| Some(value.get("path")?.as_str()?.to_owned());
        let entry = |(name, value): (&String, &toml::Value)| Dependency {
            name: name.clone(),
            path: path(value),
        };
        table.iter().map(entry).collect()
    };
    let of = |owner: &toml::Table| -> Vec<Dependency> {
        let inner = tables.iter().filter_map(|key| owner.get(*key)?.as_table());
        inner.flat_map(entries).collect()
    };
    let mut found = of(&table);
    let targets = table.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values());
    found.extend(targets.filter_map(toml::Value::as_table).flat_map(of));
    found
}

/// The members of the device workspace that have a folder: crate name to folder.
pub fn members(workspace_manifest: &str) -> Result<BTreeMap<String, String>, Diagnostic> {
    let table = workspace_manifest.parse::<toml::Table>().map_err(|error| {
        let message = format!("cannot read the device workspace's Cargo.toml: {}", error.message());
        Diagnostic::error(Code::CrateContract, message)
    })?;
    let dependencies = table
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table);
    let path = |value: &toml::Value| Some(value.get("path")?.as_str()?.to_owned());
    Ok(dependencies
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), path(value)?)))
        .collect())
}

/// Reads a folder's files in order of name. Build folders and hidden files are not sources; a link
/// is refused, because what it names is not part of the component.
fn walk(folder: &Path, prefix: &str, found: &mut Vec<(String, Vec<u8>)>) -> Result<(), Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::error(Code::Unreadable, format!("cannot read the sources of {prefix}: {error}"))
    };
    for full in sorted_dir(folder).map_err(failed)? {
        let Some(name) = full.file_name().and_then(|name| name.to_str()) else {
            let message = format!("a file in {prefix} has a name that is not UTF-8");
            return Err(Diagnostic::error(Code::BadName, message));
        };
        if name == "target" || name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}/{name}");
        let kind = full.symlink_metadata().map_err(failed)?.file_type();
        if kind.is_dir() {
            walk(&full, &path, found)?;
        } else if kind.is_file() {
            found.push((path, fs::read(full).map_err(failed)?));
        } else {
            let message = format!("{path} cannot be a source: it is a link or a special file");
            return Err(Diagnostic::error(Code::OutsideWorkspace, message)
                .hint("keep a component's sources as plain files in its own folder".to_owned()));
        }
    }
    Ok(())
}

/// Where a product's root crate stands in the staging workspace.
pub fn root_folder(product: &str) -> PathBuf {
    Path::new("products").join(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("inside")).expect("made");
        fs::write(path, text).expect("written");
    }

    #[test]
    fn stages_a_crate_with_what_it_depends_on_and_nothing_else() {
        let from = tempfile::tempdir().expect("a folder");
        let far = tempfile::tempdir().expect("a folder");
        let to = tempfile::tempdir().expect("a folder");
        let manifest = "[workspace.dependencies]\na = { path = \"d/a\" }\nb = { path = \"d/b\" }\nlog = \"1\"\n";
        write(
            from.path(),
            "d/a/Cargo.toml",
            "[dependencies]\nb.workspace = true\ntarsia-far = { path = \"../../s/far\" }\nlog = \"1\"\n",
        );
        // `e` is in the device workspace, which does not list it by name.
        write(
            far.path(),
            "Cargo.toml",
            "[dependencies]\nb.workspace = true\ntarsia-e = { path = \"../../d/e\" }\n",
        );
        write(from.path(), "d/e/Cargo.toml", "");
        write(from.path(), "d/a/src/lib.rs", "one");
        write(from.path(), "d/b/Cargo.toml", "");
        write(from.path(), "d/c/Cargo.toml", "");
        write(from.path(), "d/a/target/junk", "x");
        write(to.path(), "d/a/src/old.rs", "stale");

        let mut sources = Sources::default();
        let members = members(manifest).expect("toml");
        let elsewhere = BTreeMap::from([("s/far".to_owned(), far.path().to_owned())]);
        let crates = Crates { workspace: from.path(), elsewhere: &elsewhere, members };
        sources.add_crate(&crates, "d/a").expect("read");
        sources.write(to.path()).expect("written");
        let mut staged = Vec::new();
        walk(&to.path().join("d"), "d", &mut staged).expect("read");
        let paths: Vec<_> = staged.into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["d/a/Cargo.toml", "d/a/src/lib.rs", "d/b/Cargo.toml", "d/e/Cargo.toml"]);
        assert!(to.path().join("s/far/Cargo.toml").is_file());
    }

    #[test]
    fn a_link_is_refused() {
        let from = tempfile::tempdir().expect("a folder");
        write(from.path(), "d/a/Cargo.toml", "");
        std::os::unix::fs::symlink("/etc/passwd", from.path().join("d/a/x")).expect("linked");
        let crates = Crates {
            workspace: from.path(),
            elsewhere: &BTreeMap::new(),
            members: BTreeMap::new(),
        };
        let error = Sources::default().add_crate(&crates, "d/a").expect_err("a link");
        assert_eq!(error.code, Code::OutsideWorkspace);
    }
}
