//! A load as one block of bytes, so that the next load reads only what changed since. It holds what
//! every folder listed and every sound file said; what had a problem is not in it and is looked at
//! again. A digest over the whole and over the tool that wrote it stands first: anything else than
//! what this very tool wrote is no snapshot at all.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tarsia_model::{Blake3, CapabilityName, Name, SourceId};

use crate::Layer;
use crate::files::{EntryKind, Mark};
use crate::find::{Folder, FolderKind, Kind};
use crate::pack::{Pack, Packer, Unpacker};

/// What an earlier load found.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The snapshot itself: texts and packed manifests are parts of it.
    pub(crate) buffer: Arc<Vec<u8>>,
    /// Every capability that a component provides, sorted.
    pub(crate) capabilities: Vec<CapabilityName>,
    /// What components provide, by place in `capabilities`.
    pub(crate) provides: Vec<u32>,
    pub(crate) workspace: Option<PastFile>,
    pub(crate) folders: BTreeMap<String, PastFolder>,
}

/// A folder as it was listed.
#[derive(Debug)]
pub(crate) struct PastFolder {
    pub(crate) kind: FolderKind,
    pub(crate) listing: Listing,
    /// By name.
    pub(crate) files: Vec<PastFile>,
}

/// What a listing depends on, and the folders in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// What the folder had when it was listed; none when it has to be listed again.
    pub(crate) mark: Option<Mark>,
    /// The names of the folders that are layers.
    pub(crate) layers: Vec<String>,
    /// The links in it, with what they led to.
    pub(crate) links: Vec<(String, EntryKind)>,
}

/// A file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct PastFile {
    pub(crate) name: Name,
    /// What the file had when it was read; none when it has to be read again.
    pub(crate) mark: Option<Mark>,
    /// What it held; none when it was absent or had a problem.
    pub(crate) sound: Option<Sound>,
}

/// What is kept of a file without problems.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    /// Of the file's content.
    pub(crate) digest: Blake3,
    /// Where its text is.
    pub(crate) text: Range<usize>,
    /// Where its packed manifest is.
    pub(crate) packed: Range<usize>,
    /// Of a component.
    pub(crate) layer: Option<Layer>,
    /// What a component provides: a part of [`Past::provides`].
    pub(crate) provides: Range<usize>,
}

/// A file on its way into a snapshot.
pub(crate) struct Record<'r> {
    pub(crate) name: &'r Name,
    pub(crate) mark: Option<Mark>,
    pub(crate) sound: Option<Kept<'r>>,
}

/// What is written of a file without problems.
pub(crate) struct Kept<'r> {
    pub(crate) digest: Blake3,
    pub(crate) text: &'r [u8],
    pub(crate) packed: &'r [u8],
    pub(crate) layer: Option<Layer>,
    pub(crate) provides: &'r [u32],
}

const MAGIC: &[u8; 8] = b"tarsia\0\x01";
const HEADER: usize = MAGIC.len() + 32;
/// The lengths of the index and of the texts; packed manifests follow these two.
const LENGTHS: usize = 16;

fn digest(tool: &[u8], body: &[u8]) -> Blake3 {
    let parts = [Blake3::of(tool).0, Blake3::of(body).0];
    Blake3::of(parts.as_flattened())
}

/// Writes a snapshot. The records of each folder are in the order of its names.
pub(crate) fn write<'r>(
    tool: &[u8],
    capabilities: &[CapabilityName],
    workspace: &Record<'r>,
    folders: &[Folder<'_>],
    records: impl Iterator<Item = Record<'r>>,
) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.index.list(capabilities.iter());
    writer.record(workspace);
    writer.index.number(folders.len() as u64);
    let mut records = records;
    for folder in folders {
        writer.folder(folder);
        records.by_ref().take(folder.names.len()).for_each(|record| writer.record(&record));
    }
    writer.finish(tool)
}

#[derive(Default)]
struct Writer {
    index: Packer,
    texts: Vec<u8>,
    packed: Vec<u8>,
}

impl Writer {
    fn folder(&mut self, folder: &Folder<'_>) {
        let index = &mut self.index;
        index.block(folder.path.as_bytes());
        index.number(u64::from(folder.kind.code()));
        self.mark(folder.listing.mark);
        let index = &mut self.index;
        index.list(folder.listing.layers.iter());
        index.number(folder.listing.links.len() as u64);
        for (name, kind) in &folder.listing.links {
            name.pack(index);
            index.number(*kind as u64);
        }
        index.number(folder.names.len() as u64);
    }

