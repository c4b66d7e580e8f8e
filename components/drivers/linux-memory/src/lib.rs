//! How much of the memory is in use, as the kernel accounts for it (proc(5), `/proc/meminfo`).
#![forbid(unsafe_code)]

use tarsia_sensor::{ErrorKind, Milli, Sensor};

/// The kernel's account.
pub struct Device;

/// The kernel's account of memory.
pub fn init() -> Device {
    Device
}

impl Sensor for Device {
    const NAME: &'static str = "memory-used";
    /// A part of the whole, from 0 to 1.
    const UNIT: &'static str = "/";

    async fn read(&mut self) -> Result<Milli, ErrorKind> {
        let text = std::fs::read_to_string("/proc/meminfo").map_err(|_| ErrorKind::Peripheral)?;
        used(&text).ok_or(ErrorKind::Other)
    }
}

/// The part that is not available to new processes, rounded down.
fn used(text: &str) -> Option<Milli> {
    let row = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    let (total, available) = (row("MemTotal:")?, row("MemAvailable:")?);
    let part = total.checked_sub(available)?.checked_mul(1000)?.checked_div(total)?;
    i32::try_from(part).ok().map(Milli)
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_futures::block_on;

    #[test]
    fn the_part_is_what_is_not_available() {
        let text = |total: &str, available: &str| {
            used(&format!("MemTotal: {total} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n"))
        };
        assert_eq!(text("1000", "250"), Some(Milli(750)));
        assert_eq!(text("1000", "1000"), Some(Milli(0)));
        for (total, available) in
            [("0", "0"), ("1", "2"), ("x", "1"), ("18446744073709551615", "0")]
        {
            assert_eq!(text(total, available), None, "{available} of {total}");
        }
        let here = block_on(Device.read()).expect("every Linux has it");
        assert!((1..1000).contains(&here.0), "{here:?}");
    }
}
