//! A temperature that rises and falls by the clock, for boards without a thermometer. It speaks
//! the trait of `embedded-sensors-hal-async`, as a driver for a real thermometer would.
#![cfg_attr(not(test), no_std)]

use core::convert::Infallible;

use embassy_time::{Duration, Instant};
use embedded_sensors_hal_async::sensor::ErrorType;
use embedded_sensors_hal_async::temperature::TemperatureSensor;
use tarsia_sensor::Thermometer;

/// The component's features.
pub struct Config {
    /// Lowest temperature in degrees Celsius.
    pub low: u32,
    /// Highest temperature in degrees Celsius.
    pub high: u32,
    /// Time from one low to the next.
    pub period: Duration,
}

/// The simulation, as a sensor.
pub type Device = Thermometer<Simulation>;

/// A straight rise and a straight fall per period, the lowest at start.
pub struct Simulation(&'static Config);

/// The simulation of this configuration.
pub fn init(config: &'static Config) -> Device {
    Thermometer(Simulation(config))
}

impl ErrorType for Simulation {
    type Error = Infallible;
}

impl TemperatureSensor for Simulation {
    async fn temperature(&mut self) -> Result<f32, Infallible> {
        let Config { low, high, period } = *self.0;
        let half = (period.as_millis() / 2).max(1);
        let into = Instant::now().as_millis() % (2 * half);
        // Thousandths of the way up; both factors are far below the limits of u32.
        let up = (into.min(2 * half - into) * 1000 / half) as i32;
        let milli = low as i32 * 1000 + (high as i32 - low as i32) * up;
        Ok(milli as f32 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_time::Timer;
    use tarsia_sensor::{Milli, Sensor};
    use tarsia_test_clock::run_for;

    #[test]
    fn rises_and_falls_within_its_limits() {
        static CONFIG: Config = Config { low: 10, high: 20, period: Duration::from_secs(4) };
        let mut device = init(&CONFIG);
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.push(run_for(device.read(), Duration::MIN).expect("ready at once"));
            run_for(Timer::after_secs(1), Duration::from_secs(2));
        }
        assert_eq!(seen, [10_000, 15_000, 20_000, 15_000, 10_000].map(|v| Ok(Milli(v))));
    }
}
