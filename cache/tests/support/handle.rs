//! Files and locks of the disk in memory while somebody has them open.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use tarsia_cache::files::{Draft, Guard, Lock};

use super::memory::{ENOSPC, Fault, Memory};
use super::node::Node;

pub struct Opened {
    pub memory: Memory,
    pub data: io::Cursor<Vec<u8>>,
}

impl Read for Opened {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.memory.run(false, |_| self.data.read(bytes))
    }
}

#[derive(Debug)]
pub struct Locked {
    pub memory: Memory,
    pub path: PathBuf,
    pub kind: Lock,
}

impl Guard for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        let mut disk = self.memory.disk();
        let lock = disk.locks.entry(self.path.clone()).or_default();
        match self.kind {
            Lock::Shared => lock.0 -= 1,
            Lock::Exclusive => lock.1 = false,
        }
    }
}

#[derive(Debug)]
pub struct Handle {
    pub memory: Memory,
    pub id: u64,
}

impl Handle {
    fn change<T>(&self, change: impl FnOnce(&mut Node, i64) -> T) -> io::Result<T> {
        self.memory.run(true, |disk| {
            let now = disk.now();
            Ok(change(disk.nodes.get_mut(&self.id).expect("never forgotten"), now))
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.memory.disk().nodes.get_mut(&self.id).expect("never forgotten").release();
    }
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.memory.run(true, |disk| {
            let now = disk.now();
            let taken = match disk.fault {
                Some((at, Fault::Half)) if at + 1 == disk.count => bytes.len().div_ceil(2),
                Some((at, Fault::Full)) if at + 1 == disk.count => bytes.len().div_ceil(2),
                Some((at, Fault::Full)) if at + 1 < disk.count => {
                    return Err(io::Error::from_raw_os_error(ENOSPC));
                }
                _ => bytes.len(),
            };
            let Some(Node::File { data, used, .. }) = disk.nodes.get_mut(&self.id) else {
                panic!("a folder")
            };
            data.now.extend(&bytes[..taken]);
            *used = now;
            Ok(taken)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Draft for Handle {
    fn sync(&mut self) -> io::Result<()> {
        self.change(|node, _| match node {
            Node::File { data, .. } => data.sync(),
            Node::Folder(_) => panic!("a folder"),
        })
    }

    fn make_executable(&mut self) -> io::Result<()> {
        self.change(|node, _| {
            if let Node::File { executable, .. } = node {
                *executable = true;
            }
        })
    }
}
