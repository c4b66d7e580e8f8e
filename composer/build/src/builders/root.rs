//! The root file system of a product that runs Linux: its one program, the folders that the kernel's own
//! file systems are mounted on, who is who, and what components install.

use std::collections::BTreeMap;

use fs_err as fs;
use serde::{Deserialize, Serialize};
use tarsia_image::content::Data;
use tarsia_image::tree::{InodeId, Kind, Meta, Tree, TreeError};
use tarsia_model::{Blake3, Code, Diagnostic};

use super::prebuilt::WithContent;
use crate::engine::Job;

/// A file or folder that a component installs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// The action's input.
    pub input: String,
    /// Where it goes, from the root.
    pub to: String,
    /// Who installs it.
    pub component: String,
    /// Whether it can be started.
    pub executable: bool,
}

/// What a root file system is made from.
pub struct Root<'a> {
    /// The program that is process 1 and all others.
    pub program: Vec<u8>,
    /// Whose the files are that every product has.
    pub component: &'a str,
    /// Modules of the kernel with their content, in the order in which they are loaded, and whose the list of
    /// them is; none for a kernel that has everything in itself.
    pub modules: Option<(&'a str, Vec<WithContent>)>,
}

/// A root file system, with whose its files are.
pub struct Filled {
    /// What is in it.
    pub tree: Tree,
    /// The program.
    pub program: InodeId,
    /// Its files, but for the program.
    pub files: Vec<Owned>,
}

/// A file of a component.
pub struct Owned {
    /// From the root.
    pub path: String,
    /// The file.
    pub inode: InodeId,
    /// Whose it is.
    pub component: String,
    /// Size in bytes.
    pub size: u64,
}

/// Where the kernel's file systems and what a product writes are mounted.
const FOLDERS: [(&str, u16); 9] = [
    ("data", 0o755),
    ("dev", 0o755),
    ("efi", 0o755),
    ("etc", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
];

impl Root<'_> {
    /// Puts it together.
    ///
    /// # Errors
    /// Files that cannot be read, or have no place.
    pub fn tree(self, job: &Job<'_>, placed: &[Placed]) -> Result<Filled, Diagnostic> {
        let mut tree = Tree::new(Meta::root(0o755));
        let program = Kind::File(Data::of(self.program));
        let program = tree.add(b"init", Meta::root(0o755), program).map_err(unplaced)?;
        let mut filled = Filled { tree, program, files: Vec::new() };
        for (path, mode) in FOLDERS {
            let folder = Kind::Folder(BTreeMap::new());
            filled.tree.add(path.as_bytes(), Meta::root(mode), folder).map_err(unplaced)?;
        }
        // The kernel opens it for process 1 before anything is mounted
        // (Documentation/filesystems/ramfs-rootfs-initramfs.rst).
        let console = Kind::Character { major: 5, minor: 1 };
        filled.tree.add(b"dev/console", Meta::root(0o600), console).map_err(unplaced)?;
        let who = "root:x:0:0:root:/root:/init\n";
        filled.file("etc/passwd", who.as_bytes().to_vec(), false, self.component)?;
        filled.file("etc/group", b"root:x:0:\n".to_vec(), false, self.component)?;
        if let Some((component, modules)) = self.modules {
            let list: String = modules.iter().map(|(one, _)| format!("/{}\n", one.path)).collect();
            filled.file("etc/modules", list.into_bytes(), false, component)?;
            for (one, bytes) in modules {
                filled.file(&one.path, bytes, false, &one.component)?;
            }
        }
        for one in placed {
            let folder = job.trees().find(|(name, ..)| *name == one.input);
            let Some((_, host, tree)) = folder else {
                filled.file(&one.to, job.bytes(&one.input)?, one.executable, &one.component)?;
                continue;
            };
            for (name, file) in tree.files() {
                let bytes = fs::read(host.join(&name)).map_err(|error| {
                    Diagnostic::error(Code::Unreadable, format!("cannot read {name}: {error}"))
                })?;
                if Blake3::of(&bytes) != file.digest {
                    let message = format!("{name} was changed while it was read");
                    return Err(Diagnostic::error(Code::ActionFailed, message));
                }
                let to = format!("{}/{name}", one.to);
                filled.file(&to, bytes, one.executable || file.executable, &one.component)?;
            }
        }
        Ok(filled)
    }
}

impl Filled {
    fn file(
        &mut self,
        path: &str,
        bytes: Vec<u8>,
        executable: bool,
        component: &str,
    ) -> Result<(), Diagnostic> {
        let size = bytes.len() as u64;
        let mode = if executable { 0o755 } else { 0o644 };
        self.tree.folders_above(path.as_bytes(), &Meta::root(0o755)).map_err(unplaced)?;
        let file = Kind::File(Data::of(bytes));
        let inode = self.tree.add(path.as_bytes(), Meta::root(mode), file).map_err(unplaced)?;
        let component = component.to_owned();
        self.files.push(Owned { path: path.to_owned(), inode, component, size });
        Ok(())
    }
}

fn unplaced(error: TreeError) -> Diagnostic {
    Diagnostic::error(Code::MalformedImage, format!("cannot fill the root file system: {error}"))
}
