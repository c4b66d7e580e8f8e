//! The one cursor that gives out blocks, in ascending order, around what the geometry has reserved. So a
//! block is in use exactly when it lies before the cursor or is reserved.

/// Neighbouring blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    /// The first.
    pub(super) start: u64,
    /// How many.
    pub(super) count: u64,
}

impl Run {
    /// The block after the last.
    pub(super) const fn end(self) -> u64 {
        self.start + self.count
    }
}

/// Gives out blocks. It knows no end: whoever places finds out afterwards whether all of it fits.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    at: u64,
    /// What lies ahead, sorted and apart.
    reserved: &'a [Run],
}

impl<'a> Cursor<'a> {
    /// The block after the last that was given out.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// From the first block on that is not in `reserved`, whose runs are sorted and apart.
    pub(super) const fn new(reserved: &'a [Run]) -> Self {
        Self { at: 0, reserved }
    }

    /// The next blocks, at most `limit`, in one run.
    fn next(&mut self, limit: u64) -> Run {
        while let Some((first, rest)) = self.reserved.split_first() {
            if first.start > self.at {
                break;
            }
            self.at = self.at.max(first.end());
            self.reserved = rest;
        }
        let room = self.reserved.first().map_or(u64::MAX, |next| next.start - self.at);
        let run = Run { start: self.at, count: limit.min(room) };
        self.at = run.end();
        run
    }

    /// The next `count` blocks, in as few runs as there can be.
    pub(super) fn take(&mut self, count: u64) -> impl Iterator<Item = Run> + use<'_, 'a> {
        let mut left = count;
        std::iter::from_fn(move || {
            let run = (left > 0).then(|| self.next(left))?;
            left -= run.count;
            Some(run)
        })
    }

    /// The next block.
    pub(super) fn take_one(&mut self) -> u64 {
        self.next(1).start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_around_what_is_reserved() {
        let run = |start, count| Run { start, count };
        let reserved = [run(0, 2), run(2, 1), run(5, 2), run(9, 1)];
        let mut cursor = Cursor::new(&reserved);
        assert_eq!(cursor.take_one(), 3);
        assert_eq!(cursor.take(4).collect::<Vec<_>>(), [run(4, 1), run(7, 2), run(10, 1)]);
        assert_eq!(cursor.take(0).count(), 0);
        assert_eq!(cursor.take(9).collect::<Vec<_>>(), [run(11, 9)]);
    }
}
