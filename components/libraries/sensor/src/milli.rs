//! Fixed-point values: sensors of this class of device have no floating-point unit to think with.

use core::fmt;

/// A value in thousandths of its unit: `Milli(21_500)` is 21.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Milli(pub i32);

impl fmt::Display for Milli {
    /// A JSON number (RFC 8259, section 6) of as few digits as say the value exactly, or with as
    /// many decimals, at most three, as a precision asks for, rounded half away from zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut decimals = f.precision().unwrap_or(3).min(3);
        let step = 10u32.pow(3 - decimals as u32);
        let mut scaled = (self.0.unsigned_abs() + step / 2) / step;
        let sign = if self.0 < 0 && scaled != 0 { "-" } else { "" };
        if f.precision().is_none() {
            while decimals > 0 && scaled.is_multiple_of(10) {
                scaled /= 10;
                decimals -= 1;
            }
        }
        let one = 10u32.pow(decimals as u32);
        write!(f, "{sign}{}", scaled / one)?;
        if decimals > 0 { write!(f, ".{:0decimals$}", scaled % one) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Milli;

    #[test]
    fn prints_the_shortest_exact_number() {
        for (value, text) in [
            (0, "0"),
            (1, "0.001"),
            (-1, "-0.001"),
            (21_500, "21.5"),
            (-40_000, "-40"),
            (100_050, "100.05"),
            (i32::MAX, "2147483.647"),
            (i32::MIN, "-2147483.648"),
        ] {
            assert_eq!(Milli(value).to_string(), text);
        }
    }

    #[test]
    fn rounds_to_the_precision_asked_for() {
        assert_eq!(format!("{:.1}", Milli(21_449)), "21.4");
        assert_eq!(format!("{:.1}", Milli(21_450)), "21.5");
        assert_eq!(format!("{:.0}", Milli(-1_500)), "-2");
        assert_eq!(format!("{:.2}", Milli(-4)), "0.00");
        assert_eq!(format!("{:.2}", Milli(-5)), "-0.01");
        assert_eq!(format!("{:.3}", Milli(7_000)), "7.000");
    }
}
