//! How a record looks on the console: `12.345 warn supervisor: text`, the time in seconds since
//! start. A line has a fixed size; what does not fit is cut, and the cut is shown.

use core::fmt::{self, Write};

use embassy_time::Instant;
use heapless::String;
use log::{Level, Record};

/// Bytes of a line, its end included.
const SIZE: usize = 120;
const CUT: &str = "...";
const END: &str = "\r\n";

/// One line of the console.
pub(crate) type Line = String<SIZE>;

/// The line of a record.
pub(crate) fn record(record: &Record<'_>) -> Line {
    let level = match record.level() {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    line(format_args!("{level} {}: {}", record.target(), record.args()))
}

/// The line of how many records were lost.
pub(crate) fn lost(records: u32) -> Line {
    line(format_args!("warn log: {records} records lost, the queue was full"))
}

fn line(text: fmt::Arguments<'_>) -> Line {
    let now = Instant::now().as_millis();
    let mut cutting = Cutting(Line::new());
    let whole = write!(cutting, "{}.{:03} {text}", now / 1000, now % 1000);
    let mut line = cutting.0;
    // Both fit: `Cutting` leaves room for them.
    if whole.is_err() {
        let _ = line.push_str(CUT);
    }
    let _ = line.push_str(END);
    line
}

/// A line that takes as many characters as leave room for its end.
struct Cutting(Line);

impl Write for Cutting {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = SIZE - CUT.len() - END.len() - self.0.len();
        let fits = &text[..text.floor_char_boundary(room)];
        self.0.push_str(fits).map_err(|_| fmt::Error)?;
        if fits.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(text: &str) -> Line {
        let text = format_args!("{text}");
        record(&Record::builder().level(Level::Warn).target("a").args(text).build())
    }

    #[test]
    fn short_records_are_whole() {
        assert_eq!(logged("b"), "0.000 warn a: b\r\n");
    }

    #[test]
    fn long_records_are_cut_between_characters() {
        for spare in 0..4 {
            let line = logged(&format!("{}{}", "x".repeat(spare), "ä".repeat(100)));
            assert!(line.ends_with("ä...\r\n"), "{line}");
            assert!(line.len() > SIZE - 2, "{}", line.len());
        }
    }
}
