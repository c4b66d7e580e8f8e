//! SenML packs (RFC 8428, section 5: the JSON representation), a line each, written record by
//! record through a buffer that holds only one.

use core::fmt::{self, Write as _};

use embassy_time::Instant;
use embedded_io_async::Write;
use heapless::String;
use tarsia_sensor::{ErrorKind, Milli, Reading};

/// The longest record: the base name (80 bytes, all of them escaped), the sensor's name and unit,
/// time, value and keys.
const RECORD: usize = 320;

/// Readings on their way.
pub(crate) struct Pack<'a> {
    pub name: &'a str,
    pub decimals: u32,
    pub readings: &'a [Reading],
}

/// Why a pack was not sent.
#[derive(Debug)]
pub(crate) struct SendError;

impl Pack<'_> {
    /// Sends the pack. Without readings it is the empty line, as a pack has at least one record.
    pub async fn send(&self, wire: &mut impl Write) -> Result<(), SendError> {
        let now = Instant::now();
        let mut record = String::<RECORD>::new();
        for (index, reading) in self.readings.iter().enumerate() {
            record.clear();
            self.record(&mut record, index, reading, now).map_err(|fmt::Error| SendError)?;
            wire.write_all(record.as_bytes()).await.map_err(|_| SendError)?;
        }
        let end: &[u8] = if self.readings.is_empty() { b"\r\n" } else { b"]\r\n" };
        wire.write_all(end).await.map_err(|_| SendError)
    }

    fn record(
        &self,
        out: &mut impl fmt::Write,
        index: usize,
        reading: &Reading,
        now: Instant,
    ) -> fmt::Result {
        if index == 0 {
            // The base name holds for the records that follow (section 4.1).
            write!(out, "[{{\"bn\":\"{}\",", Json(self.name))?;
        } else {
            out.write_str(",{")?;
        }
        let Reading { name, unit, at, value } = reading;
        match value {
            Ok(value) => {
                let decimals = self.decimals as usize;
                write!(out, "\"n\":\"{name}\",\"u\":\"{unit}\",\"v\":{value:.decimals$}")?;
            }
            // SenML has no place for an error; a text under a name of its own is one.
            Err(kind) => write!(out, "\"n\":\"{name}/error\",\"vs\":\"{}\"", words(*kind))?,
        }
        // Seconds relative to the arrival of the pack (section 4.5.3), as the device has no clock
        // of the world; no time means "now".
        let age = now.saturating_duration_since(*at).as_millis();
        if age > 0 {
            write!(out, ",\"t\":{}", Milli(-i32::try_from(age).unwrap_or(i32::MAX)))?;
        }
        out.write_str("}")
    }
}

fn words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Peripheral => "peripheral",
        ErrorKind::NotReady => "not ready",
        ErrorKind::Saturated => "saturated",
        ErrorKind::InvalidInput => "invalid input",
        _ => "other",
    }
}

/// A text inside a JSON string (RFC 8259, section 7).
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '"' | '\\' => write!(f, "\\{c}"),
            '\0'..='\x1f' => write!(f, "\\u{:04x}", u32::from(c)),
            _ => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_time::Duration;
    use tarsia_test_clock::run_for;

    fn sent(name: &str, decimals: u32, readings: &[Reading]) -> std::string::String {
        let mut wire = [0u8; 512];
        let mut rest = &mut wire[..];
        let pack = Pack { name, decimals, readings };
        run_for(pack.send(&mut rest), Duration::MIN).expect("a buffer is ready").expect("it fits");
        let left = rest.len();
        std::string::String::from_utf8(wire[..512 - left].to_vec()).expect("UTF-8")
    }

    fn reading(value: Result<Milli, ErrorKind>) -> Reading {
        Reading { name: "temp", unit: "Cel", at: Instant::now(), value }
    }

    #[test]
    fn one_line_with_the_base_name_once() {
        let (low, high) = (reading(Ok(Milli(-1_250))), reading(Ok(Milli(23_000))));
        assert_eq!(
            sent("urn:dev:org:32473-x:", 3, &[low, high]),
            concat!(
                r#"[{"bn":"urn:dev:org:32473-x:","n":"temp","u":"Cel","v":-1.250},"#,
                r#"{"n":"temp","u":"Cel","v":23.000}]"#,
                "\r\n"
            )
        );
        assert_eq!(sent("x", 3, &[]), "\r\n");
    }

    #[test]
    fn an_error_is_said_in_words_and_an_old_reading_says_its_age() {
        let old = reading(Err(ErrorKind::NotReady));
        assert!(run_for(core::future::pending::<()>(), Duration::from_millis(1_250)).is_none());
        let text = sent("x:", 3, &[old]);
        assert_eq!(
            text,
            "[{\"bn\":\"x:\",\"n\":\"temp/error\",\"vs\":\"not ready\",\"t\":-1.25}]\r\n"
        );
    }

    #[test]
    fn values_are_rounded_to_the_precision() {
        for (milli, decimals, text) in [
            (21_449, 1, "21.4"),
            (21_450, 1, "21.5"),
            (-1_500, 0, "-2"),
            (i32::MAX, 3, "2147483.647"),
        ] {
            let text = format!("\"v\":{text}}}");
            assert!(sent("x", decimals, &[reading(Ok(Milli(milli)))]).contains(&text), "{text}");
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_string() {
        let text = sent("a\"\\\n", 3, &[reading(Ok(Milli(0)))]);
        assert!(text.starts_with(r#"[{"bn":"a\"\\\u000a","n""#), "{text}");
    }
}
