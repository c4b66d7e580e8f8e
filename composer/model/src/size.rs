//! Sizes in bytes, written by people as `128KiB`, `8 KiB` or `131072`.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct ByteSize(pub u64);

/// Units and their sizes in bytes, largest first (IEC 80000-13 binary prefixes).
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Why a text is not a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeError {
    /// A fragment that fits "failed to …".
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl FromStr for ByteSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = (&trimmed[..digits], trimmed[digits..].trim_start());
        let usage = "write bytes (`131072`) or a binary unit (`128KiB`, `8 KiB`, `1MiB`)";
        let bad = |hint: String| SizeError { message: format!("read `{text}` as a size"), hint };
        if number.is_empty() {
            return Err(bad(usage.into()));
        }
        let factor = if unit.is_empty() {
            1
        } else if let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) {
            *factor
        } else {
            let decimal = ["k", "K", "kB", "KB", "M", "MB", "G", "GB"].contains(&unit);
            let lower = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
            return Err(bad(match (decimal, lower) {
                (_, Some((name, _))) => format!("write the unit as `{name}`: `{number}{name}`"),
                (true, None) => {
                    let name = format!("{}iB", unit[..1].to_ascii_uppercase());
                    format!("`{unit}` is ambiguous (1000 or 1024); write `{number}{name}`")
                }
                (false, None) => usage.into(),
            }));
        };
        number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(factor))
            .map(ByteSize)
            .ok_or_else(|| bad(format!("the largest size is {} bytes", u64::MAX)))
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit that divides the size exactly, so that what is shown can be written back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        f.pad(&format!("{}{}{unit}", self.0 / factor, if *unit == "B" { " " } else { "" }))
    }
}

impl std::iter::Sum for ByteSize {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(iter.map(|s| s.0).sum())
    }
}

impl schemars::JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A size: bytes (`131072`) or with a binary unit (`128KiB`, `8 KiB`).",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)?$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("131072", 131_072),
            ("128KiB", 131_072),
            ("8 KiB", 8192),
            ("0", 0),
            ("12 B", 12),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(text.parse::<ByteSize>(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn refuses_with_a_useful_hint() {
        for (text, hint) in [
            ("128kib", "`128KiB`"),
            ("128K", "`128KiB`"),
            ("128kB", "1000 or 1024"),
            ("lots", "write bytes"),
            ("", "write bytes"),
            ("-1", "write bytes"),
            ("1.5KiB", "write bytes"),
            ("99999999999GiB", "largest size"),
        ] {
            let error = text.parse::<ByteSize>().expect_err(text);
            assert!(error.hint.contains(hint), "{text}: {}", error.hint);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read_back(bytes in any::<u64>(), shift in 0u32..40) {
            let size = ByteSize((bytes >> shift) << (shift / 2));
            prop_assert_eq!(size.to_string().parse::<ByteSize>(), Ok(size));
        }

        #[test]
        fn never_panics(text in "\\PC{0,20}") {
            let _ = text.parse::<ByteSize>();
        }
    }
}
