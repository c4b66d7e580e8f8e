//! Where the folders of a compilation are to its programs: in a sandbox the same on every machine,
//! without one where the host has them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tarsia_manifest::walk::sorted_dir;

use super::cargo::USER_SETTINGS;
use crate::Surroundings;
use crate::sandbox::{Confinement, Mount};
use crate::toolchain::Toolchain;

/// The folders of a compilation.
#[derive(Clone, Debug)]
pub struct Places {
    /// The staging workspace.
    pub stage: PathBuf,
    /// Cargo's folder for what it compiles, which keeps its content.
    pub target: PathBuf,
    /// Cargo's home.
    pub cargo_home: PathBuf,
    /// The home of whoever builds.
    pub home: PathBuf,
    /// Where programs are looked for.
    pub path: OsString,
    /// What a sandbox shows.
    pub mounts: Vec<Mount>,
    /// Folders whose names get into what is compiled, and what they are called there.
    pub renamed: Vec<(PathBuf, &'static str)>,
    /// Where the toolchain is on the host, and to programs.
    sysroot: (PathBuf, PathBuf),
}

/// What a compilation gets to see of the crates that were fetched.
#[derive(Clone, Copy, Debug)]
pub enum Fetched<'a> {
    /// All of them, for finding out which are needed; no code of theirs runs.
    All,
    /// These folders below cargo's home, and the index.
    Only(&'a [PathBuf]),
}

impl Places {
    /// The folders for programs that are confined so.
    pub fn of(
        confinement: &Confinement,
        surroundings: &Surroundings,
        toolchain: &Toolchain,
        [stage, target]: [&Path; 2],
        fetched: Fetched<'_>,
    ) -> Self {
        match confinement {
            Confinement::None { .. } => Self::on_the_host(surroundings, toolchain, stage, target),
            Confinement::Bubblewrap { .. } => {
                Self::inside(surroundings, toolchain, [stage, target], fetched)
            }
        }
    }

    fn on_the_host(
        surroundings: &Surroundings,
        toolchain: &Toolchain,
        stage: &Path,
        target: &Path,
    ) -> Self {
        let cargo_home = surroundings.cargo_home.clone();
        let mut renamed = vec![(stage.to_owned(), "/tarsia"), (target.to_owned(), "/target")];
        renamed.extend(registries(&cargo_home).into_iter().map(|folder| (folder, "/cargo")));
        let library = library(&toolchain.sysroot);
        // Tools see the folder's real path where they ask the system.
        renamed.extend(library.canonicalize().ok().map(|real| (real, "/rust")));
        renamed.push((library, "/rust"));
        Self {
            stage: stage.to_owned(),
            target: target.to_owned(),
            cargo_home,
            home: surroundings.home.clone(),
            path: surroundings.path.clone(),
            mounts: Vec::new(),
            renamed,
            sysroot: (toolchain.sysroot.clone(), toolchain.sysroot.clone()),
        }
    }

    fn inside(
        surroundings: &Surroundings,
        toolchain: &Toolchain,
        [stage, target]: [&Path; 2],
        fetched: Fetched<'_>,
    ) -> Self {
        let (host, home) = (&surroundings.cargo_home, Path::new("/cargo-home"));
        let read = |host: &Path, inside: PathBuf| Mount::ReadOnly { host: host.to_owned(), inside };
        let write = |host: &Path, inside: &str| Mount::ReadWrite {
            host: host.to_owned(),
            inside: inside.into(),
        };
        let mut mounts = Confinement::system();
        // To find out which crates are needed, cargo writes its lock file.
        mounts.push(match fetched {
            Fetched::All => write(stage, "/tarsia"),
            Fetched::Only(_) => read(stage, "/tarsia".into()),
        });
        mounts.push(write(target, "/target"));
        mounts.push(Mount::Tmpfs { inside: home.to_owned(), size: None });
        let mut shown: Vec<PathBuf> = USER_SETTINGS.map(PathBuf::from).into();
        shown.push("registry/index".into());
        match fetched {
            Fetched::All => shown.extend(["registry", VENDORED].map(PathBuf::from)),
            Fetched::Only(crates) => shown.extend(crates.iter().cloned()),
        }
        for part in shown.iter().filter(|part| host.join(part).exists()) {
            mounts.push(read(&host.join(part), home.join(part)));
        }
        let mut renamed = vec![(PathBuf::from("/tarsia"), "/tarsia")];
        let registries = registries(host).into_iter();
        renamed.extend(
            registries
                .filter_map(|folder| Some((home.join(folder.strip_prefix(host).ok()?), "/cargo"))),
        );
        // A toolchain of the system is shown with the system.
        let sysroot = if toolchain.sysroot.starts_with("/usr") {
            toolchain.sysroot.clone()
        } else {
            mounts.push(read(&toolchain.sysroot, "/toolchain".into()));
            PathBuf::from("/toolchain")
        };
        let library = library(&toolchain.sysroot);
        if let Ok(real) = library.canonicalize()
            && real.starts_with("/usr")
        {
            renamed.push((real, "/rust"));
        }
        renamed.push((self::library(&sysroot), "/rust"));
        let mut places = Self {
            stage: "/tarsia".into(),
            target: "/target".into(),
            cargo_home: home.to_owned(),
            home: "/tmp".into(),
            path: "/toolchain/bin:/usr/local/bin:/usr/bin:/bin".into(),
            mounts,
            renamed,
            sysroot: (toolchain.sysroot.clone(), sysroot),
        };
        let tools = [Some(&toolchain.cargo), Some(&toolchain.rustc), toolchain.linker.as_ref()];
        for tool in tools.into_iter().flatten() {
            let inside = places.tool(tool);
            if inside == *tool && !tool.starts_with("/usr") {
                places.mounts.push(read(tool, inside));
            }
        }
        places
    }

    /// Where a program of the toolchain is.
    pub fn tool(&self, host: &Path) -> PathBuf {
        let (from, to) = &self.sysroot;
        host.strip_prefix(from).map_or_else(|_| host.to_owned(), |rest| to.join(rest))
    }
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust")
}

/// The folder in cargo's home of crates that were vendored, where `tarsia vendor` writes them.
pub(crate) const VENDORED: &str = "vendor";

/// The folders of unpacked crates: one per registry that crates came from, and that of vendored ones.
fn registries(cargo_home: &Path) -> Vec<PathBuf> {
    let mut folders = sorted_dir(&cargo_home.join("registry/src")).unwrap_or_default();
    folders.extend(Some(cargo_home.join(VENDORED)).filter(|folder| folder.is_dir()));
    folders
}