    fn mark(&mut self, mark: Option<Mark>) {
        let index = &mut self.index;
        mark.is_some().pack(index);
        if let Some(Mark { size, modified, changed, inode }) = mark {
            for number in [size, modified.cast_unsigned(), changed.cast_unsigned(), inode] {
                index.bytes.extend(number.to_le_bytes());
            }
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        record.name.pack(&mut self.index);
        self.mark(record.mark);
        let index = &mut self.index;
        record.sound.is_some().pack(index);
        if let Some(Kept { digest, text, packed, layer, provides }) = &record.sound {
            index.bytes.extend(digest.0);
            index.number(text.len() as u64);
            index.number(packed.len() as u64);
            layer.pack(index);
            index.list(provides.iter());
            self.texts.extend_from_slice(text);
            self.packed.extend_from_slice(packed);
        }
    }

    fn finish(self, tool: &[u8]) -> Vec<u8> {
        let (index, texts) = (self.index.bytes, self.texts);
        let mut bytes =
            Vec::with_capacity(HEADER + LENGTHS + index.len() + texts.len() + self.packed.len());
        bytes.extend(MAGIC);
        bytes.extend([0; 32]);
        bytes.extend((index.len() as u64).to_le_bytes());
        bytes.extend((texts.len() as u64).to_le_bytes());
        [index, texts, self.packed].iter().for_each(|part| bytes.extend_from_slice(part));
        let digest = digest(tool, &bytes[HEADER..]);
        bytes[MAGIC.len()..HEADER].copy_from_slice(&digest.0);
        bytes
    }
}

/// Reads a snapshot; `None` when it is not what this tool wrote.
pub(crate) fn read(tool: &[u8], bytes: Vec<u8>) -> Option<Past> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len())?;
    let (stated, body) = rest.split_at_checked(32)?;
    if magic != MAGIC || digest(tool, body).0 != *stated {
        return None;
    }
    let length = |at: usize| {
        let bytes = body.get(at..at + 8)?.try_into().ok()?;
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    let (index, texts) = (length(0)?, length(8)?);
    let start = HEADER + LENGTHS;
    let texts_start = start.checked_add(index)?;
    let packed_start = texts_start.checked_add(texts)?;
    let mut reader = Reader {
        index: Unpacker::new(bytes.get(start..texts_start)?, SourceId(0)),
        text: texts_start,
        packed: packed_start,
        past: Past::default(),
    };
    reader.read()?;
    let Reader { index, text, packed, mut past } = reader;
    if !index.is_done() || text != packed_start || packed != bytes.len() {
        return None;
    }
    past.buffer = Arc::new(bytes);
    Some(past)
}

struct Reader<'b> {
    index: Unpacker<'b>,
    /// Where the next text starts in the snapshot.
    text: usize,
    /// Where the next packed manifest starts.
    packed: usize,
    past: Past,
}

impl Reader<'_> {
    fn read(&mut self) -> Option<()> {
        self.past.capabilities = self.index.list()?;
        self.past.workspace = Some(self.file()?);
        for _ in 0..self.index.count()? {
            let path = String::unpack(&mut self.index)?;
            let kind = FolderKind::of_code(self.index.number()?)?;
            let mark = self.mark()?;
            let layers = self.index.list()?;
            let links = (0..self.index.count()?).map(|_| self.link()).collect::<Option<_>>()?;
            let count = self.index.count()?;
            let mut files = Vec::with_capacity(count);
            for _ in 0..count {
                files.push(self.file()?);
            }
            let listing = Listing { mark, layers, links };
            self.past.folders.insert(path, PastFolder { kind, listing, files });
        }
        Some(())
    }

    fn link(&mut self) -> Option<(String, EntryKind)> {
        let name = String::unpack(&mut self.index)?;
        let kinds = [EntryKind::File, EntryKind::Folder, EntryKind::Outside, EntryKind::Other];
        let kind = self.index.number()?;
        Some((name, kinds.into_iter().find(|known| *known as u64 == kind)?))
    }

    fn mark(&mut self) -> Option<Option<Mark>> {
        if !bool::unpack(&mut self.index)? {
            return Some(None);
        }
        let mut number = || Some(u64::from_le_bytes(self.index.take(8)?.try_into().ok()?));
        let (size, modified, changed, inode) = (number()?, number()?, number()?, number()?);
        let (modified, changed) = (modified.cast_signed(), changed.cast_signed());
        Some(Some(Mark { size, modified, changed, inode }))
    }

    fn file(&mut self) -> Option<PastFile> {
        let name = Name::unpack(&mut self.index)?;
        let mark = self.mark()?;
        if !bool::unpack(&mut self.index)? {
            return Some(PastFile { name, mark, sound: None });
        }
        let digest = Blake3(self.index.take(32)?.try_into().ok()?);
        let text = part(&mut self.text, self.index.number()?)?;
        let packed = part(&mut self.packed, self.index.number()?)?;
        let layer = Pack::unpack(&mut self.index)?;
        let start = self.past.provides.len();
        for _ in 0..self.index.count()? {
            let known = u32::unpack(&mut self.index)?;
            self.past.capabilities.get(known as usize)?;
            self.past.provides.push(known);
        }
        let provides = start..self.past.provides.len();
        Some(PastFile { name, mark, sound: Some(Sound { digest, text, packed, layer, provides }) })
    }
}

/// The next part of so many bytes.
fn part(next: &mut usize, length: u64) -> Option<Range<usize>> {
    let start = *next;
    *next = start.checked_add(usize::try_from(length).ok()?)?;
    Some(start..*next)
}

impl FolderKind {
    const ALL: [Self; 4] = [
        Self::Components,
        Self::Layer,
        Self::Manifests(Kind::Product),
        Self::Manifests(Kind::Profile),
    ];

    fn code(self) -> u8 {
        (0..).zip(Self::ALL).find(|(_, known)| *known == self).map_or(u8::MAX, |(code, _)| code)
    }

    fn of_code(code: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }
}
