//! What part of the panel's memory a drawing operation touched.

use crate::{SIZE, STRIDE};

/// A range of byte columns and one of rows, both inclusive; of nothing, if a first exceeds a last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) columns: (usize, usize),
    pub(crate) rows: (usize, usize),
}

impl Window {
    pub(crate) const ALL: Self =
        Self { columns: (0, STRIDE - 1), rows: (0, SIZE.height as usize - 1) };
    pub(crate) const NONE: Self = Self { columns: (usize::MAX, 0), rows: (usize::MAX, 0) };

    /// Grows the window to hold this byte.
    pub(crate) fn include(&mut self, column: usize, row: usize) {
        let grow = |(first, last): (usize, usize), at: usize| (first.min(at), last.max(at));
        self.columns = grow(self.columns, column);
        self.rows = grow(self.rows, row);
    }
}
