//! Between the counter's rate and the clock's: the one is whatever crystal the board has, the other
//! is fixed for all of embassy-time.

use embassy_time_driver::TICK_HZ;

/// A counter's rate.
#[derive(Clone, Copy)]
pub(crate) struct Rate(u32);

impl Rate {
    pub(crate) const fn new(hz: u32) -> Self {
        Self(hz)
    }

    /// Whole ticks after `counts`. By quotient and remainder, as a plain product would overflow
    /// after some decades.
    pub(crate) fn ticks(self, counts: u64) -> u64 {
        let hz = u64::from(self.0);
        counts / hz * TICK_HZ + counts % hz * TICK_HZ / hz
    }

    /// The first count at which `ticks` are over; that of never, if it lies beyond the counter.
    pub(crate) fn counts(self, ticks: u64) -> u64 {
        let hz = u64::from(self.0);
        let rest = (ticks % TICK_HZ * hz).div_ceil(TICK_HZ);
        (ticks / TICK_HZ)
            .checked_mul(hz)
            .and_then(|whole| whole.checked_add(rest))
            .unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn an_alarm_is_never_early_and_less_than_a_count_late() {
        for hz in [1_000, 32_768, 10_000_000] {
            let rate = Rate::new(hz);
            for tick in [0, 1, 2, 3, 999, 1_000, 1_001, 86_400_001, u64::from(u32::MAX) * 1_000 + 7]
            {
                let count = rate.counts(tick);
                assert_eq!(rate.ticks(count), tick, "{hz} Hz, tick {tick}");
                assert!(count == 0 || rate.ticks(count - 1) < tick, "{hz} Hz, tick {tick}");
            }
        }
    }

    #[test]
    fn never_stays_never() {
        assert_eq!(Rate::new(10_000_000).counts(u64::MAX), u64::MAX);
    }

    #[test]
    fn ten_thousand_years_do_not_overflow() {
        let year = 31_556_952;
        assert_eq!(Rate::new(10_000_000).ticks(10_000 * year * 10_000_000), 10_000 * year * 1_000);
    }
}
