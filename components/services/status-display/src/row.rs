//! One row of text: something at the left, something at the right, blanks in between, so that
//! drawing it erases what was there.

use core::fmt::{self, Write};

use embassy_time::Instant;
use heapless::String;
use tarsia_sensor::Reading;

/// Characters in a row.
pub(crate) const COLUMNS: usize = 21;

/// A row, all of its characters set.
pub(crate) type Row = String<COLUMNS>;

/// The title and the uptime: days, hours, minutes, seconds.
pub(crate) fn title(title: &str, uptime: Instant) -> Row {
    let seconds = uptime.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    row(title, format_args!("{days}d {hours:02}:{minutes:02}:{seconds:02}"))
}

/// A sensor's name and its value, or `--` if it has none.
pub(crate) fn reading(reading: &Reading) -> Row {
    match reading.value {
        Ok(value) => row(reading.name, format_args!("{value} {}", reading.unit)),
        Err(_) => row(reading.name, format_args!("--")),
    }
}

/// No characters but blanks.
pub(crate) fn blank() -> Row {
    row("", format_args!(""))
}

/// What stands at the right matters more: the left gives way.
fn row(left: &str, right: fmt::Arguments<'_>) -> Row {
    let mut value = Row::new();
    // Of a value too long for a row, the first digits are shown.
    let _ = value.write_fmt(right);
    let room = COLUMNS - value.chars().count();
    let mut row = Row::new();
    let name = left.chars().take(room.saturating_sub(1));
    // A character of more than one byte takes the place of several; the font has none.
    for character in name.chain(core::iter::repeat(' ')).filter(char::is_ascii).take(room) {
        let _ = row.push(character);
    }
    let _ = row.push_str(&value);
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use tarsia_sensor::{ErrorKind, Milli};

    fn shown(name: &'static str, value: Result<Milli, ErrorKind>) -> Row {
        reading(&Reading { name, unit: "Cel", at: Instant::MIN, value })
    }

    #[test]
    fn names_stand_left_and_values_right() {
        assert_eq!(shown("temperature", Ok(Milli(21_500))), "temperature  21.5 Cel");
        assert_eq!(shown("temperature", Err(ErrorKind::NotReady)), "temperature        --");
        assert_eq!(blank(), " ".repeat(COLUMNS).as_str());
    }

    #[test]
    fn a_name_gives_way_to_its_value() {
        assert_eq!(shown("temperature-of-the-soil", Ok(Milli(-1_250))), "temperature -1.25 Cel");
        let all = shown("temperature-of-the-soil", Ok(Milli(i32::MIN)));
        assert_eq!(all, "temp -2147483.648 Cel");
    }

    #[test]
    fn uptime_counts_days() {
        let at = Instant::from_secs(3 * 86_400 + 4 * 3_600 + 5 * 60 + 6);
        assert_eq!(title("Tarsia", at), "Tarsia    3d 04:05:06");
    }
}
