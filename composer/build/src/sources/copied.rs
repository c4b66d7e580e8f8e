//! The folders of a catalogue as they are, for a folder that keeps everything products are made from. The digest of a
//! prebuilt folder has all of its files, so that nothing in there may be left out, whatever it is called.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_manifest::Catalogue;
use tarsia_manifest::walk::sorted_entries;

use super::local;

/// Copies folders.
#[derive(Debug)]
pub(super) struct Copied {
    /// Prebuilt files and folders, without links in their paths.
    whole: BTreeSet<PathBuf>,
    /// The folder that is being written.
    without: PathBuf,
}

impl Copied {
    /// Of the catalogue at `root`, without the folder `without`.
    ///
    /// # Errors
    /// That there is no such folder.
    pub(super) fn new(root: &Path, catalogue: &Catalogue, without: &Path) -> io::Result<Self> {
        let components = &catalogue.components;
        let whole = components.names().flat_map(|name| {
            let folder = root.join(components.folder(name.as_str()).unwrap_or_default());
            let sources =
                components.get(name.as_str()).into_iter().flat_map(|one| one.sources.iter());
            let paths = sources.filter_map(|(_, source)| source.prebuilt.as_ref());
            // What is not there cannot be copied; whoever needs it was told.
            paths.filter_map(move |path| local::place(&folder, path.as_str()).ok())
        });
        Ok(Self { whole: whole.collect(), without: fs::canonicalize(without)? })
    }

    /// Copies a folder if it is there: files with their modes, and links as links.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !from.is_dir() {
            return Ok(());
        }
        self.below(&fs::canonicalize(from)?, to, false)
    }

    fn below(&self, from: &Path, to: &Path, all: bool) -> io::Result<()> {
        fs::create_dir_all(to)?;
        for (name, kind) in sorted_entries(from)? {
            let (path, to) = (from.join(&name), to.join(&name));
            let all = all || self.whole.contains(&path);
            let needed = || all || self.whole.iter().any(|one| one.starts_with(&path));
            if path == self.without || is_of_tools(from, &name.to_string_lossy()) && !needed() {
                continue;
            }
            if kind.is_dir() {
                self.below(&path, &to, all)?;
            } else if kind.is_file() {
                fs::copy(path, to)?;
            } else if kind.is_symlink() {
                symlink(fs::read_link(path)?, to)?;
            }
            // Nothing is made from sockets and pipes: a prebuilt folder may have none.
        }
        Ok(())
    }
}

/// Whether it is what git, cargo or Tarsia keep for themselves.
fn is_of_tools(folder: &Path, name: &str) -> bool {
    name == ".git"
        || name.starts_with(".tarsia-")
        || name == "target" && folder.join("Cargo.toml").is_file()
}
