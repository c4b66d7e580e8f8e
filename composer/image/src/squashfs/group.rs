//! Which small files share a fragment, a block that is compressed as one (section 1, "tail-end packing").
//!
//! Filling each fragment to its end would let a small file that grows, comes or goes push the files after
//! it into other fragments, often for long, and all of those would have to be compressed anew. So a
//! fragment ends at one of the files in its last three eighths: at the one whose path has the smallest
//! digest. Where a fragment started then counts little, and soon after a change the ends are the same
//! again as before it. That makes a twelfth more fragments.

use std::ops::Range;

use tarsia_model::Blake3;

/// A small file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Small {
    /// Decides whether a fragment ends before it.
    mark: Blake3,
    /// Its size in bytes, less than a block.
    size: u64,
}

impl Small {
    /// A file by its path.
    pub fn new(path: &[u8], size: u64) -> Self {
        Self { mark: Blake3::of(path), size }
    }
}

/// Divides files into fragments of at most `block` bytes.
pub(super) fn groups(files: &[Small], block: u64) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    while start < files.len() {
        let end = end(&files[start..], block);
        groups.push(start..start + end);
        start += end;
    }
    groups
}

/// How many of the files the first fragment has.
fn end(files: &[Small], block: u64) -> usize {
    let mut filled = 0;
    let mut best: Option<(Blake3, usize)> = None;
    for (at, file) in files.iter().enumerate() {
        if at > 0 && filled >= block / 8 * 5 && best.is_none_or(|(mark, _)| file.mark < mark) {
            best = Some((file.mark, at));
        }
        filled += file.size;
        if filled > block && at > 0 {
            return best.map_or(at, |(_, at)| at);
        }
    }
    files.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 131_072;

    fn files(count: u32) -> Vec<Small> {
        (0..count)
            .map(|at| {
                let size = u64::from(at.wrapping_mul(2_654_435_761) >> 19) + 1;
                Small::new(format!("usr/share/{at}").as_bytes(), size)
            })
            .collect()
    }

    #[test]
    fn fragments_hold_all_files_and_are_well_filled() {
        let files = files(5_000);
        let groups = groups(&files, BLOCK);
        let sizes: Vec<u64> = groups
            .iter()
            .map(|group| files[group.clone()].iter().map(|file| file.size).sum())
            .collect();
        assert!(groups.iter().all(|group| !group.is_empty()));
        assert!(groups.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((groups[0].start, groups[groups.len() - 1].end), (0, files.len()));
        assert!(sizes.iter().all(|size| *size <= BLOCK));
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size > BLOCK / 2), "{sizes:?}");
        // As large as a block, and larger together than one.
        let large = [BLOCK, 1, BLOCK, BLOCK].map(|size| Small::new(b"x", size));
        assert_eq!(super::groups(&large, BLOCK), [0..1, 1..2, 2..3, 3..4]);
        assert_eq!(super::groups(&[], BLOCK), []);
    }

    /// What a fragment is compressed from is the same again soon after a file that came. Filling to the
    /// end disturbs 790 fragments instead.
    #[test]
    fn a_file_that_comes_disturbs_few_fragments() {
        let files = files(5_000);
        let ends = |files: &[Small]| -> Vec<Vec<Blake3>> {
            let marks = |group: Range<usize>| files[group].iter().map(|file| file.mark).collect();
            groups(files, BLOCK).into_iter().map(marks).collect()
        };
        let before = ends(&files);
        let mut disturbed = 0;
        let mut most = 0;
        for at in 0..100 {
            let mut files = files.clone();
            files.insert(at * 50, Small::new(format!("new {at}").as_bytes(), 3_000));
            let count = ends(&files).iter().filter(|group| !before.contains(group)).count();
            disturbed += count;
            most = most.max(count);
        }
        assert!(before.len() > 150, "{}", before.len());
        assert!((100..300).contains(&disturbed), "{disturbed} by 100 changes");
        assert!(most < 20, "{most} by one");
    }
}
