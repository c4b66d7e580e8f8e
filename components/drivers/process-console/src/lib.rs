//! The console of a process of a Linux product: its standard output, a line at a time, so that lines
//! of several processes do not mix.
#![forbid(unsafe_code)]

use std::io::{self, Write as _};

use embedded_io_async::{ErrorType, Write};

/// The longest line that is kept together, in bytes; a longer one goes out in pieces.
const LINE: usize = 4096;

/// The standard output.
#[derive(Debug, Default)]
pub struct Device {
    line: Vec<u8>,
}

/// The standard output of this process.
pub fn init() -> Device {
    Device::default()
}

impl ErrorType for Device {
    type Error = io::Error;
}

impl Device {
    /// Takes bytes; the ones to be written now, if any.
    fn take(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        // A terminal of Linux adds the carriage return itself.
        self.line.extend(bytes.iter().filter(|byte| **byte != b'\r'));
        let end = match self.line.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.line.len() >= LINE => self.line.len(),
            None => return None,
        };
        let rest = self.line.split_off(end);
        Some(std::mem::replace(&mut self.line, rest))
    }
}

impl Write for Device {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, io::Error> {
        if let Some(lines) = self.take(bytes) {
            io::stdout().write_all(&lines).and_then(|()| io::stdout().flush())?;
        }
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), io::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_out_whole() {
        let mut device = init();
        let mut out = Vec::new();
        for piece in ["[{\"bn\"", ":\"x\"}]\r", "\nab\nc", "d\n", "e"] {
            out.extend(
                device.take(piece.as_bytes()).map(|lines| String::from_utf8(lines).expect("UTF-8")),
            );
        }
        assert_eq!(out, ["[{\"bn\":\"x\"}]\nab\n", "cd\n"]);
        let long = device.take(&[b'x'; LINE]).expect("not kept for ever");
        assert_eq!(long.len(), LINE + 1);
    }
}
