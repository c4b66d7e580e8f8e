//! The entries on the EFI system partition, found and renamed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::release::ImageProblem;
use crate::{Entry, Release, Slots};

/// The folder of unified kernel images (Boot Loader Specification, "Type #2").
const FOLDER: &str = "EFI/Linux";

/// A mounted EFI system partition.
#[derive(Clone, Debug)]
pub struct Esp(pub PathBuf);

/// The folder's images.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that the loader lists, by name.
    pub entries: Vec<Entry>,
    /// Those that have the name of one and are none, by name, with why.
    pub unusable: Vec<(Entry, ImageProblem)>,
}

/// Why the entries are not in order.
#[derive(Debug, thiserror::Error)]
pub enum EspError {
    /// The folder cannot be listed.
    #[error("list {path}: {error}")]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The entry that runs is not there.
    #[error("find the entry of slot `{slot}` among {found:?} in {path}")]
    Running {
        /// The slot that the kernel's command line names.
        slot: String,
        /// The entries that are there.
        found: Vec<String>,
        /// The folder.
        path: PathBuf,
    },
    /// There are more entries than two slots have.
    #[error("find the other slot: {found:?} in {path} are more than two")]
    Many {
        /// The entries that are there.
        found: Vec<String>,
        /// The folder.
        path: PathBuf,
    },
    /// A file of that name is there. To rename over it would free its clusters, which after a loss of power
    /// may be those of the file that is renamed.
    #[error("rename {from} to {to}: {to} is there as well")]
    Exists {
        /// The name before.
        from: String,
        /// The name after.
        to: String,
    },
    /// A rename was not done, or may not be on the disk.
    #[error("rename {from} to {to}: {error}")]
    Rename {
        /// The name before.
        from: String,
        /// The name after.
        to: String,
        /// Why.
        error: io::Error,
    },
}

impl Esp {
    pub(crate) fn folder(&self) -> PathBuf {
        self.0.join(FOLDER)
    }

    /// All images.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn list(&self) -> Result<Listing, EspError> {
        let failed = |error| EspError::List { path: self.folder(), error };
        #[expect(clippy::disallowed_methods, reason = "sorted below")]
        let list = fs::read_dir(self.folder()).map_err(failed)?;
        let mut listing = Listing::default();
        for file in list {
            let file = file.map_err(failed)?;
            let named = file.file_name();
            let named = named.to_str().and_then(|name| Entry::parse(name, Release::default()));
            let Some(entry) = named else { continue };
            match Release::read(&file.path()) {
                Ok(release) => listing.entries.push(Entry { release, ..entry }),
                Err(problem) => listing.unusable.push((entry, problem)),
            }
        }
        listing.entries.sort_by(|a, b| a.file.cmp(&b.file));
        listing.unusable.sort_by(|(a, _), (b, _)| a.file.cmp(&b.file));
        Ok(listing)
    }

    /// The entry of this slot, whose name is the slot or ends with `-` or `_` and the slot, and the
    /// other one. Of several files of one name, which [`Esp::mend`] could not mend, the one that the
    /// loader prefers.
    ///
    /// # Errors
    /// There is no such entry, or there are more than two.
    pub fn slots(&self, slot: &str) -> Result<Slots, EspError> {
        let Listing { mut entries, unusable } = self.list()?;
        let all = entries.iter().chain(unusable.iter().map(|(entry, _)| entry));
        let mut found: Vec<_> = all.map(|entry| entry.file.clone()).collect();
        found.sort();
        entries.sort_by(|a, b| a.stem.cmp(&b.stem).then_with(|| a.preference(b)));
        entries.dedup_by(|next, kept| next.stem == kept.stem);
        if entries.len() > 2 {
            return Err(EspError::Many { found, path: self.folder() });
        }
        let is_running = |entry: &Entry| {
            let before = entry.stem.strip_suffix(slot);
            before.is_some_and(|before| before.is_empty() || before.ends_with(['-', '_']))
        };
        let (mut running, mut others): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_running);
        match (running.pop(), running.is_empty()) {
            (Some(running), true) => Ok(Slots { running, other: others.pop() }),
            _ => Err(EspError::Running { slot: slot.to_owned(), found, path: self.folder() }),
        }
    }

    /// Renames entries one after the other, each on the disk before the next.
    ///
    /// # Errors
    /// The first that fails; those before it are done.
    pub fn rename(&self, renames: &[(Entry, Entry)]) -> Result<(), EspError> {
        let folder = self.folder();
        for (Entry { file: from, .. }, Entry { file: to, .. }) in renames {
            let (from, to) = (from.clone(), to.clone());
            if folder.join(&to).exists() {
                return Err(EspError::Exists { from, to });
            }
            fs::rename(folder.join(&from), folder.join(&to))
                .and_then(|()| synced(&folder))
                .map_err(|error| EspError::Rename { from, to, error })?;
        }
        Ok(())
    }
}

