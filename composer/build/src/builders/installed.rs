//! What components install into a root file system: looked at before anything is built, so that whatever has no
//! place is told at once and with the line that names it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::{Deserialize, Serialize};
use tarsia_manifest::walk::sorted_entries;
use tarsia_model::{Code, Diagnostic};
use tarsia_plan::linux::{File, Linux};

use super::cargo::Devices;
use super::root;
use crate::own;

/// Something of a component in the root file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// Where it goes, from the root.
    pub to: String,
    /// Who installs it.
    pub component: String,
    /// What it is.
    pub content: Content,
}

/// What a component installs in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Content {
    /// A file.
    File {
        /// The action's input.
        input: String,
        /// Whether it can be started.
        executable: bool,
    },
    /// A folder with nothing in it.
    Folder,
    /// A symbolic link to this.
    Link(String),
}

/// All that is installed.
#[derive(Debug, Default)]
pub struct Installed<'a> {
    /// By place.
    pub placed: Vec<Placed>,
    /// Where the files are, by input.
    pub files: BTreeMap<String, PathBuf>,
    /// The templates, by the input that is what they are rendered to.
    pub templates: BTreeMap<String, (&'a File, PathBuf)>,
}

impl<'a> Installed<'a> {
    /// What the components of a product install.
    ///
    /// # Errors
    /// All that is not there, is no file, folder or link, leads out of its component's folder, or whose place is
    /// taken.
    pub fn look(devices: &Devices<'_>, linux: &'a Linux) -> Result<Self, Vec<Diagnostic>> {
        let mut all = Self::default();
        let mut problems = Vec::new();
        let mut tree = root::bare(linux.prebuilt).map_err(|problem| vec![problem])?;
        for (at, file) in linux.files.iter().enumerate() {
            let folder = devices.folder(&file.component).unwrap_or_default();
            let first = all.placed.len();
            if let Err(problem) = all.take(&folder, file, &format!("files/{at}")) {
                problems.push(problem);
                continue;
            }
            let taken = all.placed[first..].iter().find_map(|one| root::hold(&mut tree, one).err());
            problems.extend(taken.map(|error| {
                let message =
                    format!("cannot install `{}` of `{}`: {error}", file.to, file.component);
                Diagnostic::at(Code::BadValue, file.span, message)
            }));
        }
        if problems.is_empty() { Ok(all) } else { Err(problems) }
    }

    fn take(&mut self, folder: &Path, file: &'a File, input: &str) -> Result<(), Diagnostic> {
        let failed = |code, why: &dyn std::fmt::Display| {
            let message = format!("cannot install `{}` of `{}`: {why}", file.from, file.component);
            Diagnostic::at(code, file.span, message)
        };
        let unreadable = |error: std::io::Error| failed(Code::Unreadable, &error.kind());
        let path =
            own::place(folder, &file.from).map_err(|problem| failed(problem.code(), &problem))?;
        if path.is_file() {
            match file.template {
                Some(_) => drop(self.templates.insert(input.to_owned(), (file, path))),
                None => drop(self.files.insert(input.to_owned(), path)),
            }
            let content = Content::File { input: input.to_owned(), executable: file.executable };
            self.place(file, &file.to, content);
            return Ok(());
        }
        if file.template.is_some() || !path.is_dir() {
            let what = if file.template.is_some() { "a file" } else { "a file or a folder" };
            return Err(failed(Code::BadValue, &format!("it is not {what}")));
        }
        let mut open = vec![String::new()];
        while let Some(inner) = open.pop() {
            let found = sorted_entries(&path.join(&inner)).map_err(unreadable)?;
            let at = |name: &str| {
                if inner.is_empty() { name.to_owned() } else { format!("{inner}/{name}") }
            };
            if found.is_empty() {
                let to =
                    if inner.is_empty() { file.to.clone() } else { format!("{}/{inner}", file.to) };
                self.place(file, &to, Content::Folder);
            }
            for (name, kind) in found {
                let name = name.to_str().map(at).ok_or_else(|| {
                    failed(Code::BadName, &format!("the name {name:?} in it is not UTF-8"))
                })?;
                let (to, host) = (format!("{}/{name}", file.to), path.join(&name));
                let content = if kind.is_dir() {
                    open.push(name);
                    continue;
                } else if kind.is_symlink() {
                    let target = fs::read_link(&host).map_err(unreadable)?.into_os_string();
                    let target = target.into_string();
                    Content::Link(target.map_err(|target| {
                        failed(
                            Code::BadName,
                            &format!("the target {target:?} of `{name}` is not UTF-8"),
                        )
                    })?)
                } else if kind.is_file() {
                    let mode = fs::metadata(&host).map_err(unreadable)?.permissions().mode();
                    let input = format!("{input}/{name}");
                    self.files.insert(input.clone(), host);
                    Content::File { input, executable: file.executable || mode & 0o111 != 0 }
                } else {
                    let why = format!("`{name}` in it is not a file, a folder or a link");
                    return Err(failed(Code::BadValue, &why));
                };
                self.place(file, &to, content);
            }
        }
        Ok(())
    }

    fn place(&mut self, file: &File, to: &str, content: Content) {
        let component = file.component.to_string();
        self.placed.push(Placed { to: to.to_owned(), component, content });
    }
}
