//! What was read from a sensor, and where the latest readings are found by who shows them.

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::watch::Watch;
use embassy_time::Instant;

use crate::{ErrorKind, Milli};

/// The most sensors that are read together.
pub const MAX_SENSORS: usize = 6;

/// One reading of one sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The sensor's name.
    pub name: &'static str,
    /// The sensor's unit, from the SenML units registry (RFC 8428, section 12.1).
    pub unit: &'static str,
    /// When it was read.
    pub at: Instant,
    /// The value, or why there is none.
    pub value: Result<Milli, ErrorKind>,
}

/// The readings of all sensors, in the order of the sensors.
pub type Readings = heapless::Vec<Reading, MAX_SENSORS>;

/// The latest readings, for as many as two receivers at a time.
pub type Latest = Watch<CriticalSectionRawMutex, Readings, 2>;
