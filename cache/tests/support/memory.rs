//! A disk in memory that counts operations, can be stopped after any of them, fail at any of them, or
//! let somebody else run before any of them, and that knows what was synced.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tarsia_cache::files::{Draft, Facts, Files, Guard, Lock, Space};

use super::handle::{Handle, Locked, Opened};
use super::node::{Loss, Node, State};
use super::random::Random;

const ROOT: u64 = 0;

type Hook = Box<dyn FnOnce() + Send>;

#[derive(Clone)]
pub struct Memory(Arc<Mutex<Disk>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with this error of the system.
    Errno(i32),
    /// This and every later operation that changes something does.
    Broken(i32),
    /// A write takes half of the bytes.
    Half,
    /// A write takes half of the bytes, and later ones none: the disk is full.
    Full,
}

pub const ENOSPC: i32 = 28;

pub(super) struct Disk {
    pub(super) nodes: BTreeMap<u64, Node>,
    next: u64,
    /// Operations so far.
    pub(super) count: u64,
    /// Those of them that changed something.
    changes: u64,
    /// How many operations the clock takes for granted as one moment.
    tick: u64,
    /// Nothing happens after so many changes.
    stop: Option<u64>,
    pub(super) fault: Option<(u64, Fault)>,
    /// Run before the operations of these numbers, each while its own operations are not counted.
    hooks: VecDeque<(u64, Hook)>,
    outer: u64,
    in_hook: bool,
    pub(super) locks: BTreeMap<PathBuf, (u32, bool)>,
    capacity: u64,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Disk {
    /// A disk at its start.
    fn of(nodes: BTreeMap<u64, Node>) -> Self {
        Self {
            nodes,
            next: 1,
            count: 0,
            changes: 0,
            tick: 1,
            stop: None,
            fault: None,
            hooks: VecDeque::new(),
            outer: 0,
            in_hook: false,
            locks: BTreeMap::new(),
            capacity: 1 << 40,
        }
    }
}

impl Memory {
    /// An empty disk with one folder.
    pub fn new(folders: &[&str]) -> Self {
        let memory = Self(Arc::new(Mutex::new(Disk::of([(ROOT, Node::folder())].into()))));
        for folder in folders {
            memory.create_folder(Path::new(folder)).expect("nothing stands in the way");
        }
        memory.sync_folder(Path::new("/")).expect("nothing stands in the way");
        memory
    }

    pub(super) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations so far, without those of hooks.
    pub fn operations(&self) -> u64 {
        self.disk().outer
    }

    pub fn counts(&self) -> (u64, u64) {
        let disk = self.disk();
        (disk.count, disk.changes)
    }

    pub fn stop_after(&self, changes: u64) {
        let mut disk = self.disk();
        disk.stop = Some(disk.changes + changes);
    }

    /// Lets the operation of this number from now on, the first being 0, fail.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        let mut disk = self.disk();
        disk.fault = Some((disk.count + operation, fault));
    }

    pub fn heal(&self) {
        self.disk().fault = None;
    }

    /// Lets others run before the operation of this number from now on, the first being 0. Several
    /// are given in order.
    pub fn before(&self, operation: u64, hook: impl FnOnce() + Send + 'static) {
        let mut disk = self.disk();
        let at = disk.outer + operation;
        disk.hooks.push_back((at, Box::new(hook)));
    }

    /// Runs what was to run before operations that never came.
    pub fn run_rest(&self) {
        let rest = std::mem::take(&mut self.disk().hooks);
        for (_, hook) in rest {
            hook();
        }
    }

    pub fn set_tick(&self, tick: u64) {
        self.disk().tick = tick;
    }

    pub fn set_capacity(&self, capacity: u64) {
        self.disk().capacity = capacity;
    }

    pub fn has_locks(&self) -> bool {
        let disk = self.disk();
        disk.locks.values().any(|lock| *lock != (0, false))
            || disk.nodes.values().any(|node| matches!(node, Node::File { held: true, .. }))
    }

    /// The disk after all processes were killed; the machine runs on.
    pub fn killed(&self) -> Self {
        let mut nodes = self.disk().nodes.clone();
        nodes.values_mut().for_each(Node::release);
        self.with(nodes)
    }

