//! Writing an EROFS image. [The module](super) says in which order.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use super::attribute::{self, Shared};
use super::bundle;
use super::disk::{self, BLOCK, Head, Layout, SLOT, SUPER_AT, SUPER_SIZE, Super};
use super::folder::{self, Entry};
use super::options::{Compression, Error, Options};
use super::room::{LONGEST_TAIL, Room};
use super::store::{self, CHUNK, File, Form, Output, WINDOW};
use crate::content::{Data, Packed};
use crate::extent::{Extents, Part};
use crate::tree::{InodeId, Kind, Tree};

/// Size in bytes at which a run of inodes is written out.
const RUN: u64 = 16 << 20;
/// Files that are compressed together at most, however small they are.
const BATCH: usize = 4_096;

/// Writes the image of a tree to `out`, from its start on. Compressed pieces come from `kept` as far as
/// they are there. The same tree and options give the same bytes, on any number of threads.
///
/// # Errors
/// When the options or what is in the tree does not fit the format, contents cannot be read, or `out`
/// cannot be written.
pub fn write(
    tree: &Tree,
    options: &Options,
    kept: &dyn Packed,
    out: &mut (impl Write + Seek),
) -> Result<Extents, Error> {
    options.check()?;
    let walk = tree.walk();
    let order = Order::of(tree, &walk);
    let shared = Shared::of(tree, &order.inodes)?;
    let mut writer = Writer {
        tree,
        options,
        order: &order,
        shared: &shared,
        output: Output::new(out)?,
        run: Run { room: Room::after(0), inodes: Vec::new() },
        numbers: vec![0; tree.inodes().len()],
        features: 0,
    };
    let root = writer.reserve_head()?;
    writer.files(kept)?;
    writer.folders(root)
}

/// What of a tree is written when.
struct Order<'a> {
    /// Every inode once, with its first path; folders before what is in them.
    inodes: Vec<(&'a [u8], InodeId)>,
    /// By inode: its place among them, from 1 (`i_ino`).
    places: Vec<u32>,
    /// Folder that a folder is in; the root is in itself.
    parents: Vec<InodeId>,
    /// Names of folders in a folder.
    subfolders: Vec<u32>,
    /// Files of equal content, each group by its first, in order.
    equals: BTreeMap<InodeId, Vec<InodeId>>,
    /// The first of the files with its content.
    firsts: BTreeMap<InodeId, InodeId>,
}

impl<'a> Order<'a> {
    fn of(tree: &Tree, walk: &'a [(Vec<u8>, InodeId)]) -> Self {
        let count = tree.inodes().len();
        let mut order = Self {
            inodes: Vec::with_capacity(count),
            places: vec![0; count],
            parents: vec![tree.root(); count],
            subfolders: vec![0; count],
            equals: BTreeMap::new(),
            firsts: BTreeMap::new(),
        };
        let mut contents = BTreeMap::new();
        for (path, id) in walk {
            if order.places[id.index()] > 0 {
                continue;
            }
            order.inodes.push((path, *id));
            order.places[id.index()] = order.inodes.len() as u32; // as many as an InodeId counts
            match &tree.inode(*id).kind {
                Kind::Folder(entries) => {
                    let folders =
                        entries.values().filter(|inner| is_folder(&tree.inode(**inner).kind));
                    for inner in folders {
                        order.parents[inner.index()] = *id;
                        order.subfolders[id.index()] += 1;
                    }
                }
                Kind::File(data) if data.size() > 0 => {
                    let first = *contents.entry((data.digest(), data.size())).or_insert(*id);
                    order.firsts.insert(*id, first);
                    order.equals.entry(first).or_default().push(*id);
                }
                _ => {}
            }
        }
        order
    }
}

fn is_folder(kind: &Kind) -> bool {
    matches!(kind, Kind::Folder(_))
}

/// A run of inodes that is still in memory.
struct Run {
    room: Room,
    /// Where each starts in the run, and its bytes.
    inodes: Vec<(u64, InodeId, Vec<u8>)>,
}

struct Writer<'a, W: Write + Seek> {
    tree: &'a Tree,
    options: &'a Options,
    order: &'a Order<'a>,
    shared: &'a Shared<'a>,
    output: Output<'a, W>,
    run: Run,
    /// By inode: its number in the image, once its run is placed.
    numbers: Vec<u64>,
    features: u32,
}

/// The root folder's inode in the head.
struct Root {
    at: u64,
    /// First block of shared attributes; 0 when there are none.
    attributes: u32,
}

