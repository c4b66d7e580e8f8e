//! What a load works with: the files, what an earlier load found, and since when it looks. What is
//! as it was is not looked at again.

use std::io;
use std::sync::OnceLock;

use crate::files::{Files, Home, Mark, Stat};
use crate::snapshot::Past;

/// The time by the clock of the file system, in nanoseconds since 1970; none when there is no
/// telling, and then nothing that is read counts as settled.
pub type Clock<'c> = &'c (dyn Fn() -> Option<i64> + Sync);

pub(crate) struct Survey<'s, F> {
    pub(crate) files: &'s F,
    pub(crate) past: &'s Past,
    clock: Clock<'s>,
    start: OnceLock<Option<i64>>,
}

impl<'s, F: Files> Survey<'s, F> {
    pub(crate) const fn new(files: &'s F, past: &'s Past, clock: Clock<'s>) -> Self {
        Self { files, past, clock, start: OnceLock::new() }
    }

    /// When this load began to look at what may have changed; asked for before the first look.
    pub(crate) fn start(&self) -> Option<i64> {
        *self.start.get_or_init(self.clock)
    }

    /// What stands at a path, taken before its content is: what changes later has another mark.
    pub(crate) fn stat(&self, path: &str, home: &Home) -> io::Result<Stat> {
        self.start();
        self.files.stat(path, home)
    }

    /// The mark, if it is sure to change with what it marks.
    pub(crate) fn settled(&self, mark: Mark) -> Option<Mark> {
        self.start().filter(|start| mark.is_settled(*start)).map(|_| mark)
    }
}
