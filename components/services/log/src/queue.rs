//! Lines on their way to the console. Putting one never waits, so that interrupts may log; what
//! finds the queue full is counted, and the count is a line too.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;

use crate::line::{self, Line};

/// Lines that wait at most: a start of the image, when every component may have something to say.
const LINES: usize = 8;

/// A queue of lines.
pub(crate) struct Queue {
    lines: Channel<CriticalSectionRawMutex, Line, LINES>,
    lost: AtomicU32,
}

impl Queue {
    pub const fn new() -> Self {
        Self { lines: Channel::new(), lost: AtomicU32::new(0) }
    }

    /// Puts a line, or counts it as lost.
    pub fn put(&self, line: Line) {
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// The next line; after the last one that waits, the number of those lost.
    pub async fn next(&self) -> Line {
        if let Ok(line) = self.lines.try_receive() {
            return line;
        }
        match self.lost.swap(0, Relaxed) {
            0 => self.lines.receive().await,
            lost => line::lost(lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_time::Duration;
    use tarsia_test_clock::run_for;

    #[test]
    fn nothing_is_lost_without_a_word() {
        let queue = Queue::new();
        for n in 0..LINES + 5 {
            queue.put(Line::try_from(n.to_string().as_str()).expect("short"));
        }
        let next = || run_for(queue.next(), Duration::MIN);
        for n in 0..LINES {
            assert_eq!(next().as_deref(), Some(n.to_string().as_str()));
        }
        assert!(next().expect("a line").contains("5 records lost"));
        assert_eq!(next(), None);
    }
}
