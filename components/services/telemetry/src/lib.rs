//! Sends the readings of all sensors, again and again, and shows the latest to who asks.
#![cfg_attr(not(test), no_std)]

mod senml;

use embassy_time::{Duration, Instant};
use embedded_io_async::Write;
use tarsia_sensor::{Latest, Readings, Sensors};
use tarsia_service::{Exit, Shared, Slot};

use crate::senml::Pack;

/// The component's features.
pub struct Config {
    /// Time from one pack to the next.
    pub period: Duration,
    /// Base name of the readings.
    pub name: &'static str,
    /// Digits after the decimal point.
    pub decimals: u32,
}

/// The readings that were sent last.
pub static READINGS: Latest = Latest::new();

/// Reads, publishes and sends at once, then after each period. A period that is missed is skipped.
pub async fn run<W: Write>(
    slot: &Slot,
    config: &'static Config,
    sensors: &mut impl Sensors,
    console: &'static Shared<W>,
) -> Exit {
    let mut due = Instant::now();
    loop {
        slot.alive();
        let mut readings = Readings::new();
        sensors
            .read_each(|reading| {
                // There are never more sensors than fit: both end at `MAX_SENSORS`.
                let _ = readings.push(reading);
            })
            .await;
        READINGS.sender().send(readings.clone());
        let pack = Pack { name: config.name, decimals: config.decimals, readings: &readings };
        if pack.send(&mut *console.lock().await).await.is_err() {
            return Exit::Failed("write to the console");
        }
        while due <= Instant::now() {
            due += config.period;
        }
        slot.sleep_until(due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tarsia_sensor::{ErrorKind, Milli, Sensor};
    use tarsia_test_clock::run_for;

    struct Wire(Vec<u8>);
    impl embedded_io_async::ErrorType for Wire {
        type Error = Infallible;
    }
    impl Write for Wire {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
            self.0.extend(bytes);
            Ok(bytes.len())
        }
        async fn flush(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    struct Counter(i32);
    impl Sensor for Counter {
        const NAME: &'static str = "count";
        const UNIT: &'static str = "/";
        async fn read(&mut self) -> Result<Milli, ErrorKind> {
            self.0 += 1000;
            Ok(Milli(self.0))
        }
    }

    #[test]
    fn the_first_pack_comes_at_once_and_then_one_per_period() {
        static CONFIG: Config = Config { period: Duration::from_secs(10), name: "a:", decimals: 0 };
        let console: &'static Shared<Wire> = Box::leak(Box::new(Shared::new(Wire(Vec::new()))));
        let slot = Slot::new("telemetry");
        let mut sensors = (Counter(0),);
        let running = run(&slot, &CONFIG, &mut sensors, console);
        assert!(run_for(running, Duration::from_secs(29)).is_none());
        let text = String::from_utf8(console.try_lock().expect("free").0.clone()).expect("UTF-8");
        let packs: Vec<_> = text.lines().collect();
        let pack = |n| format!(r#"[{{"bn":"a:","n":"count","u":"/","v":{n}}}]"#);
        assert_eq!(packs, [pack(1), pack(2), pack(3)]);
        let latest = READINGS.try_get().expect("published");
        assert_eq!(latest[0].value, Ok(Milli(3000)));
        assert!(slot.beats() >= 29, "alive while it sleeps");
    }
}