    /// The disk after the power failed.
    pub fn lose(&self, loss: Loss) -> Self {
        let mut random = Random(if let Loss::Mixed(seed) = loss { seed } else { 0 });
        let mut nodes = self.disk().nodes.clone();
        for node in nodes.values_mut() {
            node.release();
            node.lose(loss, &mut random);
        }
        self.with(nodes)
    }

    fn with(&self, nodes: BTreeMap<u64, Node>) -> Self {
        let disk = self.disk();
        let Disk { next, count, changes, tick, capacity, .. } = *disk;
        Self(Arc::new(Mutex::new(Disk { next, count, changes, tick, capacity, ..Disk::of(nodes) })))
    }

    /// Every file with its content.
    pub fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        self.disk().walk(ROOT, Path::new("/"), &mut found);
        found
    }

    /// What a file holds.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.disk();
        match &disk.nodes[&disk.find(path).ok()?] {
            Node::File { data, .. } => Some(data.now.clone()),
            Node::Folder(_) => None,
        }
    }

    /// Changes a file behind everybody's back.
    pub fn change(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut disk = self.disk();
        let id = disk.find(path).expect("it exists");
        let Some(Node::File { data, .. }) = disk.nodes.get_mut(&id) else { panic!("a folder") };
        change(&mut data.now);
        data.sync();
    }

    pub fn write_file(&self, path: &Path, bytes: &[u8]) {
        let mut draft = self.create(path).expect("nothing stands in the way");
        draft.write_all(bytes).expect("nothing stands in the way");
        draft.sync().expect("nothing stands in the way");
        self.sync_folder(path.parent().expect("not the root")).expect("nothing stands in the way");
    }

    /// One operation: the hook, the fault and the end of the world come before it.
    pub(super) fn run<T>(
        &self,
        changes: bool,
        operation: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            let mut disk = self.disk();
            let due = disk.hooks.front().is_some_and(|(at, _)| *at == disk.outer);
            if disk.in_hook || !due {
                break;
            }
            let hook = disk.hooks.pop_front();
            disk.in_hook = true;
            drop(disk);
            if let Some((_, hook)) = hook {
                hook();
            }
            self.disk().in_hook = false;
        }
        let mut disk = self.disk();
        if disk.stop.is_some_and(|stop| disk.changes >= stop) {
            return Err(io::Error::other("the machine has stopped"));
        }
        let now = disk.count;
        disk.count += 1;
        disk.outer += u64::from(!disk.in_hook);
        disk.changes += u64::from(changes);
        match disk.fault {
            Some((at, Fault::Errno(errno))) if at == now => {
                return Err(io::Error::from_raw_os_error(errno));
            }
            Some((at, Fault::Broken(errno))) if at <= now && changes => {
                return Err(io::Error::from_raw_os_error(errno));
            }
            _ => {}
        }
        operation(&mut disk)
    }
}

impl Disk {
    pub(super) fn now(&self) -> i64 {
        (self.count / self.tick) as i64
    }

