//! Drivers of the embedded-sensors ecosystem as [`Sensor`]s.

use embedded_sensors_hal_async::sensor::Error as _;
use embedded_sensors_hal_async::temperature::TemperatureSensor;

use crate::{ErrorKind, Milli, Sensor};

/// A temperature sensor driver of the ecosystem, named `temperature`.
pub struct Thermometer<T>(pub T);

impl<T: TemperatureSensor> Sensor for Thermometer<T> {
    const NAME: &'static str = "temperature";
    const UNIT: &'static str = "Cel";

    async fn read(&mut self) -> Result<Milli, ErrorKind> {
        let celsius = self.0.temperature().await.map_err(|error| error.kind())?;
        if !celsius.is_finite() {
            return Err(ErrorKind::Other);
        }
        // `as` rounds towards zero and saturates.
        Ok(Milli((celsius * 1000.0 + 0.5f32.copysign(celsius)) as i32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use embassy_futures::block_on;
    use embedded_sensors_hal_async::sensor::ErrorType;

    struct Fixed(f32);
    impl ErrorType for Fixed {
        type Error = Infallible;
    }
    impl TemperatureSensor for Fixed {
        async fn temperature(&mut self) -> Result<f32, Infallible> {
            Ok(self.0)
        }
    }

    #[test]
    fn rounds_to_thousandths() {
        for (celsius, milli) in [(21.5, 21_500), (-0.0404, -40), (-0.0406, -41), (1e30, i32::MAX)] {
            assert_eq!(block_on(Thermometer(Fixed(celsius)).read()), Ok(Milli(milli)));
        }
        assert_eq!(block_on(Thermometer(Fixed(f32::NAN)).read()), Err(ErrorKind::Other));
    }
}
