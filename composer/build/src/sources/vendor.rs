//! Everything that a product is made from, in one folder that needs no network and no server to be of use: its
//! form is plain enough to be understood without Tarsia.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;
use serde_json::{Map, Value, json};
use tarsia_cache::Store;
use tarsia_manifest::walk::sorted_entries;
use tarsia_manifest::{Catalogue, LockedSource};
use tarsia_model::{Code, Diagnostic, Name, Sha256};

use super::copied::Copied;
use super::program;
use crate::builders::places::VENDORED;
use crate::{Surroundings, inputs};

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vendored {
    /// How many external sources.
    pub sources: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many crates for firmware; none when the workspace has no crates.
    pub crates: Option<usize>,
}

const README: &str = "\
# Everything these products are made from

Written by `tarsia vendor`. Nothing here needs a network or a server.

| path | what it is |
|---|---|
| `index.json` | every external source: which product and component has it, its version and origin, size and digests |
| `sources/` | the bytes of these sources, each named by its SHA-256 digest: `sha256sum` checks them |
| `cargo-home/` | the crates of the firmware, as `cargo vendor` writes them, with the settings by which cargo uses them |
| `workspace/` | manifests, lock files and sources of components; of further catalogues, in `workspace.N/` |

To build again:

1. Take the workspace from its own repository, at the commit that was built, or from `workspace/`.
2. `tarsia fetch --from THIS-FOLDER --all`, in the workspace: puts the sources into the store. The lock files are
   not changed; each source is held against its digest there.
3. `tarsia build --locked --all`, with the environment variable `CARGO_HOME` set to the full path of `cargo-home/`,
   which keeps its name: the settings in it are relative to the folder above.

What this folder does not have is the machine: the compilers and Tarsia itself. The manual's page on reproducibility
says which versions count.

Without Tarsia: a source of the kind `deb` is a Debian package, `archive` a file as it was published, `git` and
`prebuilt` a file or a tar archive of a commit or folder.
";

/// Writes the sources of products, the crates of firmware, and manifests with lock files into a folder, which must
/// not be there and appears only when it is complete. `products` are names with their locked sources, which are
/// in the store.
///
/// # Errors
/// Those of reading and writing; what cargo says; that the store does not have a source.
pub fn vendor(
    surroundings: &Surroundings,
    store: &Store,
    (root, catalogue): (&Path, &Catalogue),
    products: &[(Name, Vec<LockedSource>)],
    to: &Path,
) -> Result<Vendored, Diagnostic> {
    if to.symlink_metadata().is_ok() {
        let message = format!("`{}` exists already", to.display());
        return Err(Diagnostic::error(Code::AlreadyExists, message)
            .hint("name a folder that is not there".to_owned()));
    }
    let failed = |error: std::io::Error| {
        let message = format!("`{}` could not be written: {error}", to.display());
        Diagnostic::error(Code::OutputFailed, message)
    };
    let parent = to.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    let hidden = tempfile::Builder::new().prefix(".tarsia-").tempdir_in(parent).map_err(failed)?;
    let folder = hidden.path().join("vendored");
    fs::create_dir_all(folder.join("sources")).map_err(failed)?;

    let mut vendored = Vendored::default();
    let mut written: BTreeMap<Sha256, ()> = BTreeMap::new();
    let mut index = Vec::new();
    for (product, sources) in products {
        for locked in sources {
            index.push(described(product, locked));
            if written.insert(locked.sha256.value, ()).is_some() {
                continue;
            }
            let file = folder.join("sources").join(locked.sha256.value.to_string());
            if !store.deliver(locked.blake3.value, &file, false)? {
                let (component, source) = locked.key();
                let message = format!("the source `{source}` of `{component}` is not in the store");
                return Err(Diagnostic::error(Code::SourceUnavailable, message)
                    .hint(format!("`tarsia fetch {product}` fetches it")));
            }
            vendored.sources += 1;
            vendored.bytes += locked.size.value;
        }
    }
    let names: Vec<&str> = products.iter().map(|(name, _)| name.as_str()).collect();
    let index = json!({ "version": 1, "products": names, "sources": index });
    let index = serde_json::to_string_pretty(&index).unwrap_or_default() + "\n";
    fs::write(folder.join("index.json"), index).map_err(failed)?;
    fs::write(folder.join("README.md"), README).map_err(failed)?;
    vendored.crates = crates(surroundings, root, catalogue, &folder)?;
    let copied = Copied::new(root, catalogue, hidden.path()).map_err(failed)?;
    for (number, prefix) in catalogue.prefixes.iter().enumerate() {
        let name =
            if prefix.is_empty() { "workspace".to_owned() } else { format!("workspace.{number}") };
        let (from, to) = (root.join(prefix), folder.join(name));
        for part in ["components", "products", "profiles"] {
            copied.copy(&from.join(part), &to.join(part)).map_err(failed)?;
        }
        let list = from.join(tarsia_manifest::WORKSPACE_FILE);
        if list.is_file() {
            fs::copy(list, to.join(tarsia_manifest::WORKSPACE_FILE)).map_err(failed)?;
        }
    }
    fs::rename(&folder, to).map_err(failed)?;
    Ok(vendored)
}

