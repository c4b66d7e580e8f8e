//! Soil moisture probe on an analogue input: the share of the way from dry to wet.
#![cfg_attr(not(test), no_std)]

// Links the time that readings are stamped with.
#[cfg(test)]
use tarsia_test_clock as _;

mod calibration;

use tarsia_adc::{Adc, SampleError, sample};
use tarsia_sensor::{ErrorKind, Milli, Sensor};

/// The component's features.
pub struct Config {
    /// Analogue input of the probe.
    pub channel: u32,
    /// Counts of the ADC with the probe in dry soil.
    pub dry: u32,
    /// Counts of the ADC with the probe in water; less than `dry` for capacitive probes.
    pub wet: u32,
    /// Samples that are averaged into one reading.
    pub samples: u32,
}

/// The probe.
pub struct Device<A> {
    config: &'static Config,
    adc: A,
}

/// The probe on this ADC.
pub fn init<A: Adc>(config: &'static Config, adc: A) -> Device<A> {
    Device { config, adc }
}

impl<A: Adc> Sensor for Device<A> {
    const NAME: &'static str = "moisture";
    /// A ratio, 0 to 1: SenML has no percent but for relative humidity (RFC 8428, section 12.1).
    const UNIT: &'static str = "/";

    async fn read(&mut self) -> Result<Milli, ErrorKind> {
        let Config { channel, dry, wet, samples } = *self.config;
        let mut sum = 0;
        for _ in 0..samples {
            sum +=
                u32::from(sample(&mut self.adc, channel).await.map_err(|error| match error {
                    SampleError::NoSuchInput => ErrorKind::InvalidInput,
                    SampleError::TimedOut => ErrorKind::NotReady,
                    SampleError::Failed => ErrorKind::Peripheral,
                })?);
        }
        calibration::moisture(sum, samples, dry, wet).ok_or(ErrorKind::InvalidInput)
    }
}
