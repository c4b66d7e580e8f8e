//! What is worth a line on the console.

use std::fmt;

/// Something that happened to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is ready.
    Ready,
    /// It did what it was for.
    Done,
    /// It failed, and is started again after so many milliseconds.
    Failed { why: String, wait_ms: u64 },
    /// It was started again, for the so-manieth time.
    Restarted(u32),
    /// It failed once too often.
    GivenUp { why: String, restarts: u32 },
    /// It has not started and never will, as it waits for one that was given up.
    Orphaned { after: usize },
    /// It was killed as the product shuts down, and is there still.
    Stuck,
}

/// An event with names in place of indices.
pub(crate) struct Line<'a> {
    pub name: &'a str,
    pub event: &'a Event,
    pub names: &'a dyn Fn(usize) -> &'static str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match self.event {
            Event::Ready => write!(f, "{name} ready"),
            Event::Done => write!(f, "{name} done"),
            Event::Failed { why, wait_ms } => {
                write!(f, "{name} {why}; restart in {wait_ms} ms")
            }
            Event::Restarted(count) => write!(f, "{name} started again (restart {count})"),
            Event::GivenUp { why, restarts: 0 } => write!(f, "{name} {why}; given up"),
            Event::GivenUp { why, restarts } => {
                write!(f, "{name} {why}; given up after {restarts} restarts in a row")
            }
            Event::Stuck => write!(f, "{name} does not end, though killed; going on"),
            Event::Orphaned { after } => {
                let after = (self.names)(*after);
                write!(f, "{name} is not started: it waits for {after}, which was given up")
            }
        }
    }
}
