//! The one trait that sensor drivers implement.

use core::future::Future;

use crate::{ErrorKind, Milli};

/// A sensor of one quantity.
pub trait Sensor {
    /// Its name in readings: letters, digits, `-`, `:`, `.`, `/`, `_` (RFC 8428, section 4.5.1).
    const NAME: &'static str;
    /// Its unit, from the SenML units registry (RFC 8428, section 12.1): `Cel`, `%RH`, `/`, ….
    const UNIT: &'static str;

    /// Reads it.
    ///
    /// # Errors
    /// Why there is no value; the next reading may have one.
    fn read(&mut self) -> impl Future<Output = Result<Milli, ErrorKind>>;
}

impl<S: Sensor> Sensor for &mut S {
    const NAME: &'static str = S::NAME;
    const UNIT: &'static str = S::UNIT;

    fn read(&mut self) -> impl Future<Output = Result<Milli, ErrorKind>> {
        S::read(self)
    }
}
