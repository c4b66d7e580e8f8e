//! Spans of time in manifests (`500ms`, `10s`, `5min`, `1h`), in whole milliseconds: the resolution
//! of the 1 kHz ticks that every kernel flavour supplies.

use std::fmt;
use std::str::FromStr;

/// A number of milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];

impl FromStr for Millis {
    type Err = String;

    /// The error is what to write instead.
    fn from_str(text: &str) -> Result<Self, String> {
        let usage =
            || "write a whole number with a unit: `500ms`, `10s`, `5min` or `1h`".to_owned();
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = (&trimmed[..digits], trimmed[digits..].trim_start());
        let factor = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(usage)?.1;
        number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).map(Self).ok_or_else(usage)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(&("ms", 1));
        f.pad(&format!("{}{unit}", self.0 / factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_whole_units() {
        for (text, millis, shown) in [
            ("10s", 10_000, "10s"),
            ("90 s", 90_000, "90s"),
            ("1500ms", 1500, "1500ms"),
            ("60min", 3_600_000, "1h"),
        ] {
            let read: Millis = text.parse().expect(text);
            assert_eq!((read.0, read.to_string().as_str()), (millis, shown));
        }
        for bad in ["10", "s", "1.5s", "10 sec", "-1s", "99999999999999999999h"] {
            assert!(bad.parse::<Millis>().is_err(), "{bad}");
        }
    }
}
