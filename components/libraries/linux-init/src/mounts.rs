//! File systems at start and at the end.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use tarsia_process::say;

use crate::device::{DeviceError, await_device};
use crate::system::Mount;

/// What could not be mounted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MountError {
    #[error("make the folder {target}: {error}")]
    Folder { target: &'static str, error: io::Error },
    #[error("mount {source_name} at {target} as {kind}: {error}")]
    Mount { source_name: &'static str, target: &'static str, kind: &'static str, error: Errno },
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error("mount at {target}: the options `{options}` hold a zero byte")]
    Zero { target: &'static str, options: &'static str },
}

/// Mounts one. Of the kernel's own, what is there already, as `/dev` may be, is left as it is.
pub(crate) fn attach(row: &Mount) -> Result<(), MountError> {
    let &Mount { source, target, kind, options, wait_ms, .. } = row;
    let device = await_device(source, wait_ms)?;
    if !Path::new(target).is_dir() {
        fs::create_dir_all(target).map_err(|error| MountError::Folder { target, error })?;
    }
    let (flags, data) = parse(options);
    let data = CString::new(data).map_err(|_| MountError::Zero { target, options })?;
    done(row, mount(&device, target, kind, flags, data.as_c_str()))
}

fn done(row: &Mount, result: Result<(), Errno>) -> Result<(), MountError> {
    let &Mount { source, target, kind, .. } = row;
    match result {
        Ok(()) => Ok(()),
        // A product's device that is in use elsewhere is not there where it should be.
        Err(Errno::BUSY) if Mount::KERNEL.contains(row) => Ok(()),
        Err(error) => Err(MountError::Mount { source_name: source, target, kind, error }),
    }
}

/// Options as in mount(8): those that are flags of mount(2), and the rest for the file system.
fn parse(options: &str) -> (MountFlags, String) {
    let mut flags = MountFlags::empty();
    let mut data = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => flags |= MountFlags::RDONLY,
            "rw" => flags -= MountFlags::RDONLY,
            "nosuid" => flags |= MountFlags::NOSUID,
            "nodev" => flags |= MountFlags::NODEV,
            "noexec" => flags |= MountFlags::NOEXEC,
            "noatime" => flags |= MountFlags::NOATIME,
            "relatime" => flags |= MountFlags::RELATIME,
            "sync" => flags |= MountFlags::SYNCHRONOUS,
            "dirsync" => flags |= MountFlags::DIRSYNC,
            other => data.push(other),
        }
    }
    (flags, data.join(","))
}

/// Unmounts what was mounted, the last first. What is still in use is made read-only, so that its
/// file system is whole on the disk all the same.
pub(crate) fn detach(mounts: &[Mount]) {
    for row in mounts.iter().rev() {
        let error = match unmount(row.target, UnmountFlags::empty()) {
            Ok(()) => continue,
            // Was optional and is not there.
            Err(Errno::INVAL | Errno::NOENT) if row.optional => continue,
            Err(error) => error,
        };
        match mount_remount(row.target, MountFlags::RDONLY, c"") {
            Ok(()) => say(format_args!("{} is in use and was made read-only", row.target)),
            Err(_) => say(format_args!("failed to unmount {}: {error}", row.target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_own_may_be_there_already() {
        for row in Mount::KERNEL {
            assert!(done(row, Err(Errno::BUSY)).is_ok(), "{}", row.target);
            assert!(done(row, Err(Errno::NODEV)).is_err(), "{}", row.target);
        }
        let data = Mount { source: "/dev/vda2", target: "/data", kind: "ext4", ..Mount::KERNEL[0] };
        assert!(done(&data, Ok(())).is_ok());
        let error = done(&data, Err(Errno::BUSY)).expect_err("it is elsewhere").to_string();
        assert!(error.starts_with("mount /dev/vda2 at /data as ext4: "), "{error}");
    }

    #[test]
    fn options_are_flags_or_the_file_systems() {
        for (options, flags, data) in [
            ("", MountFlags::empty(), ""),
            (
                "ro,nosuid,mode=0755,size=4m",
                MountFlags::RDONLY | MountFlags::NOSUID,
                "mode=0755,size=4m",
            ),
            ("umask=0077,noexec", MountFlags::NOEXEC, "umask=0077"),
            ("ro,rw,", MountFlags::empty(), ""),
        ] {
            assert_eq!(parse(options), (flags, data.to_owned()), "{options}");
        }
    }
}
