//! The way out for last words. A panic handler belongs to the architecture and a console to the
//! board; they meet here, so that neither knows the other.
#![cfg_attr(not(test), no_std)]

use core::cell::Cell;
use core::fmt;

use critical_section::Mutex;

/// Writes bytes without waiting for anything but the hardware, in any context: interrupts may be
/// disabled, and the console's owner may have been stopped in the middle of a line.
pub type Writer = fn(base: usize, bytes: &[u8]);

static OUTPUT: Mutex<Cell<Option<(Writer, usize)>>> = Mutex::new(Cell::new(None));

/// Called by a console driver's `init`: last words go through `writer`, which gets `base`, the
/// address of its registers.
pub fn register(writer: Writer, base: usize) {
    critical_section::with(|cs| OUTPUT.borrow(cs).set(Some((writer, base))));
}

/// Writes last words, followed by the end of the line, to the registered writer; to nowhere if
/// there is none. It takes the writer away: words that fail to be written are not written about.
pub fn say(words: fmt::Arguments<'_>) {
    if let Some((writer, base)) = critical_section::with(|cs| OUTPUT.borrow(cs).take()) {
        let mut output = Output { writer, base };
        // `Output` does not fail, and what fails to format has no better place to go.
        let _ = fmt::write(&mut output, format_args!("\r\n{words}\r\n"));
    }
}

struct Output {
    writer: Writer,
    base: usize,
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.writer)(self.base, text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as StdMutex;

    static WRITTEN: StdMutex<Vec<(usize, Vec<u8>)>> = StdMutex::new(Vec::new());

    #[test]
    fn the_first_words_are_written_and_no_more() {
        say(format_args!("nobody listens"));
        register(
            |base, bytes| {
                WRITTEN.lock().expect("no panic").push((base, bytes.to_vec()));
            },
            42,
        );
        say(format_args!("panicked at {}", 7));
        say(format_args!("again"));
        let written = WRITTEN.lock().expect("no panic");
        assert!(written.iter().all(|(base, _)| *base == 42));
        let text: Vec<u8> = written.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(text, b"\r\npanicked at 7\r\n");
    }
}
