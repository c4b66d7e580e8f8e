//! The strict reader: one archive and nothing after it but zeros.

use std::collections::BTreeMap;

use crate::content::Data;
use crate::pieces;
use crate::tree::{InodeId, Kind, LONGEST_TARGET, Meta, Tree};

use super::error::ReadError;
use super::header::{ALIGN, HEADER, Header, LONGEST_NAME, MAGIC, NAMES, TRAILER, kind, padding};

/// Reads an archive. Contents of files stay where they are, in `image`. A root that the archive does
/// not name has mode 0755 and time 0, as the kernel makes it.
///
/// # Errors
/// The first rule of the format that is broken, with the offset of its entry.
pub fn read(image: &Data) -> Result<Tree, ReadError> {
    let entries = entries(image)?;
    let root = entries.iter().find(|entry| entry.name == b".");
    let mut tree = Tree::new(root.map_or(Meta::root(0o755), Entry::meta));
    let mut known: BTreeMap<(u32, u32, u32), Linked> = BTreeMap::new();
    let mut root_seen = false;
    for entry in &entries {
        let (offset, header) = (entry.offset, &entry.header);
        let links = |why: String| ReadError::Links { offset, why };
        let in_tree = |source| ReadError::Tree { offset, source };
        if entry.name == b"." {
            if std::mem::replace(&mut root_seen, true) {
                return Err(links("the root is there twice".to_owned()));
            }
            if header.mode & kind::MASK != kind::FOLDER {
                return Err(ReadError::Field { offset, name: "c_mode", value: header.mode });
            }
            continue;
        }
        let inode = entry.inode();
        if let Some(first) = inode.and_then(|inode| known.get_mut(&inode)) {
            let same = Header { filesize: 0, namesize: 0, ..first.header }
                == Header { filesize: 0, namesize: 0, ..*header };
            if !same {
                return Err(links(format!("it differs from inode {} before it", header.ino)));
            }
            tree.link(&entry.name, first.id).map_err(in_tree)?;
            first.missing = first.missing.checked_sub(1).ok_or_else(|| {
                links(format!("inode {} has more than {} names", header.ino, header.nlink))
            })?;
            continue;
        }
        let kind = entry.kind(image)?;
        let id = tree.add(&entry.name, entry.meta(), kind).map_err(in_tree)?;
        if let Some(inode) = inode {
            known.insert(inode, Linked { id, offset, header: *header, missing: header.nlink - 1 });
        }
    }
    match known.values().find(|linked| linked.missing > 0) {
        Some(Linked { offset, header, missing, .. }) => Err(ReadError::Links {
            offset: *offset,
            why: format!("{missing} of the {} names of its inode are missing", header.nlink),
        }),
        None => Ok(tree),
    }
}

/// The first entry of an inode that has several.
struct Linked {
    id: InodeId,
    offset: u64,
    header: Header,
    missing: u32,
}

struct Entry {
    offset: u64,
    header: Header,
    name: Vec<u8>,
    /// Where the content of its inode starts, and its size; another entry may have it.
    content: (u64, u32),
}

impl Entry {
    fn meta(&self) -> Meta {
        Meta {
            mode: (self.header.mode & 0o7777) as u16,
            owner: self.header.uid,
            group: self.header.gid,
            modified: self.header.mtime.into(),
            attributes: BTreeMap::new(),
        }
    }

    /// Whether other entries may be names of the same inode.
    fn inode(&self) -> Option<(u32, u32, u32)> {
        let is_folder = self.header.mode & kind::MASK == kind::FOLDER;
        (!is_folder && self.header.nlink > 1).then_some((
            self.header.maj,
            self.header.min,
            self.header.ino,
        ))
    }

    fn kind(&self, image: &Data) -> Result<Kind, ReadError> {
        let Self { offset, header, .. } = self;
        let field = |name, value| ReadError::Field { offset: *offset, name, value };
        let (at, size) = self.content;
        let read = |source| ReadError::Read { offset: at, source };
        let (major, minor) = (header.rmaj, header.rmin);
        Ok(match header.mode & kind::MASK {
            kind::FOLDER => Kind::Folder(BTreeMap::new()),
            kind::FILE => Kind::File(image.window(at, size.into()).map_err(read)?),
            kind::SYMLINK if header.nlink > 1 => return Err(field("c_nlink", header.nlink)),
            kind::SYMLINK if size == 0 || size as usize > LONGEST_TARGET => {
                return Err(field("c_filesize", size));
            }
            kind::SYMLINK => {
                let mut target = vec![0; size as usize];
                image.read_at(at, &mut target).map_err(read)?;
                Kind::Symlink(target)
            }
            kind::CHARACTER => Kind::Character { major, minor },
            kind::BLOCK => Kind::Block { major, minor },
            kind::FIFO => Kind::Fifo,
            kind::SOCKET => Kind::Socket,
            _ => return Err(field("c_mode", header.mode)),
        })
    }
}

