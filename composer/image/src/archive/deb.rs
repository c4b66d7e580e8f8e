//! Debian packages: an `ar` archive of a version, what dpkg needs to know, and the files (deb(5)).

use std::io::Read;

use super::{ArchiveError, Policy, Sink, compression, tar};

/// How every `ar` archive starts.
pub(super) const MAGIC: &[u8; 8] = b"!<arch>\n";
/// Size of a member's header (ar(5)).
const HEADER: usize = 60;
/// The largest `debian-binary` that is read: it holds `2.0` and a line's end.
const LONGEST_VERSION: u64 = 64;

/// Reads the files of a package; `reader` is at its start.
pub(super) fn unpack(
    mut reader: impl Read,
    policy: Policy,
    sink: &mut dyn Sink,
) -> Result<(), ArchiveError> {
    let mut magic = [0; MAGIC.len()];
    fill(&mut reader, &mut magic)?;
    let mut next = 0;
    while let Some((name, size)) = member(&mut reader)? {
        let mut content = reader.by_ref().take(size);
        match (next, name.as_slice()) {
            (0, b"debian-binary") => {
                let mut version = Vec::new();
                content.by_ref().take(LONGEST_VERSION).read_to_end(&mut version)?;
                if !version.starts_with(b"2.") {
                    return Err(ArchiveError::Deb("its version is not 2"));
                }
                next = 1;
            }
            (1, name) if name.starts_with(b"control.tar") => next = 2,
            (2, name) if name.starts_with(b"data.tar") => {
                tar::read(compression::plain(&mut content, policy.limits)?, policy, sink)?;
                next = 3;
            }
            // "names starting with an underscore" are for others (deb(5), FORMAT).
            (1 | 2, [b'_', ..]) => {}
            _ => return Err(ArchiveError::Deb("its parts are not those of a package, in order")),
        }
        std::io::copy(&mut content, &mut std::io::sink())?;
        if content.limit() > 0 {
            return Err(ArchiveError::Deb("it ends inside a part"));
        }
        if size % 2 == 1 {
            // Parts start at even offsets; the last one's padding may be missing.
            reader.by_ref().take(1).read_to_end(&mut Vec::new())?;
        }
    }
    if next == 3 { Ok(()) } else { Err(ArchiveError::Deb("it has no `data.tar`")) }
}

/// The next member's name and size; none at the end.
fn member(reader: &mut impl Read) -> Result<Option<(Vec<u8>, u64)>, ArchiveError> {
    let mut header = Vec::with_capacity(HEADER);
    reader.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(None);
    }
    if header.len() < HEADER || header[58..] != *b"`\n" {
        return Err(ArchiveError::Deb("a part has no proper header"));
    }
    let name = header[..16].trim_ascii_end();
    let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
    let size = std::str::from_utf8(&header[48..58]).ok().map(str::trim_end);
    let size = size.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let size = size.and_then(|text| text.parse().ok());
    let size = size.ok_or(ArchiveError::Deb("the size of a part is no number"))?;
    Ok(Some((name, size)))
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), ArchiveError> {
    reader.read_exact(buffer).map_err(|_| ArchiveError::Deb("it is cut off"))
}