impl<W: Write + Seek> Writer<'_, W> {
    /// Writes zeros where the head will be, and after them the shared attributes.
    fn reserve_head(&mut self) -> Result<Root, Error> {
        let root = self.tree.root();
        let (blocks, tail) = self.folder_size(root);
        let (head, body) = self.folder_head(b"", root, blocks)?;
        let mut room = Room::after((SUPER_AT + SUPER_SIZE) as u64);
        let at = room.place(head.stored() + body.len() as u64, tail);
        self.numbers[root.index()] = at / SLOT;
        let zeros = |count: u64| vec![0; count as usize];
        let padding = Part::Structure("padding");
        self.output.put(&zeros(SUPER_AT as u64), &padding)?;
        self.output.put(&[0; SUPER_SIZE], &Part::Structure("superblock"))?;
        self.output.put(&zeros(at - (SUPER_AT + SUPER_SIZE) as u64), &padding)?;
        self.output.put(&zeros(room.end() - at), &Part::Inode(root))?;
        self.output.fill(&padding)?;
        if self.shared.area.is_empty() {
            return Ok(Root { at, attributes: 0 });
        }
        let attributes = self.output.block()?;
        self.output.put(&self.shared.area, &Part::Structure("shared attributes"))?;
        self.output.fill(&padding)?;
        Ok(Root { at, attributes })
    }

    /// Stores everything that is no folder.
    fn files(&mut self, kept: &dyn Packed) -> Result<(), Error> {
        let how = self.options.compression;
        let (tree, order) = (self.tree, self.order);
        let others: Vec<_> =
            order.inodes.iter().filter(|(_, id)| !is_folder(&tree.inode(*id).kind)).collect();
        let batches: Vec<Vec<Option<File<'_>>>> = batches(tree, order, &others);
        let compress = |at: usize| {
            let files: Vec<_> = batches.get(at).into_iter().flatten().flatten().collect();
            store::compress(&files, how, kept)
        };
        let mut forms = BTreeMap::new();
        let mut rest = others.as_slice();
        let mut ready = compress(0);
        for (at, batch) in batches.iter().enumerate() {
            let (here, after) = rest.split_at(batch.len());
            rest = after;
            let mut pieces = ready?.into_iter();
            let mut next = Ok(Vec::new());
            // The cores compress what comes next while this is written.
            rayon::in_place_scope(|scope| -> Result<(), Error> {
                scope.spawn(|_| next = compress(at + 1));
                for ((path, id), file) in here.iter().zip(batch) {
                    if let Some(file) = file {
                        let pieces = pieces.next().unwrap_or_default();
                        let form = self.output.store(file, how, &pieces, kept)?;
                        forms.insert(*id, form);
                    }
                    self.file(path, *id, &mut forms)?;
                }
                Ok(())
            })?;
            ready = next;
        }
        Ok(())
    }

    /// Places an inode that is no folder; `forms` has what is stored and still wanted.
    fn file(
        &mut self,
        path: &[u8],
        id: InodeId,
        forms: &mut BTreeMap<InodeId, Form>,
    ) -> Result<(), Error> {
        let inode = self.tree.inode(id);
        let empty = Form::Flat { block: 0, tail: 0 };
        let (form, data) = match &inode.kind {
            Kind::File(data) => {
                let first = self.order.firsts.get(&id).copied().unwrap_or(id);
                let equals = self.order.equals.get(&first).map_or(&[][..], Vec::as_slice);
                let form = match equals.last() == Some(&id) {
                    true => forms.remove(&first),
                    false => forms.get(&first).cloned(),
                };
                (form.unwrap_or(empty), Some(data.clone()))
            }
            Kind::Symlink(target) => {
                let data = Data::of(target.as_slice());
                let file = File { path, data: &data, part: Part::Inode(id) };
                (self.output.store(&file, None, &[], &crate::content::Unkept)?, Some(data))
            }
            _ => (empty, None),
        };
        let size = data.as_ref().map_or(0, Data::size);
        let (layout, at, after, tail) = match form {
            Form::Flat { block, tail: 0 } => (Layout::Plain, block, Vec::new(), Vec::new()),
            Form::Flat { block, tail } => {
                let mut bytes = vec![0; tail as usize];
                let read = data.map_or(Ok(()), |data| data.read_at(size - tail, &mut bytes));
                let path = || String::from_utf8_lossy(path).into_owned();
                read.map_err(|error| Error::Content { path: path(), error })?;
                (Layout::Inline, block, Vec::new(), bytes)
            }
            Form::Chunks(chunks) => {
                self.features |= disk::CHUNKS;
                let map = chunks.iter().flat_map(|block| block.to_le_bytes()).collect();
                (Layout::Chunks, (CHUNK / BLOCK).trailing_zeros(), map, Vec::new())
            }
            Form::Packed { index, blocks, tail } => {
                if !tail.is_empty() {
                    self.features |= disk::TAILS;
                }
                (Layout::Packed, blocks, index, tail)
            }
        };
        let at = match inode.kind {
            Kind::Character { major, minor } | Kind::Block { major, minor } => {
                let path = || String::from_utf8_lossy(path).into_owned();
                disk::device(major, minor).ok_or_else(|| Error::Device {
                    path: path(),
                    major,
                    minor,
                })?
            }
            _ => at,
        };
        let (head, body) = self.head(path, id, layout, inode.names, size, at)?;
        let mut bytes = head.bytes(self.options.built);
        bytes.extend(body);
        if layout == Layout::Packed {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        bytes.extend(after);
        let place = self.run.room.place(bytes.len() as u64, tail.len() as u64);
        bytes.extend(tail);
        self.run.inodes.push((place, id, bytes));
        if self.run.room.end() >= RUN {
            self.place_run(self.output.at());
            self.put_run()?;
        }
        Ok(())
    }

    /// Writes all folders, the last run of inodes, and the head.
    fn folders(mut self, root: Root) -> Result<Extents, Error> {
        let (tree, order) = (self.tree, self.order);
        let folders: Vec<_> =
            order.inodes.iter().filter(|(_, id)| is_folder(&tree.inode(*id).kind)).collect();
        // Folders have the numbers of inodes in them, so every inode has its place before the first
        // folder is written.
        let mut block = self.output.at();
        let mut heads = Vec::with_capacity(folders.len());
        for (path, id) in &folders {
            let (whole, tail) = self.folder_size(*id);
            let at = if whole > 0 { store::block_at(block)? } else { 0 };
            block += whole;
            let (mut head, body) = self.folder_head(path, *id, whole)?;
            head.at = at;
            if *id != tree.root() {
                let place = self.run.room.place(head.stored() + body.len() as u64, tail);
                self.run.inodes.push((place, *id, Vec::new()));
            }
            heads.push((head, body));
        }
        self.place_run(block);
        let mut tails = BTreeMap::new();
        for ((_, id), (head, body)) in folders.iter().zip(heads) {
            let bytes = self.folder_bytes(*id);
            let (whole, _) = self.folder_size(*id);
            let stored = bytes.len().min(whole as usize);
            self.output.put(&bytes[..stored], &Part::Inode(*id))?;
            self.output.fill(&Part::Inode(*id))?;
            let mut inode = head.bytes(self.options.built);
            inode.extend(body);
            inode.extend(&bytes[stored..]);
            tails.insert(*id, inode);
        }
        for (_, id, bytes) in &mut self.run.inodes {
            if let Some(inode) = tails.remove(id) {
                *bytes = inode;
            }
        }
        self.put_run()?;
        let inode = tails.remove(&tree.root()).unwrap_or_default();
        let head = self.head_bytes(&root, &inode)?;
        self.output.finish(&head)
    }

    /// The superblock, and the root's inode.
    fn head_bytes(&self, root: &Root, inode: &[u8]) -> Result<Vec<u8>, Error> {
        let end = root.at as usize + inode.len();
        let mut head = vec![0; end.next_multiple_of(BLOCK as usize)];
        head[root.at as usize..end].copy_from_slice(inode);
        let mut name = [0; 16];
        name[..self.options.name.len()].copy_from_slice(&self.options.name);
        let packed = self.options.compression;
        let features = if packed.is_some() { disk::COMPRESSED } else { 0 };
        let start = Super {
            features: features | self.features,
            root: (root.at / SLOT) as u16, // within the first blocks
            inodes: self.order.inodes.len() as u64,
            built: self.options.built,
            nanoseconds: self.options.nanoseconds,
            blocks: self.output.block()?,
            attributes: root.attributes,
            uuid: self.options.uuid,
            name,
            cluster: packed.map_or(0, |how: Compression| (u64::from(how.cluster) / BLOCK) as u16),
        };
        start.put(&mut head);
        Ok(head)
    }

    fn head(
        &self,
        path: &[u8],
        id: InodeId,
        layout: Layout,
        links: u32,
        size: u64,
        at: u32,
    ) -> Result<(Head, Vec<u8>), Error> {
        let inode = self.tree.inode(id);
        let meta = &inode.meta;
        let body = self.shared.body(self.tree, path, id)?;
        let as_built = meta.modified == self.options.built && self.options.nanoseconds == 0;
        let head = Head {
            layout,
            attributes: attribute::count(body.len()).unwrap_or(0), // Shared::body gives no more
            mode: meta.mode | disk::kind_bits(&inode.kind).0,
            links,
            size,
            at,
            number: self.order.places[id.index()],
            owner: meta.owner,
            group: meta.group,
            modified: (!as_built).then_some(meta.modified),
        };
        Ok((head, body))
    }

    fn folder_head(&self, path: &[u8], id: InodeId, whole: u64) -> Result<(Head, Vec<u8>), Error> {
        let size = folder::size(&self.names(id));
        let layout = if whole < size { Layout::Inline } else { Layout::Plain };
        self.head(path, id, layout, 2 + self.order.subfolders[id.index()], size, 0)
    }

    /// Bytes of a folder in blocks, and beside its inode.
    fn folder_size(&self, id: InodeId) -> (u64, u64) {
        let size = folder::size(&self.names(id));
        let tail = size % BLOCK;
        match tail <= LONGEST_TAIL {
            true => (size - tail, tail),
            false => (size.next_multiple_of(BLOCK), 0),
        }
    }

    /// The names in a folder, sorted.
    fn names(&self, id: InodeId) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = vec![b".", b".."];
        if let Kind::Folder(entries) = &self.tree.inode(id).kind {
            names.extend(entries.keys().map(Vec::as_slice));
        }
        names.sort_unstable();
        names
    }

    fn folder_bytes(&self, id: InodeId) -> Vec<u8> {
        let entry = |name, id: InodeId| Entry {
            name,
            inode: self.numbers[id.index()],
            kind: disk::kind_bits(&self.tree.inode(id).kind).1,
        };
        let mut entries = vec![entry(b".", id), entry(b"..", self.order.parents[id.index()])];
        if let Kind::Folder(inner) = &self.tree.inode(id).kind {
            entries.extend(inner.iter().map(|(name, id)| entry(name, *id)));
        }
        entries.sort_unstable_by_key(|entry| entry.name);
        folder::bytes(&entries)
    }

    /// Gives the inodes of the run their numbers; it will start at byte `start`.
    fn place_run(&mut self, start: u64) {
        for (at, id, _) in &self.run.inodes {
            self.numbers[id.index()] = (start + at) / SLOT;
        }
    }

    fn put_run(&mut self) -> Result<(), Error> {
        let padding = Part::Structure("padding");
        let mut inodes = std::mem::take(&mut self.run.inodes);
        self.run.room = Room::after(0);
        inodes.sort_unstable_by_key(|(at, _, _)| *at);
        let start = self.output.at();
        for (at, id, bytes) in inodes {
            let free = start + at - self.output.at();
            self.output.put(&vec![0; free as usize], &padding)?;
            self.output.put(&bytes, &Part::Inode(id))?;
        }
        self.output.fill(&padding)
    }
}