/// The entries up to the trailer, each checked for itself.
fn entries(image: &Data) -> Result<Vec<Entry>, ReadError> {
    let mut entries: Vec<Entry> = Vec::new();
    // Which entry has the content of an inode with several names.
    let mut holders: BTreeMap<(u32, u32, u32), (u64, u32)> = BTreeMap::new();
    let mut offset = 0;
    loop {
        let (header, name) = header(image, offset)?;
        let named = offset + (HEADER + name.len() + 1) as u64;
        let content = named + padding(named, ALIGN);
        zeros(image, named, content - named)?;
        if name == TRAILER.as_bytes() {
            let expected = Header { nlink: 1, namesize: header.namesize, ..Header::default() };
            if let Some(at) = (0..13).find(|at| header.fields()[*at] != expected.fields()[*at]) {
                return Err(ReadError::Field {
                    offset,
                    name: NAMES[at],
                    value: header.fields()[at],
                });
            }
            zeros(image, content, image.size().saturating_sub(content))?;
            for entry in &mut entries {
                if let Some(content) = entry.inode().and_then(|inode| holders.get(&inode)) {
                    entry.content = *content;
                }
            }
            return Ok(entries);
        }
        let end = content + u64::from(header.filesize);
        if end > image.size() {
            let source = std::io::ErrorKind::UnexpectedEof.into();
            return Err(ReadError::Read { offset: content, source });
        }
        zeros(image, end, padding(end, ALIGN))?;
        let entry = Entry { offset, header, name, content: (content, header.filesize) };
        if let Some(inode) = entry.inode().filter(|_| header.filesize > 0)
            && holders.insert(inode, entry.content).is_some()
        {
            let why = format!("inode {} has its content twice", header.ino);
            return Err(ReadError::Links { offset, why });
        }
        entries.push(entry);
        offset = end + padding(end, ALIGN);
    }
}

/// The header at `offset` and the name after it, without its NUL.
fn header(image: &Data, offset: u64) -> Result<(Header, Vec<u8>), ReadError> {
    let read = |source| ReadError::Read { offset, source };
    let mut bytes = [0; HEADER];
    image.read_at(offset, &mut bytes).map_err(read)?;
    if !bytes.starts_with(MAGIC) {
        let found = bytes[..MAGIC.len()].escape_ascii().to_string();
        return Err(ReadError::Magic { offset, found });
    }
    let header = Header::parse(&bytes).map_err(|field| ReadError::Digits {
        offset,
        name: NAMES[field],
        found: bytes[6 + 8 * field..][..8].escape_ascii().to_string(),
    })?;
    let field = |name, value| Err(ReadError::Field { offset, name, value });
    if header.chksum != 0 {
        return field("c_chksum", header.chksum);
    }
    if !(2..=LONGEST_NAME).contains(&(header.namesize as usize)) {
        return field("c_namesize", header.namesize);
    }
    let is_device = matches!(header.mode & kind::MASK, kind::CHARACTER | kind::BLOCK);
    let has_content = matches!(header.mode & kind::MASK, kind::FILE | kind::SYMLINK);
    if !is_device && header.rmaj != 0 {
        return field("c_rmaj", header.rmaj);
    }
    if !is_device && header.rmin != 0 {
        return field("c_rmin", header.rmin);
    }
    if !has_content && header.filesize != 0 {
        return field("c_filesize", header.filesize);
    }
    if header.mode & !(kind::MASK | 0o7777) != 0 {
        return field("c_mode", header.mode);
    }
    if header.nlink == 0 {
        return field("c_nlink", 0);
    }
    let mut name = vec![0; header.namesize as usize];
    image.read_at(offset + HEADER as u64, &mut name).map_err(read)?;
    match name.pop() {
        Some(0) if !name.contains(&0) => Ok((header, name)),
        _ => Err(ReadError::Name { offset }),
    }
}

fn zeros(image: &Data, offset: u64, size: u64) -> Result<(), ReadError> {
    let read = |source| ReadError::Read { offset, source };
    pieces::each(image, offset, size, read, |bytes| match bytes.iter().all(|byte| *byte == 0) {
        true => Ok(()),
        false => Err(ReadError::Padding { offset }),
    })
}
