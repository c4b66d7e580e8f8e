//! The root file system of a product that runs Linux: its one program, the folders that the kernel's own
//! file systems are mounted on, who is who, and what components install.

use std::collections::BTreeMap;

use tarsia_image::content::Data;
use tarsia_image::tree::{InodeId, Kind, Meta, Tree, TreeError};
use tarsia_model::{Code, Diagnostic};

use super::installed::{Content, Placed};
use super::prebuilt::WithContent;
use crate::engine::Job;

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

/// The program that the kernel starts.
const PROGRAM: &str = "init";
/// Who there is.
const PASSWD: &str = "etc/passwd";
/// And in which groups.
const GROUP: &str = "etc/group";
/// The modules of the kernel to load, in order.
const MODULES: &str = "etc/modules";

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
        let mut tree = skeleton().map_err(unplaced)?;
        let program = Kind::File(Data::of(self.program));
        let program = tree.add(PROGRAM.as_bytes(), Meta::root(0o755), program).map_err(unplaced)?;
        let mut filled = Filled { tree, program, files: Vec::new() };
        let who = "root:x:0:0:root:/root:/init\n";
        filled.file(PASSWD, who.as_bytes().to_vec(), false, self.component)?;
        filled.file(GROUP, b"root:x:0:\n".to_vec(), false, self.component)?;
        if let Some((component, modules)) = self.modules {
            let list: String = modules.iter().map(|(one, _)| format!("/{}\n", one.path)).collect();
            filled.file(MODULES, list.into_bytes(), false, component)?;
            for (one, bytes) in modules {
                filled.file(&one.path, bytes, false, &one.component)?;
            }
        }
        for one in placed {
            match &one.content {
                Content::File { input, executable } => {
                    filled.file(&one.to, job.bytes(input)?, *executable, &one.component)?;
                }
                Content::Folder | Content::Link(_) => {
                    hold(&mut filled.tree, one).map_err(unplaced)?;
                }
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
        let file = Kind::File(Data::of(bytes));
        let inode = add(&mut self.tree, path, Meta::root(mode), file).map_err(unplaced)?;
        let component = component.to_owned();
        self.files.push(Owned { path: path.to_owned(), inode, component, size });
        Ok(())
    }
}

/// The folders of a root, and the one device in it.
fn skeleton() -> Result<Tree, TreeError> {
    let mut tree = Tree::new(Meta::root(0o755));
    for (path, mode) in FOLDERS {
        tree.add(path.as_bytes(), Meta::root(mode), Kind::Folder(BTreeMap::new()))?;
    }
    // The kernel opens it for process 1 before anything is mounted
    // (Documentation/filesystems/ramfs-rootfs-initramfs.rst).
    let console = Kind::Character { major: 5, minor: 1 };
    tree.add(b"dev/console", Meta::root(0o600), console)?;
    Ok(tree)
}

/// A root with what every product has in it, each file empty: to see what still has a place.
pub fn bare(with_modules: bool) -> Result<Tree, Diagnostic> {
    let mut tree = skeleton().map_err(unplaced)?;
    let own = [PROGRAM, PASSWD, GROUP].into_iter().chain(with_modules.then_some(MODULES));
    for path in own {
        let file = Kind::File(Data::of(Vec::new()));
        add(&mut tree, path, Meta::root(0o644), file).map_err(unplaced)?;
    }
    Ok(tree)
}

/// Gives something its place; files without their content.
pub fn hold(tree: &mut Tree, one: &Placed) -> Result<(), TreeError> {
    let (mode, kind) = match &one.content {
        Content::File { .. } => (0o644, Kind::File(Data::of(Vec::new()))),
        Content::Link(target) => (0o777, Kind::Symlink(target.clone().into_bytes())),
        // One that is there already may be empty as well.
        Content::Folder => match tree.find(one.to.as_bytes()).map(|id| &tree.inode(id).kind) {
            Some(Kind::Folder(_)) => return Ok(()),
            _ => (0o755, Kind::Folder(BTreeMap::new())),
        },
    };
    add(tree, &one.to, Meta::root(mode), kind).map(drop)
}

/// Adds something, with the folders above it.
fn add(tree: &mut Tree, path: &str, meta: Meta, kind: Kind) -> Result<InodeId, TreeError> {
    tree.folders_above(path.as_bytes(), &Meta::root(0o755))?;
    tree.add(path.as_bytes(), meta, kind)
}

fn unplaced(error: TreeError) -> Diagnostic {
    Diagnostic::error(Code::MalformedImage, format!("cannot fill the root file system: {error}"))
}