/// What is compressed together: for each of `others`, in order, its file when its content is to be
/// stored with it. A batch ends where a bundle does, unless it would become twice as large.
fn batches<'a>(
    tree: &'a Tree,
    order: &Order<'a>,
    others: &[&(&'a [u8], InodeId)],
) -> Vec<Vec<Option<File<'a>>>> {
    let mut batches = vec![Vec::new()];
    let (mut bytes, mut ended) = (0, true);
    for (path, id) in others {
        let file = match (&tree.inode(*id).kind, order.equals.get(id)) {
            (Kind::File(data), Some(equals)) => {
                let part = match equals.as_slice() {
                    [one] => Part::Inode(*one),
                    all => Part::Shared(all.iter().map(|id| (*id, data.size())).collect()),
                };
                Some(File { path, data, part })
            }
            _ => None,
        };
        let size = file.as_ref().map_or(0, |file| file.data.size());
        let last = batches.last().map_or(0, Vec::len);
        let full = last >= BATCH || bytes + size > WINDOW;
        let twice = last >= 2 * BATCH || bytes + size > 2 * WINDOW;
        if last > 0 && (full && ended || twice) {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(file) = file.as_ref().filter(|_| size < bundle::SMALL) {
            ended = bundle::ends(file.data);
        }
        batches.last_mut().expect("there is one").push(file);
    }
    batches
}