/// An entry of the index: what the lock file says, with the product.
fn described(product: &Name, locked: &LockedSource) -> Value {
    let origin = &locked.origin;
    let mut from = Map::new();
    let text = |text: Option<&str>| text.map(|text| Value::String(text.to_owned()));
    for (key, value) in [
        ("origin", text(origin.origin.as_ref().map(|one| one.value.as_str()))),
        ("suite", text(origin.suite.as_ref().map(|one| one.value.as_str()))),
        ("part", text(origin.part.as_ref().map(|one| one.value.as_str()))),
        ("package", text(origin.package.as_ref().map(|one| one.as_str()))),
        ("arch", text(origin.arch.as_ref().map(|one| one.as_str()))),
        ("file", text(origin.file.as_ref().map(|one| one.as_str()))),
        ("address", text(origin.address.as_ref().map(|one| one.as_str()))),
        ("path", text(origin.path.as_ref().map(|one| one.as_str()))),
    ] {
        if let Some(value) = value {
            from.insert(key.to_owned(), value);
        }
    }
    json!({
        "product": product.as_str(),
        "component": locked.component.value.as_str(),
        "source": locked.source.value.as_str(),
        "kind": locked.kind.value.as_str(),
        "version": locked.version.as_ref().map(|version| version.value.as_str()),
        "origin": from,
        "size": locked.size.value,
        "sha256": locked.sha256.value,
        "blake3": locked.blake3.value,
        "file": format!("sources/{}", locked.sha256.value),
    })
}

/// Writes the crates that the device workspace's lock file names; none when there is no such workspace.
fn crates(
    surroundings: &Surroundings,
    root: &Path,
    catalogue: &Catalogue,
    folder: &Path,
) -> Result<Option<usize>, Diagnostic> {
    let manifest = inputs::device_workspace(root, catalogue).join("Cargo.toml");
    if !manifest.is_file() {
        return Ok(None);
    }
    let Some(cargo) = surroundings.find("cargo") else {
        return Err(Diagnostic::error(Code::ToolMissing, "cannot find the program `cargo`"));
    };
    let home = folder.join("cargo-home");
    let to = home.join(VENDORED);
    let mut command = surroundings.command(&cargo);
    command.envs(surroundings.network.iter().map(|(name, value)| (name, value)));
    command.args(["vendor", "--quiet", "--locked", "--versioned-dirs", "--manifest-path"]);
    command.arg(&manifest).arg(&to).current_dir(folder);
    program::run(command, "cargo", &|| Ok(())).map_err(|error| {
        let message = format!("the crates of the firmware cannot be vendored: {error}");
        Diagnostic::error(Code::SourceUnavailable, message)
    })?;
    let failed = |error: std::io::Error| {
        Diagnostic::error(
            Code::OutputFailed,
            format!("cargo's settings could not be written: {error}"),
        )
    };
    // What cargo says itself has the full path of a folder that is renamed. This is relative to what
    // cargo's home stands in (The Cargo Book, "Config-relative paths").
    let settings = format!(
        "[source.crates-io]\nreplace-with = \"vendored\"\n\n\
         [source.vendored]\ndirectory = \"cargo-home/{VENDORED}\"\n"
    );
    fs::create_dir_all(&home).map_err(failed)?;
    fs::write(home.join("config.toml"), settings).map_err(failed)?;
    // Without any crate, cargo makes no folder.
    Ok(Some(sorted_entries(&to).map_or(0, |found| found.len())))
}
