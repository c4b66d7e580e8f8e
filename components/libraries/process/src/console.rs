//! Lines on the console: `[   1.234] network: text`, the time in seconds since the kernel started,
//! as the kernel's own lines have it.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::heart;

/// The time since the kernel started. It never goes back and knows nothing of the date.
pub fn uptime() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    // The monotonic clock of Linux starts at zero with the kernel.
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Writes one line to the console, in the name of this process. It is written at once and whole,
/// so that lines of several processes do not mix. A console that is gone is borne with: there is
/// nobody left to tell.
pub fn say(text: fmt::Arguments<'_>) {
    let line = line(uptime(), heart::name(), text);
    let _ = std::io::stderr().write_all(line.as_bytes());
}

fn line(now: Duration, name: &str, text: fmt::Arguments<'_>) -> String {
    let (seconds, millis) = (now.as_secs(), now.subsec_millis());
    let mut line = format!("[{seconds:4}.{millis:03}] {name}: {text}");
    // What a process says may hold what others sent: one line stays one line.
    line.retain(|c| !c.is_control());
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_it_says() {
        let now = Duration::from_millis(1_234);
        assert_eq!(line(now, "a", format_args!("b")), "[   1.234] a: b\n");
        let evil = line(now, "a", format_args!("b\n[   9.999] init: \x1b[2Jc"));
        assert_eq!(evil, "[   1.234] a: b[   9.999] init: [2Jc\n");
        let late = Duration::from_secs(1_000_000);
        assert_eq!(line(late, "a", format_args!("b")), "[1000000.000] a: b\n");
    }
}
