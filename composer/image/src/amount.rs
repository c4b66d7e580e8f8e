//! Numbers of bytes as messages about layouts show them: near enough to see at a glance, and exact
//! enough to check the arithmetic with.

use std::fmt;

const UNITS: [(&str, u64); 4] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A place or size: `9.0 MiB (9,437,184)`; below 1 KiB `512 bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount(pub u64);

/// A difference: `1.0 MiB` where that is all of it, else `524,289 bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exactly(pub u64);

/// A number with its thousands apart: `9,437,184`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grouped(pub u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((unit, size)) = unit(self.0) else {
            return Exactly(self.0).fmt(f);
        };
        // Rounded down, so that what is shown is never more than what there is.
        let tenths = self.0 / size * 10 + self.0 % size * 10 / size;
        write!(f, "{}.{} {unit} ({})", tenths / 10, tenths % 10, Grouped(self.0))
    }
}

impl fmt::Display for Exactly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match unit(self.0) {
            Some((unit, size)) if (self.0 % size * 10).is_multiple_of(size) => {
                write!(f, "{}.{} {unit}", self.0 / size, self.0 % size * 10 / size)
            }
            _ if self.0 == 1 => f.write_str("1 byte"),
            _ => write!(f, "{} bytes", Grouped(self.0)),
        }
    }
}

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// The largest unit of which there is at least one.
fn unit(bytes: u64) -> Option<(&'static str, u64)> {
    UNITS.into_iter().find(|(_, size)| bytes >= *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_can_be_checked() {
        for (bytes, amount, exactly) in [
            (0, "0 bytes", "0 bytes"),
            (1, "1 byte", "1 byte"),
            (1_023, "1,023 bytes", "1,023 bytes"),
            (1_536, "1.5 KiB (1,536)", "1.5 KiB"),
            (9_437_184, "9.0 MiB (9,437,184)", "9.0 MiB"),
            (1_048_577, "1.0 MiB (1,048,577)", "1,048,577 bytes"),
            ((1 << 30) - 1, "1023.9 MiB (1,073,741,823)", "1,073,741,823 bytes"),
            (
                u64::MAX,
                "16777215.9 TiB (18,446,744,073,709,551,615)",
                "18,446,744,073,709,551,615 bytes",
            ),
        ] {
            assert_eq!(Amount(bytes).to_string(), amount);
            assert_eq!(Exactly(bytes).to_string(), exactly);
        }
    }
}
