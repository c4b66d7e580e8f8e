//! Sensors as services see them: a name, a unit, and fixed-point readings. The traits of
//! `embedded-sensors-hal-async` say neither name nor unit, and speak in floats.
#![cfg_attr(not(test), no_std)]

// Links the time that readings are stamped with.
#[cfg(test)]
use tarsia_test_clock as _;

mod milli;
mod reading;
mod sensor;
mod sensors;
mod thermometer;

pub use embedded_sensors_hal_async::sensor::ErrorKind;
pub use milli::Milli;
pub use reading::{Latest, MAX_SENSORS, Reading, Readings};
pub use sensor::Sensor;
pub use sensors::Sensors;
pub use thermometer::Thermometer;
