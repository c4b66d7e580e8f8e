//! The product as a whole, as its init needs to know it.

/// The product as a whole.
#[derive(Clone, Copy, Debug)]
pub struct System {
    /// The product's name.
    pub name: &'static str,
    /// The product's version.
    pub version: &'static str,
    /// The device for the lines of init and all processes, such as `/dev/console`.
    pub console: &'static str,
    /// The name of the host; empty leaves the kernel's.
    pub hostname: &'static str,
    /// What is mounted, in this order, after [`Mount::KERNEL`].
    pub mounts: &'static [Mount],
    /// What follows when a process is given up.
    pub give_up: GiveUp,
}

/// What follows when a process is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// The product is shut down and started anew, if need be from its other slot.
    Reboot,
    /// The others run on.
    StayDegraded,
}

/// A file system to mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The device: its path, `PARTLABEL=` and the name of its partition, or what the file system
    /// takes for one.
    pub source: &'static str,
    /// Where it is mounted; made if it is not there.
    pub target: &'static str,
    /// The kernel's name of the file system.
    pub kind: &'static str,
    /// `ro`, `nosuid`, `nodev`, `noexec`, `noatime`, and options of the file system, as for mount(8).
    pub options: &'static str,
    /// It may fail, with a line on the console. Otherwise its failure ends the start: the machine is
    /// started anew, if need be from its other slot.
    pub optional: bool,
    /// How long to wait for the device to appear, in milliseconds.
    pub wait_ms: u32,
}

impl Mount {
    /// What every product has, before anything else.
    pub const KERNEL: &[Self] = &[
        Self::kernel("devtmpfs", "/dev", "nosuid,noexec,mode=0755"),
        Self::kernel("proc", "/proc", "nosuid,nodev,noexec"),
        Self::kernel("sysfs", "/sys", "nosuid,nodev,noexec"),
        Self::kernel("tmpfs", "/run", "nosuid,nodev,noexec,mode=0755,size=16m"),
        Self::kernel("tmpfs", "/tmp", "nosuid,nodev,noexec,mode=1777,size=16m"),
    ];

    const fn kernel(kind: &'static str, target: &'static str, options: &'static str) -> Self {
        Self { source: kind, target, kind, options, optional: false, wait_ms: 0 }
    }
}
