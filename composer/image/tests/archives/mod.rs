//! Archives as an enemy writes them: block by block, with whatever fields.

#![allow(dead_code, reason = "each test uses its part")]

pub mod hostile;

use tarsia_image::archive::{
    ArchiveError, InMemory, Limits, Policy, TreeSink, unpack, unpack_inside,
};
use tarsia_image::tree::Tree;

/// A tar stream while it is put together.
#[derive(Clone, Default)]
pub struct Tar(pub Vec<u8>);

/// A header's fields.
#[derive(Clone)]
pub struct Fields {
    pub name: Vec<u8>,
    pub flag: u8,
    pub link: Vec<u8>,
    pub size: u64,
    pub mode: Vec<u8>,
}

impl Fields {
    pub fn new(name: impl AsRef<[u8]>, flag: u8) -> Self {
        let name = name.as_ref().to_vec();
        Self { name, flag, link: Vec::new(), size: 0, mode: b"0000644\0".to_vec() }
    }

    pub fn link(self, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..self }
    }

    pub fn size(self, size: u64) -> Self {
        Self { size, ..self }
    }

    /// The header's block, with its checksum (POSIX.1-2017, `pax`, "ustar Interchange Format").
    pub fn block(&self) -> [u8; 512] {
        let mut block = [0; 512];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &self.name);
        put(100, &self.mode);
        put(108, b"0000000\0");
        put(116, b"0000000\0");
        put(124, format!("{:011o}\0", self.size).as_bytes());
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, &[self.flag]);
        put(157, &self.link);
        put(257, b"ustar\x0000");
        put(329, b"0000001\x000000003\0");
        sum(&mut block);
        block
    }
}

/// Writes the checksum of a header.
pub fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

impl Tar {
    /// An entry with content, whose size the header states unless told otherwise.
    pub fn raw(mut self, fields: &Fields, content: &[u8]) -> Self {
        self.0.extend(fields.block());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, name: impl AsRef<[u8]>, content: &[u8]) -> Self {
        self.raw(&Fields::new(name, b'0').size(content.len() as u64), content)
    }

    pub fn folder(self, name: impl AsRef<[u8]>) -> Self {
        self.raw(&Fields::new(name, b'5'), b"")
    }

    pub fn symlink(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.raw(&Fields::new(name, b'2').link(target), b"")
    }

    pub fn hard_link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.raw(&Fields::new(name, b'1').link(target), b"")
    }

    /// A header of another kind, with its content.
    pub fn extension(self, flag: u8, content: &[u8]) -> Self {
        self.raw(&Fields::new("ext", flag).size(content.len() as u64), content)
    }

    /// An extended header with these records.
    pub fn pax(self, records: &[(&[u8], &[u8])]) -> Self {
        let records: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.extension(b'x', &records)
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
pub fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// An `ar` archive.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        bytes.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644).bytes(),
        );
        bytes.extend(*content);
        if size % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

pub fn deb(data_name: &str, data: &[u8]) -> Vec<u8> {
    let control = Tar::default().file("control", b"Package: x\n").end();
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), (data_name, data)])
}

/// Small limits, so that a test of them is small.
pub const SMALL: Limits = Limits { entries: 1_000, bytes: 1 << 20, ratio: 50 };

pub fn policy() -> Policy {
    Policy { limits: SMALL, ..Policy::default() }
}

pub fn read(bytes: &[u8], policy: Policy) -> Result<Tree, ArchiveError> {
    let mut sink = TreeSink::new(InMemory);
    unpack(&mut &*bytes, policy, &mut sink)?;
    sink.finish()
}

pub fn read_inside(bytes: &[u8], path: &str, policy: Policy) -> Result<Tree, ArchiveError> {
    let mut sink = TreeSink::new(InMemory);
    unpack_inside(&mut &*bytes, path.as_bytes(), policy, &mut sink)?;
    sink.finish()
}

/// The name of an error, without what it says.
pub fn named(error: &ArchiveError) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
