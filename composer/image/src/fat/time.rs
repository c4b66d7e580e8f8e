//! Times as a FAT holds them: of 1980 to 2107, in steps of 2 seconds (FAT specification section 6.3). What zone
//! they are in is not said; here they are UTC.

/// The first second of 1980, in seconds since 1970.
pub(super) const EARLIEST: u64 = 315_532_800;
/// The last second of 2107.
pub(super) const LATEST: u64 = 4_354_819_199;
const DAY: u64 = 86_400;

/// Date and time of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DosTime {
    /// Day in bits 0 to 4, month in 5 to 8, years since 1980 above.
    pub date: u16,
    /// Half seconds in bits 0 to 4, minutes in 5 to 10, hours above.
    pub time: u16,
}

impl DosTime {
    /// From seconds since 1970; `None` for a year that it cannot say.
    pub fn of(seconds: u64) -> Option<Self> {
        if !(EARLIEST..=LATEST).contains(&seconds) {
            return None;
        }
        let (mut day, rest) = ((seconds - EARLIEST) / DAY, (seconds - EARLIEST) % DAY);
        let mut year = 1980;
        while day >= days(year) {
            day -= days(year);
            year += 1;
        }
        let mut month = 1;
        while day >= length(year, month) {
            day -= length(year, month);
            month += 1;
        }
        let date = (year - 1980) << 9 | month << 5 | (day + 1);
        let time = (rest / 3_600) << 11 | (rest / 60 % 60) << 5 | (rest % 60 / 2);
        Some(Self { date: u16::try_from(date).ok()?, time: u16::try_from(time).ok()? })
    }

    /// In seconds since 1970; `None` for a day or time that there is not.
    pub fn seconds(self) -> Option<u64> {
        let (date, time) = (u64::from(self.date), u64::from(self.time));
        let (year, month, day) = (1980 + (date >> 9), date >> 5 & 0xf, date & 0x1f);
        let (hour, minute, second) = (time >> 11, time >> 5 & 0x3f, (time & 0x1f) * 2);
        let possible = (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
        if !possible || day == 0 || day > length(year, month) {
            return None;
        }
        let before: u64 = (1980..year).map(days).sum::<u64>()
            + (1..month).map(|month| length(year, month)).sum::<u64>();
        Some(EARLIEST + (before + day - 1) * DAY + hour * 3_600 + minute * 60 + second)
    }
}

/// Days of a year; 2100 is the one here that is divisible by 4 and has no leap day.
const fn days(year: u64) -> u64 {
    if year.is_multiple_of(4) && year != 2100 { 366 } else { 365 }
}

/// Days of a month from 1 to 12.
const fn length(year: u64, month: u64) -> u64 {
    match month {
        2 => days(year) - 337,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_a_calendar_says() {
        // Seconds from `date -u -d "…" +%s`.
        for (seconds, date, time) in [
            (315_532_800, (0, 1, 1), (0, 0, 0)),
            (951_782_399, (20, 2, 28), (23, 59, 58)),
            (951_868_799, (20, 2, 29), (23, 59, 58)),
            (1_700_000_000, (43, 11, 14), (22, 13, 20)),
            (4_107_542_400, (120, 3, 1), (0, 0, 0)),
            (4_354_819_199, (127, 12, 31), (23, 59, 58)),
        ] {
            let dos = DosTime::of(seconds).expect("in range");
            assert_eq!((dos.date >> 9, dos.date >> 5 & 15, dos.date & 31), date);
            assert_eq!((dos.time >> 11, dos.time >> 5 & 63, (dos.time & 31) * 2), time);
            assert_eq!(dos.seconds(), Some(seconds / 2 * 2));
        }
        assert_eq!(DosTime::of(EARLIEST - 1), None);
        assert_eq!(DosTime::of(LATEST + 1), None);
        // What there is is the same both ways, and there are as many days as days.
        let mut count = 0;
        for date in 0..=u16::MAX {
            let dos = DosTime { date, time: 0 };
            if let Some(seconds) = dos.seconds() {
                assert_eq!(DosTime::of(seconds), Some(dos));
                count += 1;
            }
        }
        assert_eq!(count, (LATEST + 1 - EARLIEST) / DAY);
        assert_eq!(DosTime { date: 33, time: 30 }.seconds(), None, "60 seconds");
    }
}
