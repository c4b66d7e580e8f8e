//! Reads an archive by what it is, not by what it is called.

use std::io::Read;

use super::error::shown;
use super::{ArchiveError, Entry, EntryKind, Policy, Sink, compression, deb, tar};

/// Reads an archive to its end and gives its entries to `sink`, in the archive's order.
///
/// # Errors
/// Why it is refused; `sink` has then got some entries of an archive that is not to be trusted.
pub fn unpack(
    reader: &mut dyn Read,
    policy: Policy,
    sink: &mut dyn Sink,
) -> Result<(), ArchiveError> {
    let (first, reader) = compression::peek(reader, deb::MAGIC.len() as u64)?;
    if first == deb::MAGIC {
        return deb::unpack(reader, policy, sink);
    }
    tar::read(compression::plain(reader, policy.limits)?, policy, sink)
}

/// Reads an archive that is a file of another, `path`, from which nothing else is taken. `policy` is for the
/// inner one; of the outer one, the limits hold.
///
/// # Errors
/// As [`unpack`], for both; and that there is no such file.
pub fn unpack_inside(
    reader: &mut dyn Read,
    path: &[u8],
    policy: Policy,
    sink: &mut dyn Sink,
) -> Result<(), ArchiveError> {
    let mut inside = Inside { path, policy, sink, found: false };
    let outer = Policy { strip: 0, devices: true, absolute_links: true, ..policy };
    unpack(reader, outer, &mut inside)?;
    if inside.found { Ok(()) } else { Err(ArchiveError::Absent { path: shown(path) }) }
}

struct Inside<'a> {
    path: &'a [u8],
    policy: Policy,
    sink: &'a mut dyn Sink,
    found: bool,
}

impl Sink for Inside<'_> {
    fn take(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ArchiveError> {
        if entry.path == self.path && matches!(entry.kind, EntryKind::File(_)) {
            self.found = true;
            let path = || shown(self.path);
            unpack(content, self.policy, self.sink)
                .map_err(|inner| ArchiveError::Inside { path: path(), inner: Box::new(inner) })?;
        }
        Ok(())
    }
}
