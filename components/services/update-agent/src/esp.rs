//! The entries on the EFI system partition, found and renamed.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use crate::{Entry, Slots};

/// The folder of unified kernel images (Boot Loader Specification, "Type #2").
const FOLDER: &str = "EFI/Linux";

/// A mounted EFI system partition.
#[derive(Clone, Debug)]
pub struct Esp(pub PathBuf);

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
    fn folder(&self) -> PathBuf {
        self.0.join(FOLDER)
    }

    /// All entries, by name.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn entries(&self) -> Result<Vec<Entry>, EspError> {
        let failed = |error| EspError::List { path: self.folder(), error };
        #[expect(clippy::disallowed_methods, reason = "sorted below")]
        let list = fs::read_dir(self.folder()).map_err(failed)?;
        let mut entries = Vec::new();
        for file in list {
            let name = file.map_err(failed)?.file_name();
            entries.extend(name.to_str().and_then(Entry::parse));
        }
        entries.sort_by(|a, b| a.stem.cmp(&b.stem));
        Ok(entries)
    }

    /// The entry of this slot, whose name is the slot or ends with `-` or `_` and the slot, and the
    /// other one.
    ///
    /// # Errors
    /// There is no such entry, or there are more than two.
    pub fn slots(&self, slot: &str) -> Result<Slots, EspError> {
        let entries = self.entries()?;
        let found = || entries.iter().map(ToString::to_string).collect();
        if entries.len() > 2 {
            return Err(EspError::Many { found: found(), path: self.folder() });
        }
        let is_running = |entry: &&Entry| {
            let before = entry.stem.strip_suffix(slot);
            before.is_some_and(|before| before.is_empty() || before.ends_with(['-', '_']))
        };
        let mut running = entries.iter().filter(is_running);
        match (running.next(), running.next()) {
            (Some(running), None) => {
                let other = entries.iter().find(|entry| *entry != running).cloned();
                Ok(Slots { running: running.clone(), other })
            }
            _ => Err(EspError::Running {
                slot: slot.to_owned(),
                found: found(),
                path: self.folder(),
            }),
        }
    }

    /// Renames entries one after the other, each on the disk before the next.
    ///
    /// # Errors
    /// The first that fails; those before it are done.
    pub fn rename(&self, renames: &[(Entry, Entry)]) -> Result<(), EspError> {
        let folder = self.folder();
        for (from, to) in renames {
            let (from, to) = (from.to_string(), to.to_string());
            let renamed = fs::rename(folder.join(&from), folder.join(&to));
            renamed
                .and_then(|()| File::open(&folder)?.sync_all())
                // FAT keeps its table apart from its folders.
                .and_then(|()| Ok(rustix::fs::syncfs(File::open(&folder)?)?))
                .map_err(|error| EspError::Rename { from, to, error })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switch;

    fn esp(files: &[&str]) -> (tempfile::TempDir, Esp) {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join(FOLDER)).expect("made");
        for file in files {
            fs::write(root.path().join(FOLDER).join(file), file).expect("written");
        }
        let esp = Esp(root.path().to_path_buf());
        (root, esp)
    }

    fn names(esp: &Esp) -> Vec<String> {
        esp.entries().expect("listed").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn slots_are_found_switched_and_marked() {
        let (_root, esp) = esp(&["g-a.efi", "g-b+0-3.efi", "readme.txt"]);
        let slots = esp.slots("a").expect("found");
        assert_eq!(slots.running.to_string(), "g-a.efi");
        esp.rename(&switch(&slots).expect("safe")).expect("renamed");
        assert_eq!(names(&esp), ["g-a.efi", "g-b+3-0.efi"]);
        let kept = fs::read(esp.folder().join("g-b+3-0.efi")).expect("read");
        assert_eq!(kept, b"g-b+0-3.efi", "the image is the same");
        let slots = esp.slots("b").expect("found");
        let good = crate::decide::mark_good(&slots).expect("on trial");
        esp.rename(std::slice::from_ref(&good)).expect("renamed");
        assert_eq!(names(&esp), ["g-a.efi", "g-b.efi"]);
        let error = esp.rename(&[good]).expect_err("it is gone");
        assert!(error.to_string().starts_with("rename g-b+3-0.efi to g-b.efi: "), "{error}");
    }

    #[test]
    fn what_is_not_clear_is_named() {
        let (_root, unclear) = esp(&["g-a.efi", "h-a.efi"]);
        let error = unclear.slots("a").expect_err("two").to_string();
        assert!(
            error.starts_with("find the entry of slot `a` among [\"g-a.efi\", \"h-a.efi\"]"),
            "{error}"
        );
        let (_root, none) = esp(&["ga.efi"]);
        assert!(matches!(none.slots("a"), Err(EspError::Running { .. })));
        let (_root, many) = esp(&["a.efi", "b.efi", "c.efi"]);
        assert!(matches!(many.slots("a"), Err(EspError::Many { .. })));
        let gone = Esp(PathBuf::from("/nonexistent"));
        assert!(matches!(gone.slots("a"), Err(EspError::List { .. })));
    }
}
