//! Contents of an unpacked archive as parts of one file that has no name: a package's files are too many for
//! files of their own and too large for memory, and nobody else can change them.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use tarsia_image::archive::Keep;
use tarsia_image::content::{Content, Data};
use tarsia_model::Blake3;

/// Up to this many bytes, a content is kept in memory.
const SMALL: u64 = 4 << 10;

/// Keeps contents in a file without a name.
#[derive(Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    end: u64,
}

impl Spool {
    /// A file in a folder; it is gone when nobody uses it any more.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: Arc::new(tempfile::tempfile_in(folder)?), end: 0 })
    }
}

impl Keep for Spool {
    fn keep(&mut self, content: &mut dyn Read, size: u64) -> io::Result<Data> {
        if size <= SMALL {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            return Ok(Data::of(bytes));
        }
        let (start, mut hasher, mut piece) = (self.end, blake3::Hasher::new(), vec![0; 1 << 17]);
        let mut file = &*self.file;
        file.seek(io::SeekFrom::Start(start))?;
        loop {
            let read = match content.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&piece[..read]);
            file.write_all(&piece[..read])?;
            self.end += read as u64;
        }
        if self.end - start != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let digest = Blake3(*hasher.finalize().as_bytes());
        Ok(Data::new(Part { file: Arc::clone(&self.file), start, size, digest }))
    }
}

#[derive(Debug)]
struct Part {
    file: Arc<File>,
    start: u64,
    size: u64,
    digest: Blake3,
}

impl Content for Part {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> Blake3 {
        self.digest
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.read_exact_at(buffer, self.start + offset)
    }
}
