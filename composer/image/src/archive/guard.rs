//! Looks at every entry before anything is done with it: where it goes, what stands there already, and
//! whether it could lead anything out of the archive's own folder.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use unicode_normalization::UnicodeNormalization as _;

use super::error::shown;
use super::{ArchiveError, Entry, EntryKind, Policy};
use crate::tree::{LONGEST_NAME, LONGEST_TARGET};

/// How many links Linux follows on one way (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// What was admitted so far.
pub(super) struct Guard {
    policy: Policy,
    entries: u64,
    bytes: u64,
    names: BTreeMap<Vec<u8>, What>,
    /// Names as a file system that cares for neither case nor composition sees them, with how each was written.
    folded: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Debug)]
enum What {
    /// `said` by an entry of its own, not only by what is in it.
    Folder {
        said: bool,
    },
    File,
    Symlink(Vec<u8>),
    Other,
}

impl Guard {
    pub(super) fn new(policy: Policy) -> Self {
        let names = BTreeMap::from([(Vec::new(), What::Folder { said: false })]);
        Self { policy, entries: 0, bytes: 0, names, folded: BTreeMap::new() }
    }

    /// Judges an entry as it was written and gives it as it may be taken; none when it is above what is
    /// taken.
    pub(super) fn admit(&mut self, raw: Entry) -> Result<Option<Entry>, ArchiveError> {
        self.count(&raw)?;
        let Entry { path: written, meta, kind } = raw;
        let Some(path) = self.stripped(&written)? else {
            return match kind {
                EntryKind::Folder => Ok(None),
                _ => Err(ArchiveError::Strip { path: shown(&written), strip: self.policy.strip }),
            };
        };
        let kind = self.judged(&path, kind)?;
        self.make_way(&path)?;
        let what = match &kind {
            EntryKind::Folder => What::Folder { said: true },
            EntryKind::File(_) | EntryKind::HardLink(_) => What::File,
            EntryKind::Symlink(target) => What::Symlink(target.clone()),
            _ => What::Other,
        };
        self.name(&path, what)?;
        Ok(Some(Entry { path, meta, kind }))
    }

