//! The device that a mount names: by its path, or by the name of its partition (`PARTLABEL=data`), as
//! the same disk may be `vda` here and `mmcblk0` there, and nobody else keeps names for them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tarsia_process::uptime;

/// How long init sleeps between two looks for a device.
const PACE: Duration = Duration::from_millis(20);
/// Where the kernel lists block devices. `uevent` of a partition holds `DEVNAME=vda2` and, where its
/// table has names (GPT), `PARTNAME=data` (block/partitions/core.c, `part_uevent`).
const BLOCK: &str = "/sys/class/block";

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceError {
    #[error("find {device}, which was to appear within {wait_ms} ms")]
    Missing { device: &'static str, wait_ms: u32 },
    #[error("choose between {} that are {device}", .found.join(" and "))]
    Many { device: &'static str, found: Vec<String> },
    #[error("list {BLOCK}: {0}")]
    List(io::Error),
}

/// The path of the device that `source` names, when it is there. What is neither a path nor the name
/// of a partition, such as `tmpfs`, is taken as it is.
pub(crate) fn await_device(source: &'static str, wait_ms: u32) -> Result<PathBuf, DeviceError> {
    let until = uptime() + Duration::from_millis(wait_ms.into());
    loop {
        if let Some(path) = find(source, Path::new(BLOCK))? {
            return Ok(path);
        }
        if uptime() >= until {
            return Err(DeviceError::Missing { device: source, wait_ms });
        }
        std::thread::sleep(PACE);
    }
}

fn find(source: &'static str, block: &Path) -> Result<Option<PathBuf>, DeviceError> {
    let Some(label) = source.strip_prefix("PARTLABEL=") else {
        let path = PathBuf::from(source);
        return Ok((!path.is_absolute() || path.exists()).then_some(path));
    };
    let mut found = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "sorted below")]
    let list = std::fs::read_dir(block).map_err(DeviceError::List)?;
    for entry in list {
        let path = entry.map_err(DeviceError::List)?.path().join("uevent");
        // A device may go while it is looked at.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let value =
            |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        if value("PARTNAME") == Some(label) {
            found.extend(value("DEVNAME").map(|name| format!("/dev/{name}")));
        }
    }
    found.sort();
    match found.len() {
        0 | 1 => Ok(found.pop().map(PathBuf::from)),
        _ => Err(DeviceError::Many { device: source, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_found_by_its_name() {
        let block = tempfile::tempdir().expect("a folder");
        let add = |device: &str, label: &str| {
            let text = format!(
                "MAJOR=254\nDEVNAME={device}\nDEVTYPE=partition\nPARTN=1\nPARTNAME={label}\n"
            );
            std::fs::create_dir(block.path().join(device)).expect("made");
            std::fs::write(block.path().join(device).join("uevent"), text).expect("written");
        };
        add("vda1", "esp");
        add("vda2", "data");
        let find = |source| find(source, block.path());
        assert_eq!(find("PARTLABEL=data").expect("clear"), Some("/dev/vda2".into()));
        assert_eq!(find("PARTLABEL=dat").expect("clear"), None);
        assert_eq!(find("tmpfs").expect("as it is"), Some("tmpfs".into()));
        assert_eq!(find("/no/such/device").expect("clear"), None);
        add("vdb1", "data");
        let error = find("PARTLABEL=data").expect_err("two");
        assert_eq!(
            error.to_string(),
            "choose between /dev/vda2 and /dev/vdb1 that are PARTLABEL=data"
        );
    }

    #[test]
    fn a_device_is_waited_for_and_named() {
        let error = await_device("/no/such/device", 30).expect_err("it never comes");
        assert_eq!(error.to_string(), "find /no/such/device, which was to appear within 30 ms");
    }
}
