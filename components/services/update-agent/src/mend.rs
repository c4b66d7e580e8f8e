//! Puts right what a loss of power can leave of a rename on FAT, which writes the new name before it
//! removes the old: two files of one entry. One may be empty, or both are of the same clusters.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::esp::{Listing, synced};
use crate::{Counters, Entry, Esp, EspError, Release};

/// Bytes that are copied at a time.
const STEP: usize = 64 << 10;

impl Esp {
    /// Leaves one file of each entry, if it can; what was done, or could not be, in words.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn mend(&self) -> Result<Vec<String>, EspError> {
        let Listing { entries, unusable } = self.list()?;
        let mut told = Vec::new();
        let mut groups: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            groups.entry(entry.stem.clone()).or_default().push(entry);
        }
        for (entry, problem) in &unusable {
            told.push(format!("{} is no image: {problem}", entry.file));
            // Without another it is all there is of its slot; whoever repairs it may want it.
            if groups.contains_key(&entry.stem) {
                told.push(self.remove(entry));
            }
        }
        for twins in groups.values().filter(|group| group.len() > 1) {
            match self.copy(twins) {
                Ok(done) => {
                    told.push(done);
                    told.extend(twins.iter().map(|twin| self.remove(twin)));
                }
                Err(error) => {
                    let names: Vec<_> = twins.iter().map(|twin| &twin.file).collect();
                    told.push(format!("failed to make one file of {names:?}: {error}"));
                    continue;
                }
            }
            told.extend(self.settle(twins).err().map(|error| format!("failed to {error}")));
        }
        Ok(told)
    }

    fn remove(&self, entry: &Entry) -> String {
        let folder = self.folder();
        match fs::remove_file(folder.join(&entry.file)).and_then(|()| synced(&folder)) {
            Ok(()) => format!("removed {}, of which there was another", entry.file),
            Err(error) => format!("failed to remove {}: {error}", entry.file),
        }
    }

    /// Makes a file of its own clusters of files that may share theirs: to remove one of them, or to rename
    /// over it, would free the clusters of the other. While it is incomplete it counts as bad.
    fn copy(&self, twins: &[Entry]) -> io::Result<String> {
        let folder = self.folder();
        let copy = copy_of(twins);
        let from = folder.join(&twins[0].file);
        let to = folder.join(&copy.file);
        let copied = contents(&from, &to).and_then(|()| synced(&folder)).and_then(|()| {
            Release::read(&to).map_err(|problem| io::Error::other(problem.to_string()))
        });
        if let Err(error) = copied {
            // What is left of it is seen, and removed, at the next start if not now.
            let _ = fs::remove_file(&to);
            return Err(error);
        }
        Ok(format!("copied {} to {}: a rename was cut short", twins[0].file, copy.file))
    }

    /// Gives the copy the counters that it is to have, once the others are gone.
    fn settle(&self, twins: &[Entry]) -> Result<(), EspError> {
        let copy = copy_of(twins);
        // The fewer tries: if the loader was cut short while it counted, again and again, more would be
        // tries without end of a slot that cannot start.
        let counters = twins.iter().filter_map(|twin| twin.counters);
        let fewest = counters.min_by_key(|counters| (counters.left, u32::MAX - counters.done));
        let settled = copy.counted(fewest.unwrap_or(Counters::FRESH));
        if settled.file == copy.file || self.folder().join(&settled.file).exists() {
            return Ok(());
        }
        self.rename(&[(copy, settled)])
    }
}

/// Named as a bad entry, and as none of them.
fn copy_of(twins: &[Entry]) -> Entry {
    let done = twins.iter().filter_map(|twin| twin.counters).map(|counters| counters.done).max();
    // Above what the loader counts to; those of an earlier copy that was cut short are removed first.
    twins[0].counted(Counters { left: 0, done: done.unwrap_or(0).saturating_add(1) })
}

fn contents(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create_new(to)?);
    let mut bytes = vec![0; STEP];
    loop {
        match from.read(&mut bytes)? {
            0 => return to.sync_all(),
            count => to.write_all(&bytes[..count])?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esp::tests::{esp, names};
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn of_two_files_of_one_entry_the_empty_one_goes() {
        let (_root, esp) = esp(&[("g-a+2-1.efi", "1"), ("g-b+3.efi", "1~b")]);
        let folder = esp.folder();
        fs::write(folder.join("g-a+3-0.efi"), "").expect("written");
        let told = esp.mend().expect("listed");
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[1], "removed g-a+3-0.efi, of which there was another");
        assert_eq!(names(&esp), ["g-a+2-1.efi", "g-b+3.efi"]);
        assert_eq!(esp.mend().expect("listed"), [""; 0], "all is well");
        // All that there is of a slot stays, and is told each time.
        fs::write(folder.join("g-b+3.efi"), "").expect("written");
        for _ in 0..2 {
            assert_eq!(esp.mend().expect("listed").len(), 1);
        }
    }

    #[test]
    fn two_that_may_share_their_clusters_become_one_of_its_own_with_the_fewer_tries() {
        for (twins, left) in [
            (["g-a+2-1.efi", "g-a+3-0.efi"], "g-a+2-1.efi"),
            (["g-a+0-3.efi", "g-a+1-2.efi"], "g-a+0-3.efi"),
            (["g-a+0-0.efi", "g-a+3-0.efi"], "g-a+0-0.efi"),
            (["g-a+3-0.efi", "g-a.efi"], "g-a+3-0.efi"),
        ] {
            let (_root, esp) = esp(&[(twins[0], "1"), ("g-b+3.efi", "1~b")]);
            let folder = esp.folder();
            let whole = fs::read(folder.join(twins[0])).expect("read");
            // A hard link is on other file systems what cross-linked files are on FAT.
            fs::hard_link(folder.join(twins[0]), folder.join(twins[1])).expect("linked");
            let shared = fs::metadata(folder.join(twins[0])).expect("there").ino();
            // The rest of a copy that was cut short.
            fs::write(folder.join("g-a+0-9.efi"), &whole[..whole.len() - 1]).expect("written");
            esp.mend().expect("listed");
            assert_eq!(names(&esp), [left, "g-b+3.efi"]);
            assert_eq!(fs::read(folder.join(left)).expect("read"), whole);
            assert_ne!(fs::metadata(folder.join(left)).expect("there").ino(), shared);
        }
    }
}
