//! Where inodes go in a run of them. An inode may cross from one block into the next, but the tail of
//! its content beside it may not (`erofs_map_blocks_flatmode` of Linux refuses that); what is left free
//! before a tail that had to wait for a block is given to later inodes.

use std::collections::BTreeSet;

use super::disk::{BLOCK, SLOT};

/// Longest tail in bytes that [`Room::place`] takes: an inode cannot be put nearer before the start of
/// a block than a slot.
pub const LONGEST_TAIL: u64 = BLOCK - SLOT;

/// Places in a run that starts with a block.
#[derive(Debug)]
pub struct Room {
    end: u64,
    /// What was left free before the end: size and start.
    gaps: BTreeSet<(u64, u64)>,
}

impl Room {
    /// A run whose first bytes are taken already.
    pub fn after(taken: u64) -> Self {
        Self { end: taken, gaps: BTreeSet::new() }
    }

    /// Size in bytes of what was given.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Where an inode of `head` bytes goes, that has `tail` bytes of content directly after it; from the
    /// start of the run.
    pub fn place(&mut self, head: u64, tail: u64) -> u64 {
        debug_assert!(tail <= LONGEST_TAIL, "{tail} bytes are no tail");
        let size = head + tail;
        let found = self.gaps.range((size, 0)..).find_map(|(free, start)| {
            let at = fit(*start, head, tail);
            (at + size <= start + free).then_some((*free, *start, at))
        });
        let (start, at, end) = match found {
            Some((free, start, at)) => {
                self.gaps.remove(&(free, start));
                (start, at, start + free)
            }
            None => (self.end, fit(self.end, head, tail), u64::MAX),
        };
        self.free(start, at);
        if end == u64::MAX {
            self.end = at + size;
        } else {
            self.free(at + size, end);
        }
        at
    }

    fn free(&mut self, start: u64, end: u64) {
        let start = start.next_multiple_of(SLOT);
        if end >= start + SLOT {
            self.gaps.insert((end - start, start));
        }
    }
}

/// The first place from `start` on where the tail is in one block.
fn fit(start: u64, head: u64, tail: u64) -> u64 {
    let at = start.next_multiple_of(SLOT);
    if tail == 0 || (at + head) % BLOCK + tail <= BLOCK {
        return at;
    }
    ((at + head).next_multiple_of(BLOCK) - head).next_multiple_of(SLOT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_overlaps_and_no_tail_crosses_a_block(
            taken in 0u64..5_000,
            sizes in proptest::collection::vec((32u64..9_000, 0..=LONGEST_TAIL), 0..200),
        ) {
            let mut room = Room::after(taken);
            let mut given = vec![(0, taken)];
            for (head, tail) in sizes {
                let at = room.place(head, tail);
                prop_assert!(at.is_multiple_of(SLOT));
                let (first, last) = (at + head, (at + head + tail).saturating_sub(1));
                prop_assert!(tail == 0 || first / BLOCK == last / BLOCK);
                given.push((at, at + head + tail));
            }
            given.sort_unstable();
            prop_assert!(given.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{given:?}");
            prop_assert_eq!(given.last().map(|last| last.1), Some(room.end()));
        }
    }

    #[test]
    fn gaps_are_given_again() {
        let mut room = Room::after(0);
        assert_eq!(room.place(32, 2_000), 0);
        assert_eq!(room.place(32, 3_000), 4_064, "the tail waits for the second block");
        assert_eq!(room.place(32, 1_968), 2_048, "and what is before it is not lost");
        assert_eq!(room.end(), 4_064 + 32 + 3_000);
    }
}