/// Puts on the disk what a folder's entries are, and where their files lie: FAT keeps its table apart.
pub(crate) fn synced(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    folder.sync_all()?;
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::release::tests::{image, release};
    use crate::switch;

    /// A system partition with images of these names and versions.
    pub(crate) fn esp(files: &[(&str, &str)]) -> (tempfile::TempDir, Esp) {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join(FOLDER)).expect("made");
        for (file, version) in files {
            let image = image(&release(version));
            fs::write(root.path().join(FOLDER).join(file), image).expect("written");
        }
        let esp = Esp(root.path().to_path_buf());
        (root, esp)
    }

    pub(crate) fn names(esp: &Esp) -> Vec<String> {
        let listing = esp.list().expect("listed");
        let all = listing.entries.iter().chain(listing.unusable.iter().map(|(entry, _)| entry));
        let mut names: Vec<_> = all.map(|entry| entry.file.clone()).collect();
        names.sort();
        names
    }

    #[test]
    fn slots_are_found_as_the_composer_names_them_switched_and_marked() {
        let (_root, esp) = esp(&[("camera-a+2-1.efi", "1.0.0"), ("camera-b+3.efi", "1.0.0~b")]);
        fs::write(esp.folder().join("readme.txt"), "").expect("written");
        let mut slots = esp.slots("a").expect("found");
        assert_eq!(slots.running.file, "camera-a+2-1.efi");
        let good = crate::decide::mark_good(&slots).expect("on trial");
        esp.rename(std::slice::from_ref(&good)).expect("renamed");
        assert_eq!(names(&esp), ["camera-a+3-0.efi", "camera-b+3.efi"]);
        slots = esp.slots("a").expect("found");
        esp.rename(&switch(&slots).expect("safe")).expect("renamed");
        assert_eq!(names(&esp), ["camera-a+0-0.efi", "camera-b+3-0.efi"]);
        let kept = fs::read(esp.folder().join("camera-b+3-0.efi")).expect("read");
        assert_eq!(kept, image(&release("1.0.0~b")), "the image is the same");
        let error = esp.rename(&[good]).expect_err("it is gone").to_string();
        assert!(error.starts_with("rename camera-a+2-1.efi to camera-a+3-0.efi: "), "{error}");
        let slots = esp.slots("a").expect("found");
        let other = slots.other.expect("there");
        let error = esp.rename(&[(slots.running, other)]).expect_err("it is there").to_string();
        assert!(error.ends_with("camera-b+3-0.efi is there as well"), "{error}");
    }

    #[test]
    fn what_is_not_clear_is_named() {
        let (_root, unclear) = esp(&[("g-a.efi", "1"), ("h-a.efi", "1")]);
        let error = unclear.slots("a").expect_err("two").to_string();
        assert!(
            error.starts_with("find the entry of slot `a` among [\"g-a.efi\", \"h-a.efi\"]"),
            "{error}"
        );
        let (_root, none) = esp(&[("ga.efi", "1")]);
        assert!(matches!(none.slots("a"), Err(EspError::Running { .. })));
        let (_root, many) = esp(&[("a.efi", "1"), ("b.efi", "1"), ("c.efi", "1")]);
        assert!(matches!(many.slots("a"), Err(EspError::Many { .. })));
        let gone = Esp(PathBuf::from("/nonexistent"));
        assert!(matches!(gone.slots("a"), Err(EspError::List { .. })));
    }

    #[test]
    fn an_image_that_is_none_is_named_and_leaves_the_running_one_alone() {
        let (_root, esp) = esp(&[("g-a+2-1.efi", "1")]);
        fs::write(esp.folder().join("g-b+3.efi"), "MZ").expect("written");
        let slots = esp.slots("a").expect("found");
        assert_eq!((&slots.running.file[..], slots.other), ("g-a+2-1.efi", None));
        let unusable = esp.list().expect("listed").unusable;
        let [(entry, problem)] = &unusable[..] else { panic!("{unusable:?}") };
        assert_eq!(entry.file, "g-b+3.efi");
        assert!(problem.to_string().starts_with("read 64 bytes at 0x0: "), "{problem}");
        assert!(matches!(esp.slots("b"), Err(EspError::Running { .. })));
    }
}
