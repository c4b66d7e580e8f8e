//! The staging workspace: a copy of exactly the crates a firmware is made of, in a layout that is
//! the same on every machine. Cargo derives symbol names from paths inside its workspace, so the
//! same layout is what makes the same bytes; and nothing that was not selected can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_manifest::walk::sorted_entries;
use tarsia_model::{Code, Diagnostic};

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
    pub fn origin(&self, folder: &str) -> PathBuf {
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

    /// These crates and, after them, those of other components that their manifests name.
    ///
    /// # Errors
    /// A crate whose manifest cannot be read.
    pub fn closure<'f>(
        &self,
        folders: impl IntoIterator<Item = &'f String>,
    ) -> Result<BTreeSet<String>, Diagnostic> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut open: Vec<String> = folders.into_iter().cloned().collect();
        while let Some(folder) = open.pop() {
            if !found.insert(folder.clone()) {
                continue;
            }
            let manifest = fs::read(self.origin(&folder).join("Cargo.toml")).map_err(|error| {
                let message = format!("cannot read the sources of {folder}: {error}");
                Diagnostic::error(Code::Unreadable, message)
            })?;
            for Dependency { name, path } in dependencies(&manifest) {
                let by_path = path.and_then(|path| joined(&folder, &path));
                let is_crate = |at: &String| self.origin(at).join("Cargo.toml").is_file();
                let by_path = by_path.filter(is_crate);
                open.extend(by_path.or_else(|| self.folder(&name).map(str::to_owned)));
            }
        }
        Ok(found)
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

    /// Says that a folder holds nothing but what was added to it.
    pub fn own(&mut self, folder: impl Into<String>) {
        self.folders.insert(folder.into());
    }

    /// Makes `root` hold exactly these files in every folder they are in; files with the right
    /// content are not touched, so that cargo sees only real changes.
    pub fn write(&self, root: &Path) -> Result<(), Diagnostic> {
        let failed = |error: std::io::Error| {
            Diagnostic::error(Code::OutputFailed, format!("cannot stage the sources: {error}"))
        };
        for folder in &self.folders {
            let mut present = Vec::new();
            if root.join(folder).is_dir() {
                files_below(root, folder, &mut present).map_err(failed)?;
            }
            for path in present.iter().filter(|path| !self.files.contains_key(*path)) {
                fs::remove_file(root.join(path)).map_err(failed)?;
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

/// The paths of all files in a folder of the staging workspace and in those below it.
fn files_below(root: &Path, folder: &str, found: &mut Vec<String>) -> std::io::Result<()> {
    for (name, kind) in sorted_entries(&root.join(folder))? {
        let path = format!("{folder}/{}", name.to_string_lossy());
        if kind.is_dir() {
            files_below(root, &path, found)?;
        } else {
            found.push(path);
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
        write(from.path(), "d/b/Cargo.toml", "");
        write(from.path(), "d/c/Cargo.toml", "");
        write(to.path(), "d/a/src/old.rs", "stale");

        let members = members(manifest).expect("toml");
        let elsewhere = BTreeMap::from([("s/far".to_owned(), far.path().to_owned())]);
        let crates = Crates { workspace: from.path(), elsewhere: &elsewhere, members };
        let folders = crates.closure([&"d/a".to_owned()]).expect("read");
        assert_eq!(folders.into_iter().collect::<Vec<_>>(), ["d/a", "d/b", "d/e", "s/far"]);
        assert_eq!(crates.origin("s/far"), far.path());

        let mut sources = Sources::default();
        sources.own("d/a");
        sources.add("d/a/src/lib.rs", "one");
        sources.write(to.path()).expect("written");
        let mut staged = Vec::new();
        files_below(to.path(), "d", &mut staged).expect("read");
        assert_eq!(staged, ["d/a/src/lib.rs"], "what was there before is gone");
    }
}
