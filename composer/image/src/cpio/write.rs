//! The writer. Entries stand in the order of the tree's walk and are numbered in it, so that nothing
//! but the tree decides the bytes.

use std::io::Write;

use crate::content::Data;
use crate::extent::{Extents, Part};
use crate::pieces::{self, CopyError};
use crate::tree::{InodeId, Kind, Tree};

use super::error::{WriteError, shown};
use super::header::{
    ALIGN, BLOCK, HEADER, Header, LONGEST_NAME, MAJOR_END, MINOR_END, TRAILER, kind, padding,
};

/// Names of a folder in `c_nlink`, which nobody reads; the kernel's `gen_init_cpio` writes the same.
const FOLDER_NAMES: u32 = 2;

/// Writes a tree as an archive, its root as `.`, padded to 512 bytes. The content of a file with
/// several names stands at the last of them, as the kernel's and GNU's writers have it.
///
/// # Errors
/// When the format or the kernel cannot hold what is in the tree, before anything is written; when a
/// content cannot be read or the archive not be written.
pub fn write(tree: &Tree, out: &mut impl Write) -> Result<Extents, WriteError> {
    let names = tree.walk();
    check(tree, &names)?;
    let mut archive = Archive { out, extents: Extents::default() };
    let mut numbers = vec![0u32; tree.inodes().len()];
    let mut named = vec![0u32; tree.inodes().len()];
    let mut last = 0u32;
    for (path, id) in &names {
        let inode = tree.inode(*id);
        let number = &mut numbers[id.index()];
        if *number == 0 {
            last = last.checked_add(1).ok_or(WriteError::TooMany)?;
            *number = last;
        }
        named[id.index()] += 1;
        let is_last = named[id.index()] == inode.names;
        let (type_bits, rmaj, rmin, content) = match &inode.kind {
            Kind::Folder(_) => (kind::FOLDER, 0, 0, None),
            Kind::File(data) => (kind::FILE, 0, 0, is_last.then(|| data.clone())),
            Kind::Symlink(target) => (kind::SYMLINK, 0, 0, Some(Data::of(target.as_slice()))),
            Kind::Character { major, minor } => (kind::CHARACTER, *major, *minor, None),
            Kind::Block { major, minor } => (kind::BLOCK, *major, *minor, None),
            Kind::Fifo => (kind::FIFO, 0, 0, None),
            Kind::Socket => (kind::SOCKET, 0, 0, None),
        };
        let is_folder = matches!(inode.kind, Kind::Folder(_));
        let header = Header {
            ino: *number,
            mode: type_bits | u32::from(inode.meta.mode),
            nlink: if is_folder { FOLDER_NAMES } else { inode.names },
            uid: inode.meta.owner,
            gid: inode.meta.group,
            mtime: number_of(path, "the time of change", inode.meta.modified)?,
            filesize: match &content {
                Some(data) => number_of(path, "a size in bytes of", data.size())?,
                None => 0,
            },
            rmaj,
            rmin,
            ..Header::default()
        };
        let name: &[u8] = if path.is_empty() { b"." } else { path };
        archive.entry(header, name, content.as_ref(), &Part::Inode(*id))?;
    }
    let trailer = Header { nlink: 1, ..Header::default() };
    archive.entry(trailer, TRAILER.as_bytes(), None, &Part::Structure("trailer"))?;
    let rest = padding(archive.extents.size(), BLOCK);
    archive.zeros(rest, &Part::Structure("padding"))?;
    Ok(archive.extents)
}

/// Refuses what the format, or the kernel that reads it, cannot hold.
fn check(tree: &Tree, names: &[(Vec<u8>, InodeId)]) -> Result<(), WriteError> {
    let mut attributes = Vec::new();
    let mut linked = Vec::new();
    let mut seen = vec![false; tree.inodes().len()];
    for (path, id) in names {
        let inode = tree.inode(*id);
        let again = std::mem::replace(&mut seen[id.index()], true);
        if path.len() >= LONGEST_NAME {
            return Err(WriteError::Path { path: shown(path), bytes: path.len() });
        }
        if path == TRAILER.as_bytes() {
            return Err(WriteError::Trailer);
        }
        if again && matches!(inode.kind, Kind::Symlink(_)) {
            linked.push(format!("`{}`", shown(path)));
        }
        if !again && !inode.meta.attributes.is_empty() {
            let names: Vec<_> =
                inode.meta.attributes.keys().map(|name| name.escape_ascii().to_string()).collect();
            attributes.push(format!("`{}` has `{}`", shown(path), names.join("`, `")));
        }
        number_of(path, "the time of change", inode.meta.modified)?;
        match &inode.kind {
            Kind::File(data) => {
                number_of(path, "a size in bytes of", data.size())?;
            }
            Kind::Character { major, minor } | Kind::Block { major, minor }
                if *major >= MAJOR_END || *minor >= MINOR_END =>
            {
                return Err(WriteError::Device { path: shown(path), major: *major, minor: *minor });
            }
            _ => {}
        }
    }
    match (attributes.is_empty(), linked.is_empty()) {
        (false, _) => Err(WriteError::Attributes { found: attributes }),
        (true, false) => Err(WriteError::LinkedSymlink { paths: linked }),
        (true, true) => Ok(()),
    }
}

fn number_of(path: &[u8], what: &'static str, value: u64) -> Result<u32, WriteError> {
    u32::try_from(value).map_err(|_| WriteError::Number { path: shown(path), what, value })
}

/// An archive being written, and what each of its bytes is.
struct Archive<'a, W> {
    out: &'a mut W,
    extents: Extents,
}

impl<W: Write> Archive<'_, W> {
    fn entry(
        &mut self,
        header: Header,
        name: &[u8],
        content: Option<&Data>,
        part: &Part,
    ) -> Result<(), WriteError> {
        let header = Header { namesize: name.len() as u32 + 1, ..header };
        self.bytes(&header.bytes(), part)?;
        self.bytes(name, part)?;
        let size = (HEADER + name.len() + 1) as u64;
        self.zeros(1 + padding(size, ALIGN), part)?;
        let Some(data) = content else { return Ok(()) };
        pieces::copy(data, self.out).map_err(|error| match error {
            CopyError::Read(source) => WriteError::Read { path: shown(name), source },
            CopyError::Write(source) => WriteError::Write(source),
        })?;
        self.extents.push(data.size(), part.clone());
        self.zeros(padding(data.size(), ALIGN), part)
    }

    fn bytes(&mut self, bytes: &[u8], part: &Part) -> Result<(), WriteError> {
        self.out.write_all(bytes).map_err(WriteError::Write)?;
        self.extents.push(bytes.len() as u64, part.clone());
        Ok(())
    }

    /// At most a block of them.
    fn zeros(&mut self, count: u64, part: &Part) -> Result<(), WriteError> {
        self.bytes(&[0; BLOCK as usize][..count as usize], part)
    }
}
