//! A temperature that the kernel measures, from its thermal zones
//! (Documentation/driver-api/thermal/sysfs-api.rst): of the processor, as a rule.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use tarsia_sensor::{ErrorKind, Milli, Sensor};

/// The component's features.
pub struct Config {
    /// The number of the thermal zone.
    pub zone: u32,
}

/// A thermal zone.
pub struct Device(PathBuf);

/// The zone of this configuration. Whether there is one shows when it is read.
pub fn init(config: &'static Config) -> Device {
    Device(format!("/sys/class/thermal/thermal_zone{}/temp", config.zone).into())
}

impl Sensor for Device {
    const NAME: &'static str = "temperature";
    const UNIT: &'static str = "Cel";

    async fn read(&mut self) -> Result<Milli, ErrorKind> {
        let text = std::fs::read_to_string(&self.0).map_err(|_| ErrorKind::Peripheral)?;
        // The file is in thousandths of a degree, as readings are.
        text.trim().parse().map(Milli).map_err(|_| ErrorKind::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_futures::block_on;

    #[test]
    fn the_files_number_is_the_reading() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("temp");
        for (text, value) in [
            ("48250\n", Ok(Milli(48_250))),
            ("-5000\n", Ok(Milli(-5_000))),
            ("", Err(ErrorKind::Other)),
            ("99999999999\n", Err(ErrorKind::Other)),
        ] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(block_on(Device(path.clone()).read()), value, "{text:?}");
        }
        let missing = Device(folder.path().join("none"));
        assert_eq!(block_on({ missing }.read()), Err(ErrorKind::Peripheral));
        static CONFIG: Config = Config { zone: 3 };
        assert!(init(&CONFIG).0.ends_with("thermal_zone3/temp"));
    }
}
