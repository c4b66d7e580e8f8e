//! From counts to moisture by two points: what the probe shows in dry soil, and in water.

use tarsia_sensor::Milli;

/// Moisture, 0 to 1, of up to 64 samples that add up to `sum` counts; what lies beyond a point is
/// taken for the point. None if the two points (at most 65535) are one, or there is no sample.
pub(crate) fn moisture(sum: u32, samples: u32, dry: u32, wet: u32) -> Option<Milli> {
    if samples == 0 || dry == wet {
        return None;
    }
    let (start, end) = (dry * samples, wet * samples);
    let whole = start.abs_diff(end);
    let way = if end > start { sum.saturating_sub(start) } else { start.saturating_sub(sum) };
    // At most 64 * 65535 * 1000.5, which u32 holds; the result is at most 1000.
    Some(Milli(((way.min(whole) * 1000 + whole / 2) / whole) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_points() {
        for (sum, samples, dry, wet, milli) in [
            (850, 1, 850, 380, 0),
            (380, 1, 850, 380, 1000),
            (615, 1, 850, 380, 500),
            (4 * 615, 4, 850, 380, 500),
            (900, 1, 850, 380, 0),
            (0, 1, 850, 380, 1000),
            // A resistive probe: more counts when wet.
            (300, 1, 100, 900, 250),
        ] {
            assert_eq!(moisture(sum, samples, dry, wet), Some(Milli(milli)), "{sum}/{samples}");
        }
        assert_eq!(moisture(5, 1, 7, 7), None);
        assert_eq!(moisture(5, 0, 7, 8), None);
    }

    proptest! {
        #[test]
        fn stays_in_range_and_rises_from_dry_to_wet(
            a in 0u32..65536, b in 0u32..65536, samples in 1u32..=64,
            dry in 0u32..65536, wet in 0u32..65536,
        ) {
            prop_assume!(dry != wet);
            let value = |counts: u32| moisture(counts * samples, samples, dry, wet).expect("points differ").0;
            prop_assert!((0..=1000).contains(&value(a)));
            let (near, far) = if (a < b) == (dry < wet) { (a, b) } else { (b, a) };
            prop_assert!(value(near) <= value(far));
        }
    }
}