    /// Judges what only shows at the end: where symbolic links lead when others are followed.
    pub(super) fn finish(&self) -> Result<(), ArchiveError> {
        for (path, what) in &self.names {
            if let What::Symlink(target) = what {
                self.follow(path, target)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        let limits = self.policy.limits;
        self.entries += 1;
        if self.entries > limits.entries {
            return Err(ArchiveError::TooMany { limit: limits.entries });
        }
        if let EntryKind::File(size) = entry.kind {
            self.bytes = self.bytes.saturating_add(size);
        }
        if self.bytes > limits.bytes {
            let path = shown(&entry.path);
            return Err(ArchiveError::TooLarge { path, limit: limits.bytes });
        }
        Ok(())
    }

    /// A path without the folders that are taken off; none when it is one of those, or, with none to be
    /// taken off, never.
    fn stripped(&self, written: &[u8]) -> Result<Option<Vec<u8>>, ArchiveError> {
        let parts = parts(written)?;
        let strip = self.policy.strip as usize;
        if strip > 0 && parts.len() <= strip {
            return Ok(None);
        }
        Ok(Some(parts[strip..].join(&b'/')))
    }

    fn judged(&self, path: &[u8], kind: EntryKind) -> Result<EntryKind, ArchiveError> {
        match kind {
            EntryKind::Symlink(target) => {
                let outside =
                    || ArchiveError::Outside { path: shown(path), target: shown(&target) };
                if target.is_empty() || target.len() > LONGEST_TARGET || target.contains(&0) {
                    let why = "its target is empty, too long or has a NUL byte";
                    return Err(ArchiveError::Path { path: shown(path), why });
                }
                if target.starts_with(b"/") && !self.policy.absolute_links {
                    return Err(outside());
                }
                Ok(EntryKind::Symlink(target))
            }
            EntryKind::HardLink(written) => {
                let refused =
                    || ArchiveError::HardLink { path: shown(path), target: shown(&written) };
                let target = self.stripped(&written)?.ok_or_else(refused)?;
                match self.names.get(&target) {
                    Some(What::File) => Ok(EntryKind::HardLink(target)),
                    _ => Err(refused()),
                }
            }
            EntryKind::Character { .. } | EntryKind::Block { .. } | EntryKind::Fifo
                if !self.policy.devices =>
            {
                Err(ArchiveError::Device { path: shown(path) })
            }
            kind => Ok(kind),
        }
    }

    /// Sees to it that what is above a path is folders.
    fn make_way(&mut self, path: &[u8]) -> Result<(), ArchiveError> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in ends {
            let parent = &path[..end];
            match self.names.get(parent) {
                Some(What::Folder { .. }) => {}
                Some(_) => {
                    let (path, parent) = (shown(path), shown(parent));
                    return Err(ArchiveError::NotFolder { path, parent });
                }
                None => self.name(parent, What::Folder { said: false })?,
            }
        }
        Ok(())
    }

    fn name(&mut self, path: &[u8], what: What) -> Result<(), ArchiveError> {
        let is_file = matches!(what, What::File);
        match self.names.entry(path.to_vec()) {
            Slot::Occupied(mut slot) => match (slot.get(), &what) {
                // What is in a folder may come before the folder.
                (What::Folder { said: false }, What::Folder { .. }) => _ = slot.insert(what),
                _ => return Err(ArchiveError::Duplicate { path: shown(path) }),
            },
            Slot::Vacant(slot) => _ = slot.insert(what),
        }
        match self.folded.entry(folded(path)) {
            Slot::Occupied(slot) if slot.get() != path => {
                let other = slot.get();
                let files = is_file && matches!(self.names.get(other), Some(What::File));
                let harmless = files && other.eq_ignore_ascii_case(path);
                if harmless && self.policy.twins {
                    return Ok(());
                }
                Err(ArchiveError::Twins { path: shown(path), other: shown(other), harmless })
            }
            Slot::Occupied(_) => Ok(()),
            Slot::Vacant(slot) => {
                slot.insert(path.to_vec());
                Ok(())
            }
        }
    }

    /// Follows a link through all others; `..` at the top is outside even where the kernel would stay.
    fn follow(&self, link: &[u8], target: &[u8]) -> Result<(), ArchiveError> {
        let mut at: Vec<u8> = above(link).to_vec();
        let mut ahead: Vec<&[u8]> = target.rsplit(|byte| *byte == b'/').collect();
        if target.starts_with(b"/") {
            at.clear();
        }
        let mut hops = 0;
        while let Some(part) = ahead.pop() {
            match part {
                b"" | b"." => {}
                b".." if at.is_empty() => {
                    let (path, target) = (shown(link), shown(target));
                    return Err(ArchiveError::Outside { path, target });
                }
                b".." => at.truncate(above(&at).len()),
                part => {
                    let length = at.len();
                    if !at.is_empty() {
                        at.push(b'/');
                    }
                    at.extend_from_slice(part);
                    if let Some(What::Symlink(inner)) = self.names.get(&at) {
                        hops += 1;
                        if hops > MOST_LINKS {
                            return Err(ArchiveError::LinkLoop { path: shown(link) });
                        }
                        at.truncate(if inner.starts_with(b"/") { 0 } else { length });
                        ahead.extend(inner.rsplit(|byte| *byte == b'/'));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The path of the folder that something is in.
fn above(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(&[], |at| &path[..at])
}

/// The names a path is made of; `.` and doubled `/` say nothing.
fn parts(path: &[u8]) -> Result<Vec<&[u8]>, ArchiveError> {
    let refused = |why| ArchiveError::Path { path: shown(path), why };
    if path.is_empty() {
        return Err(refused("it is empty"));
    }
    if path.len() > LONGEST_TARGET {
        return Err(refused("it is longer than 4,095 bytes"));
    }
    if path.starts_with(b"/") {
        return Err(refused("it is absolute"));
    }
    if path.contains(&0) {
        return Err(refused("it has a NUL byte"));
    }
    let mut found = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(refused("it leads upwards")),
            part if part.len() > LONGEST_NAME => {
                return Err(refused("a part of it is longer than 255 bytes"));
            }
            part => found.push(part),
        }
    }
    Ok(found)
}

/// A name without case and in one composition, nearly as such file systems compare (Unicode Standard
/// Annex #15, NFC).
fn folded(path: &[u8]) -> Vec<u8> {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    match std::str::from_utf8(path) {
        Ok(text) => {
            let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
            lower.nfc().collect::<String>().into_bytes()
        }
        Err(_) => path.to_ascii_lowercase(),
    }
}
