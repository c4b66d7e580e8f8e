//! A kernel's package as Debian makes it, unpacked: `boot/vmlinuz-VERSION`, `boot/config-VERSION` and, in
//! `lib/modules/VERSION`, the modules with lists of them (linux, debian/rules.real, `install-image`).

use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_manifest::walk::sorted_entries;

use super::Modules;

/// Folders that may have the modules; since Debian 13 the second.
const MODULES: [&str; 2] = ["lib/modules", "usr/lib/modules"];

/// Why a package is none of a kernel.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Not one kernel.
    #[error("it has {0} files `boot/vmlinuz-VERSION`, and not one")]
    Kernels(usize),
    /// No modules of that kernel.
    #[error("it has no folder `lib/modules/{0}`")]
    NoModules(String),
    /// The file system refused.
    #[error("cannot read `{path}`: {error}")]
    Io {
        /// The file, from the package's top.
        path: String,
        /// Why.
        error: std::io::Error,
    },
}

/// A package.
#[derive(Clone, Debug)]
pub struct Package {
    folder: PathBuf,
    version: String,
    /// From the package's top.
    modules: String,
}

impl Package {
    /// The package that was unpacked into a folder.
    ///
    /// # Errors
    /// What of a kernel it does not have.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        let boot = folder.join("boot");
        let entries = sorted_entries(&boot)
            .map_err(|error| PackageError::Io { path: "boot".to_owned(), error })?;
        let names = entries.iter().filter_map(|(name, _)| name.to_str());
        let found: Vec<&str> = names.filter_map(|name| name.strip_prefix("vmlinuz-")).collect();
        let [version] = found.as_slice() else { return Err(PackageError::Kernels(found.len())) };
        let places = MODULES.map(|place| format!("{place}/{version}"));
        let place = places.into_iter().find(|place| folder.join(place).is_dir());
        let modules = place.ok_or_else(|| PackageError::NoModules((*version).to_owned()))?;
        Ok(Self { folder: folder.to_owned(), version: (*version).to_owned(), modules })
    }

    /// The kernel's version, as it says it itself.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What boots.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn kernel(&self) -> Result<Vec<u8>, PackageError> {
        self.read(&format!("boot/vmlinuz-{}", self.version))
    }

    /// Its configuration.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn configuration(&self) -> Result<Vec<u8>, PackageError> {
        self.read(&format!("boot/config-{}", self.version))
    }

    /// Its modules.
    ///
    /// # Errors
    /// That the lists of them cannot be read.
    pub fn modules(&self) -> Result<Modules<'_>, PackageError> {
        let list = |name: &str| self.read(&format!("{}/{name}", self.modules));
        let text = |name: &str| Ok(String::from_utf8_lossy(&list(name)?).into_owned());
        let [order, builtin] = [text("modules.order")?, text("modules.builtin")?];
        let modinfo = list("modules.builtin.modinfo")?;
        Ok(Modules::new([&order, &builtin], &modinfo, |path| {
            self.module(path).map_err(|error| error.to_string())
        }))
    }

    /// A module, by its path in the lists.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn module(&self, path: &str) -> Result<Vec<u8>, PackageError> {
        self.read(&format!("{}/{path}", self.modules))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, PackageError> {
        let unreadable = |error| PackageError::Io { path: path.to_owned(), error };
        // A list could lead anywhere.
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(unreadable(std::io::ErrorKind::InvalidFilename.into()));
        }
        fs::read(self.folder.join(path)).map_err(unreadable)
    }
}
