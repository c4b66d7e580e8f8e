//! All sensors of a product, as the generated tuple that binds them.

use core::future::Future;

use embassy_time::Instant;

use crate::{Reading, Sensor};

/// Sensors that are read together: a tuple of none to six ([`crate::MAX_SENSORS`]).
pub trait Sensors {
    /// Reads every sensor in order and hands each reading to `visit`; a sensor that fails hands
    /// its error and does not keep the others from being read.
    fn read_each(&mut self, visit: impl FnMut(Reading)) -> impl Future<Output = ()>;
}

async fn read<S: Sensor>(sensor: &mut S) -> Reading {
    let value = sensor.read().await;
    Reading { name: S::NAME, unit: S::UNIT, at: Instant::now(), value }
}

impl Sensors for () {
    async fn read_each(&mut self, _visit: impl FnMut(Reading)) {}
}

macro_rules! tuples {
    ($(($($sensor:ident $index:tt),+))+) => {$(
        impl<$($sensor: Sensor),+> Sensors for ($($sensor,)+) {
            async fn read_each(&mut self, mut visit: impl FnMut(Reading)) {
                $(visit(read(&mut self.$index).await);)+
            }
        }
    )+};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Milli, Readings};
    use embassy_futures::block_on;

    struct Level(i32);
    impl Sensor for Level {
        const NAME: &'static str = "level";
        const UNIT: &'static str = "/";
        async fn read(&mut self) -> Result<Milli, ErrorKind> {
            self.0 += 1;
            Ok(Milli(self.0))
        }
    }

    struct Broken;
    impl Sensor for Broken {
        const NAME: &'static str = "broken";
        const UNIT: &'static str = "Cel";
        async fn read(&mut self) -> Result<Milli, ErrorKind> {
            Err(ErrorKind::NotReady)
        }
    }

    #[test]
    fn one_broken_sensor_does_not_silence_the_others() {
        let mut sensors = (Level(0), Broken, Level(10));
        let mut readings = Readings::new();
        block_on(sensors.read_each(|reading| readings.push(reading).expect("three fit")));
        let values: Vec<_> = readings.iter().map(|r| (r.name, r.value)).collect();
        assert_eq!(
            values,
            [
                ("level", Ok(Milli(1))),
                ("broken", Err(ErrorKind::NotReady)),
                ("level", Ok(Milli(11)))
            ]
        );
    }

    #[test]
    fn no_sensor_is_no_reading() {
        block_on(().read_each(|reading| panic!("{reading:?}")));
    }
}