    fn folder(&mut self, path: &Path) -> io::Result<&mut State<BTreeMap<OsString, u64>>> {
        let id = self.find(path)?;
        match self.nodes.get_mut(&id) {
            Some(Node::Folder(entries)) => Ok(entries),
            _ => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn parent(&mut self, path: &Path) -> io::Result<&mut State<BTreeMap<OsString, u64>>> {
        self.folder(path.parent().expect("not the root"))
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        path.iter().skip(1).try_fold(ROOT, |id, name| match &self.nodes[&id] {
            Node::Folder(entries) => {
                entries.now.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
            }
            Node::File { .. } => Err(ErrorKind::NotADirectory.into()),
        })
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<u64> {
        let id = self.next;
        let name = path.file_name().expect("not the root").to_owned();
        let entries = self.parent(path)?;
        if entries.now.contains_key(&name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        entries.now.insert(name, id);
        self.nodes.insert(id, node);
        self.next += 1;
        Ok(id)
    }

    fn file(&self) -> Node {
        Node::File { data: State::default(), used: self.now(), executable: false, held: false }
    }

    fn size(&self, id: u64) -> u64 {
        match &self.nodes[&id] {
            Node::Folder(entries) => entries.now.values().map(|id| self.size(*id)).sum(),
            Node::File { data, .. } => data.now.len() as u64,
        }
    }

    fn walk(&self, id: u64, path: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        match &self.nodes[&id] {
            Node::Folder(entries) => {
                for (name, id) in &entries.now {
                    self.walk(*id, &path.join(name), found);
                }
            }
            Node::File { data, .. } => {
                found.insert(path.to_owned(), data.now.clone());
            }
        }
    }
}

impl Files for Memory {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Draft>> {
        self.run(true, |disk| {
            let mut file = disk.file();
            if let Node::File { held, .. } = &mut file {
                *held = true;
            }
            let id = disk.add(path, file)?;
            Ok(Box::new(Handle { memory: self.clone(), id }) as Box<dyn Draft>)
        })
    }

    fn held(&self, path: &Path) -> io::Result<bool> {
        self.run(false, |disk| {
            Ok(matches!(disk.nodes[&disk.find(path)?], Node::File { held: true, .. }))
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        self.run(false, |disk| match &disk.nodes[&disk.find(path)?] {
            Node::File { data, .. } => {
                let data = io::Cursor::new(data.now.clone());
                Ok(Box::new(Opened { memory: self.clone(), data }) as Box<dyn Read + Send>)
            }
            Node::Folder(_) => Err(ErrorKind::IsADirectory.into()),
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(true, |disk| {
            let id = disk.find(from)?;
            disk.parent(to)?;
            disk.parent(from)?.now.remove(from.file_name().expect("not the root"));
            disk.parent(to)?.now.insert(to.file_name().expect("not the root").to_owned(), id);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run(true, |disk| {
            disk.find(path)?;
            disk.parent(path)?.now.remove(path.file_name().expect("not the root"));
            Ok(())
        })
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.run(true, |disk| disk.add(path, Node::folder()).map(drop))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.run(true, |disk| {
            match &disk.nodes[&disk.find(path)?] {
                Node::Folder(names) if !names.now.is_empty() => {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
                Node::Folder(_) => {}
                Node::File { .. } => return Err(ErrorKind::NotADirectory.into()),
            }
            disk.parent(path)?.now.remove(path.file_name().expect("not the root"));
            Ok(())
        })
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.run(true, |disk| disk.folder(path).map(State::sync))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.run(false, |disk| Ok(disk.folder(path)?.now.keys().cloned().collect()))
    }

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        self.run(false, |disk| {
            Ok(match &disk.nodes[&disk.find(path)?] {
                Node::Folder(_) => Facts { size: 0, used: 0, executable: true, folder: true },
                Node::File { data, used, executable, .. } => Facts {
                    size: data.now.len() as u64,
                    used: *used,
                    executable: *executable,
                    folder: false,
                },
            })
        })
    }

    fn touch(&self, path: &Path) -> io::Result<()> {
        self.run(true, |disk| {
            let (id, now) = (disk.find(path)?, disk.now());
            if let Some(Node::File { used, .. }) = disk.nodes.get_mut(&id) {
                *used = now;
            }
            Ok(())
        })
    }

    fn lock(&self, path: &Path, kind: Lock) -> io::Result<Box<dyn Guard>> {
        self.run(true, |disk| {
            if disk.find(path).is_err() {
                let file = disk.file();
                disk.add(path, file)?;
            }
            let lock = disk.locks.entry(path.to_owned()).or_default();
            match (kind, *lock) {
                (Lock::Shared, (_, false)) => lock.0 += 1,
                (Lock::Exclusive, (0, false)) => lock.1 = true,
                // There is one thread: waiting would have no end.
                _ => return Err(ErrorKind::WouldBlock.into()),
            }
            Ok(Box::new(Locked { memory: self.clone(), path: path.to_owned(), kind })
                as Box<dyn Guard>)
        })
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        self.run(false, |disk| {
            let taken = disk.size(ROOT);
            Ok(Space { free: disk.capacity.saturating_sub(taken), total: disk.capacity })
        })
    }
}
