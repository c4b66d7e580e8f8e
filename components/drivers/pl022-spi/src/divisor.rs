//! The bus rate: `clock / (prescale * (1 + scr))` (Arm DDI 0194, 3.3.1 and 3.3.5).

/// The two factors of the divisor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Divisor {
    /// Even, 2 to 254.
    pub(crate) prescale: u32,
    /// 0 to 255.
    pub(crate) scr: u32,
}

impl Divisor {
    /// The divisor for the highest rate that does not exceed `rate`; the slowest there is, if that
    /// is still faster.
    pub(crate) fn at_most(rate: u32, clock: u32) -> Self {
        let wanted = clock.div_ceil(rate);
        // The smallest prescaler that suffices leaves the finest choice to the other factor.
        let prescale = wanted.div_ceil(256).next_multiple_of(2).clamp(2, 254);
        let scr = (wanted.div_ceil(prescale) - 1).min(255);
        Self { prescale, scr }
    }
}

#[cfg(test)]
mod tests {
    use super::Divisor;

    fn rate(clock: u32, Divisor { prescale, scr }: &Divisor) -> f64 {
        f64::from(clock) / f64::from(prescale * (scr + 1))
    }

    #[test]
    fn the_rate_is_close_and_never_above() {
        for clock in [8_000_000, 12_000_000, 50_000_000] {
            for wanted in [10_000, 400_000, 1_000_000, 3_999_999, 4_000_000] {
                let divisor = Divisor::at_most(wanted, clock);
                let Divisor { prescale, scr } = divisor;
                assert!(prescale % 2 == 0 && (2..=254).contains(&prescale) && scr <= 255);
                let wanted = f64::from(wanted);
                assert!(rate(clock, &divisor) <= wanted, "{clock} {wanted} {divisor:?}");
                // One step less would be too fast.
                let faster = f64::from(clock) / f64::from(prescale * scr);
                assert!(scr == 0 || faster > wanted, "{clock} {wanted} {divisor:?}");
            }
        }
    }

    #[test]
    fn extremes_are_clamped() {
        assert_eq!(Divisor::at_most(25_000_000, 8_000_000), Divisor { prescale: 2, scr: 0 });
        assert_eq!(Divisor::at_most(1, u32::MAX), Divisor { prescale: 254, scr: 255 });
    }
}
